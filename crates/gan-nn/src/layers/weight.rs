//! Weights as layers use them.

use crate::context::Context;
use crate::params::Parameter;
use candle_core::{Result, Tensor, Var};

/// Scale and shift of each channel.
#[derive(Clone, Debug)]
pub(crate) struct Affine {
    pub weight: Parameter,
    pub bias: Parameter,
}

/// A weight, under spectral norm where that was asked for.
#[derive(Clone, Debug)]
pub struct Weight {
    pub(crate) parameter: Parameter,
    pub(crate) spectral: Option<Spectral>,
}

/// Estimates of a weight's largest singular value: `u [out]` and `v [the rest]`, as PyTorch's `spectral_norm` keeps them.
#[derive(Clone, Debug)]
pub(crate) struct Spectral {
    pub u: Var,
    pub v: Var,
    /// The dimension of the weight that counts outputs.
    pub output_dim: usize,
}

/// PyTorch's default for spectral norm.
pub(crate) const SPECTRAL_EPS: f64 = 1e-12;

impl Weight {
    /// The lengths of its dimensions.
    pub fn dims(&self) -> &[usize] {
        self.parameter.dims()
    }

    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.dims().iter().product()
    }

    /// The weight as an op on a flow takes it; its singular vectors are estimated one step further first, where statistics
    /// follow the batch.
    pub fn get(&self, context: &Context) -> Result<gan_ops::Parameter> {
        let Some(Spectral { u, v, output_dim }) = &self.spectral else {
            return Ok(self.parameter.get(context));
        };
        if context.mode.moves() {
            let weight = self.parameter.tensor(context).detach();
            let (new_u, new_v) = gan_ops::power_iteration(&weight, *output_dim, u, v, SPECTRAL_EPS)?;
            u.set(&new_u)?;
            v.set(&new_v)?;
        }
        // The vectors are copied: later iterations must not change the graph that is made here.
        let (u, v) = (u.as_detached_tensor().copy()?, v.as_detached_tensor().copy()?);
        let value = gan_ops::spectral_norm(&self.parameter.tensor(context), *output_dim, &u, &v)?;
        Ok((&value).into())
    }

    /// The same as a plain tensor, its gradient in Candle's store.
    pub fn tensor(&self, context: &Context) -> Result<Tensor> {
        match self.spectral {
            None => Ok(self.parameter.tensor(context)),
            Some(_) => Ok(self.get(context)?.value),
        }
    }
}
