//! What the tensors of a weight under spectral norm are called: as by `torch.nn.utils.parametrizations.spectral_norm`.

use candle_core::Tensor;
use std::collections::BTreeMap;

const ORIGINAL: &str = "parametrizations.weight.original";
const U: &str = "parametrizations.weight.0._u";
const V: &str = "parametrizations.weight.0._v";
/// The same in files of before, which neither of PyTorch's two forms loads.
const BEFORE: [(&str, &str); 3] = [(ORIGINAL, "weight"), (U, "weight_u"), (V, "weight_v")];

/// The names of a weight, `main.0.weight`, and of its singular vectors u and v once it is under spectral norm.
pub(crate) fn spectral_names(weight: &str) -> [String; 3] {
    let layer = weight.strip_suffix("weight").unwrap_or(weight);
    [ORIGINAL, U, V].map(|name| format!("{layer}{name}"))
}

/// Tensors that were saved under earlier names, under the names that are `wanted` now.
pub fn with_current_names<'a>(
    wanted: impl IntoIterator<Item = &'a String>,
    mut tensors: BTreeMap<String, Tensor>,
) -> BTreeMap<String, Tensor> {
    for name in wanted {
        let before =
            BEFORE.iter().find_map(|(now, before)| Some(name.strip_suffix(now)?.to_owned() + before));
        if let Some(before) = before
            && !tensors.contains_key(name)
            && let Some(tensor) = tensors.remove(&before)
        {
            tensors.insert(name.clone(), tensor);
        }
    }
    tensors
}
