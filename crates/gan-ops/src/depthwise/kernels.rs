//! The sums of a depthwise convolution, on all cores: a plane after the other, all its places in one go.

use crate::conv::Finish;
use crate::cpu::{Real, widen};
use crate::scratch::Scratch;
use crate::simd::{arch, vectorised};
use crate::windows::{AT_ONCE, Windows};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Elements a thread takes at a time, in whole planes.
const BLOCK: usize = 1 << 15;
/// Vectors whose sums are made side by side: that hides the latency of an addition.
const VECTORS: usize = 4;

/// planes `[N, C, h, w]`, weight `[C, taps]` -> `[N, C, places]`, with bias and activation.
pub(super) fn run<T: Real>(windows: &Windows, x: &[T], weight: &[T], finish: Finish<'_, T>) -> Scratch<T> {
    let (taps, places, pixels) = (windows.offsets.len(), windows.places(), windows.pixels());
    let channels = weight.len() / taps;
    let mut y = Scratch::take(x.len() / pixels * places);
    let planes = planes_a_task(windows);
    let tasks = y.par_chunks_mut(planes * places).zip(x.par_chunks(planes * pixels));
    tasks.enumerate().for_each(|(task, (y, x))| {
        let mut source = Scratch::take(windows.len_to_read());
        let mut sums = Scratch::take(windows.run().next_multiple_of(AT_ONCE));
        source.fill(T::zero());
        for (index, (y, x)) in y.chunks_mut(places).zip(x.chunks(pixels)).enumerate() {
            let channel = (task * planes + index) % channels;
            vectorised(
                #[inline(always)]
                || windows.split(x, T::zero(), &mut source[..windows.len()]),
            );
            let weights = &weight[channel * taps..][..taps];
            arch().dispatch(Sums { windows, weights, source: &source, sums: &mut sums });
            windows.places_of(&sums, y);
            finish.channel(channel, y);
        }
    });
    y
}

fn planes_a_task(windows: &Windows) -> usize {
    (BLOCK / windows.pixels().max(windows.places())).max(1)
}

/// The sums of all windows of a plane.
struct Sums<'a, T> {
    windows: &'a Windows,
    weights: &'a [T],
    source: &'a [T],
    sums: &'a mut [T],
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let at_once = VECTORS * size_of::<T::Vector<S>>() / size_of::<T>();
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<VECTORS>();
        for (block, sums) in sums.iter_mut().enumerate() {
            if block * at_once >= self.windows.run() {
                break;
            }
            let source = &self.source[block * at_once..];
            let mut totals = [T::splat(simd, T::zero()); VECTORS];
            for (&weight, &offset) in self.weights.iter().zip(&self.windows.offsets) {
                let weight = T::splat(simd, weight);
                let pixels = T::vectors::<S>(&source[offset..][..at_once]);
                for (total, &pixels) in totals.iter_mut().zip(pixels) {
                    *total = T::multiply_add(simd, weight, pixels, *total);
                }
            }
            *sums = totals;
        }
    }
}

/// The gradient of the result, `[N, C, places]` -> that of the planes.
pub(crate) fn input_gradient<T: Real>(windows: &Windows, dy: &[T], weight: &[T]) -> Scratch<T> {
    let (taps, places, pixels) = (windows.offsets.len(), windows.places(), windows.pixels());
    let channels = weight.len() / taps;
    let mut dx = Scratch::take(dy.len() / places * pixels);
    let planes = planes_a_task(windows);
    let tasks = dx.par_chunks_mut(planes * pixels).zip(dy.par_chunks(planes * places));
    tasks.enumerate().for_each(|(task, (dx, dy))| {
        let mut run = Scratch::take(windows.run());
        let mut phases = Scratch::take(windows.len_to_read());
        for (index, (dx, dy)) in dx.chunks_mut(pixels).zip(dy.chunks(places)).enumerate() {
            let channel = (task * planes + index) % channels;
            vectorised(
                #[inline(always)]
                || {
                    windows.run_of(dy, &mut run);
                    phases.fill(T::zero());
                    for (&weight, &offset) in weight[channel * taps..].iter().zip(&windows.offsets) {
                        let phases = &mut phases[offset..][..run.len()];
                        phases.iter_mut().zip(&*run).for_each(|(dx, &dy)| *dx += weight * dy);
                    }
                    windows.join(&phases, dx);
                },
            );
        }
    });
    dx
}

/// x and the gradient of the result -> the gradient of the weight, `[C, taps]`.
pub(super) fn weight_gradient<T: Real>(windows: &Windows, channels: usize, x: &[T], dy: &[T]) -> Vec<f64> {
    let (taps, places, pixels) = (windows.offsets.len(), windows.places(), windows.pixels());
    let mut gradient = vec![0.0; channels * taps];
    gradient.par_chunks_mut(taps).enumerate().for_each(|(channel, gradient)| {
        let mut run = Scratch::take(windows.run());
        let mut source = Scratch::take(windows.len_to_read());
        source.fill(T::zero());
        let of_images = x.chunks(channels * pixels).zip(dy.chunks(channels * places));
        for (x, dy) in of_images {
            vectorised(
                #[inline(always)]
                || {
                    windows.split(&x[channel * pixels..][..pixels], T::zero(), &mut source[..windows.len()]);
                    windows.run_of(&dy[channel * places..][..places], &mut run);
                    for (total, &offset) in gradient.iter_mut().zip(&windows.offsets) {
                        *total += dot(&run, &source[offset..]);
                    }
                },
            );
        }
    });
    gradient
}

/// The sum of products, of 64 running sums.
#[inline(always)]
fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    let mut sums = [T::zero(); AT_ONCE];
    for (a, b) in a.chunks(AT_ONCE).zip(b.chunks(AT_ONCE)) {
        sums.iter_mut().zip(a).zip(b).for_each(|((sum, &a), &b)| *sum += a * b);
    }
    sums.into_iter().map(widen).sum()
}
