//! Fully connected layers.

use super::Weight;
use crate::context::Context;
use crate::params::Parameter;
use crate::value::Value;
use candle_core::Result;
use gan_ops::Activation;

/// Fully connected layer, as `torch.nn.Linear`: `[N, I]` -> `[N, O]`.
#[derive(Clone, Debug)]
pub struct Linear {
    pub(crate) weight: Weight,
    pub(crate) bias: Parameter,
}

impl Linear {
    /// weight `[O, I]`, bias `[O]`.
    pub fn new(weight: Weight, bias: Parameter) -> Self {
        Self { weight, bias }
    }

    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity)
    }

    pub(crate) fn apply_with<V: Value>(&self, x: V, context: &Context, activation: Activation) -> Result<V> {
        x.linear(&self.weight.get(context)?, &self.bias.get(context), activation)
    }
}
