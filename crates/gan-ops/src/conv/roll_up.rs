//! From feature maps to an image of few channels (RGB, gray), which would leave most lanes of a vector empty.
//!
//! The gemm makes what each place adds to each pixel under its kernel, `columns[C*kh*kw, h*w] = weight^T *
//! feature maps`; then they are added up (col2im), in the phases of [`Windows`]. So each of the many taps is
//! a sum of whole rows, and stride and padding are dealt with once a pixel, when the phases become the image.

use super::geometry::Geometry;
use crate::cpu::{Matrix, Real, matmul};
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::windows::Windows;
use rayon::prelude::*;

/// Columns that are work enough for a task.
const COLUMNS_A_GROUP: usize = 256;
/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;

/// feature maps `[N, O, h, w]`, weight `[O, C, kh, kw]` -> image `[N, C, H, W]`.
pub(super) fn scatter<T: Real>(g: &Geometry, maps: &[T], weight: &[T]) -> Scratch<T> {
    let (places, taps, map_len) = (g.places(), g.taps(), g.map_len());
    let group = COLUMNS_A_GROUP.div_ceil(places).min(g.batch.div_ceil(TASKS)).max(1);
    let mut image = Scratch::take(g.batch * g.image_len());
    image.par_chunks_mut(group * g.image_len()).zip(maps.par_chunks(group * map_len)).for_each(
        |(images, maps)| {
            let width = maps.len() / g.map_channels;
            let mut columns = Scratch::take(taps * width);
            for (image, maps) in maps.chunks(map_len).enumerate() {
                let lhs = Matrix::rows(weight, taps).transposed();
                let columns = &mut columns[image * places..];
                matmul(
                    (taps, places, g.map_channels),
                    columns,
                    width,
                    lhs,
                    Matrix::rows(maps, places),
                    false,
                );
            }
            vectorised(
                #[inline(always)]
                || roll_up(g, &columns, images),
            );
        },
    );
    image
}

/// Adds columns `[C*kh*kw, count*h*w]` up to images `[count, C, H, W]`.
#[inline(always)]
fn roll_up<T: Real>(g: &Geometry, columns: &[T], images: &mut [T]) {
    let windows = Windows::at(
        (g.image_h, g.image_w),
        (g.map_h, g.map_w),
        (g.kernel_h, g.kernel_w),
        g.stride,
        (g.padding.top, g.padding.left),
    );
    let mut phases = Scratch::take(windows.len());
    let width = images.len() / g.image_len() * g.places();
    for (plane, pixels) in images.chunks_mut(g.image_h * g.image_w).enumerate() {
        phases.fill(T::zero());
        let (image, channel) = (plane / g.image_channels, plane % g.image_channels);
        for (tap, &offset) in windows.offsets.iter().enumerate() {
            let row = channel * windows.offsets.len() + tap;
            let column = &columns[row * width + image * g.places()..][..g.places()];
            add_rows(&mut phases[offset..], column, g.map_w, windows.columns);
        }
        windows.join(&phases, pixels);
    }
}

/// Adds rows of `width` elements: one after the other in `from`, `stride` apart in `to`.
#[inline(always)]
fn add_rows<T: Real>(to: &mut [T], from: &[T], width: usize, stride: usize) {
    match width {
        4 => add_rows_of::<4, T>(to, from, stride),
        8 => add_rows_of::<8, T>(to, from, stride),
        16 => add_rows_of::<16, T>(to, from, stride),
        32 => add_rows_of::<32, T>(to, from, stride),
        _ => {
            for (to, from) in to.chunks_mut(stride).zip(from.chunks(width)) {
                for (to, &from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            }
        }
    }
}

#[inline(always)]
fn add_rows_of<const WIDTH: usize, T: Real>(to: &mut [T], from: &[T], stride: usize) {
    let (from, _) = from.as_chunks::<WIDTH>();
    for (to, from) in to.chunks_mut(stride).zip(from) {
        for (to, &from) in to[..WIDTH].iter_mut().zip(from) {
            *to += from;
        }
    }
}
