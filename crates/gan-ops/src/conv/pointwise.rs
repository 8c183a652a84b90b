//! Kernels of a single pixel: a convolution is a matrix product for each image.
//!
//! Pixels are taken in blocks, so that those of all channels stay in a second-level cache until bias and
//! activation have been applied. Blocks and tasks follow from the shape alone: one thread and many give the
//! same bits.

use super::epilogue::Finish;
use super::geometry::Geometry;
use crate::cpu::{Matrix, Real, matmul};
use crate::scratch::Scratch;
use rayon::prelude::*;

/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;
/// Output channels of a task at least: with fewer, images would be read too often.
const MIN_ROWS: usize = 16;
/// Elements of images and feature maps that stay in a second-level cache.
const BLOCK: usize = 1 << 17;

/// image `[N, C, H, W]`, weight `[O, C]` -> feature maps `[N, O, H, W]`.
pub(super) fn correlate<T: Real>(
    g: &Geometry,
    image: &[T],
    weight: &[T],
    finish: Finish<'_, T>,
) -> Scratch<T> {
    let weight = Matrix::rows(weight, g.image_channels);
    run((g.batch, g.map_channels, g.image_channels, g.places()), image, weight, finish)
}

/// feature maps `[N, O, H, W]`, weight `[O, C]` -> image `[N, C, H, W]`.
pub(super) fn scatter<T: Real>(g: &Geometry, maps: &[T], weight: &[T], finish: Finish<'_, T>) -> Scratch<T> {
    let weight = Matrix::rows(weight, g.image_channels).transposed();
    run((g.batch, g.image_channels, g.map_channels, g.places()), maps, weight, finish)
}

/// `out[n] = weight[rows, depth] * source[n][depth, places]` for each image n.
fn run<T: Real>(
    (batch, rows, depth, places): (usize, usize, usize, usize),
    source: &[T],
    weight: Matrix<'_, T>,
    finish: Finish<'_, T>,
) -> Scratch<T> {
    let mut out = Scratch::take(batch * rows * places);
    let rows_a_part = rows.div_ceil(TASKS.div_ceil(batch)).max(MIN_ROWS);
    let of_images = out.chunks_mut(rows * places).zip(source.chunks(depth * places));
    let tasks: Vec<_> = of_images
        .flat_map(|(out, source)| {
            let parts = out.chunks_mut(rows_a_part * places).enumerate();
            parts.map(move |(part, out)| (part * rows_a_part, out, source))
        })
        .collect();
    tasks.into_par_iter().for_each(|(first, out, source)| {
        let count = out.len() / places;
        let weight = Matrix { data: &weight.data[first * weight.row_stride..], ..weight };
        let block = (BLOCK / (count + depth)).next_multiple_of(64).max(64);
        for start in (0..places).step_by(block) {
            let width = block.min(places - start);
            let source = Matrix::rows(&source[start..], places);
            matmul((count, width, depth), &mut out[start..], places, weight, source, false);
            for (row, out) in out.chunks_mut(places).enumerate() {
                finish.channel(first + row, &mut out[start..start + width]);
            }
        }
    });
    out
}
