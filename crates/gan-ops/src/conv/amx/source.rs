//! Images into rows of words, and sums into images.

use super::layout::{CHANNELS, Layout};
use crate::amx::{Columns, ROW, load, pair, store, store_words};
use crate::transpose::avx512::transpose16;
use pulp::NullaryFnOnce;
use pulp::x86::V4;

/// Packs the images of one group, `[up to group, channels, pixels]`, as `[rows, parts, 16 words]`. Rows of images that are not
/// there, and behind the last, keep what they had: what comes of them belongs to no image either.
pub(super) struct Pack<'a, const PARTS: usize> {
    pub simd: V4,
    pub layout: &'a Layout,
    /// For each pixel of a plane, its row.
    pub rows: &'a [usize],
    /// The rows of the padding.
    pub padding: &'a [usize],
    pub channels: usize,
    pub images: &'a [f32],
    pub to: &'a mut [u32],
}

impl<const PARTS: usize> NullaryFnOnce for Pack<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (simd, pixels) = (self.simd, self.rows.len());
        let row_words = PARTS * ROW;
        for block in 0..self.layout.blocks {
            for row in self.padding {
                // Of all images of the group: they lie side by side.
                let row = row + block * self.layout.block;
                self.to[row * row_words..][..self.layout.group * row_words].fill(0);
            }
        }
        for (n, image) in self.images.chunks(self.channels * pixels).enumerate() {
            for block in 0..self.layout.blocks {
                let columns = |first: usize| {
                    let first = (block * CHANNELS + first).min(self.channels);
                    let rows = (self.channels - first).min(ROW);
                    Columns { from: &image[first * pixels..], stride: pixels, rows }
                };
                let (low, high) = (columns(0), columns(ROW));
                for (i, rows) in self.rows.chunks(ROW).enumerate() {
                    let low = low.read(simd, i * ROW, rows.len());
                    let high = high.read(simd, i * ROW, rows.len());
                    for (pixel, row) in rows.iter().enumerate() {
                        let row = row + block * self.layout.block + n;
                        let to = &mut self.to[row * PARTS * ROW..][..PARTS * ROW];
                        let parts = pair::<PARTS>(simd, low[pixel], high[pixel]);
                        for (to, words) in to.chunks_exact_mut(ROW).zip(parts) {
                            store_words(to, words);
                        }
                    }
                }
            }
        }
    }
}

/// Planes of `rows.len()` pixels from sums, `[rows, lanes]`: one for each lane.
pub(super) struct Unpack<'a> {
    pub simd: V4,
    /// For each pixel of a plane, its row.
    pub rows: &'a [usize],
    pub lanes: usize,
    pub sums: &'a [f32],
    pub planes: &'a mut [f32],
    /// Elements from a plane to the next, and how many of them there are.
    pub stride: usize,
    pub channels: usize,
    /// Whether to add to what is there.
    pub add: bool,
}

impl NullaryFnOnce for Unpack<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, rows, lanes, sums, planes, stride, channels, add } = self;
        for first in (0..channels).step_by(ROW) {
            for (i, rows) in rows.chunks(ROW).enumerate() {
                let mut vectors = [simd.avx512f._mm512_setzero_ps(); ROW];
                for (vector, row) in vectors.iter_mut().zip(rows) {
                    *vector = load(&sums[row * lanes + first..]);
                }
                let vectors = transpose16(simd, vectors);
                for (channel, vector) in (first..channels).zip(vectors) {
                    let plane = &mut planes[channel * stride + i * ROW..];
                    if rows.len() == ROW {
                        let before = if add { load(plane) } else { simd.avx512f._mm512_setzero_ps() };
                        store(plane, simd.avx512f._mm512_add_ps(before, vector));
                    } else {
                        let mut some = [0.0; ROW];
                        store(&mut some, vector);
                        for (pixel, x) in plane.iter_mut().zip(&some[..rows.len()]) {
                            *pixel = *x + if add { *pixel } else { 0.0 };
                        }
                    }
                }
            }
        }
    }
}
