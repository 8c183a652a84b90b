//! The passes of batch normalisation over x `[N, C, plane]`, each over all cores.
//!
//! The unit of work is a plane: one channel of one image. What is summed is summed plane by plane into a table `[N, C]`,
//! in f64, and the table is added up in the order of its rows, so the bits follow from the shape alone. Memory is read
//! once a pass, from one end to the other.

use crate::activation::{Activation, with_function};
use crate::cpu::{Real, widen};
use crate::elementwise::Function;
use crate::simd::vectorised;
use crate::sums::{Lanes, RUN, SMALL, sums};
use rayon::prelude::*;

/// Elements a thread takes at a time, in whole planes.
const BLOCK: usize = 1 << 14;

/// Mean and variance of each channel.
pub(crate) struct Statistics {
    pub mean: Vec<f64>,
    /// Divided by n.
    pub var: Vec<f64>,
}

/// `y = activation(x * scale + shift)`, where the scale and the shift of a channel are
/// `weight * inverse_std` and `bias - mean * scale`.
pub(crate) struct Normalization<T> {
    pub plane: usize,
    pub activation: Activation,
    pub mean: Vec<f64>,
    pub inverse_std: Vec<f64>,
    pub scale: Vec<T>,
    pub shift: Vec<T>,
}

impl<T: Real> Normalization<T> {
    pub fn new(
        plane: usize,
        statistics: &Statistics,
        eps: f64,
        weight: &[T],
        bias: &[T],
        activation: Activation,
    ) -> Self {
        let mean = statistics.mean.clone();
        let inverse_std: Vec<f64> = statistics.var.iter().map(|var| 1.0 / (var + eps).sqrt()).collect();
        let scale: Vec<T> =
            weight.iter().zip(&inverse_std).map(|(&w, s)| T::from_f64(widen(w) * s)).collect();
        let shift = bias.iter().zip(&scale).zip(&mean);
        let shift = shift.map(|((&b, &s), mean)| T::from_f64(widen(b) - widen(s) * mean)).collect();
        Self { plane, activation, mean, inverse_std, scale, shift }
    }

    fn channels(&self) -> usize {
        self.scale.len()
    }
}

/// What the gradient of a normalisation needs to know of a whole channel, with g the gradient of `x * scale + shift`
/// and `xhat = (x - mean) * inverse_std`.
pub(crate) struct GradientSums {
    /// `sum(g)`, the gradient of the bias.
    pub bias: Vec<f64>,
    /// `sum(g * xhat)`, the gradient of the weight.
    pub weight: Vec<f64>,
}

/// Planes a thread takes at a time.
fn planes_a_task(plane: usize) -> usize {
    (BLOCK / plane).max(1)
}

/// Mean and variance (divided by n) of each plane of x `[N, channels, plane]`.
pub(crate) fn moments<T: Real>(x: &[T], plane: usize) -> Vec<(f64, f64)> {
    let planes = planes_a_task(plane);
    let mut table = vec![(0.0, 0.0); x.len() / plane];
    let tasks = table.par_chunks_mut(planes).zip(x.par_chunks(planes * plane));
    tasks.for_each(|(moments, x)| moments_of_planes(x, plane, moments));
    table
}

/// The same on the calling thread alone.
pub(crate) fn moments_of_planes<T: Real>(x: &[T], plane: usize, moments: &mut [(f64, f64)]) {
    vectorised(
        #[inline(always)]
        || {
            for (moments, x) in moments.iter_mut().zip(x.chunks_exact(plane)) {
                *moments = moments_of_plane(x);
            }
        },
    );
}

/// Mean and variance of each channel, from those of its planes: `[N, channels]`.
pub(crate) fn statistics(table: &[(f64, f64)], channels: usize) -> Statistics {
    // The mean of the means of the planes; the mean of their variances and the variance of their means.
    let images = (table.len() / channels) as f64;
    let mut mean = vec![0.0; channels];
    for row in table.chunks_exact(channels) {
        mean.iter_mut().zip(row).for_each(|(mean, (of_plane, _))| *mean += of_plane);
    }
    mean.iter_mut().for_each(|mean| *mean /= images);
    let mut var = vec![0.0; channels];
    for row in table.chunks_exact(channels) {
        for ((var, mean), (mean_of_plane, var_of_plane)) in var.iter_mut().zip(&mean).zip(row) {
            *var += var_of_plane + (mean_of_plane - mean) * (mean_of_plane - mean);
        }
    }
    var.iter_mut().for_each(|var| *var /= images);
    Statistics { mean, var }
}

/// Mean and variance of one plane: each run is read twice, the second time from the cache, and runs are put together by
/// the formula of Chan et al. (1979).
#[inline(always)]
pub(crate) fn moments_of_plane<T: Real>(x: &[T]) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0); // squares: of the distance to the mean
    for run in x.chunks(RUN) {
        let n = run.len() as f64;
        let one_nth = 1.0 / n;
        let near = T::from_f64(sums(run, run, |x, _| (x, T::zero())).0 * one_nth); // the mean of the run, rounded
        let (rest, run_squares) = sums(run, run, |x, _| (x - near, (x - near) * (x - near)));
        let (run_mean, run_squares) = (widen(near) + rest * one_nth, run_squares - rest * rest * one_nth);
        if x.len() <= RUN {
            return (run_mean, run_squares * one_nth);
        }
        let (total, distance) = (count + n, run_mean - mean);
        squares += run_squares + distance * distance * count * n / total;
        mean += distance * n / total;
        count = total;
    }
    (mean, squares / count)
}

/// `y = activation(x * scale + shift)`; x and y `[N, C, plane]`.
pub(crate) fn normalize<T: Real>(x: &[T], y: &mut [T], norm: &Normalization<T>) {
    with_function!(norm.activation, f => normalize_with(x, y, norm, f));
}

fn normalize_with<T: Real>(x: &[T], y: &mut [T], norm: &Normalization<T>, f: impl Function) {
    let (plane, planes) = (norm.plane, planes_a_task(norm.plane));
    let tasks = y.par_chunks_mut(planes * plane).zip(x.par_chunks(planes * plane)).enumerate();
    tasks.for_each(|(task, (y, x))| {
        vectorised(
            #[inline(always)]
            || {
                for (index, (y, x)) in y.chunks_exact_mut(plane).zip(x.chunks_exact(plane)).enumerate() {
                    let c = (task * planes + index) % norm.channels();
                    let (scale, shift) = (norm.scale[c], norm.shift[c]);
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = f.value(x * scale + shift);
                    }
                }
            },
        )
    });
}

/// The sums over x and dy, the gradient of y, that the gradients of bias, weight and x are made of.
pub(crate) fn gradient_sums<T: Real>(x: &[T], dy: &[T], norm: &Normalization<T>) -> GradientSums {
    with_function!(norm.activation, f => gradient_sums_with(x, dy, norm, f))
}

fn gradient_sums_with<T: Real>(x: &[T], dy: &[T], norm: &Normalization<T>, f: impl Function) -> GradientSums {
    let (plane, channels) = (norm.plane, norm.channels());
    // Some whole images a task, a row of the table each.
    let len = (BLOCK / (channels * plane)).max(1) * channels * plane;
    let mut table = vec![(0.0, 0.0); x.len().div_ceil(len) * channels];
    let inputs = x.par_chunks(len).zip(dy.par_chunks(len));
    table.par_chunks_mut(channels).zip(inputs).for_each(|(table, (x, dy))| {
        vectorised(
            #[inline(always)]
            || {
                for (c, totals) in table.iter_mut().enumerate() {
                    let (scale, shift, mean) = (norm.scale[c], norm.shift[c], T::from_f64(norm.mean[c]));
                    let value = |x: T, dy: T| {
                        let g = dy * f.derivative_at(x * scale + shift);
                        (g, g * (x - mean))
                    };
                    let planes = x.chunks_exact(plane).zip(dy.chunks_exact(plane)).skip(c).step_by(channels);
                    if plane <= SMALL {
                        // To add lanes up takes longer than to go through a small map: once for all images.
                        let mut lanes = Lanes::<16, T>::zeros();
                        planes.for_each(|(x, dy)| lanes.add(x, dy, value));
                        *totals = lanes.sums();
                        continue;
                    }
                    for (x, dy) in planes.flat_map(|(x, dy)| x.chunks(RUN).zip(dy.chunks(RUN))) {
                        let (sum, dot) = sums(x, dy, value);
                        *totals = (totals.0 + sum, totals.1 + dot);
                    }
                }
            },
        )
    });
    let (mut bias, mut weight) = (vec![0.0; channels], vec![0.0; channels]);
    for row in table.chunks_exact(channels) {
        for ((bias, weight), (sum, dot)) in bias.iter_mut().zip(&mut weight).zip(row) {
            *bias += sum;
            *weight += dot;
        }
    }
    weight.iter_mut().zip(&norm.inverse_std).for_each(|(weight, s)| *weight *= s);
    GradientSums { bias, weight }
}

/// dx, the gradient of x, from dy, that of y. With g the gradient of `x * scale + shift` and m values a channel it is
/// `scale * (g - sum(g) / m - xhat * sum(g * xhat) / m)`; where the statistics are constants (`sums` is None) it is
/// `scale * g`. It is written over dy.
pub(crate) fn input_gradient<T: Real>(
    x: &[T],
    dy: &mut [T],
    norm: &Normalization<T>,
    sums: Option<&GradientSums>,
) {
    with_function!(norm.activation, f => input_gradient_with(x, dy, norm, sums, f));
}

fn input_gradient_with<T: Real>(
    x: &[T],
    dx: &mut [T],
    norm: &Normalization<T>,
    sums: Option<&GradientSums>,
    f: impl Function,
) {
    let (plane, planes, channels) = (norm.plane, planes_a_task(norm.plane), norm.channels());
    let count = (x.len() / channels) as f64;
    // The two means of a channel, the second as a factor of `x - mean`.
    let means: Vec<(T, T)> = (0..channels)
        .map(|c| match sums {
            Some(sums) => (sums.bias[c] / count, norm.inverse_std[c] * sums.weight[c] / count),
            None => (0.0, 0.0),
        })
        .map(|(offset, slope)| (T::from_f64(offset), T::from_f64(slope)))
        .collect();
    let tasks = dx.par_chunks_mut(planes * plane).zip(x.par_chunks(planes * plane)).enumerate();
    tasks.for_each(|(task, (dx, x))| {
        vectorised(
            #[inline(always)]
            || {
                for (index, (dx, x)) in dx.chunks_exact_mut(plane).zip(x.chunks_exact(plane)).enumerate() {
                    let c = (task * planes + index) % channels;
                    let (scale, shift, mean) = (norm.scale[c], norm.shift[c], T::from_f64(norm.mean[c]));
                    let (offset, slope) = means[c];
                    for (dx, &x) in dx.iter_mut().zip(x) {
                        let g = *dx * f.derivative_at(x * scale + shift);
                        *dx = scale * (g - offset - (x - mean) * slope);
                    }
                }
            },
        )
    });
}
