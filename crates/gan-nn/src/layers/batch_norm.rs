//! Batch norm, with a scale and a shift for each channel, or for each channel of each class.

use super::{Affine, NORM_EPS};
use crate::context::{Context, Mode};
use crate::value::Value;
use candle_core::{DType, Result, Tensor, Var};
use gan_ops::{Activation, Parameter};

/// PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Batch norm (Ioffe & Szegedy 2015) of `[N, C, H, W]`, as `torch.nn.BatchNorm2d`; or conditional batch norm (de Vries et
/// al. 2017; Miyato & Koyama 2018), with a scale and a shift for each class.
#[derive(Clone, Debug)]
pub struct BatchNorm2d {
    /// `[C]` each; of conditional batch norm `[K, C]`, a row a class.
    pub(crate) affine: Affine,
    pub(crate) running_mean: Var,
    pub(crate) running_var: Var,
    pub(crate) num_batches_tracked: Var,
}

impl BatchNorm2d {
    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity)
    }

    pub(crate) fn apply_with<V: Value>(&self, x: V, context: &Context, activation: Activation) -> Result<V> {
        let Affine { weight, bias } = &self.affine;
        let &[known, _] = weight.dims() else {
            return self.normalise(x, &weight.get(context), &bias.get(context), context, activation);
        };
        let one = |value: f64| -> Result<Parameter> {
            let mean = self.running_mean.as_tensor();
            Ok((&mean.zeros_like()?.affine(1.0, value)?.detach()).into())
        };
        let normalised = self.normalise(x, &one(1.0)?, &one(0.0)?, context, Activation::Identity)?;
        let classes = context.one_hot(known, self.running_mean.device())?;
        let (gamma, beta) =
            (classes.matmul(&weight.tensor(context))?, classes.matmul(&bias.tensor(context))?);
        normalised.modulate(&gamma, &beta, activation)
    }

    fn normalise<V: Value>(
        &self,
        x: V,
        weight: &Parameter,
        bias: &Parameter,
        context: &Context,
        activation: Activation,
    ) -> Result<V> {
        if context.mode == Mode::Eval {
            let statistics =
                (&self.running_mean.as_detached_tensor(), &self.running_var.as_detached_tensor());
            return x.batch_norm2d_eval(weight, bias, statistics, NORM_EPS, activation);
        }
        let (output, statistics) = x.batch_norm2d_train(weight, bias, NORM_EPS, activation)?;
        if let Some((mean, unbiased_var)) = statistics.filter(|_| context.mode.moves()) {
            self.follow(&mean, &unbiased_var, context.mode)?;
        }
        Ok(output)
    }

    /// Lets the running statistics follow those of a batch.
    fn follow(&self, mean: &Tensor, unbiased_var: &Tensor, mode: Mode) -> Result<()> {
        let tracked = self.num_batches_tracked.to_scalar::<i64>()? + 1;
        let momentum = if mode == Mode::Train { MOMENTUM } else { 1.0 / tracked as f64 };
        gan_ops::lerp_in_place(&self.running_mean, mean, momentum)?;
        gan_ops::lerp_in_place(&self.running_var, unbiased_var, momentum)?;
        let tracked = Tensor::new(tracked, self.num_batches_tracked.device())?;
        self.num_batches_tracked.set(&tracked.to_dtype(DType::I64)?)
    }
}
