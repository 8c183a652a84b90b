//! The reference of each fast op in plain Candle: what other devices run, and what the tests hold the kernels
//! to.
//!
//! Where Candle itself has a trap, the reference steps around it; the comments say how.
//!
//! [`only`] makes the CPU take this path, so that tests can hold it to PyTorch without another device.

use crate::activation::Activation;
use crate::adam::AdamStep;
use crate::batch_norm_output::BatchNormOutput;
use crate::channels::{by_channel, by_sample_and_channel};
use crate::padding::Padding;
use crate::pool_kind::Pool;
use crate::resample_shape::{pooled, shuffled, upsampled};
use crate::softmax::softmax;
use candle_core::{DType, Result, Tensor, Var};

mod norms;

pub use crate::switch::only;
pub(crate) use norms::{dual_row_norm, row_norm, standardise_dual};
pub use norms::{instance_norm2d, layer_norm};

/// For tests: each of these `#[test]`s of a file once more, in a module `on_references` and inside of
/// [`reference::only`](crate::reference::only).
#[macro_export]
macro_rules! also_on_references {
    ($($test:ident),+ $(,)?) => {
        mod on_references {
            $(
                #[test]
                fn $test() -> impl std::process::Termination {
                    $crate::reference::only(super::$test)
                }
            )+
        }
    };
}

/// As [`crate::conv2d`].
///
/// Candle takes the output padding of the input's gradient from the height alone, which is wrong for a
/// non-square image with a remainder. So the image is padded first and cut to the part that the kernel
/// visits: no remainder is left.
pub fn conv2d(input: &Tensor, weight: &Tensor, stride: usize, padding: impl Into<Padding>) -> Result<Tensor> {
    visited(input, weight, stride, padding.into())?.conv2d(&weight.contiguous()?, 0, stride, 1, 1)
}

/// As [`crate::attention`].
pub fn attention(query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
    let weights = softmax(&transpose(query)?.matmul(&key.contiguous()?)?)?;
    value.contiguous()?.matmul(&transpose(&weights)?)
}

/// `[N, A, B]` -> `[N, B, A]`
pub(crate) fn transpose(x: &Tensor) -> Result<Tensor> {
    x.transpose(1, 2)?.contiguous()
}

/// As [`crate::depthwise_conv2d`].
pub fn depthwise_conv2d(
    input: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: impl Into<Padding>,
) -> Result<Tensor> {
    let channels = input.dim(1)?;
    visited(input, weight, stride, padding.into())?.conv2d(&weight.contiguous()?, 0, stride, 1, channels)
}

/// The part of the padded input that the kernel visits.
fn visited(input: &Tensor, weight: &Tensor, stride: usize, padding: Padding) -> Result<Tensor> {
    let (_, _, h, w) = input.dims4()?;
    let (_, _, kernel_h, kernel_w) = weight.dims4()?;
    let visited = |side: usize, kernel: usize| (side - kernel) / stride * stride + kernel;
    input
        .pad_with_zeros(2, padding.top, padding.bottom)?
        .pad_with_zeros(3, padding.left, padding.right)?
        .narrow(2, 0, visited(h + padding.rows(), kernel_h))?
        .narrow(3, 0, visited(w + padding.columns(), kernel_w))?
        .contiguous()
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

/// As [`crate::Flow::pool2d`]: one tap of all windows after the other.
pub fn pool2d(x: &Tensor, pool: Pool, size: usize, stride: usize, padding: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let pad = |t: &Tensor| t.pad_with_zeros(2, padding, padding)?.pad_with_zeros(3, padding, padding);
    let inside = pad(&x.ones_like()?)?;
    let x = match pool {
        Pool::Average => pad(x)?,
        Pool::Max => {
            let least = Tensor::full(f32::NEG_INFINITY, inside.shape(), x.device())?.to_dtype(x.dtype())?;
            inside.gt(0.0)?.where_cond(&pad(x)?, &least)?
        }
    };
    let steps = |tap: usize, side: usize| {
        let places = (side + 2 * padding - size) / stride + 1;
        let steps: Vec<u32> = (0..places).map(|place| (place * stride + tap) as u32).collect();
        Tensor::new(steps, x.device())
    };
    let tap = |t: &Tensor, tap: usize| {
        let (rows, columns) = (steps(tap / size, h)?, steps(tap % size, w)?);
        t.contiguous()?.index_select(&rows, 2)?.index_select(&columns, 3)
    };
    let (mut total, mut count) = (tap(&x, 0)?, tap(&inside, 0)?);
    for number in 1..size * size {
        let next = tap(&x, number)?;
        match pool {
            Pool::Max => total = total.ge(&next)?.where_cond(&total, &next)?,
            Pool::Average => {
                total = (total + next)?;
                count = (count + tap(&inside, number)?)?;
            }
        }
    }
    if pool == Pool::Max { Ok(total) } else { total / count }
}

/// As [`Activation::apply`].
pub fn activation(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Relu => leaky_relu(x, 0.0),
        Activation::LeakyRelu(slope) => leaky_relu(x, slope),
        Activation::Tanh => x.tanh(),
        Activation::Relu6 => relu6(x),
    }
}

/// As [`crate::leaky_relu`]. Selecting by a mask gives the slope as the gradient at 0, as PyTorch has it.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    x.gt(0.0)?.where_cond(x, &(x * slope)?)
}

/// As [`Activation::Relu6`]: what is 6 or more is a constant.
pub fn relu6(x: &Tensor) -> Result<Tensor> {
    let six = Tensor::full(6.0, x.shape(), x.device())?.to_dtype(x.dtype())?;
    x.ge(6.0)?.where_cond(&six, &leaky_relu(x, 0.0)?)
}

/// As [`crate::Flow::activation_tangent`]: the tangent times the derivative, from y, what the activation
/// made.
pub fn activation_tangent(tangent: &Tensor, y: &Tensor, activation: Activation) -> Result<Tensor> {
    let gate = |slope: f64| y.gt(0.0)?.where_cond(tangent, &(tangent * slope)?);
    match activation {
        Activation::Identity => Ok(tangent.clone()),
        Activation::Relu => gate(0.0),
        Activation::LeakyRelu(slope) => gate(slope),
        Activation::Tanh => tangent * y.sqr()?.affine(-1.0, 1.0)?,
        Activation::Relu6 => y.ge(6.0)?.where_cond(&tangent.zeros_like()?, &gate(0.0)?),
    }
}

/// As [`crate::Flow::linear`].
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let y = x.matmul(&weight.t()?)?;
    let y = bias.map_or(Ok(y.clone()), |bias| y.broadcast_add(&by_channel(bias, &y)?))?;
    self::activation(&y, activation)
}

/// As [`crate::softplus`]: `max(x, 0) + ln(1 + exp(-|x|))`. At 0 Candle's gradients, 1 for relu and 1 for
/// abs, add up to the right 1/2.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    let small = x.abs()?.neg()?.exp()?;
    let sum = (&small + 1.0)?;
    let log = sum.log()?;
    // What the sum has lost of a small number the logarithm has too: ln(1 + y) is y ln(1 + r) / r, where r is
    // what is left of y in the sum (Kahan). The gradient loses nothing, and goes the plain way.
    let rest = (&sum - 1.0)?;
    let exact = rest.eq(0.0)?.where_cond(&small, &(&small * (&log / &rest)?)?)?;
    let lost = (exact - &log)?.detach();
    x.relu()? + (log + lost)?
}

/// As [`crate::sum_of_squares`], but added in f32: not every device has f64.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    x.to_dtype(DType::F32)?.sqr()?.sum_all()?.to_scalar::<f32>().map(f64::from)
}

/// As [`crate::lerp_in_place`].
pub fn lerp_in_place(target: &Var, source: &Tensor, weight: f64) -> Result<()> {
    target.set(&((target.as_tensor() * (1.0 - weight))? + (source * weight)?)?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, FlowState};
    use candle_core::Device;

    fn is_candles() -> bool {
        let x = Tensor::zeros((1, 2), DType::F32, &Device::Cpu).unwrap();
        matches!(Flow::enter(&x).unwrap().0, FlowState::Candle(_))
    }

    #[test]
    fn only_holds_inside_and_on_the_calling_thread_alone() {
        assert!(!is_candles());
        only(|| {
            assert!(is_candles());
            assert!(only(is_candles));
            assert!(is_candles(), "after a scope within the scope");
            assert!(std::panic::catch_unwind(|| only(|| panic!("to be caught"))).is_err());
            assert!(is_candles(), "after a panic within the scope");
            assert!(!std::thread::scope(|threads| threads.spawn(is_candles).join().unwrap()));
        });
        assert!(!is_candles());
        assert!(std::panic::catch_unwind(|| only(|| panic!("to be caught"))).is_err());
        assert!(!is_candles(), "after a panic");
    }

    #[test]
    fn only_holds_where_workers_are_kept_spinning() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        assert!(pool.install(|| only(|| crate::keep_workers_spinning(is_candles))));
        assert!(only(|| crate::keep_workers_spinning(is_candles)));
    }

    #[test]
    fn a_kernel_that_is_reached_in_spite_of_it_is_an_error() -> Result<()> {
        let x = Var::ones((1, 1, 2, 2), DType::F32, &Device::Cpu)?;
        let by_kernels = [crate::relu(&x)?, crate::upsample_nearest2d(&x, 2)?, crate::conv2d(&x, &x, 1, 1)?];
        for y in by_kernels {
            let loss = y.sum_all()?;
            let error = only(|| loss.backward().map(|_| ())).unwrap_err().to_string();
            assert!(error.contains("only references are to run"), "{error}");
        }
        Ok(())
    }
}
