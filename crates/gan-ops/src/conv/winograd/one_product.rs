//! One of the transformed inputs, or outputs, of many tiles.

use crate::cpu::Real;
use pulp::{Simd, WithSimd};

/// The pixels of a tile that make one product: how far on they are, and their factors.
pub(super) fn terms(
    rows: &[f64],
    columns: &[f64],
    pixel: impl Fn(usize, usize) -> usize,
) -> Vec<(usize, f64)> {
    let mut terms = Vec::new();
    for (r, row) in rows.iter().enumerate() {
        for (c, column) in columns.iter().enumerate() {
            if row * column != 0.0 {
                terms.push((pixel(r, c), row * column));
            }
        }
    }
    terms
}

/// `to[t + i] = sum over terms of factor * from[f + offset + i]`, for i below `width` and all places `(f,
/// t)`.
pub(super) struct OneProduct<'a, T> {
    pub terms: &'a [(usize, f64)],
    pub places: &'a [(usize, usize)],
    pub width: usize,
    pub from: &'a [T],
    pub to: &'a mut [T],
}

impl<T: Real> WithSimd for OneProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match *self.terms {
            [a] => self.run::<S, 1>(simd, [a]),
            [a, b] => self.run::<S, 2>(simd, [a, b]),
            [a, b, c, d] => self.run::<S, 4>(simd, [a, b, c, d]),
            _ => unreachable!("each row of the transforms has one or two factors"),
        }
    }
}

impl<T: Real> OneProduct<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const TERMS: usize>(self, simd: S, terms: [(usize, f64); TERMS]) {
        let (from, to) = (T::vectors::<S>(self.from), T::vectors_mut::<S>(self.to));
        let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
        let width = self.width / lanes;
        let factors = terms.map(|(_, factor)| T::splat(simd, T::from_f64(factor)));
        let offsets = terms.map(|(offset, _)| offset / lanes);
        for &(start, end) in self.places {
            let from = offsets.map(|offset| &from[start / lanes + offset..][..width]);
            for (i, to) in to[end / lanes..][..width].iter_mut().enumerate() {
                let mut sum = T::vector_mul(simd, factors[0], from[0][i]);
                for term in 1..TERMS {
                    sum = T::multiply_add(simd, factors[term], from[term][i], sum);
                }
                *to = sum;
            }
        }
    }
}
