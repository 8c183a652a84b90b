//! Sums of many numbers, so many side by side.

use crate::cpu::{Real, widen};

/// Elements that are summed before the sum is taken to f64: for accuracy, and few enough to stay in the L1 cache.
pub(crate) const RUN: usize = 1 << 11;
/// Elements of a map that is small.
pub(crate) const SMALL: usize = 64;

/// The sums of both numbers of `value(a, b)` over two runs of one length.
#[inline(always)]
pub(crate) fn sums<T: Real>(a: &[T], b: &[T], value: impl Fn(T, T) -> (T, T)) -> (f64, f64) {
    // 64 sums side by side stay a loop, which the compiler vectorises, and no addition waits for the one before; but to
    // add them up takes longer than to go through a small map.
    if a.len() > SMALL { sums_in_lanes::<64, T>(a, b, value) } else { sums_in_lanes::<16, T>(a, b, value) }
}

#[inline(always)]
fn sums_in_lanes<const LANES: usize, T: Real>(
    a: &[T],
    b: &[T],
    value: impl Fn(T, T) -> (T, T),
) -> (f64, f64) {
    let mut lanes = Lanes::<LANES, T>::zeros();
    lanes.add(a, b, value);
    lanes.sums()
}

/// Sums of both numbers, so many side by side.
pub(crate) struct Lanes<const LANES: usize, T> {
    first: [T; LANES],
    second: [T; LANES],
}

impl<const LANES: usize, T: Real> Lanes<LANES, T> {
    #[inline(always)]
    pub fn zeros() -> Self {
        Self { first: [T::zero(); LANES], second: [T::zero(); LANES] }
    }

    #[inline(always)]
    pub fn add(&mut self, a: &[T], b: &[T], value: impl Fn(T, T) -> (T, T)) {
        let Self { first, second } = self;
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                let (u, v) = value(a[lane], b[lane]);
                first[lane] += u;
                second[lane] += v;
            }
        }
        for (((first, second), &a), &b) in first.iter_mut().zip(second).zip(a_rest).zip(b_rest) {
            let (u, v) = value(a, b);
            *first += u;
            *second += v;
        }
    }

    #[inline(always)]
    pub fn sums(self) -> (f64, f64) {
        (sum_of_lanes(self.first), sum_of_lanes(self.second))
    }
}

/// By halves, which are again vectors.
#[inline(always)]
fn sum_of_lanes<const LANES: usize, T: Real>(mut lanes: [T; LANES]) -> f64 {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            let other = lanes[lane + width];
            lanes[lane] += other;
        }
    }
    widen(lanes[0])
}

/// The sum of each channel, from numbers `[N, C]`.
pub(crate) fn by_channel(table: impl Iterator<Item = f64>, channels: usize) -> Vec<f64> {
    let mut totals = vec![0.0; channels];
    for (index, number) in table.enumerate() {
        totals[index % channels] += number;
    }
    totals
}
