//! A bias for each channel, and the activation after it.

use crate::activation::Activation;
use crate::flow::Flow;
use crate::gradient::Parameter;
use crate::reference;
use candle_core::Result;

impl Flow {
    /// `activation(x + bias)` with a bias for each channel: x `[N, C, ...]`, bias `[C]`. The slope of a leaky_relu must not
    /// be negative.
    pub fn add_bias(self, bias: &Parameter, activation: Activation) -> Result<Self> {
        activation.check()?;
        self.through(|x| reference::add_bias(x, &bias.value, activation))
    }
}
