//! From feature maps to an image of few channels (RGB, gray), which would leave most lanes of a vector empty.
//!
//! The gemm makes what each place adds to each pixel under its kernel, `columns[C*kh*kw, h*w] = weight^T *
//! feature maps`; then they are added up (col2im), by phases. With stride s the taps of a kernel visit the
//! padded image in s x s interleaved grids. Split into these *phases*, the image has one plain row for each
//! row that a tap visits:
//! `phase[a, b][i, j] = padded[s * i + a, s * j + b]`, and tap (ky, kx) at place (y, x) is
//! `phase[ky % s, kx % s][y + ky / s, x + kx / s]`. So each of the many taps is a sum of whole rows, and stride and padding
//! are dealt with once a pixel, when the phases become the image.

use super::geometry::Geometry;
use crate::cpu::{Matrix, Real, matmul};
use crate::scratch::Scratch;
use crate::simd::vectorised;
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
    images.fill(T::zero()); // some pixels may be under no tap
    let phases = Phases::of(g);
    let mut split = Scratch::take(phases.len());
    let width = images.len() / g.image_len() * g.places();
    for (plane, pixels) in images.chunks_mut(g.image_h * g.image_w).enumerate() {
        split.fill(T::zero());
        phases.for_each_tap(
            plane,
            width,
            #[inline(always)]
            |column, phase| {
                add_rows(&mut split[phase..], &columns[column..][..g.places()], g.map_w, phases.width);
            },
        );
        phases.for_each_pixel_row(
            #[inline(always)]
            |pixel, phase, count| {
                let (to, from) = (&mut pixels[pixel..], &split[phase..][..count]);
                match g.stride {
                    1 => to[..count].copy_from_slice(from),
                    2 => {
                        for (pair, &from) in to.chunks_mut(2).zip(from) {
                            pair[0] = from;
                        }
                    }
                    stride => {
                        for (to, &from) in to.iter_mut().step_by(stride).zip(from) {
                            *to = from;
                        }
                    }
                }
            },
        );
    }
}

/// The s x s phases of one padded image plane, each `height x width`, one after the other.
struct Phases<'a> {
    geometry: &'a Geometry,
    height: usize,
    width: usize,
}

impl<'a> Phases<'a> {
    fn of(geometry: &'a Geometry) -> Self {
        let Geometry { map_h, map_w, kernel_h, kernel_w, stride, .. } = *geometry;
        Self { geometry, height: map_h + (kernel_h - 1) / stride, width: map_w + (kernel_w - 1) / stride }
    }

    fn len(&self) -> usize {
        self.geometry.stride.pow(2) * self.height * self.width
    }

    /// Visits the rows of all phases that hold pixels: the first pixel in the plane, the first element in the phases, and
    /// how many there are; the next pixel is `stride` on, the next element beside it. Every pixel is visited that any tap
    /// reads, once. The rest of the phases is padding.
    #[inline(always)]
    fn for_each_pixel_row(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Geometry { image_h, image_w, stride, padding, .. } = *self.geometry;
        for a in 0..stride {
            for b in 0..stride {
                let phase = (a * stride + b) * self.height * self.width;
                let first = padding.saturating_sub(b).div_ceil(stride);
                let end = (image_w + padding).saturating_sub(b).div_ceil(stride).min(self.width);
                for i in 0..self.height {
                    let y = (i * stride + a).wrapping_sub(padding); // above the image: wraps to beyond it
                    if y < image_h && first < end {
                        let x = first * stride + b - padding;
                        visit(y * image_w + x, phase + i * self.width + first, end - first);
                    }
                }
            }
        }
    }

    /// Visits the taps of one plane (of image `plane / C`, channel `plane % C`): where its `h*w` columns begin in a matrix
    /// that is `width` columns wide, and where its first row begins in the phases.
    #[inline(always)]
    fn for_each_tap(&self, plane: usize, width: usize, mut visit: impl FnMut(usize, usize)) {
        let g = self.geometry;
        let (image, channel) = (plane / g.image_channels, plane % g.image_channels);
        for ky in 0..g.kernel_h {
            for kx in 0..g.kernel_w {
                let tap = (channel * g.kernel_h + ky) * g.kernel_w + kx;
                let phase = (ky % g.stride) * g.stride + kx % g.stride;
                let begin = (phase * self.height + ky / g.stride) * self.width + kx / g.stride;
                visit(tap * width + image * g.places(), begin);
            }
        }
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
