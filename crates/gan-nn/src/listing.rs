//! Which tensors there are, and how two lists of them differ.

use candle_core::{DType, Tensor};
use std::collections::BTreeMap;

/// Names of tensors, with their types and shapes.
pub type Listing = BTreeMap<String, (DType, Vec<usize>)>;

/// Differences that are named one by one; there may be thousands.
const MOST_NAMED: usize = 8;

/// The listing of named tensors.
pub(crate) fn listing<'a>(tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>) -> Listing {
    let entry = |(name, tensor): (&String, &Tensor)| (name.clone(), (tensor.dtype(), tensor.dims().to_vec()));
    tensors.into_iter().map(entry).collect()
}

/// What is wrong with `found` where `wanted` should be: tensors that are missing, of another type or shape, or too
/// many, in one line; nothing if they agree.
pub(crate) fn differences(wanted: &Listing, found: &Listing) -> Option<String> {
    let kind = |(dtype, shape): &(DType, Vec<usize>)| format!("{} {shape:?}", dtype.as_str());
    let wrong = wanted.iter().filter_map(|(name, wanted)| match found.get(name) {
        None => Some(format!("{name} is missing")),
        Some(found) if found != wanted => Some(format!("{name} is {}, not {}", kind(found), kind(wanted))),
        Some(_) => None,
    });
    let extra = found.keys().filter(|name| !wanted.contains_key(*name));
    let all: Vec<String> =
        wrong.chain(extra.map(|name| format!("there is no place for {}", printable(name)))).collect();
    let more = match all.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    (!all.is_empty()).then(|| all[..all.len().min(MOST_NAMED)].join("; ") + &more)
}

/// A name from a file that may be hostile: short, and no control characters for the terminal.
pub fn printable(name: &str) -> String {
    let start: String = name.chars().take(80).collect();
    start.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(tensors: &[(&str, DType, &[usize])]) -> Listing {
        tensors.iter().map(|(name, dtype, shape)| (name.to_string(), (*dtype, shape.to_vec()))).collect()
    }

    #[test]
    fn every_difference_is_named() {
        let wanted = list(&[
            ("a", DType::F32, &[2]),
            ("b", DType::F32, &[2, 3]),
            ("c", DType::I64, &[]),
            ("d", DType::F32, &[1]),
        ]);
        assert_eq!(differences(&wanted, &wanted), None);
        let found = list(&[
            ("b", DType::F32, &[3, 2]),
            ("c", DType::F32, &[]),
            ("d", DType::F32, &[1]),
            ("e\n", DType::U8, &[]),
        ]);
        assert_eq!(
            differences(&wanted, &found).unwrap(),
            "a is missing; b is f32 [3, 2], not f32 [2, 3]; c is f32 [], not i64 []; there is no place for e\\n"
        );
    }

    #[test]
    fn a_flood_of_differences_is_counted() {
        let many: Listing = (0..1000).map(|i| (format!("x{i:04}"), (DType::F32, vec![]))).collect();
        let said = differences(&list(&[]), &many).unwrap();
        assert!(said.ends_with("no place for x0007; and 992 more") && said.len() < 500, "{said}");
    }
}
