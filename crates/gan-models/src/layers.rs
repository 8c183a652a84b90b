//! The layers of the networks, and how they are applied one after the other.

use crate::params::Parameter;
use candle_core::{Result, Tensor, Var};
use gan_ops::Activation;

/// PyTorch's defaults for batch norm.
const BATCH_NORM_EPS: f64 = 1e-5;
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
pub(crate) enum Layer {
    /// weight `[out, in, kh, kw]`
    Conv2d {
        weight: Parameter,
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
        weight: Parameter,
        bias: Parameter,
    },
    BatchNorm2d(BatchNorm2d),
    Relu,
    LeakyRelu(f64),
    Tanh,
    /// Each sample takes this shape.
    Reshape(Vec<usize>),
}

#[derive(Debug)]
pub(crate) struct BatchNorm2d {
    pub weight: Parameter,
    pub bias: Parameter,
    pub running_mean: Var,
    pub running_var: Var,
    pub num_batches_tracked: Var,
}

impl Layer {
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        match self {
            Layer::Conv2d { weight, stride, padding } => {
                gan_ops::conv2d(x, &weight.tensor(), *stride, *padding)
            }
            Layer::ConvTranspose2d { weight, stride, padding } => {
                gan_ops::conv_transpose2d(x, &weight.tensor(), *stride, *padding, 0)
            }
            Layer::Linear { weight, bias } => x.matmul(&weight.tensor().t()?)?.broadcast_add(&bias.tensor()),
            Layer::BatchNorm2d(batch_norm) => batch_norm.forward(x, mode),
            Layer::Relu => gan_ops::relu(x),
            Layer::LeakyRelu(slope) => gan_ops::leaky_relu(x, *slope),
            Layer::Tanh => gan_ops::tanh(x),
            Layer::Reshape(shape) => x.reshape([&[x.dim(0)?], &shape[..]].concat()),
        }
    }
}

impl BatchNorm2d {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (weight, bias) = (self.weight.tensor(), self.bias.tensor());
        if mode == Mode::Eval {
            let (mean, var) = (self.running_mean.as_tensor(), self.running_var.as_tensor());
            return gan_ops::batch_norm2d_eval(
                x,
                &weight,
                &bias,
                &mean.detach(),
                &var.detach(),
                BATCH_NORM_EPS,
                Activation::Identity,
            );
        }
        let batch = gan_ops::batch_norm2d_train(x, &weight, &bias, BATCH_NORM_EPS, Activation::Identity)?;
        let tracked = self.num_batches_tracked.to_scalar::<i64>()? + 1;
        let momentum = if mode == Mode::Train { BATCH_NORM_MOMENTUM } else { 1.0 / tracked as f64 };
        gan_ops::lerp_in_place(&self.running_mean, &batch.mean, momentum)?;
        gan_ops::lerp_in_place(&self.running_var, &batch.unbiased_var, momentum)?;
        self.num_batches_tracked.set(&Tensor::new(tracked, x.device())?)?;
        Ok(batch.output)
    }
}
