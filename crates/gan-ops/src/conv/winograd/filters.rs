//! The transforms of F(2, 2) and F(2, 3), along both sides of a tile.
//!
//! Each is written out for one side, N inputs at a time: N = 3 for two taps, N = 4 for three. Loops over
//! arrays, not closures that make them: those would be left as calls, with vectors handed over in memory.
#![allow(clippy::needless_range_loop)] // rows and columns of small squares

use crate::cpu::Real;
use pulp::{Scalar, Simd};

/// The row of B^T for one of the products of a side: which inputs make it.
pub(super) fn image_row<const N: usize>(product: usize) -> [f64; N] {
    std::array::from_fn(|input| image_side::<f64, Scalar, N>(Scalar::new(), unit(input))[product])
}

/// The row of A for one of the products of a side: which outputs it is part of.
pub(super) fn output_row<const N: usize>(product: usize) -> [f64; 2] {
    output_side::<f64, Scalar, N>(Scalar::new(), unit(product))
}

fn unit<const N: usize>(one: usize) -> [f64; N] {
    std::array::from_fn(|i| f64::from(i == one))
}

type Square<V, const N: usize> = [[V; N]; N];

/// `M x M^T`, from what makes `M x` of a column x.
#[inline(always)]
fn both_sides<V: Copy, const N: usize>(mut x: Square<V, N>, side: impl Fn([V; N]) -> [V; N]) -> Square<V, N> {
    for row in &mut x {
        *row = side(*row);
    }
    for column in 0..N {
        let mut of_column = [x[0][column]; N];
        for row in 1..N {
            of_column[row] = x[row][column];
        }
        let of_column = side(of_column);
        for row in 0..N {
            x[row][column] = of_column[row];
        }
    }
    x
}

/// `B^T x B`: inputs to what is multiplied.
#[inline(always)]
pub(super) fn image<T: Real, S: Simd, const N: usize>(
    simd: S,
    x: Square<T::Vector<S>, N>,
) -> Square<T::Vector<S>, N> {
    both_sides(
        x,
        #[inline(always)]
        |side| image_side::<T, S, N>(simd, side),
    )
}

#[inline(always)]
fn image_side<T: Real, S: Simd, const N: usize>(simd: S, x: [T::Vector<S>; N]) -> [T::Vector<S>; N] {
    let mut y = x;
    if N == 3 {
        y[0] = T::vector_sub(simd, x[0], x[1]);
        y[2] = T::vector_sub(simd, x[1], x[2]);
    } else {
        y[0] = T::vector_sub(simd, x[0], x[2]);
        y[1] = T::vector_add(simd, x[1], x[2]);
        y[2] = T::vector_sub(simd, x[2], x[1]);
        y[3] = T::vector_sub(simd, x[1], x[3]);
    }
    y
}

/// `G w G^T`: taps, of which the first N - 1 rows and columns are read, to what is multiplied.
#[inline(always)]
pub(super) fn kernel<T: Real, S: Simd, const N: usize>(
    simd: S,
    w: Square<T::Vector<S>, N>,
) -> Square<T::Vector<S>, N> {
    both_sides(
        w,
        #[inline(always)]
        |side| kernel_side::<T, S, N>(simd, side),
    )
}

#[inline(always)]
fn kernel_side<T: Real, S: Simd, const N: usize>(simd: S, w: [T::Vector<S>; N]) -> [T::Vector<S>; N] {
    let mut u = w;
    if N == 3 {
        u[1] = T::vector_add(simd, w[0], w[1]);
        u[2] = w[1];
    } else {
        let half = T::splat(simd, T::from_f64(0.5));
        let (outer, inner) = (T::vector_add(simd, w[0], w[2]), w[1]);
        u[1] = T::vector_mul(simd, half, T::vector_add(simd, outer, inner));
        u[2] = T::vector_mul(simd, half, T::vector_sub(simd, outer, inner));
        u[3] = w[2];
    }
    u
}

/// `A^T m A`: products to 2 x 2 outputs.
#[inline(always)]
pub(super) fn output<T: Real, S: Simd, const N: usize>(
    simd: S,
    m: Square<T::Vector<S>, N>,
) -> [[T::Vector<S>; 2]; 2] {
    let mut rows = [[m[0][0]; 2]; N];
    for row in 0..N {
        rows[row] = output_side::<T, S, N>(simd, m[row]);
    }
    let mut out = [[m[0][0]; 2]; 2];
    for column in 0..2 {
        let mut side = [m[0][0]; N];
        for row in 0..N {
            side[row] = rows[row][column];
        }
        let [first, second] = output_side::<T, S, N>(simd, side);
        out[0][column] = first;
        out[1][column] = second;
    }
    out
}

#[inline(always)]
fn output_side<T: Real, S: Simd, const N: usize>(simd: S, m: [T::Vector<S>; N]) -> [T::Vector<S>; 2] {
    let (sum, difference) = (T::vector_add(simd, m[0], m[1]), T::vector_sub(simd, m[1], m[2]));
    if N == 3 {
        [sum, difference]
    } else {
        [T::vector_add(simd, sum, m[2]), T::vector_sub(simd, difference, m[N - 1])]
    }
}

/// `G^T u G`: the gradient of the taps, in the first N - 1 rows and columns.
#[inline(always)]
pub(super) fn taps<T: Real, S: Simd, const N: usize>(
    simd: S,
    u: Square<T::Vector<S>, N>,
) -> Square<T::Vector<S>, N> {
    both_sides(
        u,
        #[inline(always)]
        |side| taps_side::<T, S, N>(simd, side),
    )
}

#[inline(always)]
fn taps_side<T: Real, S: Simd, const N: usize>(simd: S, u: [T::Vector<S>; N]) -> [T::Vector<S>; N] {
    let mut w = u;
    if N == 3 {
        w[0] = T::vector_add(simd, u[0], u[1]);
        w[1] = T::vector_add(simd, u[1], u[2]);
    } else {
        let half = T::splat(simd, T::from_f64(0.5));
        let both = T::vector_mul(simd, half, T::vector_add(simd, u[1], u[2]));
        w[0] = T::vector_add(simd, u[0], both);
        w[1] = T::vector_mul(simd, half, T::vector_sub(simd, u[1], u[2]));
        w[2] = T::vector_add(simd, both, u[N - 1]);
    }
    w
}
