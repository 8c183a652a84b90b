//! Activations, with PyTorch's gradient at 0.

use crate::cpu::{Real, has_kernel};
use crate::elementwise::{Function, apply};
use crate::reference;
use candle_core::{Result, Tensor};

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

#[derive(Clone, Copy)]
struct LeakyRelu {
    slope: f64,
}

impl Function for LeakyRelu {
    const NAME: &'static str = "leaky_relu";

    fn value<T: Real>(self, x: T) -> T {
        if x > T::zero() { x } else { T::from_f64(self.slope) * x }
    }

    fn derivative<T: Real>(self, x: T) -> T {
        if x > T::zero() { T::one() } else { T::from_f64(self.slope) }
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl Function for Tanh {
    const NAME: &'static str = "tanh";
    const DERIVATIVE_OF_VALUE: bool = true;

    fn value<T: Real>(self, x: T) -> T {
        x.tanh()
    }

    fn derivative<T: Real>(self, y: T) -> T {
        T::one() - y * y
    }
}
