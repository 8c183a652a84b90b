//! How a network is told a class at its input.

use crate::context::Context;
use crate::params::Parameter;
use crate::value::Value;
use candle_core::{Device, Result, Tensor};

/// What is put beside the input of a network.
#[derive(Clone, Debug)]
pub enum Append {
    /// A number for each of so many classes, 1 for the sample's own and 0 for the others (Mirza & Osindero 2014); with
    /// images a plane for each.
    OneHot(usize, Device),
    /// A learned vector for each class, `[K, E]`; with images of E pixels it is one more plane.
    Embedding(Parameter),
}

impl Append {
    /// `[N, I]` -> `[N, I + K]` or `[N, I + E]`; `[N, C, H, W]` -> `[N, C + K, H, W]` or `[N, C + 1, H, W]`.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        let beside = self.beside(x.dims(), context)?;
        x.append(&beside)
    }

    fn beside(&self, shape: &[usize], context: &Context) -> Result<Tensor> {
        match (self, shape) {
            (Append::OneHot(known, device), &[samples, _, height, width]) => {
                let planes = (samples, *known, height, width);
                let classes = context.one_hot(*known, device)?;
                classes.unsqueeze(2)?.unsqueeze(3)?.broadcast_as(planes)?.contiguous()
            }
            (Append::OneHot(known, device), _) => Ok(context.one_hot(*known, device)?.clone()),
            (Append::Embedding(table), shape) => {
                let table = table.tensor(context);
                let vectors = context.one_hot(table.dim(0)?, table.device())?.matmul(&table)?;
                match *shape {
                    [samples, _, height, width] => vectors.reshape((samples, 1, height, width)),
                    _ => Ok(vectors),
                }
            }
        }
    }
}
