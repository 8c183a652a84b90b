//! Activations, with PyTorch's gradient at 0.

use crate::cpu::{Real, has_kernel};
use crate::elementwise::{Function, apply};
use crate::flow::{Backward, Flow, FlowState, number};
use crate::reference;
use crate::simd::vectorised;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use std::sync::Arc;

/// Elements a thread takes at a time.
const BLOCK: usize = 1 << 14;

/// An activation, as an argument of the ops that end in one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// None: `x` itself.
    Identity,
    /// [`relu`]
    Relu,
    /// [`leaky_relu`] with this slope.
    LeakyRelu(f64),
    /// [`tanh`]
    Tanh,
}

impl Activation {
    /// The activation of every element, any shape.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Activation::Identity => Ok(x.clone()),
            Activation::Relu => relu(x),
            Activation::LeakyRelu(slope) => leaky_relu(x, slope),
            Activation::Tanh => tanh(x),
        }
    }
}

impl Activation {
    /// An error for what cannot be fused: the gradient is found from the result alone, which tells the sign of the
    /// argument only if the slope is not negative.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Activation::LeakyRelu(slope) if slope.is_nan() || slope < 0.0 => {
                bail!("a flow takes a leaky_relu of slope 0 or more, not {slope}")
            }
            _ => Ok(()),
        }
    }
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

/// Calls `$body` with `$f` the [`Function`] of an activation: the choice is made once, not for every element.
macro_rules! with_function {
    ($activation:expr, $f:ident => $body:expr) => {
        match $activation {
            $crate::activation::Activation::Identity => {
                let $f = $crate::activation::Identity;
                $body
            }
            $crate::activation::Activation::Relu => {
                let $f = $crate::activation::LeakyRelu { slope: 0.0 };
                $body
            }
            $crate::activation::Activation::LeakyRelu(slope) => {
                let $f = $crate::activation::LeakyRelu { slope };
                $body
            }
            $crate::activation::Activation::Tanh => {
                let $f = $crate::activation::Tanh;
                $body
            }
        }
    };
}
pub(crate) use with_function;

/// The activation of every element, in place, on all cores.
pub(crate) fn activate<T: Real>(activation: Activation, values: &mut [T]) {
    values.par_chunks_mut(BLOCK).for_each(|values| activate_serially(activation, values));
}

/// The same on the calling thread alone.
pub(crate) fn activate_serially<T: Real>(activation: Activation, values: &mut [T]) {
    if activation != Activation::Identity {
        with_function!(activation, f => vectorised(
            #[inline(always)]
            || values.iter_mut().for_each(|x| *x = f.value(*x)),
        ));
    }
}

/// `dy * activation'`, in place, from what the activation made, y. (Of each of them y tells enough, as long as a slope is
/// not negative.)
pub(crate) fn activation_gradient<T: Real>(activation: Activation, dy: &mut [T], y: &[T]) {
    with_function!(activation, f => dy.par_chunks_mut(BLOCK).zip(y.par_chunks(BLOCK)).for_each(|(dy, y)| vectorised(
        #[inline(always)]
        || dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy *= f.derivative(y)),
    )));
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

#[derive(Clone, Copy)]
pub(crate) struct Identity;

impl Function for Identity {
    const NAME: &'static str = "identity";

    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x
    }

    #[inline(always)]
    fn derivative<T: Real>(self, _x: T) -> T {
        T::one()
    }
}

#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu {
    pub slope: f64,
}

impl Function for LeakyRelu {
    const NAME: &'static str = "leaky_relu";

    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        if x > T::zero() { x } else { T::from_f64(self.slope) * x }
    }

    #[inline(always)]
    fn derivative<T: Real>(self, x: T) -> T {
        if x > T::zero() { T::one() } else { T::from_f64(self.slope) }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Tanh;

impl Function for Tanh {
    const NAME: &'static str = "tanh";
    const DERIVATIVE_OF_VALUE: bool = true;

    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x.fast_tanh()
    }

    #[inline(always)]
    fn derivative<T: Real>(self, y: T) -> T {
        T::one() - y * y
    }
}
