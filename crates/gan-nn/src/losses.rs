//! Losses that any network may want: means over all values, with gradients.

use candle_core::{Result, Tensor, bail};

pub use gan_ops::bce_with_logits;

/// Mean of `|x - y|`, both of one shape -> a scalar.
pub fn l1(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    (x - y)?.abs()?.mean_all()
}

/// Mean of `(x - y)^2`, both of one shape -> a scalar.
pub fn mse(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    (x - y)?.sqr()?.mean_all()
}

/// Mean over the images of `-log softmax(logits)[label]`, which AC-GAN's players minimise beside their loss (Odena et al.
/// 2017, eq. 3): logits `[N, K]` and N labels below K -> a scalar.
///
/// Finite for every finite logit: the largest of each image is subtracted first, which changes neither value nor gradient.
/// (Candle's own softmax over the last dimension drops its gradients.) An error if the numbers of logits and labels do not
/// fit, or a label is no class.
pub fn cross_entropy(logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
    let (count, classes) = logits.dims2()?;
    if labels.len() != count || labels.iter().any(|&label| label as usize >= classes) {
        bail!("cross entropy of {count} images and {classes} classes does not fit the labels {labels:?}");
    }
    let labels = Tensor::from_slice(labels, (count, 1), logits.device())?;
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(1)?)?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    shifted.broadcast_sub(&log_sum)?.gather(&labels, 1)?.mean_all()?.neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn value(logits: &[f64], labels: &[u32]) -> f64 {
        let rows = labels.len();
        let logits = Tensor::from_slice(logits, (rows, logits.len() / rows), &Device::Cpu).unwrap();
        cross_entropy(&logits, labels).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn values_are_those_computed_by_hand() {
        // exp: 1, 2, 5 -> probabilities 1/8, 1/4, 5/8; and the uniform distribution over three.
        let logits = [0.0, 2f64.ln(), 5f64.ln(), 7.0, 7.0, 7.0];
        let expected = (4f64.ln() + 3f64.ln()) / 2.0;
        assert!((value(&logits, &[1, 0]) - expected).abs() < 1e-15);
    }

    #[test]
    fn large_logits_overflow_nothing() {
        assert_eq!(value(&[1e4, 0.0, -1e4], &[0]), 0.0);
        assert_eq!(value(&[1e4, 0.0, -1e4], &[2]), 2e4);
    }

    #[test]
    fn the_gradient_is_softmax_minus_one_hot_and_that_of_differences() {
        let logits: [f64; 8] = [0.3, -1.2, 2.0, 0.0, 0.7, 0.7, -3.0, 1.5];
        let labels = [2, 1];
        let var = Var::from_tensor(&Tensor::from_slice(&logits, (2, 4), &Device::Cpu).unwrap()).unwrap();
        let gradients = cross_entropy(&var, &labels).unwrap().backward().unwrap();
        let gradient: Vec<f64> = gradients.get(&var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        for (i, &found) in gradient.iter().enumerate() {
            let row = &logits[i / 4 * 4..i / 4 * 4 + 4];
            let softmax = logits[i].exp() / row.iter().map(|x| x.exp()).sum::<f64>();
            let one_hot = if labels[i / 4] as usize == i % 4 { 1.0 } else { 0.0 };
            assert!((found - (softmax - one_hot) / 2.0).abs() < 1e-15, "{i}: {found}");
            let moved = |by: f64| {
                let mut logits = logits;
                logits[i] += by;
                value(&logits, &labels)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((found - difference).abs() < 1e-9, "{i}: {found} and {difference}");
        }
    }

    #[test]
    fn labels_that_do_not_fit_are_errors() {
        let logits = Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        for labels in [&[0, 3][..], &[0, 1, 2], &[]] {
            assert!(cross_entropy(&logits, labels).is_err(), "{labels:?}");
        }
    }
}
