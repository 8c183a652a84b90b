//! The reference of each fast op in plain Candle: what other devices run, and what the tests hold the kernels to.
//!
//! Where Candle itself has a trap, the reference steps around it; the comments say how.

use crate::activation::Activation;
use crate::batch_norm::BatchNormOutput;
use crate::norm::{by_channel, by_sample_and_channel};
use crate::optimizer::AdamStep;
use crate::resample::{pooled, shuffled, upsampled};
use candle_core::{Result, Tensor, Var};

/// As [`crate::conv2d`].
///
/// Candle takes the output padding of the input's gradient from the height alone, which is wrong for a non-square image
/// with a remainder. So the image is padded first and cut to the part that the kernel visits: no remainder is left.
pub fn conv2d(input: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let (_, _, h, w) = input.dims4()?;
    let (_, _, kernel_h, kernel_w) = weight.dims4()?;
    let visited = |side: usize, kernel: usize| (side + 2 * padding - kernel) / stride * stride + kernel;
    input
        .pad_with_zeros(2, padding, padding)?
        .pad_with_zeros(3, padding, padding)?
        .narrow(2, 0, visited(h, kernel_h))?
        .narrow(3, 0, visited(w, kernel_w))?
        .contiguous()?
        .conv2d(&weight.contiguous()?, 0, stride, 1, 1)
}

/// As [`crate::conv_transpose2d`].
pub fn conv_transpose2d(
    input: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    input.contiguous()?.conv_transpose2d(&weight.contiguous()?, padding, output_padding, stride, 1)
}

/// As [`crate::batch_norm2d_train`].
pub fn batch_norm2d_train(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<BatchNormOutput> {
    let (n, c, h, w) = x.dims4()?;
    let count = (n * h * w) as f64;
    // One row a channel: a single reduction along the last dimension.
    let rows = x.transpose(0, 1)?.reshape((c, n * h * w))?;
    let mean = rows.mean_keepdim(1)?;
    let centred = rows.broadcast_sub(&mean)?;
    let var = centred.sqr()?.mean_keepdim(1)?;
    let normalised = centred.broadcast_div(&(&var + eps)?.sqrt()?)?;
    let scaled = normalised.broadcast_mul(&weight.reshape((c, 1))?)?.broadcast_add(&bias.reshape((c, 1))?)?;
    let output = self::activation(&scaled.reshape((c, n, h, w))?.transpose(0, 1)?.contiguous()?, activation)?;
    let unbiased_var = (var.detach().reshape(c)? * (count / (count - 1.0)))?;
    Ok(BatchNormOutput { output, mean: mean.detach().reshape(c)?, unbiased_var })
}

/// `activation(x * scale + shift)`: x `[N, C, H, W]`, scale and shift `[C]`.
pub fn channel_affine(x: &Tensor, scale: &Tensor, shift: &Tensor, activation: Activation) -> Result<Tensor> {
    let by_channel = |vector: &Tensor| vector.reshape((1, (), 1, 1));
    let affine = x.broadcast_mul(&by_channel(scale)?)?.broadcast_add(&by_channel(shift)?)?;
    self::activation(&affine, activation)
}

/// As [`crate::Flow::add_bias`].
pub fn add_bias(x: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    self::activation(&x.broadcast_add(&by_channel(bias, x)?)?, activation)
}

/// As [`crate::Flow::modulate`].
pub fn modulate(x: &Tensor, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Tensor> {
    let scaled = x.broadcast_mul(&by_sample_and_channel(gamma, x)?)?;
    self::activation(&scaled.broadcast_add(&by_sample_and_channel(beta, x)?)?, activation)
}

/// As [`crate::upsample_nearest2d`].
pub fn upsample_nearest2d(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (n, c, h, w) = upsampled(x.dims(), factor)?;
    let (from_h, from_w) = (h / factor, w / factor);
    let squares = x.reshape((n * c * from_h, 1, from_w, 1))?;
    squares.broadcast_as((n * c * from_h, factor, from_w, factor))?.reshape((n, c, h, w))
}

/// As [`crate::pixel_shuffle`].
pub fn pixel_shuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (n, c, h, w) = shuffled(x.dims(), factor)?;
    let squares = x.reshape((n, c, factor, factor, h / factor, w / factor))?;
    squares.permute((0, 1, 4, 2, 5, 3))?.reshape((n, c, h, w))
}

/// As [`crate::avg_pool2d`].
pub fn avg_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    let (n, c, h, w) = pooled(x.dims(), size)?;
    let read = x.narrow(2, 0, h * size)?.narrow(3, 0, w * size)?;
    read.reshape((n * c * h, size, w, size))?.mean((1, 3))?.reshape((n, c, h, w))
}

/// As [`Activation::apply`].
pub fn activation(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Relu => leaky_relu(x, 0.0),
        Activation::LeakyRelu(slope) => leaky_relu(x, slope),
        Activation::Tanh => x.tanh(),
    }
}

/// As [`crate::leaky_relu`]. Selecting by a mask gives the slope as the gradient at 0, as PyTorch has it.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    x.gt(0.0)?.where_cond(x, &(x * slope)?)
}

/// As [`crate::softplus`]: `max(x, 0) + ln(1 + exp(-|x|))`. At 0 Candle's gradients, 1 for relu and 1 for abs, add up to
/// the right 1/2.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

/// As [`crate::adam_step`].
pub fn adam_step(parameter: &Var, gradient: &Tensor, m: &Var, v: &Var, adam: AdamStep) -> Result<()> {
    let AdamStep { beta1, beta2, eps, .. } = adam;
    let (step_size, root_correction) = adam.corrections();
    m.set(&((m.as_tensor() * beta1)? + (gradient * (1.0 - beta1))?)?)?;
    v.set(&((v.as_tensor() * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?)?;
    let denominator = ((v.sqrt()? / root_correction)? + eps)?;
    parameter.set(&(parameter.as_tensor() - (m.div(&denominator)? * step_size)?)?)
}
