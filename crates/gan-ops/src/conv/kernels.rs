//! The three products behind both convolutions, as im2col + gemm on NCHW.
//!
//! A convolution couples an *image* `[N, C, H, W]` and *maps* `[N, O, h, w]` through a weight `[O, C, kh, kw]`. Unrolled
//! (im2col), the image becomes the matrix `columns [C*kh*kw, h*w]`, one column for each place the kernel visits, and
//!
//! - [`correlate`]: `maps = weight . columns(image)`: conv2d forward, conv_transpose2d's input gradient;
//! - [`scatter`]: `image = columns^-1(weight^T . maps)`: conv_transpose2d forward, conv2d's input gradient;
//! - [`weight_gradient`]: `dweight = sum over images of maps . columns(image)^T`: of both.
//!
//! Where the kernel covers the whole image (the first layer of a generator, the last of a discriminator), the image is
//! its own matrix of columns, and nothing needs to be unrolled.
//!
//! Small maps (4x4) would make gemms too narrow to be fast, so several images are unrolled side by side: a group.
//! Groups run in parallel, each gemm on one thread. Groups and chunks follow from the shape alone, never from the
//! number of threads, so the result has the same bits on one thread and on many.

use super::geometry::Geometry;
use super::unroll::{roll_up, unroll};
use crate::cpu::{Matrix, Real, matmul};
use rayon::prelude::*;

/// Enough columns for the gemm to run at full speed.
const COLUMNS_A_GROUP: usize = 256;
/// The weight gradient is summed in at most this many partial sums.
const WEIGHT_CHUNKS: usize = 8;
/// A product without unrolling is split into at most this many.
const DENSE_TASKS: usize = 4;

/// Images to unroll side by side, of `images` there are.
fn group_size(images: usize, places: usize) -> usize {
    let wide_enough = COLUMNS_A_GROUP.div_ceil(places);
    let keeps_cores_busy = images.div_ceil(4);
    wide_enough.min(keeps_cores_busy).max(1)
}

/// image `[N, C, H, W]`, weight `[O, C, kh, kw]` -> maps `[N, O, h, w]`.
pub(super) fn correlate<T: Real>(g: &Geometry, image: &[T], weight: &[T]) -> Vec<T> {
    let (places, taps) = (g.places(), g.taps());
    let (image_len, map_len) = (g.image_len(), g.map_len());
    let group = group_size(g.batch, places);
    let mut maps = vec![T::zero(); g.batch * map_len];
    if g.is_dense() {
        let weight = Matrix::rows(weight, taps).transposed();
        multiply_rows(&mut maps, Matrix::rows(image, taps), weight, (g.batch, g.map_channels, taps));
        return maps;
    }
    maps.par_chunks_mut(group * map_len).zip(image.par_chunks(group * image_len)).for_each_init(
        || (Vec::new(), Vec::new()),
        |(columns, product), (maps, images)| {
            let count = images.len() / image_len;
            let width = count * places;
            unroll(g, images, columns);
            let (lhs, rhs) = (Matrix::rows(weight, taps), Matrix::rows(&columns[..], width));
            if count == 1 {
                matmul((g.map_channels, places, taps), maps, places, lhs, rhs, false);
            } else {
                product.resize(g.map_channels * width, T::zero());
                matmul((g.map_channels, width, taps), product, width, lhs, rhs, false);
                swap_leading(product, maps, g.map_channels, count, places);
            }
        },
    );
    maps
}

/// maps `[N, O, h, w]`, weight `[O, C, kh, kw]` -> image `[N, C, H, W]`.
pub(super) fn scatter<T: Real>(g: &Geometry, maps: &[T], weight: &[T]) -> Vec<T> {
    let (places, taps) = (g.places(), g.taps());
    let (image_len, map_len) = (g.image_len(), g.map_len());
    let group = group_size(g.batch, places);
    let mut image = vec![T::zero(); g.batch * image_len];
    if g.is_dense() {
        let shape = (g.batch, taps, g.map_channels);
        multiply_rows(&mut image, Matrix::rows(maps, g.map_channels), Matrix::rows(weight, taps), shape);
        return image;
    }
    image.par_chunks_mut(group * image_len).zip(maps.par_chunks(group * map_len)).for_each_init(
        || (Vec::new(), Vec::new()),
        |(columns, gathered), (images, maps)| {
            let count = maps.len() / map_len;
            let width = count * places;
            let maps = gather(maps, gathered, count, g.map_channels, places);
            columns.resize(taps * width, T::zero());
            let lhs = Matrix::rows(weight, taps).transposed();
            matmul((taps, width, g.map_channels), columns, width, lhs, Matrix::rows(maps, width), false);
            roll_up(g, columns, images);
        },
    );
    image
}

/// image `[N, C, H, W]`, maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O, C, kh, kw]`.
pub(super) fn weight_gradient<T: Real>(g: &Geometry, image: &[T], maps: &[T]) -> Vec<T> {
    let (places, taps) = (g.places(), g.taps());
    let (image_len, map_len) = (g.image_len(), g.map_len());
    let weight_len = g.map_channels * taps;
    if g.is_dense() {
        let mut sum = vec![T::zero(); weight_len];
        let maps = Matrix::rows(maps, g.map_channels).transposed();
        multiply_rows(&mut sum, maps, Matrix::rows(image, taps), (g.map_channels, taps, g.batch));
        return sum;
    }
    let chunk = g.batch.div_ceil(WEIGHT_CHUNKS);
    let partial_sums: Vec<Vec<T>> = image
        .par_chunks(chunk * image_len)
        .zip(maps.par_chunks(chunk * map_len))
        .map(|(images, maps)| {
            let (mut sum, mut columns, mut gathered) = (vec![T::zero(); weight_len], Vec::new(), Vec::new());
            let group = group_size(images.len() / image_len, places);
            for (i, (images, maps)) in
                images.chunks(group * image_len).zip(maps.chunks(group * map_len)).enumerate()
            {
                let count = images.len() / image_len;
                let width = count * places;
                unroll(g, images, &mut columns);
                let maps = gather(maps, &mut gathered, count, g.map_channels, places);
                let rhs = Matrix::rows(&columns[..], width).transposed();
                matmul((g.map_channels, taps, width), &mut sum, taps, Matrix::rows(maps, width), rhs, i > 0);
            }
            sum
        })
        .collect();
    add_in_order(partial_sums)
}

/// `out[m, n] = lhs[m, k] * rhs[k, n]`, some rows of `out` a task.
fn multiply_rows<T: Real>(
    out: &mut [T],
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    (m, n, k): (usize, usize, usize),
) {
    let rows = m.div_ceil(DENSE_TASKS);
    out.par_chunks_mut(rows * n).enumerate().for_each(|(task, out)| {
        let lhs = Matrix { data: &lhs.data[task * rows * lhs.row_stride..], ..lhs };
        matmul((out.len() / n, n, k), out, n, lhs, rhs, false);
    });
}

/// The sum of the vectors, element by element, always in the order given.
fn add_in_order<T: Real>(parts: Vec<Vec<T>>) -> Vec<T> {
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_default();
    let rest: Vec<Vec<T>> = parts.collect();
    const BLOCK: usize = 1 << 14;
    sum.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sum)| {
        for part in &rest {
            let part = &part[block * BLOCK..][..sum.len()];
            sum.iter_mut().zip(part).for_each(|(total, &x)| *total += x);
        }
    });
    sum
}

/// Maps `[count, O, places]` as one matrix `[O, count * places]`: as they lie for one image, copied for more.
fn gather<'a, T: Real>(
    maps: &'a [T],
    gathered: &'a mut Vec<T>,
    count: usize,
    channels: usize,
    places: usize,
) -> &'a [T] {
    if count == 1 {
        return maps;
    }
    gathered.resize(maps.len(), T::zero());
    swap_leading(maps, gathered, count, channels, places);
    gathered
}

/// `[a, b, run]` -> `[b, a, run]`.
fn swap_leading<T: Real>(from: &[T], to: &mut [T], a: usize, b: usize, run: usize) {
    for i in 0..a {
        for j in 0..b {
            to[(j * a + i) * run..][..run].copy_from_slice(&from[(i * b + j) * run..][..run]);
        }
    }
}
