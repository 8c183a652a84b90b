//! Kernel distance between two sets of features (Bińkowski et al. 2018): unbiased for any number of images,
//! unlike FID.

use super::Features;
use crate::error::Result;
use candle_core::Tensor;
use gan_rng::Stream;

/// How a kernel distance is estimated.
#[derive(Clone, Copy, Debug)]
pub struct KidOptions {
    /// Subsets to average over.
    pub subsets: usize,
    /// Images in a subset, of each of the two sets; all, where there are fewer.
    pub subset_size: usize,
    /// Names the subsets.
    pub seed: u64,
}

impl Default for KidOptions {
    /// 100 subsets of 1,000, as torch-fidelity has it.
    fn default() -> Self {
        Self { subsets: 100, subset_size: 1000, seed: 0 }
    }
}

/// A kernel distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kid {
    /// Over the subsets. As the estimate is unbiased, that of two equal distributions lies around 0, on both
    /// sides.
    pub mean: f64,
    /// Standard deviation over the subsets.
    pub deviation: f64,
}

/// The mean over random subsets of [`mmd2`], with its deviation.
///
/// # Errors
/// If there are fewer than two images in a set, or features of different networks.
pub fn kid(real: &Features, fake: &Features, options: &KidOptions) -> Result<Kid> {
    real.expect(fake, "KID", 2)?;
    let size = options.subset_size.clamp(2, real.len().min(fake.len()));
    let mut estimates = Vec::with_capacity(options.subsets.max(1));
    for subset in 0..options.subsets.max(1) as u64 {
        let part = |features: &Features, whose: &str| {
            let order =
                Stream::new(options.seed, &format!("kid/{whose}"), subset).permutation(features.len());
            features.select(&order[..size])
        };
        estimates.push(mmd2(&part(real, "real"), &part(fake, "fake"))?);
    }
    let mean = estimates.iter().sum::<f64>() / estimates.len() as f64;
    let variance = estimates.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / estimates.len() as f64;
    Ok(Kid { mean, deviation: variance.sqrt() })
}

/// The unbiased estimate of the squared maximum mean discrepancy with the kernel `(x . y / D + 1)^3` (Gretton
/// et al. 2012, lemma 6; the two sets need not be of one size).
///
/// # Errors
/// If there are fewer than two images in a set, or features of different networks.
pub fn mmd2(x: &Features, y: &Features) -> Result<f64> {
    x.expect(y, "KID", 2)?;
    let (m, n) = (x.len() as f64, y.len() as f64);
    let (x, y) = (x.matrix()?, y.matrix()?);
    let (xx, yy, xy) = (kernel(&x, &x)?, kernel(&y, &y)?, kernel(&x, &y)?);
    let sum = |k: &Tensor| -> Result<f64> { Ok(k.sum_all()?.to_scalar()?) };
    // Without the diagonal: an image beside itself says nothing of the distribution.
    let off_diagonal =
        |k: &Tensor, x: &Tensor| -> Result<f64> { Ok(sum(k)? - sum(&cubed(&x.sqr()?.sum(1)?, x.dim(1)?)?)?) };
    Ok(off_diagonal(&xx, &x)? / (m * (m - 1.0)) + off_diagonal(&yy, &y)? / (n * (n - 1.0))
        - 2.0 * sum(&xy)? / (m * n))
}

fn kernel(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    cubed(&x.matmul(&y.t()?)?, x.dim(1)?)
}

fn cubed(products: &Tensor, dim: usize) -> Result<Tensor> {
    let base = products.affine(1.0 / dim as f64, 1.0)?;
    Ok((base.sqr()? * base)?)
}
