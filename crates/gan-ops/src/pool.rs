//! Pooling over windows that overlap or reach over the edges.

use crate::cpu::Real;
use crate::depthwise;
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::pool_kind::Pool;
use crate::reference;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::values::{GradientSlot, Values};
use crate::windows::{AT_ONCE, Windows};
use candle_core::{Result, bail};
use num_traits::Float;
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// Elements a thread takes at a time, in whole planes.
const BLOCK: usize = 1 << 15;

impl Flow {
    /// Pools windows of `size` by `size`, `stride` apart; the padding is half a window at most.
    ///
    /// x `[N, C, H, W]` -> `[N, C, (H + 2p - size) / s + 1, (W + 2p - size) / s + 1]`.
    pub fn pool2d(self, pool: Pool, size: usize, stride: usize, padding: usize) -> Result<Self> {
        let &[_, _, height, width] = self.dims() else {
            bail!("an image to be pooled is [N, C, H, W], not {:?}", self.dims());
        };
        if 2 * padding > size {
            bail!("a padding of {padding} is more than half a window of {size}");
        }
        let windows = Windows::of("pool2d", (height, width), (size, size), stride, padding.into())?;
        match self.0 {
            FlowState::Candle(x) => {
                Ok(Self(FlowState::Candle(reference::pool2d(&x, pool, size, stride, padding)?)))
            }
            FlowState::Own(x) => match *x.values {
                Values::F32(_) => run::<f32>(&x, pool, windows),
                Values::F64(_) => run::<f64>(&x, pool, windows),
            },
        }
    }
}

fn run<T: Real>(x: &Own, pool: Pool, windows: Windows) -> Result<Flow> {
    let _span = trace_span!("pooling").entered();
    let (batch, channels, _, _) = x.dims4()?;
    let y = match pool {
        Pool::Max => maxima(&windows, x.values.slice::<T>()?),
        Pool::Average => means(&windows, x.values.slice::<T>()?),
    };
    let shape = (batch, channels, windows.out_h, windows.out_w);
    x.then(T::wrap(y), shape, [&number()?, &number()?], |y| PoolGradient {
        windows,
        channels,
        maxima: (pool == Pool::Max).then(|| (x.values.clone(), y.clone())),
        x_gradient: x.wants_gradient(),
    })
}

fn maxima<T: Real>(windows: &Windows, x: &[T]) -> Scratch<T> {
    let larger = |a: T, b: T| if b > a || b.is_nan() { b } else { a }; // NaN stays
    fold(windows, x, T::neg_infinity(), larger, |_, _| {})
}

fn means<T: Real>(windows: &Windows, x: &[T]) -> Scratch<T> {
    let parts = parts(windows);
    fold(
        windows,
        x,
        T::zero(),
        |a, b| a + b,
        |run, sums| sums.iter_mut().zip(&parts[run..]).for_each(|(sum, &part)| *sum *= part),
    )
}

/// One over the pixels of each window, as a run.
fn parts<T: Real>(windows: &Windows) -> Vec<T> {
    let mut phases = vec![T::zero(); windows.len_to_read()];
    windows.split(&vec![T::one(); windows.pixels()], T::zero(), &mut phases[..windows.len()]);
    let count =
        |i: usize| windows.offsets.iter().map(|offset| phases[offset + i]).fold(T::zero(), |a, b| a + b);
    let mut parts: Vec<T> = (0..windows.run()).map(|i| T::one() / Float::max(count(i), T::one())).collect();
    parts.resize(windows.run().next_multiple_of(AT_ONCE), T::zero());
    parts
}

/// `finish(combine(...))` of all windows of planes `[any, h, w]`, whose padding is `nothing`.
#[inline(always)]
fn fold<T: Real>(
    windows: &Windows,
    x: &[T],
    nothing: T,
    combine: impl Fn(T, T) -> T + Sync,
    finish: impl Fn(usize, &mut [T; AT_ONCE]) + Sync,
) -> Scratch<T> {
    let (places, pixels) = (windows.places(), windows.pixels());
    let mut y = Scratch::take(x.len() / pixels * places);
    let planes = (BLOCK / pixels).max(1);
    y.par_chunks_mut(planes * places).zip(x.par_chunks(planes * pixels)).for_each(|(y, x)| {
        let mut source = Scratch::take(windows.len_to_read());
        let mut run = Scratch::take(windows.run().next_multiple_of(AT_ONCE));
        source.fill(nothing);
        for (y, x) in y.chunks_mut(places).zip(x.chunks(pixels)) {
            vectorised(
                #[inline(always)]
                || {
                    windows.split(x, nothing, &mut source[..windows.len()]);
                    let (blocks, _) = run.as_chunks_mut::<AT_ONCE>();
                    for (block, to) in blocks.iter_mut().enumerate() {
                        let mut total = [nothing; AT_ONCE];
                        for &offset in &windows.offsets {
                            let from = &source[offset + block * AT_ONCE..][..AT_ONCE];
                            total.iter_mut().zip(from).for_each(|(total, &x)| *total = combine(*total, x));
                        }
                        finish(block * AT_ONCE, &mut total);
                        *to = total;
                    }
                    windows.places_of(&run, y);
                },
            );
        }
    });
    y
}

struct PoolGradient {
    windows: Windows,
    channels: usize,
    /// Of a max pooling: what it was given and what it made.
    maxima: Option<(Arc<Values>, Arc<Values>)>,
    x_gradient: Option<GradientSlot>,
}

impl Backward for PoolGradient {
    const NAME: &'static str = "pooling";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("pooling, backward").entered();
        let Some(slot) = &self.x_gradient else { return Ok(()) };
        slot.add(Arc::new(match &*dy {
            Values::F32(dy) => Values::F32(self.gradient(dy)?),
            Values::F64(dy) => Values::F64(self.gradient(dy)?),
        }))
    }
}

impl PoolGradient {
    fn gradient<T: Real>(&self, dy: &[T]) -> Result<Scratch<T>> {
        let windows = &self.windows;
        if let Some((x, y)) = &self.maxima {
            return Ok(maxima_gradient(windows, x.slice()?, y.slice()?, dy));
        }
        let (parts, taps) = (parts::<T>(windows), windows.offsets.len());
        let mut of_places = vec![T::zero(); windows.places()];
        windows.places_of(&parts, &mut of_places);
        let mut shares = Scratch::take(dy.len());
        let planes = shares.par_chunks_mut(of_places.len()).zip(dy.par_chunks(of_places.len()));
        planes.for_each(|(shares, dy)| {
            shares.iter_mut().zip(dy).zip(&of_places).for_each(|((share, &dy), &part)| *share = dy * part);
        });
        Ok(depthwise::input_gradient(windows, &shares, &vec![T::one(); self.channels * taps]))
    }
}

/// Each gradient goes to the first pixel of its window that is the maximum.
fn maxima_gradient<T: Real>(windows: &Windows, x: &[T], y: &[T], dy: &[T]) -> Scratch<T> {
    let (places, pixels) = (windows.places(), windows.pixels());
    let mut dx = Scratch::take(x.len());
    let planes = dx.par_chunks_mut(pixels).zip(x.par_chunks(pixels));
    planes.zip(y.par_chunks(places).zip(dy.par_chunks(places))).for_each(|((dx, x), (y, dy))| {
        let mut source = Scratch::take(windows.len());
        let mut phases = Scratch::take(windows.len());
        windows.split(x, T::neg_infinity(), &mut source);
        phases.fill(T::zero());
        for (place, (&y, &dy)) in y.iter().zip(dy).enumerate() {
            let at = place / windows.out_w * windows.columns + place % windows.out_w;
            let is_it = |&&offset: &&usize| source[offset + at] == y || y.is_nan();
            if let Some(offset) = windows.offsets.iter().find(is_it) {
                phases[offset + at] += dy;
            }
        }
        windows.join(&phases, dx);
    });
    dx
}
