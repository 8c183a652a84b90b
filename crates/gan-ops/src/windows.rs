//! The windows that a kernel visits in a padded plane, so that all of them can be summed up in one go.
//!
//! With stride s the taps of a kernel visit the padded plane in s x s interleaved grids. Split into these
//! *phases*, `phase[a, b][i, j] = padded[s * i + a, s * j + b]`, the plane has for tap (ky, kx) of place (y,
//! x) the element `phase[ky % s, kx % s][y + ky / s, x + kx / s]`: neighbours for neighbouring places. What
//! lies `offset(tap)` on from the element of place (0, 0) is so, for all places at once, one run of memory;
//! its rows are as long as those of a phase, of which the first `out_w` elements are places and the rest is
//! read for nothing.

use crate::cpu::Real;
use crate::padding::Padding;
use candle_core::{Result, bail};

/// Elements that are read at once; no run need be a multiple of it.
pub(crate) const AT_ONCE: usize = 64;

/// The windows of a plane of `height` x `width` pixels.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    height: usize,
    width: usize,
    top: usize,
    left: usize,
    stride: usize,
    /// Places of the kernel.
    pub out_h: usize,
    pub out_w: usize,
    /// Rows and columns of a phase.
    rows: usize,
    pub columns: usize,
    /// Where the run of each tap begins, row by row of the kernel.
    pub offsets: Vec<usize>,
}

impl Windows {
    /// Of a kernel at all the places where it fits.
    ///
    /// # Errors
    /// If there is none, or nothing to do.
    pub fn of(
        op: &str,
        (height, width): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: Padding,
    ) -> Result<Self> {
        let padded = (height + padding.rows(), width + padding.columns());
        if height * width * kernel.0 * kernel.1 * stride == 0 {
            bail!("{op}: nothing to do for {height}x{width}, kernel {kernel:?}, stride {stride}");
        }
        if kernel.0 > padded.0 || kernel.1 > padded.1 {
            bail!("{op}: a {}x{} kernel does not fit {height}x{width} with its padding", kernel.0, kernel.1);
        }
        let places = ((padded.0 - kernel.0) / stride + 1, (padded.1 - kernel.1) / stride + 1);
        Ok(Self::at((height, width), places, kernel, stride, (padding.top, padding.left)))
    }

    /// Of a kernel at so many places, with so much padding above and to the left.
    pub fn at(
        (height, width): (usize, usize),
        (out_h, out_w): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        (top, left): (usize, usize),
    ) -> Self {
        let (rows, columns) = (out_h + (kernel.0 - 1) / stride, out_w + (kernel.1 - 1) / stride);
        let taps = (0..kernel.0).flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx)));
        let offset = |(ky, kx): (usize, usize)| {
            let phase = ky % stride * stride + kx % stride;
            (phase * rows + ky / stride) * columns + kx / stride
        };
        let offsets = taps.map(offset).collect();
        Self { height, width, top, left, stride, out_h, out_w, rows, columns, offsets }
    }

    /// Elements of all phases.
    pub fn len(&self) -> usize {
        self.stride * self.stride * self.rows * self.columns
    }

    /// Elements of the run of a tap.
    pub fn run(&self) -> usize {
        self.out_h * self.columns
    }

    /// Elements to make room for, so that from any offset a run can be read with [`AT_ONCE`] elements at a
    /// time.
    pub fn len_to_read(&self) -> usize {
        let last = self.offsets.iter().copied().max().unwrap_or(0);
        self.len().max(last + self.run().next_multiple_of(AT_ONCE))
    }

    /// Pixels of a plane.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Places of the kernel in a plane.
    pub fn places(&self) -> usize {
        self.out_h * self.out_w
    }

    /// Visits the rows of all phases that hold pixels: the first pixel in the plane, the first element in the
    /// phases, and how many there are; the next pixel is `stride` on, the next element beside it. Every pixel
    /// is visited that any tap reads, once. The rest of the phases is padding.
    #[inline(always)]
    pub fn for_each_pixel_row(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let stride = self.stride;
        for a in 0..stride {
            for b in 0..stride {
                let phase = (a * stride + b) * self.rows * self.columns;
                let first = self.left.saturating_sub(b).div_ceil(stride);
                let end = (self.width + self.left).saturating_sub(b).div_ceil(stride).min(self.columns);
                for i in 0..self.rows {
                    let y = (i * stride + a).wrapping_sub(self.top); // above the image: wraps to beyond it
                    if y < self.height && first < end {
                        let x = first * stride + b - self.left;
                        visit(y * self.width + x, phase + i * self.columns + first, end - first);
                    }
                }
            }
        }
    }

    /// Splits a plane into phases, whose padding is `padding`.
    #[inline(always)]
    pub fn split<T: Real>(&self, plane: &[T], padding: T, phases: &mut [T]) {
        phases.fill(padding);
        self.for_each_pixel_row(
            #[inline(always)]
            |pixel, phase, count| {
                let (from, to) = (&plane[pixel..], &mut phases[phase..][..count]);
                match self.stride {
                    1 => to.copy_from_slice(&from[..count]),
                    2 => to.iter_mut().zip(from.chunks(2)).for_each(|(to, from)| *to = from[0]),
                    stride => {
                        to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from)
                    }
                }
            },
        );
    }

    /// Puts the pixels of phases back into their plane; those under no tap are 0.
    #[inline(always)]
    pub fn join<T: Real>(&self, phases: &[T], plane: &mut [T]) {
        plane.fill(T::zero());
        self.for_each_pixel_row(
            #[inline(always)]
            |pixel, phase, count| {
                let (to, from) = (&mut plane[pixel..], &phases[phase..][..count]);
                match self.stride {
                    1 => to[..count].copy_from_slice(from),
                    2 => to.chunks_mut(2).zip(from).for_each(|(to, from)| to[0] = *from),
                    stride => to.iter_mut().step_by(stride).zip(from).for_each(|(to, from)| *to = *from),
                }
            },
        );
    }

    /// The places of a run, row by row.
    #[inline(always)]
    pub fn places_of<T: Real>(&self, run: &[T], places: &mut [T]) {
        for (to, from) in places.chunks_exact_mut(self.out_w).zip(run.chunks(self.columns)) {
            to.copy_from_slice(&from[..self.out_w]);
        }
    }

    /// A run of these places, zeros between its rows.
    #[inline(always)]
    pub fn run_of<T: Real>(&self, places: &[T], run: &mut [T]) {
        for (from, to) in places.chunks_exact(self.out_w).zip(run.chunks_mut(self.columns)) {
            to[..self.out_w].copy_from_slice(from);
            to[self.out_w..].fill(T::zero());
        }
    }
}
