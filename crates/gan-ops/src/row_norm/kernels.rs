//! The passes of layer norm and instance norm, over all cores.
//!
//! A task takes some whole rows, and each row stays in the cache from the first pass over it to the last.
//! What is summed is summed plane by plane (one channel of one sample) into a table `[N, C]`, in f64: the
//! sums of a row and those of a channel are both made of it, in a fixed order.

use crate::activation::{Activation, with_function};
use crate::batch_norm::moments_of_plane;
use crate::cpu::{Real, widen};
use crate::elementwise::Function;
use crate::simd::vectorised;
use crate::sums::{RUN, by_channel, sums};
use rayon::prelude::*;

/// Elements a thread takes at a time, in whole rows.
const BLOCK: usize = 1 << 14;

/// How x `[N, C, ...]` divides into rows, each of which is normalised by itself.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub channels: usize,
    /// Elements of one channel of one sample.
    pub plane: usize,
    /// Channels of a row: all, or one.
    pub channels_in_row: usize,
}

impl Rows {
    /// Elements of a row.
    pub fn len(&self) -> usize {
        self.channels_in_row * self.plane
    }

    /// Rows of a task.
    pub fn in_task(&self) -> usize {
        (BLOCK / self.len()).max(1)
    }

    /// Elements of a task.
    pub fn block(&self) -> usize {
        self.in_task() * self.len()
    }

    pub fn first_channel(&self, row: usize) -> usize {
        row * self.channels_in_row % self.channels
    }
}

/// Of a row.
#[derive(Clone, Copy, Default)]
pub(super) struct Statistics {
    pub mean: f64,
    /// `1 / sqrt(var + eps)`
    pub inverse_std: f64,
}

/// `activation(xhat * weight + bias)`, with `xhat = (x - mean) * inverse_std` of each row.
pub(super) struct Normalization<T> {
    pub rows: Rows,
    pub weight: Vec<T>,
    pub bias: Vec<T>,
    pub activation: Activation,
}

impl<T: Real> Normalization<T> {
    /// Writes the result for x to y; returns what each row was normalised by.
    pub fn values(&self, x: &[T], y: &mut [T], eps: f64) -> Vec<Statistics> {
        with_function!(self.activation, f => self.values_with(f, x, y, eps))
    }

    fn values_with(&self, f: impl Function, x: &[T], y: &mut [T], eps: f64) -> Vec<Statistics> {
        let rows = self.rows;
        let mut statistics = vec![Statistics::default(); x.len() / rows.len()];
        let values = y.par_chunks_mut(rows.block()).zip(x.par_chunks(rows.block()));
        let tasks = statistics.par_chunks_mut(rows.in_task()).zip(values).enumerate();
        tasks.for_each(|(task, (statistics, (y, x)))| {
            vectorised(
                #[inline(always)]
                || {
                    let values = y.chunks_exact_mut(rows.len()).zip(x.chunks_exact(rows.len()));
                    for (index, (statistics, (y, x))) in statistics.iter_mut().zip(values).enumerate() {
                        let (mean, var) = moments_of_plane(x);
                        *statistics = Statistics { mean, inverse_std: 1.0 / (var + eps).sqrt() };
                        let first = rows.first_channel(task * rows.in_task() + index);
                        let planes = y.chunks_exact_mut(rows.plane).zip(x.chunks_exact(rows.plane));
                        for (channel, (y, x)) in (first..).zip(planes) {
                            let argument = self.argument(channel, *statistics);
                            y.iter_mut().zip(x).for_each(|(y, &x)| *y = f.value(argument(x)));
                        }
                    }
                },
            );
        });
        statistics
    }

    /// Writes the gradient of x over dy, that of y; returns the gradients of weight and bias.
    ///
    /// With h the gradient of xhat and n values a row it is
    /// `inverse_std * (h - sum(h) / n - xhat * sum(h * xhat) / n)`.
    pub fn gradients(&self, statistics: &[Statistics], x: &[T], dy: &mut [T]) -> (Vec<f64>, Vec<f64>) {
        with_function!(self.activation, f => self.gradients_with(f, statistics, x, dy))
    }

    fn gradients_with(
        &self,
        f: impl Function,
        statistics: &[Statistics],
        x: &[T],
        dy: &mut [T],
    ) -> (Vec<f64>, Vec<f64>) {
        let (rows, count) = (self.rows, self.rows.len() as f64);
        let mut table = vec![(0.0, 0.0); x.len() / rows.plane]; // of the weight and of the bias
        let sums_of_task = table.par_chunks_mut(rows.in_task() * rows.channels_in_row);
        let values = dy.par_chunks_mut(rows.block()).zip(x.par_chunks(rows.block()));
        let tasks = sums_of_task.zip(statistics.par_chunks(rows.in_task())).zip(values).enumerate();
        tasks.for_each(|(task, ((table, statistics), (dy, x)))| {
            vectorised(
                #[inline(always)]
                || {
                    let values = dy.chunks_exact_mut(rows.len()).zip(x.chunks_exact(rows.len()));
                    let lines = table.chunks_exact_mut(rows.channels_in_row).zip(statistics);
                    for (index, ((table, &statistics), (dy, x))) in lines.zip(values).enumerate() {
                        let Statistics { mean, inverse_std } = statistics;
                        let (mean, first) =
                            (T::from_f64(mean), rows.first_channel(task * rows.in_task() + index));
                        let (mut sum, mut dot) = (0.0, 0.0);
                        let planes = dy.chunks_exact_mut(rows.plane).zip(x.chunks_exact(rows.plane));
                        for (channel, (totals, (dy, x))) in (first..).zip(table.iter_mut().zip(planes)) {
                            let argument = self.argument(channel, statistics);
                            let of_plane = gradient_sums(f, argument, mean, x, dy);
                            *totals = (of_plane.1 * inverse_std, of_plane.0);
                            let weight = widen(self.weight[channel]);
                            (sum, dot) = (sum + weight * totals.1, dot + weight * totals.0);
                        }
                        let offset = T::from_f64(inverse_std * sum / count);
                        let slope = T::from_f64(inverse_std * inverse_std * dot / count);
                        let planes = dy.chunks_exact_mut(rows.plane).zip(x.chunks_exact(rows.plane));
                        for (channel, (dx, x)) in (first..).zip(planes) {
                            let scale = scale(self.weight[channel], statistics);
                            for (dx, &x) in dx.iter_mut().zip(x) {
                                *dx = *dx * scale - offset - (x - mean) * slope;
                            }
                        }
                    }
                },
            );
        });
        let of_channels = |part: fn(&(f64, f64)) -> f64| by_channel(table.iter().map(part), rows.channels);
        (of_channels(|sums| sums.0), of_channels(|sums| sums.1))
    }

    /// The argument of the activation, as a function of x.
    #[inline(always)]
    fn argument(&self, channel: usize, statistics: Statistics) -> impl Fn(T) -> T + Copy + use<T> {
        let (mean, bias) = (T::from_f64(statistics.mean), self.bias[channel]);
        let scale = scale(self.weight[channel], statistics);
        #[inline(always)]
        move |x| (x - mean) * scale + bias
    }
}

#[inline(always)]
pub(super) fn scale<T: Real>(weight: T, statistics: Statistics) -> T {
    T::from_f64(widen(weight) * statistics.inverse_std)
}

/// Multiplies dy, a plane, by the derivative of the activation; the sums of that, and of it times `x - mean`.
#[inline(always)]
fn gradient_sums<T: Real>(
    f: impl Function,
    argument: impl Fn(T) -> T,
    mean: T,
    x: &[T],
    dy: &mut [T],
) -> (f64, f64) {
    let mut totals = (0.0, 0.0);
    for (g, x) in dy.chunks_mut(RUN).zip(x.chunks(RUN)) {
        g.iter_mut().zip(x).for_each(|(g, &x)| *g *= f.derivative_at(argument(x)));
        let (sum, dot) = sums_of_run(g, x, |g, x| (g, g * (x - mean)));
        totals = (totals.0 + sum, totals.1 + dot);
    }
    totals
}

/// [`sums`], also of a few elements.
#[inline(always)]
pub(super) fn sums_of_run<T: Real>(a: &[T], b: &[T], value: impl Fn(T, T) -> (T, T)) -> (f64, f64) {
    if a.len() >= 8 {
        return sums(a, b, value);
    }
    a.iter().zip(b).fold((0.0, 0.0), |(first, second), (&a, &b)| {
        let (u, v) = value(a, b);
        (first + widen(u), second + widen(v))
    })
}
