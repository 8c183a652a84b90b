//! Batch normalisation of images (Ioffe & Szegedy 2015) and the activation after it, with PyTorch's numbers.
//!
//! Both modes end in the same pass, `y = activation(x * scale + shift)` with one scale and one shift a channel. In
//! training these come from the batch itself, and the gradient flows through them; in evaluation they are constants of x.
//! The backward pass computes the argument of the activation again from x: nothing but x is kept for it.

mod kernels;

use crate::activation::Activation;
use crate::cpu::{Real, dispatch, has_kernel, slice, with_slice};
use crate::reference;
use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, bail};
pub(crate) use kernels::{GradientSums, Normalization, Statistics};
pub(crate) use kernels::{gradient_sums, input_gradient, normalize, statistics};

/// What batch normalisation gives in training.
pub struct BatchNormOutput {
    /// The normalised and activated images `[N, C, H, W]`.
    pub output: Tensor,
    /// Mean of each channel of the batch, `[C]`, detached.
    pub mean: Tensor,
    /// Variance of each channel of the batch, divided by n - 1, `[C]`, detached: what the running variance takes in.
    pub unbiased_var: Tensor,
}

/// `activation(weight * (x - mean) / sqrt(var + eps) + bias)` with the statistics of the batch: x `[N, C, H, W]`, weight
/// and bias `[C]`.
///
/// One value a channel has no variance and is an error, as in PyTorch.
pub fn batch_norm2d_train(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<BatchNormOutput> {
    let (n, c, h, w) = x.dims4()?;
    let count = n * h * w;
    if count < 2 {
        bail!("batch norm in training needs more than one value a channel, and {:?} has {count}", x.dims());
    }
    if !has_kernel(x) {
        return reference::batch_norm2d_train(x, weight, bias, eps, activation);
    }
    let x = x.contiguous()?;
    let statistics = match x.dtype() {
        DType::F32 => with_slice::<f32, _>(&x, |x| statistics(x, c, h * w))?,
        _ => with_slice::<f64, _>(&x, |x| statistics(x, c, h * w))?,
    };
    let unbiased: Vec<f64> =
        statistics.var.iter().map(|var| var * count as f64 / (count - 1) as f64).collect();
    let as_tensor = |values: &[f64]| Tensor::new(values, &Device::Cpu)?.to_dtype(x.dtype());
    let (mean, unbiased_var) = (as_tensor(&statistics.mean)?, as_tensor(&unbiased)?);
    let op = NormalizeBatch { statistics, eps, activation };
    let output = x.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?;
    Ok(BatchNormOutput { output, mean, unbiased_var })
}

/// The same with fixed statistics: x `[N, C, H, W]`; weight, bias, running mean and running variance `[C]`.
pub fn batch_norm2d_eval(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    x.dims4()?;
    let scale = (weight / (running_var + eps)?.sqrt()?)?;
    let shift = (bias - (running_mean * &scale)?)?;
    if !has_kernel(x) || x.elem_count() == 0 {
        return reference::channel_affine(x, &scale, &shift, activation);
    }
    x.contiguous()?.apply_op3(&scale, &shift, ChannelAffine { activation })
}

/// x, weight, bias -> `activation((x - mean) * inverse_std * weight + bias)`, where the statistics are those of x itself.
struct NormalizeBatch {
    statistics: Statistics,
    eps: f64,
    activation: Activation,
}

/// x, scale, shift -> `activation(x * scale + shift)`, scale and shift one a channel.
struct ChannelAffine {
    activation: Activation,
}

/// What the two have in common: their arguments as a normalisation, and whether its statistics depend on x.
trait Normalize {
    const NAME: &'static str;
    const OF_BATCH: bool;

    fn normalization<T: Real>(&self, plane: usize, vectors: [&[T]; 2]) -> Normalization<T>;
}

impl Normalize for NormalizeBatch {
    const NAME: &'static str = "batch_norm2d";
    const OF_BATCH: bool = true;

    fn normalization<T: Real>(&self, plane: usize, [weight, bias]: [&[T]; 2]) -> Normalization<T> {
        Normalization::new(plane, &self.statistics, self.eps, weight, bias, self.activation)
    }
}

impl Normalize for ChannelAffine {
    const NAME: &'static str = "channel_affine";
    const OF_BATCH: bool = false;

    fn normalization<T: Real>(&self, plane: usize, [scale, shift]: [&[T]; 2]) -> Normalization<T> {
        let standard = Statistics { mean: vec![0.0; scale.len()], var: vec![1.0; scale.len()] };
        Normalization::new(plane, &standard, 0.0, scale, shift, self.activation)
    }
}

type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

macro_rules! custom_op {
    ($op:ty) => {
        impl CustomOp3 for $op {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn cpu_fwd(
                &self,
                s1: &CpuStorage,
                l1: &Layout,
                s2: &CpuStorage,
                l2: &Layout,
                s3: &CpuStorage,
                l3: &Layout,
            ) -> Result<(CpuStorage, Shape)> {
                let y = dispatch!(s1, Self::NAME, forward(self, (s1, l1), [(s2, l2), (s3, l3)]))?;
                Ok((y, l1.shape().clone()))
            }

            fn bwd(&self, x: &Tensor, w: &Tensor, b: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Gradients> {
                match x.dtype() {
                    DType::F32 => backward::<f32, _>(self, x, [w, b], dy),
                    _ => backward::<f64, _>(self, x, [w, b], dy),
                }
            }
        }
    };
}

custom_op!(NormalizeBatch);
custom_op!(ChannelAffine);

fn forward<T: Real>(
    op: &impl Normalize,
    (x, layout): (&CpuStorage, &Layout),
    vectors: [(&CpuStorage, &Layout); 2],
) -> Result<CpuStorage> {
    let (_, channels, h, w) = layout.shape().dims4()?;
    let vector = |(storage, layout)| match slice::<T>(storage, layout)? {
        vector if vector.len() == channels => Ok(vector),
        vector => bail!("{channels} channels and {} numbers to normalise them by", vector.len()),
    };
    let [first, second] = vectors;
    let norm = op.normalization(h * w, [vector(first)?, vector(second)?]);
    let x = slice::<T>(x, layout)?;
    let mut y = vec![T::zero(); x.len()];
    normalize(x, &mut y, &norm);
    Ok(T::to_cpu_storage_owned(y))
}

fn backward<T: Real, Op: Normalize>(
    op: &Op,
    x: &Tensor,
    vectors: [&Tensor; 2],
    dy: &Tensor,
) -> Result<Gradients> {
    let (_, channels, h, w) = x.dims4()?;
    let [first, second] = vectors.map(Tensor::to_vec1::<T>);
    let norm = op.normalization(h * w, [&first?, &second?]);
    let (dx, sums) = with_slice::<T, _>(x, |x| {
        with_slice::<T, _>(&dy.contiguous()?, |dy| {
            let sums = gradient_sums(x, dy, &norm);
            let mut dx = vec![T::zero(); x.len()];
            input_gradient(x, Some(dy), &mut dx, &norm, Op::OF_BATCH.then_some(&sums));
            (dx, sums)
        })
    })??;
    let vector = |values: Vec<f64>| Tensor::from_vec(values, channels, &Device::Cpu)?.to_dtype(x.dtype());
    let GradientSums { bias, weight } = sums;
    Ok((Some(Tensor::from_vec(dx, x.shape(), &Device::Cpu)?), Some(vector(weight)?), Some(vector(bias)?)))
}
