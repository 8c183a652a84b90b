//! Sums over the pixels of feature maps.

use crate::cpu::Real;
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::sums::{RUN, sums};
use crate::values::{GradientSlot, Values};
use candle_core::Result;
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// Elements a thread takes at a time, in whole planes.
const BLOCK: usize = 1 << 14;

impl Flow {
    /// The sum over height and width: `[N, C, H, W]` -> `[N, C]`.
    pub fn sum_spatial(self) -> Result<Self> {
        match self.0 {
            FlowState::Candle(x) => Ok(Self(FlowState::Candle(x.sum((2, 3))?))),
            FlowState::Own(x) => match *x.values {
                Values::F32(_) => run::<f32>(&x),
                Values::F64(_) => run::<f64>(&x),
            },
        }
    }
}

fn run<T: Real>(x: &Own) -> Result<Flow> {
    let _span = trace_span!("sum over pixels").entered();
    let (batch, channels, height, width) = x.dims4()?;
    let plane = height * width;
    let mut y = Scratch::take(batch * channels);
    y.fill(T::zero()); // all there is, where planes are empty
    if let Some(planes) = BLOCK.checked_div(plane) {
        let planes = planes.max(1);
        let tasks = y.par_chunks_mut(planes).zip(x.values.slice::<T>()?.par_chunks(planes * plane));
        tasks.for_each(|(y, x)| {
            vectorised(
                #[inline(always)]
                || {
                    for (y, x) in y.iter_mut().zip(x.chunks_exact(plane)) {
                        let runs = x.chunks(RUN).map(|run| sums(run, run, |x, _| (x, T::zero())).0);
                        *y = T::from_f64(runs.sum());
                    }
                },
            );
        });
    }
    x.then(T::wrap(y), (batch, channels), [&number()?, &number()?], |_| SumGradient {
        plane,
        x_gradient: x.wants_gradient(),
    })
}

struct SumGradient {
    plane: usize,
    x_gradient: Option<GradientSlot>,
}

impl Backward for SumGradient {
    const NAME: &'static str = "sum over pixels";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("sum over pixels, backward").entered();
        let Some(slot) = &self.x_gradient else { return Ok(()) };
        slot.add(Arc::new(match &*dy {
            Values::F32(dy) => Values::F32(self.gradient(dy)),
            Values::F64(dy) => Values::F64(self.gradient(dy)),
        }))
    }
}

impl SumGradient {
    fn gradient<T: Real>(&self, dy: &[T]) -> Scratch<T> {
        let mut dx = Scratch::take(dy.len() * self.plane);
        if let Some(planes) = BLOCK.checked_div(self.plane) {
            let planes = planes.max(1);
            dx.par_chunks_mut(planes * self.plane).zip(dy.par_chunks(planes)).for_each(|(dx, dy)| {
                dx.chunks_exact_mut(self.plane).zip(dy).for_each(|(dx, &dy)| dx.fill(dy));
            });
        }
        dx
    }
}
