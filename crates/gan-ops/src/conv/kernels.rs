//! The three products behind both convolutions, as im2col + gemm on NCHW.
//!
//! A convolution couples an *image* `[N, C, H, W]` and *maps* `[N, O, h, w]` through a weight `[O, C, kh, kw]`. Unrolled
//! (im2col), the image becomes the matrix `columns [C*kh*kw, h*w]`, one column for each place the kernel visits, and
//!
//! - [`correlate`]: `maps = weight . columns(image)`: conv2d forward, conv_transpose2d's input gradient;
//! - [`scatter`]: `image = columns^-1(weight^T . maps)`: conv_transpose2d forward, conv2d's input gradient;
//! - [`weight_gradient`]: `dweight = sum over images of maps . columns(image)^T`: of both.
//!
//! Small maps (4x4) would make gemms too narrow to be fast, so several images are unrolled side by side: a group.
//! Groups run in parallel, each gemm on one thread. Groups and chunks follow from the shape alone, never from the
//! number of threads, so the result has the same bits on one thread and on many.

use super::geometry::Geometry;
use crate::cpu::{Matrix, Real, matmul};
use rayon::prelude::*;

/// Enough columns for the gemm to run at full speed.
const COLUMNS_A_GROUP: usize = 256;
/// The weight gradient is summed in at most this many partial sums.
const WEIGHT_CHUNKS: usize = 8;

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

/// im2col: images `[count, C, H, W]` -> columns `[C*kh*kw, count*h*w]`, zero where the kernel hangs over the edge.
fn unroll<T: Real>(g: &Geometry, images: &[T], columns: &mut Vec<T>) {
    let count = images.len() / g.image_len();
    columns.resize(g.taps() * count * g.places(), T::zero());
    g.for_each_row(count, |row| {
        let out = &mut columns[row.column..][..g.map_w];
        out[..row.inside.start].fill(T::zero());
        out[row.inside.end..].fill(T::zero());
        let (out, pixels) = (&mut out[row.inside], &images[row.pixel..]);
        match g.stride {
            1 => out.copy_from_slice(&pixels[..out.len()]),
            2 => out.iter_mut().zip(pixels.chunks(2)).for_each(|(out, pair)| *out = pair[0]),
            stride => {
                out.iter_mut().zip(pixels.iter().step_by(stride)).for_each(|(out, &pixel)| *out = pixel)
            }
        }
    });
}

/// col2im, the adjoint of [`unroll`]: adds columns `[C*kh*kw, count*h*w]` onto images `[count, C, H, W]`.
fn roll_up<T: Real>(g: &Geometry, columns: &[T], images: &mut [T]) {
    let count = images.len() / g.image_len();
    g.for_each_row(count, |row| {
        let values = &columns[row.column..][..g.map_w][row.inside];
        let pixels = &mut images[row.pixel..];
        match g.stride {
            1 => pixels.iter_mut().zip(values).for_each(|(pixel, &value)| *pixel += value),
            2 => pixels.chunks_mut(2).zip(values).for_each(|(pair, &value)| pair[0] += value),
            stride => {
                pixels.iter_mut().step_by(stride).zip(values).for_each(|(pixel, &value)| *pixel += value)
            }
        }
    });
}
