//! Batch normalisation of images (Ioffe & Szegedy 2015), with PyTorch's numbers.
//!
//! Both modes end in the same pass, `y = x * scale + shift` with one scale and one shift a channel. In training these
//! come from the batch itself, and the gradient flows through them; in evaluation they are constants of x.

use crate::cpu::{Real, dispatch, has_kernel, slice, widen, with_slice};
use crate::reference;
use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// What batch normalisation gives in training.
pub struct BatchNormOutput {
    /// The normalised images `[N, C, H, W]`.
    pub output: Tensor,
    /// Mean of each channel of the batch, `[C]`, detached.
    pub mean: Tensor,
    /// Variance of each channel of the batch, divided by n - 1, `[C]`, detached: what the running variance takes in.
    pub unbiased_var: Tensor,
}

/// Normalises with the statistics of the batch: x `[N, C, H, W]`, weight and bias `[C]`.
///
/// One value a channel has no variance and is an error, as in PyTorch.
pub fn batch_norm2d_train(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<BatchNormOutput> {
    let (n, c, h, w) = x.dims4()?;
    let count = n * h * w;
    if count < 2 {
        bail!("batch norm in training needs more than one value a channel, and {:?} has {count}", x.dims());
    }
    if !has_kernel(x) {
        return reference::batch_norm2d_train(x, weight, bias, eps);
    }
    let x = x.contiguous()?;
    let (mean, var) = match x.dtype() {
        DType::F32 => with_slice::<f32, _>(&x, |x| statistics(x, c, h * w))?,
        _ => with_slice::<f64, _>(&x, |x| statistics(x, c, h * w))?,
    };
    let unbiased: Vec<f64> = var.iter().map(|var| var * count as f64 / (count - 1) as f64).collect();
    let as_tensor = |values: &[f64]| Tensor::new(values, &Device::Cpu)?.to_dtype(x.dtype());
    let (mean_tensor, unbiased_var) = (as_tensor(&mean)?, as_tensor(&unbiased)?);
    let inverse_std = var.iter().map(|var| 1.0 / (var + eps).sqrt()).collect();
    let output =
        x.apply_op3(&weight.contiguous()?, &bias.contiguous()?, NormalizeBatch { mean, inverse_std })?;
    Ok(BatchNormOutput { output, mean: mean_tensor, unbiased_var })
}

/// Normalises with fixed statistics: x `[N, C, H, W]`; weight, bias, running mean and running variance `[C]`.
pub fn batch_norm2d_eval(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    x.dims4()?;
    let scale = (weight / (running_var + eps)?.sqrt()?)?;
    let shift = (bias - (running_mean * &scale)?)?;
    if !has_kernel(x) {
        return reference::channel_affine(x, &scale, &shift);
    }
    x.contiguous()?.apply_op3(&scale, &shift, ChannelAffine)
}

/// x, weight, bias -> `(x - mean) * inverse_std * weight + bias`, where mean and deviation are those of x itself.
struct NormalizeBatch {
    mean: Vec<f64>,
    inverse_std: Vec<f64>,
}

/// x, scale, shift -> `x * scale + shift`, scale and shift one a channel.
struct ChannelAffine;

impl CustomOp3 for NormalizeBatch {
    fn name(&self) -> &'static str {
        "batch_norm2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(
            op: &NormalizeBatch,
            (x, layout): (&CpuStorage, &Layout),
            (weight, weight_layout): (&CpuStorage, &Layout),
            (bias, bias_layout): (&CpuStorage, &Layout),
        ) -> Result<CpuStorage> {
            let (weight, bias) = (slice::<T>(weight, weight_layout)?, slice::<T>(bias, bias_layout)?);
            let scale: Vec<T> =
                weight.iter().zip(&op.inverse_std).map(|(&w, s)| T::from_f64(widen(w) * s)).collect();
            let shift: Vec<T> = (bias.iter().zip(&scale).zip(&op.mean))
                .map(|((&b, &s), mean)| T::from_f64(widen(b) - widen(s) * mean))
                .collect();
            Ok(T::to_cpu_storage_owned(channel_affine(slice(x, layout)?, layout, &scale, &shift)?))
        }
        let y = dispatch!(
            x,
            self.name(),
            run(self, (x, x_layout), (weight, weight_layout), (bias, bias_layout))
        )?;
        Ok((y, x_layout.shape().clone()))
    }

    /// With xhat = (x - mean) * inverse_std over the m values of a channel:
    /// `dbias = sum(dy)`, `dweight = sum(dy * xhat)`, `dx = weight * inverse_std * (dy - dbias / m - xhat * dweight / m)`.
    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        match x.dtype() {
            DType::F32 => self.backward::<f32>(x, weight, &dy),
            _ => self.backward::<f64>(x, weight, &dy),
        }
    }
}

impl NormalizeBatch {
    fn backward<T: Real>(
        &self,
        x: &Tensor,
        weight: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (n, channels, h, w) = x.dims4()?;
        let (plane, count) = (h * w, (n * h * w) as f64);
        let weight: Vec<T> = weight.to_vec1()?;
        let (dx, dweight, dbias) = with_slice::<T, _>(x, |x| {
            with_slice::<T, _>(dy, |dy| {
                let sums: Vec<(f64, f64)> = (0..channels)
                    .into_par_iter()
                    .map(|c| {
                        let mean = T::from_f64(self.mean[c]);
                        let dbias = sum_channel((dy, dy), c, channels, plane, |dy, _| dy);
                        let dot = sum_channel((dy, x), c, channels, plane, |dy, x| dy * (x - mean));
                        (dbias, dot * self.inverse_std[c])
                    })
                    .collect();
                let mut dx = vec![T::zero(); x.len()];
                dx.par_chunks_mut(plane).enumerate().for_each(|(index, dx)| {
                    let c = index % channels;
                    let ((dbias, dweight), inverse_std) = (sums[c], self.inverse_std[c]);
                    let scale = T::from_f64(widen(weight[c]) * inverse_std);
                    let (mean, offset) = (T::from_f64(self.mean[c]), T::from_f64(dbias / count));
                    let slope = T::from_f64(inverse_std * dweight / count);
                    let (x, dy) = (&x[index * plane..][..plane], &dy[index * plane..][..plane]);
                    for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                        *dx = scale * (dy - offset - (x - mean) * slope);
                    }
                });
                let (dbias, dweight): (Vec<T>, Vec<T>) =
                    sums.iter().map(|&(b, w)| (T::from_f64(b), T::from_f64(w))).unzip();
                (dx, dweight, dbias)
            })
        })??;
        let vector = |values: Vec<T>| Tensor::from_vec(values, channels, &Device::Cpu);
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), &Device::Cpu)?),
            Some(vector(dweight)?),
            Some(vector(dbias)?),
        ))
    }
}

impl CustomOp3 for ChannelAffine {
    fn name(&self) -> &'static str {
        "channel_affine"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(
            (x, layout): (&CpuStorage, &Layout),
            (scale, scale_layout): (&CpuStorage, &Layout),
            (shift, shift_layout): (&CpuStorage, &Layout),
        ) -> Result<CpuStorage> {
            let (scale, shift) = (slice::<T>(scale, scale_layout)?, slice::<T>(shift, shift_layout)?);
            Ok(T::to_cpu_storage_owned(channel_affine(slice(x, layout)?, layout, scale, shift)?))
        }
        let y = dispatch!(x, self.name(), run((x, x_layout), (scale, scale_layout), (shift, shift_layout)))?;
        Ok((y, x_layout.shape().clone()))
    }

    // Evaluation is rarely differentiated: plain Candle is good enough.
    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        _shift: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dx = dy.broadcast_mul(&scale.reshape((1, (), 1, 1))?)?;
        let dscale = (dy * x)?.sum((0, 2, 3))?;
        let dshift = dy.sum((0, 2, 3))?;
        Ok((Some(dx), Some(dscale), Some(dshift)))
    }
}

fn channel_affine<T: Real>(x: &[T], layout: &Layout, scale: &[T], shift: &[T]) -> Result<Vec<T>> {
    let (_, channels, h, w) = layout.shape().dims4()?;
    if scale.len() != channels || shift.len() != channels {
        bail!("batch norm over {} channels was given {channels}", scale.len());
    }
    let plane = h * w;
    let mut y = vec![T::zero(); x.len()];
    y.par_chunks_mut(plane).zip(x.par_chunks(plane)).enumerate().for_each(|(index, (y, x))| {
        let (scale, shift) = (scale[index % channels], shift[index % channels]);
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * scale + shift);
    });
    Ok(y)
}

/// Mean and variance (divided by n) of each channel of x `[N, C, plane]`.
fn statistics<T: Real>(x: &[T], channels: usize, plane: usize) -> (Vec<f64>, Vec<f64>) {
    let count = (x.len() / channels) as f64;
    (0..channels)
        .into_par_iter()
        .map(|c| {
            let mean = sum_channel((x, x), c, channels, plane, |x, _| x) / count;
            let rounded = T::from_f64(mean);
            let square = |x: T, _| (x - rounded) * (x - rounded);
            (mean, sum_channel((x, x), c, channels, plane, square) / count)
        })
        .unzip()
}

/// The sum of `value(a, b)` over all elements of channel c of a and b, both `[N, channels, plane]`: 16 running sums a
/// plane, for speed and accuracy, and planes added in f64. The order depends on the shape alone.
fn sum_channel<T: Real>(
    (a, b): (&[T], &[T]),
    c: usize,
    channels: usize,
    plane: usize,
    value: impl Fn(T, T) -> T,
) -> f64 {
    const LANES: usize = 16;
    let mut total = 0.0;
    for start in (c * plane..a.len()).step_by(channels * plane) {
        let (a, a_rest) = a[start..][..plane].as_chunks::<LANES>();
        let (b, b_rest) = b[start..][..plane].as_chunks::<LANES>();
        let mut lanes = [T::zero(); LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                lanes[lane] += value(a[lane], b[lane]);
            }
        }
        for (&a, &b) in a_rest.iter().zip(b_rest) {
            lanes[0] += value(a, b);
        }
        total += lanes.iter().map(|&lane| widen(lane)).sum::<f64>();
    }
    total
}
