//! The layers of the networks, and how they are applied one after the other.

use crate::params::Parameter;
use candle_core::{Result, Tensor, Var};
use gan_ops::{Activation, Dual, Epilogue, Flow, Precision};

/// PyTorch's defaults, for batch norm and the others.
const NORM_EPS: f64 = 1e-5;
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// How batch norm behaves in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalise by the batch, and let the running statistics follow it with momentum 0.1.
    Train,
    /// Normalise by the batch, and let the running statistics be the plain average over the batches seen since
    /// [`Params::reset_statistics`](crate::Params::reset_statistics).
    Recalibrate,
    /// Normalise by the running statistics: the same latent always gives the same image.
    Eval,
}

#[derive(Debug)]
#[allow(clippy::enum_variant_names)] // layer norm is what it is called
pub(crate) enum Layer {
    /// weight `[out, in, kh, kw]`
    Conv2d {
        weight: Weight,
        stride: usize,
        padding: usize,
    },
    /// weight `[in, out, kh, kw]`
    ConvTranspose2d {
        weight: Parameter,
        stride: usize,
        padding: usize,
    },
    /// weight `[out, in]`, bias `[out]`
    Linear {
        weight: Weight,
        bias: Parameter,
    },
    BatchNorm2d(BatchNorm2d),
    InstanceNorm2d(Affine),
    LayerNorm(Affine),
    Activation(Activation),
    /// Each sample takes this shape.
    Reshape(Vec<usize>),
}

/// Scale and shift of each channel.
#[derive(Debug)]
pub(crate) struct Affine {
    pub weight: Parameter,
    pub bias: Parameter,
}

/// A weight, and the singular vectors by which spectral norm knows how large it is.
#[derive(Debug)]
pub(crate) struct Weight {
    pub parameter: Parameter,
    pub spectral: Option<Spectral>,
}

/// Estimates of a weight's largest singular value: `u [out]` and `v [the rest]`, as PyTorch's `spectral_norm` keeps them.
#[derive(Debug)]
pub(crate) struct Spectral {
    pub u: Var,
    pub v: Var,
}

/// PyTorch's default for spectral norm.
pub(crate) const SPECTRAL_EPS: f64 = 1e-12;

impl Weight {
    /// The weight as the layer uses it; while training, its singular vectors are estimated one step further first.
    fn get(&self, mode: Mode) -> Result<gan_ops::Parameter> {
        let Some(Spectral { u, v }) = &self.spectral else { return Ok(self.parameter.get()) };
        if mode == Mode::Train {
            let weight = self.parameter.tensor().detach();
            let (new_u, new_v) = gan_ops::power_iteration(&weight, 0, u, v, SPECTRAL_EPS)?;
            u.set(&new_u)?;
            v.set(&new_v)?;
        }
        // The vectors are copied: later iterations must not change the graph that is made here.
        let (u, v) = (u.as_detached_tensor().copy()?, v.as_detached_tensor().copy()?);
        let value = gan_ops::spectral_norm(&self.parameter.tensor(), 0, &u, &v)?;
        Ok(gan_ops::Parameter { value, gradient: None })
    }
}

#[derive(Debug)]
pub(crate) struct BatchNorm2d {
    pub weight: Parameter,
    pub bias: Parameter,
    pub running_mean: Var,
    pub running_var: Var,
    pub num_batches_tracked: Var,
}

/// x through the layers, one after the other.
pub(crate) fn forward(layers: &[Layer], x: &Tensor, mode: Mode, precision: Precision) -> Result<Tensor> {
    gan_ops::awake(|| forward_awake(layers, x, mode, precision))
}

fn forward_awake(layers: &[Layer], x: &Tensor, mode: Mode, precision: Precision) -> Result<Tensor> {
    let mut x = Flow::enter(x)?;
    let mut layers = layers.iter().peekable();
    while let Some(layer) = layers.next() {
        // What comes next is done together with the layer, while its result is in the cache.
        let epilogue = match layers.peek() {
            Some(Layer::Activation(activation)) => Epilogue::Activation(*activation),
            Some(Layer::BatchNorm2d(_)) if mode != Mode::Eval => Epilogue::Moments,
            _ => Epilogue::Activation(Activation::Identity),
        };
        if let Some(Layer::Activation(_)) = layers.peek() {
            layers.next();
        }
        x = layer.forward(x.with_precision(precision), mode, epilogue)?;
    }
    x.leave()
}

impl Layer {
    /// The layer and its epilogue.
    fn forward(&self, x: Flow, mode: Mode, epilogue: Epilogue) -> Result<Flow> {
        let activation = epilogue.activation();
        match self {
            Layer::Conv2d { weight, stride, padding } => {
                x.conv2d(&weight.get(mode)?, *stride, *padding, epilogue)
            }
            Layer::ConvTranspose2d { weight, stride, padding } => {
                x.conv_transpose2d(&weight.get(), *stride, *padding, 0, epilogue)
            }
            Layer::Linear { weight, bias } => {
                let weight = match &weight.spectral {
                    None => weight.parameter.tensor(),
                    Some(_) => weight.get(mode)?.value,
                };
                let y = x.leave()?.matmul(&weight.t()?)?.broadcast_add(&bias.tensor())?;
                Flow::enter(&y)?.activate(activation)
            }
            Layer::BatchNorm2d(batch_norm) => batch_norm.forward(x, mode, activation),
            Layer::InstanceNorm2d(Affine { weight, bias }) => {
                let y = gan_ops::instance_norm2d(&x.leave()?, &weight.tensor(), &bias.tensor(), NORM_EPS)?;
                Flow::enter(&y)?.activate(activation)
            }
            Layer::LayerNorm(Affine { weight, bias }) => {
                let y = gan_ops::layer_norm(&x.leave()?, &weight.tensor(), &bias.tensor(), NORM_EPS)?;
                Flow::enter(&y)?.activate(activation)
            }
            Layer::Activation(own) => x.activate(*own)?.activate(activation),
            Layer::Reshape(shape) => {
                let batch = x.dims()[0];
                x.reshape([&[batch], &shape[..]].concat())?.activate(activation)
            }
        }
    }
}

/// x and its tangent through the layers, as they are in the last forward pass: with the batch's own statistics, and without
/// moving any estimate on.
pub(crate) fn forward_dual(layers: &[Layer], x: &Dual) -> Result<Dual> {
    layers.iter().try_fold(x.clone(), |x, layer| layer.forward_dual(&x))
}

impl Layer {
    fn forward_dual(&self, x: &Dual) -> Result<Dual> {
        match self {
            Layer::Conv2d { weight, stride, padding } => {
                x.conv2d(&weight.get(Mode::Eval)?.value, None, *stride, *padding)
            }
            Layer::Linear { weight, bias } => x.linear(&weight.get(Mode::Eval)?.value, Some(&bias.tensor())),
            Layer::BatchNorm2d(BatchNorm2d { weight, bias, .. }) => {
                x.batch_norm2d_train(&weight.tensor(), &bias.tensor(), NORM_EPS)
            }
            Layer::InstanceNorm2d(Affine { weight, bias }) => {
                x.instance_norm2d(&weight.tensor(), &bias.tensor(), NORM_EPS)
            }
            Layer::LayerNorm(Affine { weight, bias }) => {
                x.layer_norm(&weight.tensor(), &bias.tensor(), NORM_EPS)
            }
            Layer::Activation(activation) => x.activate(*activation),
            Layer::Reshape(shape) => {
                let batch = x.value.dim(0)?;
                x.reshape([&[batch], &shape[..]].concat())
            }
            Layer::ConvTranspose2d { .. } => {
                candle_core::bail!("no discriminator has transposed convolutions")
            }
        }
    }
}

impl BatchNorm2d {
    fn forward(&self, x: Flow, mode: Mode, activation: Activation) -> Result<Flow> {
        let (weight, bias) = (self.weight.get(), self.bias.get());
        if mode == Mode::Eval {
            let (mean, var) = (self.running_mean.as_tensor(), self.running_var.as_tensor());
            return x.batch_norm2d_eval(&weight, &bias, &mean.detach(), &var.detach(), NORM_EPS, activation);
        }
        let batch = x.batch_norm2d_train(&weight, &bias, NORM_EPS, activation)?;
        let tracked = self.num_batches_tracked.to_scalar::<i64>()? + 1;
        let momentum = if mode == Mode::Train { BATCH_NORM_MOMENTUM } else { 1.0 / tracked as f64 };
        gan_ops::lerp_in_place(&self.running_mean, &batch.mean, momentum)?;
        gan_ops::lerp_in_place(&self.running_var, &batch.unbiased_var, momentum)?;
        self.num_batches_tracked.set(&Tensor::new(tracked, self.num_batches_tracked.device())?)?;
        Ok(batch.output)
    }
}
