//! Activations of tensors and of flows.

use crate::activation::{Activation, LeakyRelu, Relu6, Tanh, activate, activation_gradient};
use crate::cpu::has_kernel;
use crate::elementwise::apply;
use crate::flow::{Backward, Flow, FlowState, number};
use crate::reference;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor};
use std::sync::Arc;

impl Activation {
    /// The activation of every element, any shape.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Activation::Identity => Ok(x.clone()),
            Activation::Relu => relu(x),
            Activation::LeakyRelu(slope) => leaky_relu(x, slope),
            Activation::Tanh => tanh(x),
            Activation::Relu6 if has_kernel(x) => apply(x, Relu6),
            Activation::Relu6 => reference::relu6(x),
        }
    }
}

/// `max(x, 0)`, any shape; the gradient at 0 is 0, as in PyTorch (Candle: 1).
pub fn relu(x: &Tensor) -> Result<Tensor> {
    leaky_relu(x, 0.0)
}

/// `x` where positive, `slope * x` elsewhere, any shape (Maas et al. 2013); the gradient at 0 is `slope`.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if has_kernel(x) { apply(x, LeakyRelu { slope }) } else { reference::leaky_relu(x, slope) }
}

/// Hyperbolic tangent, any shape.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    if has_kernel(x) { apply(x, Tanh) } else { x.tanh() }
}

impl Flow {
    /// The activation of every element. The slope of a leaky_relu must not be negative.
    pub fn activate(self, activation: Activation) -> Result<Self> {
        activation.check()?;
        match self.0 {
            FlowState::Candle(x) => Ok(Self(FlowState::Candle(activation.apply(&x)?))),
            FlowState::Own(_) if activation == Activation::Identity => Ok(self),
            FlowState::Own(mut x) => {
                match Arc::make_mut(&mut x.values) {
                    Values::F32(values) => activate(activation, values),
                    Values::F64(values) => activate(activation, values),
                }
                x.then(x.values.clone(), &x.shape, [&number()?, &number()?], |y| ActivationGradient {
                    activation,
                    y: y.clone(),
                    x_gradient: x.wants_gradient(),
                })
            }
        }
    }
}

struct ActivationGradient {
    activation: Activation,
    y: Arc<Values>,
    x_gradient: Option<GradientSlot>,
}

impl Backward for ActivationGradient {
    const NAME: &'static str = "activation";

    fn backward(&self, mut dy: Arc<Values>) -> Result<()> {
        let Some(slot) = &self.x_gradient else { return Ok(()) };
        match Arc::make_mut(&mut dy) {
            Values::F32(dy) => activation_gradient(self.activation, dy, self.y.slice::<f32>()?),
            Values::F64(dy) => activation_gradient(self.activation, dy, self.y.slice::<f64>()?),
        }
        slot.add(dy)
    }
}
