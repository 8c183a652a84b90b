//! How a network is told a class.

use super::Pass;
use crate::params::Parameter;
use candle_core::{Result, Tensor};
use gan_ops::Dual;

/// What is put beside the input of a network.
#[derive(Debug)]
pub(crate) enum Append {
    /// A number for each class, 1 for the sample's own and 0 for the others (Mirza & Osindero 2014); with images a plane
    /// for each.
    OneHot,
    /// A learned vector for each class, `[K, E]`; with images of E pixels it is one more plane.
    Embedding(Parameter),
}

impl Append {
    /// x `[N, I]` -> `[N, I + K]` or `[N, I + E]`; x `[N, C, H, W]` -> `[N, C + K, H, W]` or `[N, C + 1, H, W]`.
    pub fn forward(&self, x: &Tensor, pass: &Pass) -> Result<Tensor> {
        Tensor::cat(&[x, &self.beside(x.dims(), pass)?], 1)
    }

    pub fn forward_dual(&self, x: &Dual, pass: &Pass) -> Result<Dual> {
        Dual::cat(&[x, &Dual::constant(&self.beside(x.value.dims(), pass)?)?], 1)
    }

    fn beside(&self, shape: &[usize], pass: &Pass) -> Result<Tensor> {
        let classes = pass.classes()?;
        match (self, shape) {
            (Append::OneHot, &[samples, _, height, width]) => {
                let planes = (samples, classes.dim(1)?, height, width);
                classes.unsqueeze(2)?.unsqueeze(3)?.broadcast_as(planes)?.contiguous()
            }
            (Append::OneHot, _) => Ok(classes.clone()),
            (Append::Embedding(table), &[samples, _, height, width]) => {
                classes.matmul(&table.tensor())?.reshape((samples, 1, height, width))
            }
            (Append::Embedding(table), _) => classes.matmul(&table.tensor()),
        }
    }
}
