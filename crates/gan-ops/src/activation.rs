//! Activations as functions of numbers, with PyTorch's gradient at 0.

use crate::cpu::Real;
use crate::elementwise::Function;
use crate::simd::vectorised;
use candle_core::{Result, bail};
use rayon::prelude::*;

/// Elements a thread takes at a time.
const BLOCK: usize = 1 << 14;

/// An activation, as an argument of the ops that end in one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// None: `x` itself.
    Identity,
    /// [`relu`](crate::relu)
    Relu,
    /// [`leaky_relu`](crate::leaky_relu) with this slope.
    LeakyRelu(f64),
    /// [`tanh`](crate::tanh)
    Tanh,
    /// `min(max(x, 0), 6)`, of mobile networks; the gradient is 0 at 0 and at 6, as in PyTorch.
    Relu6,
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
            $crate::activation::Activation::Relu6 => {
                let $f = $crate::activation::Relu6;
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

#[derive(Clone, Copy)]
pub(crate) struct Relu6;

impl Function for Relu6 {
    const NAME: &'static str = "relu6";

    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let six = T::from_f64(6.0);
        let y = LeakyRelu { slope: 0.0 }.value(x); // NaN stays
        if y > six { six } else { y }
    }

    #[inline(always)]
    fn derivative<T: Real>(self, x: T) -> T {
        if x > T::zero() && x < T::from_f64(6.0) { T::one() } else { T::zero() }
    }
}
