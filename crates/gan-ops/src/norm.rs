//! Normalisation that does not mix the images of a batch, and the scale and shift of conditional norms.

use crate::activation::Activation;
use crate::flow::Flow;
use candle_core::{Result, Tensor};

/// Instance norm (Ulyanov et al. 2016), as `torch.nn.functional.instance_norm` with statistics of the input:
/// `(x - mean) / sqrt(var + eps) * weight + bias`, mean and (biased) variance of each channel of each image.
///
/// x `[N, C, H, W]`, weight and bias `[C]` -> `[N, C, H, W]`. An error for images of a single pixel, where nothing but
/// the bias would be left.
pub fn instance_norm2d(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    Flow::enter(x)?.instance_norm2d(&weight.into(), &bias.into(), eps, Activation::Identity)?.leave()
}

/// Layer norm (Ba et al. 2016) with a weight and a bias for each channel, as `torch.nn.GroupNorm(1, C)`:
/// `(x - mean) / sqrt(var + eps) * weight + bias`, mean and (biased) variance over all that belongs to one sample.
///
/// x `[N, C, ...]`, weight and bias `[C]` -> `[N, C, ...]`. For x `[N, C]` this is `torch.nn.LayerNorm(C)`; for images that
/// one has a weight for each pixel of each channel, which ties a network to the size of its images. An error for samples of
/// a single value.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    Flow::enter(x)?.layer_norm(&weight.into(), &bias.into(), eps, Activation::Identity)?.leave()
}

/// `x * gamma + beta` with a scale and a shift for each channel of each sample: what makes a norm conditional, applied after
/// a norm of weight 1 and bias 0 (de Vries et al. 2017). Where a network predicts `gamma - 1`, add the 1 first.
///
/// x `[N, C, ...]`, gamma and beta `[N, C]` -> `[N, C, ...]`. An error for other shapes.
pub fn modulate(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    Flow::enter(x)?.modulate(gamma, beta, Activation::Identity)?.leave()
}
