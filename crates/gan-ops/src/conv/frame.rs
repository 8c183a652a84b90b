//! Where sums lie before they become planes: tiles of pixels, and the frame of an image.

use super::lanes::Panels;
use super::plan::{Pass, Plan};
use crate::cpu::{Real, widen};
use crate::simd::vectorised;
use crate::transpose::transpose;

/// How the pixels of a pass are cut into tiles, so wide and as high as there are registers for. Tiles may
/// reach over the edge: what they sum up there is never used.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub wide: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Tiles {
    pub fn of(pass: &Pass, pixels: usize) -> Self {
        // Eight pixels side by side, or a little less where more would reach over the edge.
        let across = pass.columns.div_ceil(8).max(1);
        let wide = pass.columns.div_ceil(across).max(4);
        let high = pixels / if wide == 4 { 4 } else { 8 };
        Self { wide, rows: pass.rows.next_multiple_of(high), columns: pass.columns.next_multiple_of(wide) }
    }
}

impl Plan {
    /// Weights of an output channel, over all passes.
    pub fn weight_rows(&self) -> usize {
        self.source_channels * self.passes.iter().map(|pass| pass.taps.len()).sum::<usize>()
    }

    /// Elements that tiles reach beyond the last plane.
    pub fn slack(&self, panels: Panels) -> usize {
        let reach = |pass: &Pass| {
            let tiles = Tiles::of(pass, panels.pixels);
            let last_pixel = ((tiles.rows - 1) * self.source.padded_w + tiles.columns - 1) * self.stride;
            let last_tap = pass.offsets.iter().take(pass.taps.len()).copied().max().unwrap_or(0);
            pass.origin + last_pixel + last_tap + 1
        };
        self.passes.iter().map(reach).max().unwrap_or(0).saturating_sub(self.source.len())
    }
}

/// Room for the sums of one image: its pixels, and those beyond the edges that tiles reach over.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub height: usize,
    pub width: usize,
}

impl Frame {
    pub fn of(plan: &Plan, panels: Panels) -> Self {
        let mut frame = Self { height: plan.out_h, width: plan.out_w };
        for pass in &plan.passes {
            let tiles = Tiles::of(pass, panels.pixels);
            frame.height = frame.height.max(pass.first.0 + (tiles.rows - 1) * pass.step + 1);
            frame.width = frame.width.max(pass.first.1 + (tiles.columns - 1) * pass.step + 1);
        }
        frame
    }

    pub fn len(self) -> usize {
        self.height * self.width
    }

    /// Copies sums `[height, width, lanes]` into planes `[channels, out_h, out_w]`.
    pub fn to_planes<T: Real>(
        self,
        plan: &Plan,
        sums: &[T],
        lanes: usize,
        planes: &mut [T],
        channels: usize,
    ) {
        let plane = plan.out_h * plan.out_w;
        if self.width == plan.out_w {
            return transpose((plane, channels), sums, lanes, planes, plane);
        }
        for row in 0..plan.out_h {
            let (sums, planes) = (&sums[row * self.width * lanes..], &mut planes[row * plan.out_w..]);
            transpose((plan.out_w, channels), sums, lanes, planes, plane);
        }
    }

    /// Mean and variance of each channel of sums `[height, width, lanes]`.
    pub fn measure<T: Real>(self, plan: &Plan, sums: &[T], lanes: usize, moments: &mut [(f64, f64)]) {
        vectorised(
            #[inline(always)]
            || match lanes {
                32 => self.measure_lanes::<32, T>(plan, sums, moments),
                16 => self.measure_lanes::<16, T>(plan, sums, moments),
                8 => self.measure_lanes::<8, T>(plan, sums, moments),
                4 => self.measure_lanes::<4, T>(plan, sums, moments),
                2 => self.measure_lanes::<2, T>(plan, sums, moments),
                _ => self.measure_lanes::<1, T>(plan, sums, moments),
            },
        );
    }

    /// Twice over sums that are in the cache: for the mean, then for the distances to it.
    #[inline(always)]
    fn measure_lanes<const LANES: usize, T: Real>(
        &self,
        plan: &Plan,
        sums: &[T],
        moments: &mut [(f64, f64)],
    ) {
        let count = (plan.out_h * plan.out_w) as f64;
        let (sums, _) = sums.as_chunks::<LANES>();
        let mut mean = [0.0; LANES];
        for row in sums.chunks(self.width).take(plan.out_h) {
            let mut total = [T::zero(); LANES]; // of one row: short enough for f32
            for pixel in &row[..plan.out_w] {
                for lane in 0..LANES {
                    total[lane] += pixel[lane];
                }
            }
            for lane in 0..LANES {
                mean[lane] += widen(total[lane]) / count;
            }
        }
        let near = mean.map(T::from_f64);
        let mut var = [0.0; LANES];
        for row in sums.chunks(self.width).take(plan.out_h) {
            let mut total = [T::zero(); LANES];
            for pixel in &row[..plan.out_w] {
                for lane in 0..LANES {
                    total[lane] += (pixel[lane] - near[lane]) * (pixel[lane] - near[lane]);
                }
            }
            for lane in 0..LANES {
                var[lane] += widen(total[lane]) / count;
            }
        }
        for (moments, of_lane) in moments.iter_mut().zip(mean.into_iter().zip(var)) {
            *moments = of_lane;
        }
    }
}
