//! Inception Score (Salimans et al. 2016): each image clearly of one class, and all classes there. It never
//! looks at real images.

use crate::error::{Error, Result};
use candle_core::{D, DType, Tensor};
use candle_nn::ops::{log_softmax, softmax};

/// A score between 1 and the number of classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InceptionScore {
    /// Over the splits.
    pub mean: f64,
    /// Standard deviation over the splits.
    pub deviation: f64,
}

/// `exp(mean KL(p(class | image) | p(class)))` of logits `[N, K]`, over `splits` parts of the images (10 in the paper): mean and
/// deviation. It is only that of the paper with InceptionV3's logits.
///
/// # Errors
/// If there are fewer images than splits, or logits are NaN or infinity.
pub fn inception_score(logits: &Tensor, splits: usize) -> Result<InceptionScore> {
    let (count, _) = logits.dims2()?;
    let splits = splits.max(1);
    if count < splits {
        return Err(Error::TooFewImages { measure: "the Inception Score", least: splits, found: count });
    }
    let logits = logits.to_dtype(DType::F64)?;
    let mut scores = Vec::with_capacity(splits);
    for split in 0..splits {
        let (first, end) = (split * count / splits, (split + 1) * count / splits);
        let part = logits.narrow(0, first, end - first)?;
        let (p, log_p) = (softmax(&part, D::Minus1)?, log_softmax(&part, D::Minus1)?);
        let marginal = p.mean_keepdim(0)?;
        // A class that no image is of has probability 0 here and 0 there: its part is 0.
        let log_marginal = marginal.maximum(f64::MIN_POSITIVE)?.log()?;
        let divergence = (&p * log_p.broadcast_sub(&log_marginal)?)?.sum(1)?.mean_all()?;
        scores.push(divergence.to_scalar::<f64>()?.exp());
    }
    let mean = scores.iter().sum::<f64>() / splits as f64;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / splits as f64;
    let score = InceptionScore { mean, deviation: variance.sqrt() };
    if score.mean.is_finite() { Ok(score) } else { Err(Error::NotFinite) }
}
