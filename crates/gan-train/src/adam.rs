//! Adam, with a state that can be saved.

use crate::state::State;
use candle_core::{Result, Tensor, Var};
use gan_models::Params;
use gan_ops::{AdamStep, adam_step};
use std::collections::BTreeMap;

/// Gradients by parameter name.
pub(crate) type Gradients = BTreeMap<String, Tensor>;

/// Adam (Kingma & Ba 2015) over the parameters of one network.
pub struct Adam {
    lr: f64,
    beta1: f64,
    beta2: f64,
    steps: u64,
    parameters: BTreeMap<String, Slot>,
}

/// A parameter with the running means of its gradient and of the square of it.
struct Slot {
    parameter: Var,
    m: Var,
    v: Var,
}

impl Adam {
    /// PyTorch's default.
    const EPS: f64 = 1e-8;

    /// A new optimizer, its running means at zero.
    pub fn new(params: &Params, lr: f64, beta1: f64, beta2: f64) -> Result<Self> {
        let slot = |var: &Var| -> Result<Slot> {
            let zeros = || Var::from_tensor(&var.zeros_like()?);
            Ok(Slot { parameter: var.clone(), m: zeros()?, v: zeros()? })
        };
        let parameters = params.parameters().iter().map(|(name, var)| Ok((name.clone(), slot(var)?)));
        Ok(Self { lr, beta1, beta2, steps: 0, parameters: parameters.collect::<Result<_>>()? })
    }

    /// The running means and the number of steps.
    pub(crate) fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        for (name, Slot { m, v, .. }) in &self.parameters {
            state.tensor(format!("m.{name}"), m);
            state.tensor(format!("v.{name}"), v);
        }
        state.counter("steps", &mut self.steps);
        state
    }

    /// Another learning rate from here on.
    pub(crate) fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// Moves every parameter one step against its gradient, in place.
    pub(crate) fn step(&mut self, gradients: &Gradients) -> Result<()> {
        self.steps += 1;
        let Self { lr, beta1, beta2, steps: step, .. } = *self;
        for (name, Slot { parameter, m, v }) in &self.parameters {
            let Some(gradient) = gradients.get(name) else {
                candle_core::bail!("{name} has no gradient: it takes no part in the loss");
            };
            adam_step(parameter, gradient, m, v, AdamStep { lr, beta1, beta2, eps: Self::EPS, step })?;
        }
        Ok(())
    }
}
