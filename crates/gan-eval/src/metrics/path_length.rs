//! Perceptual path length (Karras et al. 2019): how much the image changes along a short step between
//! latents.

use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};
use gan_rng::Stream;

/// How path lengths are sampled.
#[derive(Clone, Copy, Debug)]
pub struct PathOptions {
    /// Pairs of latents.
    pub samples: usize,
    /// Of them at a time.
    pub batch_size: usize,
    /// The length of the step, as a part of the way from one latent to the other.
    pub epsilon: f64,
    /// Along the great circle (slerp), as for Gaussian latents; a straight line if not.
    pub spherical: bool,
    /// Names the places on the way.
    pub seed: u64,
}

impl Default for PathOptions {
    fn default() -> Self {
        Self { samples: 1000, batch_size: 50, epsilon: 1e-4, spherical: true, seed: 0 }
    }
}

/// Path lengths of many pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathLength {
    /// Of the middle 98 %, as the paper has it.
    pub mean: f64,
    /// Standard deviation of these.
    pub deviation: f64,
}

/// The mean of `|f(z(t)) - f(z(t + epsilon))|^2 / epsilon^2`, where `z` leads from one latent to another and `t` is uniform over
/// [0, 1). `latents` gives the pairs, `[N, Z]` for the first of a batch and its size; `features` what a
/// network says of the images of latents, `[N, D]`.
///
/// # Errors
/// If there are no samples, or the features are not finite.
pub fn path_length(
    mut latents: impl FnMut(u64, usize) -> Result<[Tensor; 2]>,
    mut features: impl FnMut(&Tensor) -> Result<Tensor>,
    options: &PathOptions,
) -> Result<PathLength> {
    let mut lengths = Vec::with_capacity(options.samples);
    while lengths.len() < options.samples {
        let first = lengths.len() as u64;
        let count = options.batch_size.clamp(1, options.samples - lengths.len());
        let [from, to] = latents(first, count)?;
        let t = Stream::new(options.seed, "path length", first).uniforms(count, 0.0, 1.0);
        let t = Tensor::from_vec(t, (count, 1), &Device::Cpu)?.to_dtype(DType::F64)?;
        let at = |t: &Tensor| between(&from, &to, t, options.spherical);
        let (here, there) = (features(&at(&t)?)?, features(&at(&(&t + options.epsilon)?)?)?);
        let apart = (here.to_dtype(DType::F64)? - there.to_dtype(DType::F64)?)?.sqr()?.sum(1)?;
        lengths.extend(apart.affine(options.epsilon.powi(-2), 0.0)?.to_vec1::<f64>()?);
    }
    if lengths.is_empty() {
        return Err(Error::TooFewImages { measure: "a path length", least: 1, found: 0 });
    }
    if lengths.iter().any(|length| !length.is_finite()) {
        return Err(Error::NotFinite);
    }
    lengths.sort_by(f64::total_cmp);
    let cut = lengths.len() / 100;
    let middle = &lengths[cut..lengths.len() - cut];
    let mean = middle.iter().sum::<f64>() / middle.len() as f64;
    let variance = middle.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / middle.len() as f64;
    Ok(PathLength { mean, deviation: variance.sqrt() })
}

/// The latents at `t` (`[N, 1]`) of the way from `from` to `to`, both `[N, Z]`: in f64, as the steps are
/// short, and then as the latents are.
fn between(from: &Tensor, to: &Tensor, t: &Tensor, spherical: bool) -> Result<Tensor> {
    let kind = from.dtype();
    let (from, to) = (from.to_dtype(DType::F64)?, to.to_dtype(DType::F64)?);
    let straight = |a: &Tensor, b: &Tensor| -> Result<Tensor> {
        Ok((a.broadcast_mul(&t.affine(-1.0, 1.0)?)? + b.broadcast_mul(t)?)?)
    };
    if !spherical {
        return Ok(straight(&from, &to)?.to_dtype(kind)?);
    }
    // As StyleGAN has it: both on the unit sphere, and on along the great circle.
    let unit = |x: &Tensor| -> Result<Tensor> {
        Ok(x.broadcast_div(&x.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(f64::MIN_POSITIVE)?)?)
    };
    let length = from.sqr()?.sum_keepdim(1)?.sqrt()?;
    let (from, to) = (unit(&from)?, unit(&to)?);
    let dot = (&from * &to)?.sum_keepdim(1)?;
    let across = unit(&(&to - from.broadcast_mul(&dot)?)?)?;
    let angles: Vec<f64> = dot.flatten_all()?.to_vec1()?;
    let angles: Vec<f64> = angles.into_iter().map(|dot| libm::acos(dot.clamp(-1.0, 1.0))).collect();
    let angle = (Tensor::from_vec(angles, t.shape(), &Device::Cpu)? * t)?;
    let on = (from.broadcast_mul(&angle.cos()?)? + across.broadcast_mul(&angle.sin()?)?)?;
    Ok(on.broadcast_mul(&length)?.to_dtype(kind)?)
}
