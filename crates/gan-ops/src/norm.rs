//! Normalisation that does not mix the images of a batch, and the scale and shift of conditional norms.
//!
//! The norms are plain compositions of Candle's ops. (Candle's own layer norm drops its gradients.)

use crate::activation::Activation;
use crate::channels::by_channel;
use crate::flow::Flow;
use candle_core::{Result, Tensor, bail};

/// Instance norm (Ulyanov et al. 2016), as `torch.nn.functional.instance_norm` with statistics of the input:
/// `(x - mean) / sqrt(var + eps) * weight + bias`, mean and (biased) variance of each channel of each image.
///
/// x `[N, C, H, W]`, weight and bias `[C]` -> `[N, C, H, W]`. An error for images of a single pixel, where nothing but
/// the bias would be left.
pub fn instance_norm2d(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let normalised = standardise(&x.reshape((n * c, h * w))?, eps)?.normalised;
    affine(&normalised.reshape(x.shape())?, weight, bias)
}

/// Layer norm (Ba et al. 2016) with a weight and a bias for each channel, as `torch.nn.GroupNorm(1, C)`:
/// `(x - mean) / sqrt(var + eps) * weight + bias`, mean and (biased) variance over all that belongs to one sample.
///
/// x `[N, C, ...]`, weight and bias `[C]` -> `[N, C, ...]`. For x `[N, C]` this is `torch.nn.LayerNorm(C)`; for images that
/// one has a weight for each pixel of each channel, which ties a network to the size of its images. An error for samples of
/// a single value.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let normalised = standardise(&x.flatten_from(1)?, eps)?.normalised;
    affine(&normalised.reshape(x.shape())?, weight, bias)
}

/// `x * gamma + beta` with a scale and a shift for each channel of each sample: what makes a norm conditional, applied after
/// a norm of weight 1 and bias 0 (de Vries et al. 2017). Where a network predicts `gamma - 1`, add the 1 first.
///
/// x `[N, C, ...]`, gamma and beta `[N, C]` -> `[N, C, ...]`. An error for other shapes.
pub fn modulate(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    Flow::enter(x)?.modulate(gamma, beta, Activation::Identity)?.leave()
}

/// Rows of mean 0 and variance 1 (short of eps), and what the centred rows were divided by.
pub(crate) struct Standardised {
    pub normalised: Tensor,
    /// `[rows, 1]`
    pub deviation: Tensor,
}

/// x `[rows, values]`: each row by itself.
pub(crate) fn standardise(x: &Tensor, eps: f64) -> Result<Standardised> {
    let (_, values) = x.dims2()?;
    if values < 2 {
        bail!("a norm needs more than one value to take the mean of");
    }
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?;
    Ok(Standardised { normalised: centred.broadcast_div(&deviation)?, deviation })
}

fn affine(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_mul(&by_channel(weight, x)?)?.broadcast_add(&by_channel(bias, x)?)
}
