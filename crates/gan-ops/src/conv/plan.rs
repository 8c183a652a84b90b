//! Both directions of a convolution as one kind of sum.
//!
//! A [`Pass`] is a correlation with stride over planes that were padded with zeros first, so that no tap ever needs to be
//! asked whether it lies inside:
//!
//! `out[lane][i, j] = sum over channels c and taps t of source[c][origin + i * stride * width + j * stride + offset[t]] * weight[lane, c, t]`
//!
//! From image to maps (conv2d) this is one pass. From maps to image (conv_transpose2d), the pixels `s * i + a, s * j + b` of
//! each of the s x s phases (a, b) see the same taps, `ky % s == a` and `kx % s == b`: one pass with stride 1 a phase, and no
//! multiplication by the zeros that a strided input would have between its pixels.

use super::geometry::Geometry;
use crate::cpu::Real;

/// How the channels of a source become the channels of an output.
pub(super) struct Plan {
    pub source_channels: usize,
    pub source: Padded,
    pub out_channels: usize,
    pub out_h: usize,
    pub out_w: usize,
    /// Pixels of the source from one pixel of a pass to the next.
    pub stride: usize,
    pub passes: Vec<Pass>,
    /// Taps of the whole kernel.
    pub kernel_taps: usize,
    /// Elements of the weight from one output channel, and from one source channel, to the next.
    pub weight_strides: (usize, usize),
}

/// The pixels of an output that see the same taps.
pub(super) struct Pass {
    pub rows: usize,
    pub columns: usize,
    /// Where in a padded plane the first tap of the first pixel is.
    pub origin: usize,
    /// For each tap: where it is from there, and its place in the kernel.
    pub taps: Vec<(usize, usize)>,
    /// Row and column of the first pixel in the output.
    pub first: (usize, usize),
    /// Pixels of the output from one pixel to the next.
    pub step: usize,
}

/// A plane with zeros around it.
#[derive(Clone, Copy)]
pub(super) struct Padded {
    pub height: usize,
    pub width: usize,
    pub top: usize,
    pub left: usize,
    pub padded_h: usize,
    pub padded_w: usize,
}

impl Plan {
    /// From image to maps.
    pub fn correlate(g: &Geometry) -> Self {
        let source = Padded {
            height: g.image_h,
            width: g.image_w,
            top: g.padding,
            left: g.padding,
            padded_h: g.image_h + 2 * g.padding,
            padded_w: g.image_w + 2 * g.padding,
        };
        let tap = |tap: usize| ((tap / g.kernel_w) * source.padded_w + tap % g.kernel_w, tap);
        let pass = Pass {
            rows: g.map_h,
            columns: g.map_w,
            origin: 0,
            taps: (0..g.kernel_h * g.kernel_w).map(tap).collect(),
            first: (0, 0),
            step: 1,
        };
        Self {
            source_channels: g.image_channels,
            source,
            out_channels: g.map_channels,
            out_h: g.map_h,
            out_w: g.map_w,
            stride: g.stride,
            passes: vec![pass],
            kernel_taps: g.kernel_h * g.kernel_w,
            weight_strides: (g.taps(), g.kernel_h * g.kernel_w),
        }
    }

    /// From maps to image.
    pub fn scatter(g: &Geometry) -> Self {
        let sides = |kernel, image| -> Vec<PhaseSide> {
            (0..g.stride).map(|phase| PhaseSide::of(phase, kernel, image, g.stride, g.padding)).collect()
        };
        let (vertical, horizontal) = (sides(g.kernel_h, g.image_h), sides(g.kernel_w, g.image_w));
        let (top, padded_h) = PhaseSide::padding(&vertical, g.map_h);
        let (left, padded_w) = PhaseSide::padding(&horizontal, g.map_w);
        let source = Padded { height: g.map_h, width: g.map_w, top, left, padded_h, padded_w };
        let pass = |(v, h): (&PhaseSide, &PhaseSide)| Pass {
            rows: v.count,
            columns: h.count,
            // Tap t of the phase is at source pixel i - t: the last tap comes first.
            origin: (v.start + top + 1 - v.taps.max(1)) * padded_w + h.start + left + 1 - h.taps.max(1),
            taps: (0..v.taps * h.taps)
                .map(|tap| {
                    let (t, u) = (tap / h.taps, tap % h.taps);
                    let kernel = (v.phase + t * g.stride) * g.kernel_w + h.phase + u * g.stride;
                    ((v.taps - 1 - t) * padded_w + h.taps - 1 - u, kernel)
                })
                .collect(),
            first: (v.first, h.first),
            step: g.stride,
        };
        let phases = vertical.iter().flat_map(|v| horizontal.iter().map(move |h| (v, h)));
        Self {
            source_channels: g.map_channels,
            source,
            out_channels: g.image_channels,
            out_h: g.image_h,
            out_w: g.image_w,
            stride: 1,
            passes: phases.filter(|(v, h)| v.count * h.count > 0).map(pass).collect(),
            kernel_taps: g.kernel_h * g.kernel_w,
            weight_strides: (g.kernel_h * g.kernel_w, g.taps()),
        }
    }

    /// Elements of one image of the source, padded.
    pub fn source_len(&self) -> usize {
        self.source_channels * self.source.len()
    }

    /// Elements of one image of the output.
    pub fn out_len(&self) -> usize {
        self.out_channels * self.out_h * self.out_w
    }
}

/// One phase of an output, along one side: the pixels `s * i + phase - padding` for `start <= i < start + count`.
struct PhaseSide {
    phase: usize,
    taps: usize,
    start: usize,
    count: usize,
    /// The first of its pixels.
    first: usize,
}

impl PhaseSide {
    fn of(phase: usize, kernel: usize, image: usize, stride: usize, padding: usize) -> Self {
        let start = padding.saturating_sub(phase).div_ceil(stride);
        let end = (image + padding).saturating_sub(phase).div_ceil(stride);
        Self {
            phase,
            taps: kernel.saturating_sub(phase).div_ceil(stride),
            start,
            count: end.saturating_sub(start),
            first: start * stride + phase - padding,
        }
    }

    /// Zeros needed before the maps, and the whole length with those after.
    fn padding(sides: &[PhaseSide], maps: usize) -> (usize, usize) {
        let before = sides.iter().map(|side| side.taps.saturating_sub(1 + side.start)).max().unwrap_or(0);
        let last = sides.iter().map(|side| side.start + side.count).max().unwrap_or(0);
        (before, before + last.max(maps))
    }
}

impl Padded {
    /// Elements of a padded plane.
    pub fn len(&self) -> usize {
        self.padded_h * self.padded_w
    }

    /// Copies planes `[any, height, width]` into the middle of padded ones.
    pub fn fill<T: Real>(&self, planes: &[T], padded: &mut [T]) {
        let zero = T::zero();
        for (plane, padded) in planes.chunks(self.height * self.width).zip(padded.chunks_mut(self.len())) {
            padded[..self.top * self.padded_w].fill(zero);
            padded[(self.top + self.height) * self.padded_w..].fill(zero);
            let rows = padded[self.top * self.padded_w..].chunks_mut(self.padded_w);
            for (row, padded) in plane.chunks(self.width).zip(rows) {
                padded[..self.left].fill(zero);
                padded[self.left..][..self.width].copy_from_slice(row);
                padded[self.left + self.width..].fill(zero);
            }
        }
    }
}
