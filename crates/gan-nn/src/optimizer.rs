//! Optimizers, with a state that can be saved.

use crate::state::State;
use candle_core::{Result, Tensor, Var};
use gan_ops::{AdamStep, adam_step};
use std::collections::BTreeMap;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// Gradients by parameter name.
pub type Gradients = BTreeMap<String, Tensor>;

/// How parameters follow their gradients, each as PyTorch's optimizer of this name does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum OptimizerKind {
    /// Adam (Kingma & Ba 2015): `beta1` and `beta2` are the decays of the means of the gradient and of its square.
    Adam,
    /// RMSProp (Hinton 2012), as WGAN's authors use it: `v = beta2 v + (1 - beta2) g^2`, `p -= lr g / (sqrt(v) + eps)`.
    RmsProp,
    /// Gradient descent with momentum `beta1`: `m = beta1 m + g`, `p -= lr m`.
    Sgd,
}

impl OptimizerKind {
    /// The decays that PyTorch's optimizer of this kind has, 0 where it has none; Adam's first is that of
    /// DCGAN.
    pub fn usual_decays(self) -> (f64, f64) {
        match self {
            Self::Adam => (0.5, 0.999),
            Self::RmsProp => (0.0, 0.99),
            Self::Sgd => (0.0, 0.0),
        }
    }
}

/// What is set of an optimizer.
#[derive(Clone, Copy, Debug)]
pub struct Hyperparameters {
    /// How parameters follow their gradients.
    pub kind: OptimizerKind,
    /// Adam's decay of the mean of the gradient; momentum.
    pub beta1: f64,
    /// Decay of the mean of the gradient's square.
    pub beta2: f64,
}

/// An optimizer over the parameters of one network.
pub struct Optimizer {
    hyper: Hyperparameters,
    steps: u64,
    parameters: BTreeMap<String, Slot>,
}

/// A parameter with the running means of its gradient and of the square of it, where its kind has them.
struct Slot {
    parameter: Var,
    m: Option<Var>,
    v: Option<Var>,
}

impl Optimizer {
    /// PyTorch's default.
    const EPS: f64 = 1e-8;

    /// A new optimizer, its running means at zero.
    pub fn new(parameters: &BTreeMap<String, Var>, hyper: Hyperparameters) -> Result<Self> {
        let (m, v) = match hyper.kind {
            OptimizerKind::Adam => (true, true),
            OptimizerKind::RmsProp => (false, true),
            OptimizerKind::Sgd => (hyper.beta1 > 0.0, false),
        };
        let slot = |var: &Var| -> Result<Slot> {
            let zeros = |has: bool| has.then(|| Var::from_tensor(&var.zeros_like()?)).transpose();
            Ok(Slot { parameter: var.clone(), m: zeros(m)?, v: zeros(v)? })
        };
        let parameters = parameters.iter().map(|(name, var)| Ok((name.clone(), slot(var)?)));
        Ok(Self { hyper, steps: 0, parameters: parameters.collect::<Result<_>>()? })
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The running means and the number of steps.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        for (name, Slot { m, v, .. }) in &self.parameters {
            for (kind, var) in [("m", m), ("v", v)] {
                if let Some(var) = var {
                    state.tensor(format!("{kind}.{name}"), var);
                }
            }
        }
        state.counter("steps", &mut self.steps);
        state
    }

    /// Moves every parameter one step against its gradient, in place, with learning rate `lr`.
    pub fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        self.steps += 1;
        for (name, slot) in &self.parameters {
            let Some(gradient) = gradients.get(name) else {
                candle_core::bail!("{name} has no gradient: it takes no part in the loss");
            };
            slot.step(gradient, lr, self.hyper, self.steps)?;
        }
        Ok(())
    }
}

impl Slot {
    fn step(&self, gradient: &Tensor, lr: f64, hyper: Hyperparameters, step: u64) -> Result<()> {
        let Hyperparameters { beta1, beta2, .. } = hyper;
        let eps = Optimizer::EPS;
        let old = self.parameter.as_detached_tensor();
        match (&self.m, &self.v) {
            (Some(m), Some(v)) => {
                adam_step(&self.parameter, gradient, m, v, AdamStep { lr, beta1, beta2, eps, step })
            }
            (None, Some(v)) => {
                v.set(&(v.affine(beta2, 0.0)? + gradient.sqr()?.affine(1.0 - beta2, 0.0)?)?)?;
                let update = (gradient / v.sqrt()?.affine(1.0, eps)?)?;
                self.parameter.set(&(old - update.affine(lr, 0.0)?)?)
            }
            (Some(m), None) => {
                m.set(&(m.affine(beta1, 0.0)? + gradient)?)?;
                self.parameter.set(&(old - m.affine(lr, 0.0)?)?)
            }
            (None, None) => self.parameter.set(&(old - gradient.affine(lr, 0.0)?)?),
        }
    }
}
