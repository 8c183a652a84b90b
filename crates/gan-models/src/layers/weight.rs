//! Parameters as layers use them.

use super::Mode;
use crate::params::Parameter;
use candle_core::{Result, Tensor, Var};

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
    /// The dimension of the weight that counts outputs.
    pub output_dim: usize,
}

/// PyTorch's default for spectral norm.
pub(crate) const SPECTRAL_EPS: f64 = 1e-12;

impl Weight {
    /// Its numbers.
    pub fn count(&self) -> usize {
        self.parameter.tensor().elem_count()
    }

    /// Its first dimension.
    pub fn outputs(&self) -> usize {
        self.parameter.tensor().dims()[0]
    }

    /// The weight as the layer uses it; its singular vectors are estimated one step further first, except in evaluation.
    pub fn get(&self, mode: Mode) -> Result<gan_ops::Parameter> {
        let Some(Spectral { u, v, output_dim }) = &self.spectral else { return Ok(self.parameter.get()) };
        if mode != Mode::Eval {
            let weight = self.parameter.tensor().detach();
            let (new_u, new_v) = gan_ops::power_iteration(&weight, *output_dim, u, v, SPECTRAL_EPS)?;
            u.set(&new_u)?;
            v.set(&new_v)?;
        }
        // The vectors are copied: later iterations must not change the graph that is made here.
        let (u, v) = (u.as_detached_tensor().copy()?, v.as_detached_tensor().copy()?);
        let value = gan_ops::spectral_norm(&self.parameter.tensor(), *output_dim, &u, &v)?;
        Ok(gan_ops::Parameter { value, gradient: None })
    }

    /// The same as a plain tensor, its gradient in Candle's store.
    pub fn tensor(&self, mode: Mode) -> Result<Tensor> {
        match self.spectral {
            None => Ok(self.parameter.tensor()),
            Some(_) => Ok(self.get(mode)?.value),
        }
    }
}
