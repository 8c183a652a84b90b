//! A tensor and how fast it changes in one direction.

use candle_core::{Result, Tensor, bail};

/// A tensor and its derivative in one direction, of the same shape.
#[derive(Clone, Debug)]
pub struct Dual {
    /// What a network computes.
    pub value: Tensor,
    /// How fast that changes as the input of the network moves along the direction.
    pub tangent: Tensor,
}

impl Dual {
    /// An input and the direction in which it moves. An error if their shapes differ.
    pub fn new(value: &Tensor, tangent: &Tensor) -> Result<Self> {
        if value.shape() != tangent.shape() {
            bail!("a value {:?} has a tangent {:?}", value.shape(), tangent.shape());
        }
        Ok(Self { value: value.clone(), tangent: tangent.clone() })
    }

    /// What does not depend on the input, such as an image of labels.
    pub fn constant(value: &Tensor) -> Result<Self> {
        Ok(Self { value: value.clone(), tangent: value.zeros_like()? })
    }

    /// Any op that is linear in x (and has no constant term): its derivative is itself.
    pub fn map_linear(&self, op: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { value: op(&self.value)?, tangent: op(&self.tangent)? })
    }
}
