//! The scale and shift of conditional norms, and the activation after them.

use crate::activation::Activation;
use crate::flow::Flow;
use crate::reference;
use candle_core::{Result, Tensor};

impl Flow {
    /// `activation(x * gamma + beta)` with a scale and a shift for each channel of each sample: x `[N, C, ...]`, gamma and
    /// beta `[N, C]`.
    pub fn modulate(self, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Self> {
        self.through(|x| reference::modulate(x, gamma, beta, activation))
    }
}
