//! Batch normalisation of images (Ioffe & Szegedy 2015) and the activation after it, with PyTorch's numbers.
//!
//! Both modes end in the same pass, `y = activation(x * scale + shift)` with one scale and one shift a channel. In
//! training these come from the batch itself, and the gradient flows through them; in evaluation they are constants of x.
//! The backward pass computes the argument of the activation again from x: nothing but x is kept for it.

mod kernels;

pub(crate) use kernels::moments_of_plane;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use kernels::moments_of_planes;

use crate::activation::Activation;
use crate::batch_norm_output::BatchNormOutput;
use crate::cpu::Real;
use crate::flow::{Backward, Flow, FlowState, Own};
use crate::gradient::{Destination, Parameter};
use crate::reference;
use crate::scratch::Scratch;
use crate::values::{GradientSlot, Values};
use candle_core::{Device, Result, Tensor, bail};
use kernels::{Normalization, Statistics, gradient_sums, input_gradient, moments, normalize, statistics};
use std::sync::Arc;
use tracing::trace_span;

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
    let BatchNormOutput { output, mean, unbiased_var } =
        Flow::enter(x)?.batch_norm2d_train(&weight.into(), &bias.into(), eps, activation)?;
    Ok(BatchNormOutput { output: output.leave()?, mean, unbiased_var })
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
    Flow::enter(x)?
        .batch_norm2d_eval(&weight.into(), &bias.into(), running_mean, running_var, eps, activation)?
        .leave()
}

impl Flow {
    /// [`batch_norm2d_train`].
    pub fn batch_norm2d_train(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<BatchNormOutput<Self>> {
        let &[n, c, h, w] = self.dims() else {
            bail!("batch norm takes [N, C, H, W], not {:?}", self.dims())
        };
        let count = n * h * w;
        if count < 2 {
            bail!(
                "batch norm in training needs more than one value a channel, and {:?} has {count}",
                self.dims()
            );
        }
        match self.0 {
            FlowState::Candle(x) => {
                let BatchNormOutput { output, mean, unbiased_var } =
                    reference::batch_norm2d_train(&x, &weight.value, &bias.value, eps, activation)?;
                Ok(BatchNormOutput { output: Self(FlowState::Candle(output)), mean, unbiased_var })
            }
            FlowState::Own(x) => {
                let _span = trace_span!("batch norm, statistics").entered();
                let statistics = match (&x.moments, &*x.values) {
                    (Some(moments), _) => statistics(moments, c),
                    (None, Values::F32(x)) => statistics(&moments(x, h * w), c),
                    (None, Values::F64(x)) => statistics(&moments(x, h * w), c),
                };
                let unbiased: Vec<f64> =
                    statistics.var.iter().map(|var| var * count as f64 / (count - 1) as f64).collect();
                let as_tensor =
                    |values: &[f64]| Tensor::new(values, &Device::Cpu)?.to_dtype(weight.value.dtype());
                let (mean, unbiased_var) = (as_tensor(&statistics.mean)?, as_tensor(&unbiased)?);
                let output = x.normalize([weight, bias], &statistics, eps, activation, true)?;
                Ok(BatchNormOutput { output, mean, unbiased_var })
            }
        }
    }

    /// [`batch_norm2d_eval`].
    pub fn batch_norm2d_eval(
        self,
        weight: &Parameter,
        bias: &Parameter,
        running_mean: &Tensor,
        running_var: &Tensor,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        let scale = (&weight.value / (running_var + eps)?.sqrt()?)?;
        let shift = (&bias.value - (running_mean * &scale)?)?;
        match self.0 {
            FlowState::Candle(x) => {
                Ok(Self(FlowState::Candle(reference::channel_affine(&x, &scale, &shift, activation)?)))
            }
            FlowState::Own(x) => {
                let channels = scale.elem_count();
                let standard = Statistics { mean: vec![0.0; channels], var: vec![1.0; channels] };
                x.normalize([&(&scale).into(), &(&shift).into()], &standard, 0.0, activation, false)
            }
        }
    }
}

impl Own {
    fn normalize(
        self,
        parameters: [&Parameter; 2],
        statistics: &Statistics,
        eps: f64,
        activation: Activation,
        of_batch: bool,
    ) -> Result<Flow> {
        match *self.values {
            Values::F32(_) => self.normalize_as::<f32>(parameters, statistics, eps, activation, of_batch),
            Values::F64(_) => self.normalize_as::<f64>(parameters, statistics, eps, activation, of_batch),
        }
    }

    fn normalize_as<T: Real>(
        self,
        [weight, bias]: [&Parameter; 2],
        statistics: &Statistics,
        eps: f64,
        activation: Activation,
        of_batch: bool,
    ) -> Result<Flow> {
        let (_, channels, h, w) = self.dims4()?;
        for parameter in [weight, bias] {
            if parameter.value.dims() != [channels] {
                bail!("batch norm of {channels} channels was given {:?} parameters", parameter.value.dims());
            }
        }
        let (weights, biases) = (weight.value.to_vec1::<T>()?, bias.value.to_vec1::<T>()?);
        let norm = Normalization::new(h * w, statistics, eps, &weights, &biases, activation);
        let _span = trace_span!("batch norm").entered();
        let x = self.values.slice::<T>()?;
        let mut y = Scratch::take(x.len());
        if !x.is_empty() {
            normalize(x, &mut y, &norm);
        }
        let ((weight, weight_gradient), (bias, bias_gradient)) = (weight.watch()?, bias.watch()?);
        self.then(T::wrap(y), &self.shape, [&weight, &bias], |_| NormalizationGradient {
            norm,
            of_batch,
            x: self.values.clone(),
            x_gradient: self.wants_gradient(),
            weight_gradient,
            bias_gradient,
        })
    }
}

/// What the gradient of a normalisation needs: of all activations x alone.
struct NormalizationGradient<T> {
    norm: Normalization<T>,
    /// Whether the statistics are those of x, and the gradient flows through them.
    of_batch: bool,
    x: Arc<Values>,
    x_gradient: Option<GradientSlot>,
    weight_gradient: Option<Destination>,
    bias_gradient: Option<Destination>,
}

impl<T: Real> Backward for NormalizationGradient<T> {
    const NAME: &'static str = "batch_norm2d";

    fn backward(&self, mut dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("batch norm, backward").entered();
        let x = self.x.slice::<T>()?;
        let sums = gradient_sums(x, dy.slice::<T>()?, &self.norm);
        for (destination, gradient) in
            [(&self.weight_gradient, &sums.weight), (&self.bias_gradient, &sums.bias)]
        {
            if let Some(destination) = destination {
                destination.put_numbers::<T>(gradient)?;
            }
        }
        if let Some(slot) = &self.x_gradient {
            input_gradient(
                x,
                Arc::make_mut(&mut dy).slice_mut::<T>()?,
                &self.norm,
                self.of_batch.then_some(&sums),
            );
            slot.add(dy)?;
        }
        Ok(())
    }
}
