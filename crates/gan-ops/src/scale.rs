//! A flow times one number that is learned, such as that of SAGAN's attention.

use crate::cpu::Real;
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::gradient::{Destination, Parameter};
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::sums::{RUN, sums};
use crate::values::{GradientSlot, Values};
use candle_core::{Result, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// Elements a thread takes at a time.
const BLOCK: usize = 1 << 14;

impl Flow {
    /// `x * factor`, any shape, with a factor of a single number. An error if it has more.
    pub fn scale(self, factor: &Parameter) -> Result<Self> {
        if factor.value.elem_count() != 1 {
            bail!("expected a single factor, got {:?}", factor.value.shape());
        }
        match self.0 {
            FlowState::Candle(x) => {
                let factor = factor.value.reshape(())?;
                Ok(Self(FlowState::Candle(x.broadcast_mul(&factor)?)))
            }
            FlowState::Own(x) => match *x.values {
                Values::F32(_) => run::<f32>(&x, factor),
                Values::F64(_) => run::<f64>(&x, factor),
            },
        }
    }
}

fn run<T: Real>(x: &Own, parameter: &Parameter) -> Result<Flow> {
    let _span = trace_span!("scale").entered();
    let factor = parameter.value.reshape(())?.to_scalar::<T>()?;
    let y = times(x.values.slice::<T>()?, factor);
    let (handle, factor_gradient) = parameter.watch()?;
    x.then(T::wrap(y), &x.shape, [&handle, &number()?], |_| ScaleGradient {
        factor,
        x: x.values.clone(),
        x_gradient: x.wants_gradient(),
        factor_gradient,
    })
}

fn times<T: Real>(x: &[T], factor: T) -> Scratch<T> {
    let mut y = Scratch::take(x.len());
    y.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(y, x)| {
        vectorised(
            #[inline(always)]
            || y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * factor),
        );
    });
    y
}

struct ScaleGradient<T> {
    factor: T,
    x: Arc<Values>,
    x_gradient: Option<GradientSlot>,
    factor_gradient: Option<Destination>,
}

impl<T: Real> Backward for ScaleGradient<T> {
    const NAME: &'static str = "scale";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("scale, backward").entered();
        let dy = dy.slice::<T>()?;
        if let Some(destination) = &self.factor_gradient {
            destination.put_numbers::<T>(&[dot(dy, self.x.slice::<T>()?)])?;
        }
        let Some(slot) = &self.x_gradient else { return Ok(()) };
        slot.add(T::wrap(times(dy, self.factor)).into())
    }
}

fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    let mut of_blocks = vec![0.0; a.len().div_ceil(BLOCK)];
    let blocks = a.par_chunks(BLOCK).zip(b.par_chunks(BLOCK));
    of_blocks.par_iter_mut().zip(blocks).for_each(|(total, (a, b))| {
        vectorised(
            #[inline(always)]
            || {
                for (a, b) in a.chunks(RUN).zip(b.chunks(RUN)) {
                    *total += sums(a, b, |a, b| (a * b, T::zero())).0;
                }
            },
        );
    });
    of_blocks.iter().sum()
}
