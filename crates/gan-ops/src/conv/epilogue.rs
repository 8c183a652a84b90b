//! What a convolution does with its result while that is in the cache.

use crate::activation::{Activation, activate_serially, with_function};
use crate::cpu::Real;
use crate::elementwise::Function;
use crate::flow::Moments;
use crate::scratch::Scratch;
use crate::simd::vectorised;

/// What a convolution does with its result while that is in the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epilogue {
    /// Applies an activation.
    Activation(Activation),
    /// Measures mean and variance of each channel of each image, for the batch norm that comes next.
    Moments,
}

impl From<Activation> for Epilogue {
    fn from(activation: Activation) -> Self {
        Epilogue::Activation(activation)
    }
}

impl Epilogue {
    /// The activation, if any: else the identity.
    pub fn activation(self) -> Activation {
        match self {
            Epilogue::Activation(activation) => activation,
            Epilogue::Moments => Activation::Identity,
        }
    }
}

/// The result of a convolution, and the moments of its planes, if they were asked for and could be had for
/// nothing.
pub(super) type Output<T> = (Scratch<T>, Option<Moments>);

/// A bias for each channel of the result, if any, and then the epilogue.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a, T> {
    pub bias: Option<&'a [T]>,
    pub epilogue: Epilogue,
}

impl<T> From<Epilogue> for Finish<'_, T> {
    fn from(epilogue: Epilogue) -> Self {
        Self { bias: None, epilogue }
    }
}

impl<T: Real> Finish<'_, T> {
    /// Nothing.
    pub const NONE: Self = Self { bias: None, epilogue: Epilogue::Activation(Activation::Identity) };

    /// Bias and activation of some elements of one channel.
    pub fn channel(&self, channel: usize, values: &mut [T]) {
        let activation = self.epilogue.activation();
        match self.bias {
            None => activate_serially(activation, values),
            Some(bias) => with_function!(activation, f => add(f, bias[channel], values)),
        }
    }

    /// Bias and activation of planes `[channels, plane]`, the first of which is that of channel `first`.
    pub fn planes(&self, first: usize, plane: usize, values: &mut [T]) {
        match self.bias {
            None => activate_serially(self.epilogue.activation(), values),
            Some(_) => {
                let planes = values.chunks_mut(plane).enumerate();
                planes.for_each(|(channel, values)| self.channel(first + channel, values));
            }
        }
    }
}

/// `f(x + bias)`, in place.
fn add<T: Real>(f: impl Function, bias: T, values: &mut [T]) {
    vectorised(
        #[inline(always)]
        || values.iter_mut().for_each(|x| *x = f.value(*x + bias)),
    );
}
