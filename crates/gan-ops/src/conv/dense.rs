//! Where the kernel covers the whole image (the first layer of a generator, the last of a discriminator), a convolution
//! is one matrix product.

use super::geometry::Geometry;
use crate::cpu::{Matrix, Real, matmul};
use crate::scratch::Scratch;
use rayon::prelude::*;

/// A product is split into at most this many.
const TASKS: usize = 8;

/// `maps[N, O] = image[N, C*H*W] * weight[O, C*H*W]^T`.
pub(super) fn correlate<T: Real>(g: &Geometry, image: &[T], weight: &[T]) -> Scratch<T> {
    let weight = Matrix::rows(weight, g.taps()).transposed();
    let mut maps = Scratch::take(g.batch * g.map_channels);
    product((g.batch, g.map_channels, g.taps()), &mut maps, Matrix::rows(image, g.taps()), weight, false);
    maps
}

/// `image[N, C*H*W] = maps[N, O] * weight[O, C*H*W]`.
pub(super) fn scatter<T: Real>(g: &Geometry, maps: &[T], weight: &[T]) -> Scratch<T> {
    let mut image = Scratch::take(g.batch * g.taps());
    let maps = Matrix::rows(maps, g.map_channels);
    product((g.batch, g.taps(), g.map_channels), &mut image, maps, Matrix::rows(weight, g.taps()), false);
    image
}

/// `gradient[O, C*H*W] = maps[N, O]^T * image[N, C*H*W]`, or `gradient += ...` with `add`.
pub(super) fn weight_gradient<T: Real>(g: &Geometry, image: &[T], maps: &[T], gradient: &mut [T], add: bool) {
    let maps = Matrix::rows(maps, g.map_channels).transposed();
    product((g.map_channels, g.taps(), g.batch), gradient, maps, Matrix::rows(image, g.taps()), add);
}

/// `out[m, n] = lhs[m, k] * rhs[k, n]`, or `out += ...` with `add`, some rows of `out` a task.
fn product<T: Real>(
    (m, n, k): (usize, usize, usize),
    out: &mut [T],
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    add: bool,
) {
    let rows = m.div_ceil(TASKS);
    out.par_chunks_mut(rows * n).enumerate().for_each(|(task, out)| {
        let lhs = Matrix { data: &lhs.data[task * rows * lhs.row_stride..], ..lhs };
        matmul((out.len() / n, n, k), out, n, lhs, rhs, add);
    });
}
