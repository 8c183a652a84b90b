//! Both directions of a convolution as one kind of sum.
//!
//! A [`Pass`] is a correlation with stride over planes that were padded with zeros first, so that no tap ever needs to be
//! asked whether it lies inside:
//!
//! `out[lane][i, j] = sum over channels c and taps t of source[c][origin + i * stride * width + j * stride + offset[t]] * weight[lane, c, t]`
//!
//! From image to feature maps (conv2d) this is one pass. From feature maps to image (conv_transpose2d), the
//! pixels `s * i + a, s * j + b` of each of the s x s phases (a, b) see the same taps, `ky % s == a` and `kx
//! % s == b`: one pass with stride 1 a phase, and no multiplication by the zeros that a strided input would
//! have between its pixels.

use super::geometry::Geometry;
use crate::cpu::Real;
use crate::simd::vectorised;

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
    /// For each tap its place in the kernel.
    pub taps: Vec<usize>,
    /// For each channel of the source and each tap: where it is from the origin.
    pub offsets: Vec<usize>,
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
    /// From image to feature maps.
    pub fn correlate(g: &Geometry) -> Self {
        let source = Padded {
            height: g.image_h,
            width: g.image_w,
            top: g.padding.top,
            left: g.padding.left,
            padded_h: g.image_h + g.padding.rows(),
            padded_w: g.image_w + g.padding.columns(),
        };
        let taps: Vec<usize> = (0..g.kernel_h * g.kernel_w).collect();
        let offset = |tap: &usize| tap / g.kernel_w * source.padded_w + tap % g.kernel_w;
        let pass = Pass {
            rows: g.map_h,
            columns: g.map_w,
            origin: 0,
            offsets: source.in_all_planes(g.image_channels, taps.iter().map(offset)),
            taps,
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

    /// From feature maps to image.
    pub fn scatter(g: &Geometry) -> Self {
        let sides = |kernel, image, padding| -> Vec<PhaseSide> {
            (0..g.stride).map(|phase| PhaseSide::of(phase, kernel, image, g.stride, padding)).collect()
        };
        let vertical = sides(g.kernel_h, g.image_h, g.padding.top);
        let horizontal = sides(g.kernel_w, g.image_w, g.padding.left);
        let (top, padded_h) = PhaseSide::padding(&vertical, g.map_h);
        let (left, padded_w) = PhaseSide::padding(&horizontal, g.map_w);
        let source = Padded { height: g.map_h, width: g.map_w, top, left, padded_h, padded_w };
        let pass = |(v, h): (&PhaseSide, &PhaseSide)| {
            let taps = || (0..v.taps).flat_map(|t| (0..h.taps).map(move |u| (t, u)));
            // Tap t of the phase is at source pixel i - t: the last tap comes first.
            let offset = |(t, u)| (v.taps - 1 - t) * padded_w + h.taps - 1 - u;
            let kernel = |(t, u)| (v.phase + t * g.stride) * g.kernel_w + h.phase + u * g.stride;
            Pass {
                rows: v.count,
                columns: h.count,
                origin: (v.start + top + 1 - v.taps.max(1)) * padded_w + h.start + left + 1 - h.taps.max(1),
                offsets: source.in_all_planes(g.map_channels, taps().map(offset)),
                taps: taps().map(kernel).collect(),
                first: (v.first, h.first),
                step: g.stride,
            }
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

    /// Elements of one image of the source.
    pub fn image_len(&self) -> usize {
        self.source_channels * self.source.height * self.source.width
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

    /// Zeros needed before the feature maps, and the whole length with those after.
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

    /// Offsets in one plane, for each of so many planes.
    fn in_all_planes(&self, planes: usize, offsets: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
        (0..planes).flat_map(|plane| offsets.clone().map(move |offset| plane * self.len() + offset)).collect()
    }

    /// Copies planes `[any, height, width]` into the middle of padded ones.
    pub fn fill<T: Real>(&self, planes: &[T], padded: &mut [T]) {
        vectorised(
            #[inline(always)]
            || match self.width {
                // Most rows are short powers of two: with their length known, a row is a move or two, and no call.
                4 => self.fill_rows::<4, T>(planes, padded),
                8 => self.fill_rows::<8, T>(planes, padded),
                16 => self.fill_rows::<16, T>(planes, padded),
                32 => self.fill_rows::<32, T>(planes, padded),
                _ => self.fill_rows::<0, T>(planes, padded),
            },
        );
    }

    /// The same for rows of `WIDTH` elements, or of any number where that is 0.
    #[inline(always)]
    fn fill_rows<const WIDTH: usize, T: Real>(&self, planes: &[T], padded: &mut [T]) {
        let zero = T::zero();
        let width = if WIDTH == 0 { self.width } else { WIDTH };
        for (plane, padded) in
            planes.chunks_exact(self.height * width).zip(padded.chunks_exact_mut(self.len()))
        {
            padded.fill(zero); // at once: edge by edge takes longer than the pixels do
            let mut start = self.top * self.padded_w + self.left;
            for row in plane.chunks_exact(width) {
                padded[start..][..width].copy_from_slice(row);
                start += self.padded_w;
            }
        }
    }
}
