//! Batch norm, with a scale and a shift for each channel, or for each channel of each class.

use super::{Affine, Mode, NORM_EPS, Pass};
use candle_core::{DType, Result, Tensor, Var};
use gan_ops::{Activation, Dual, Flow, Parameter};

/// PyTorch's default.
const MOMENTUM: f64 = 0.1;

#[derive(Debug)]
pub(crate) struct BatchNorm2d {
    /// `[C]` each; of conditional batch norm (de Vries et al. 2017; Miyato & Koyama 2018) `[K, C]`, a row a class.
    pub affine: Affine,
    pub running_mean: Var,
    pub running_var: Var,
    pub num_batches_tracked: Var,
}

impl BatchNorm2d {
    pub fn forward(&self, x: Flow, pass: &Pass, activation: Activation) -> Result<Flow> {
        if !self.is_conditional() {
            let (weight, bias) = (self.affine.weight.get(), self.affine.bias.get());
            return self.normalise(x, &weight, &bias, pass.mode, activation);
        }
        let one = |value: f64| -> Result<Parameter> {
            let mean = self.running_mean.as_tensor();
            Ok(Parameter { value: mean.zeros_like()?.affine(1.0, value)?.detach(), gradient: None })
        };
        let normalised = self.normalise(x, &one(1.0)?, &one(0.0)?, pass.mode, Activation::Identity)?;
        let (gamma, beta) = self.of_classes(pass)?;
        normalised.modulate(&gamma, &beta, activation)
    }

    /// As in training, but no running statistic follows.
    pub fn forward_dual(&self, x: &Dual, pass: &Pass) -> Result<Dual> {
        let Affine { weight, bias } = &self.affine;
        if !self.is_conditional() {
            return x.batch_norm2d_train(&weight.tensor(), &bias.tensor(), NORM_EPS);
        }
        let one = self.running_mean.ones_like()?;
        let (gamma, beta) = self.of_classes(pass)?;
        x.batch_norm2d_train(&one, &one.zeros_like()?, NORM_EPS)?.modulate(&gamma, &beta)
    }

    fn is_conditional(&self) -> bool {
        self.affine.weight.tensor().rank() == 2
    }

    /// Scale and shift of each sample, `[N, C]`.
    fn of_classes(&self, pass: &Pass) -> Result<(Tensor, Tensor)> {
        let classes = pass.classes()?;
        Ok((classes.matmul(&self.affine.weight.tensor())?, classes.matmul(&self.affine.bias.tensor())?))
    }

    fn normalise(
        &self,
        x: Flow,
        weight: &Parameter,
        bias: &Parameter,
        mode: Mode,
        activation: Activation,
    ) -> Result<Flow> {
        if mode == Mode::Eval {
            let (mean, var) = (self.running_mean.as_tensor(), self.running_var.as_tensor());
            return x.batch_norm2d_eval(weight, bias, &mean.detach(), &var.detach(), NORM_EPS, activation);
        }
        let batch = x.batch_norm2d_train(weight, bias, NORM_EPS, activation)?;
        let tracked = self.num_batches_tracked.to_scalar::<i64>()? + 1;
        let momentum = if mode == Mode::Train { MOMENTUM } else { 1.0 / tracked as f64 };
        gan_ops::lerp_in_place(&self.running_mean, &batch.mean, momentum)?;
        gan_ops::lerp_in_place(&self.running_var, &batch.unbiased_var, momentum)?;
        let tracked = Tensor::new(tracked, self.num_batches_tracked.device())?;
        self.num_batches_tracked.set(&tracked.to_dtype(DType::I64)?)?;
        Ok(batch.output)
    }
}
