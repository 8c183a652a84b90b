//! The sums of a [`Plan`], on all cores.
//!
//! Output channels lie in the lanes of vectors, and each pixel of the source is spread over all lanes when it is read: so it
//! may lie anywhere, nothing needs to be unrolled (im2col), and stride costs nothing. The sums of some pixels of a panel of
//! channels stay in registers over a block of channels and taps; the weights of that block stay in the first-level cache.
//!
//! Images run in groups, so that weights that fit no cache are fetched once for many pixels. Neither groups nor blocks
//! depend on the number of threads, and each sum is made on one thread: one thread and many give the same bits.

use super::lanes::Panels;
use super::plan::{Pass, Plan};
use super::{Epilogue, Output};
use crate::activation::activate_serially;
use crate::cpu::{Real, widen};
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::transpose::transpose;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Pixels that make it worth fetching the weights.
const PIXELS_A_GROUP: usize = 256;
/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;
/// Channels and taps to sum up before the sums are put aside: their weights fill most of a first-level cache.
const BLOCK: usize = 192;

/// Fewer weights are packed on the spot.
const MIN_WEIGHTS_A_TASK: usize = 1 << 14;

/// source `[N, source channels, ...]`, weight -> output `[N, output channels, ...]`, activated.
pub(super) fn run<T: Real>(plan: &Plan, source: &[T], weight: &[T], epilogue: Epilogue) -> Output<T> {
    let panels = Panels::of::<T>(plan.out_channels);
    let weights = pack(plan, panels, weight);
    let plane = plan.out_h * plan.out_w;
    let image_len = plan.source_channels * plan.source.height * plan.source.width;
    let images = source.len() / image_len;
    let group = PIXELS_A_GROUP.div_ceil(plane).min(images.div_ceil(TASKS)).max(1);
    let panels_a_part = panels.count().div_ceil(TASKS.div_ceil(images.div_ceil(group)));
    let parts = panels.count().div_ceil(panels_a_part);

    let mut out = Scratch::take(images * plan.out_len());
    let mut moments = vec![(0.0, 0.0); images * plan.out_channels];
    // A task fills some channels (a part) of some images (a group).
    let mut tasks: Vec<Vec<(&mut [T], &mut [(f64, f64)])>> =
        (0..images.div_ceil(group) * parts).map(|_| Vec::new()).collect();
    let a_part = panels_a_part * panels.lanes;
    let of_images = out.chunks_mut(plan.out_len()).zip(moments.chunks_mut(plan.out_channels));
    for (image, (out, moments)) in of_images.enumerate() {
        let of_parts = out.chunks_mut(a_part * plane).zip(moments.chunks_mut(a_part));
        for (part, planes) in of_parts.enumerate() {
            tasks[image / group * parts + part].push(planes);
        }
    }
    let frame = Frame::of(plan, panels);
    let weights_len = plan.weight_rows() * panels.lanes;
    tasks.into_par_iter().enumerate().for_each(|(task, mut out)| {
        let (first_image, first_panel) = (task / parts * group, task % parts * panels_a_part);
        let mut padded = Scratch::take(out.len() * plan.source_len() + plan.slack(panels));
        let (planes, slack) = padded.split_at_mut(out.len() * plan.source_len());
        plan.source.fill(&source[first_image * image_len..][..out.len() * image_len], planes);
        slack.fill(T::zero());
        let mut sums = Scratch::take(out.len() * frame.len() * panels.lanes);
        for panel in first_panel..panels.count().min(first_panel + panels_a_part) {
            Arch::new().dispatch(Sums {
                plan,
                frame,
                panels,
                source: &padded,
                weights: &weights[panel * weights_len..][..weights_len],
                sums: &mut sums,
            });
            let channels = panels.channels_of(panel).len();
            let first = (panel - first_panel) * panels.lanes;
            for ((out, moments), sums) in out.iter_mut().zip(sums.chunks(frame.len() * panels.lanes)) {
                let planes = &mut out[first * plane..][..channels * plane];
                frame.to_planes(plan, sums, panels.lanes, planes, channels);
                match epilogue {
                    Epilogue::Activation(activation) => activate_serially(activation, planes),
                    Epilogue::Moments => {
                        frame.measure(plan, sums, panels.lanes, &mut moments[first..][..channels])
                    }
                }
            }
        }
    });
    (out, (epilogue == Epilogue::Moments).then_some(moments))
}

/// The weights, `[panels, passes, channels and taps, lanes]`.
fn pack<T: Real>(plan: &Plan, panels: Panels, weight: &[T]) -> Scratch<T> {
    let lanes = panels.lanes;
    let taps = plan.kernel_taps;
    let (of_out, of_source) = plan.weight_strides;
    let mut packed = Scratch::take(panels.count() * plan.weight_rows() * lanes);
    let panel_len = (plan.weight_rows() * lanes).max(1);
    let chunks = packed.par_chunks_mut(panel_len).with_min_len(MIN_WEIGHTS_A_TASK.div_ceil(panel_len));
    chunks.enumerate().for_each(|(panel, packed)| {
        let channels = panels.channels_of(panel);
        if channels.len() < lanes {
            packed.fill(T::zero());
        }
        if plan.passes.len() == 1 && of_source == taps {
            // All taps in their order: the weights of a channel lie as they are needed.
            let (rows, weight) = (plan.weight_rows(), &weight[channels.start * of_out..]);
            return transpose((channels.len(), rows), weight, of_out, packed, lanes);
        }
        let mut columns = Scratch::<T>::take(taps * lanes);
        columns.fill(T::zero());
        for source in 0..plan.source_channels {
            let weight = &weight[channels.start * of_out + source * of_source..];
            transpose((channels.len(), taps), weight, of_out, &mut columns, lanes);
            let mut first = 0;
            for pass in &plan.passes {
                let packed = packed[(first + source * pass.taps.len()) * lanes..].chunks_mut(lanes);
                for (packed, &tap) in packed.zip(&pass.taps) {
                    packed.copy_from_slice(&columns[tap * lanes..][..lanes]);
                }
                first += plan.source_channels * pass.taps.len();
            }
        }
    });
    packed
}

/// Room for the sums of one image: its pixels, and those beyond the edges that tiles reach over.
#[derive(Clone, Copy)]
struct Frame {
    height: usize,
    width: usize,
}

impl Frame {
    fn of(plan: &Plan, panels: Panels) -> Self {
        let mut frame = Self { height: plan.out_h, width: plan.out_w };
        for pass in &plan.passes {
            let tiles = Tiles::of(pass, panels.pixels);
            frame.height = frame.height.max(pass.first.0 + (tiles.rows - 1) * pass.step + 1);
            frame.width = frame.width.max(pass.first.1 + (tiles.columns - 1) * pass.step + 1);
        }
        frame
    }

    fn len(&self) -> usize {
        self.height * self.width
    }

    /// Copies sums `[height, width, lanes]` into planes `[channels, out_h, out_w]`.
    fn to_planes<T: Real>(&self, plan: &Plan, sums: &[T], lanes: usize, planes: &mut [T], channels: usize) {
        let plane = plan.out_h * plan.out_w;
        if self.width == plan.out_w {
            return transpose((plane, channels), sums, lanes, planes, plane);
        }
        for row in 0..plan.out_h {
            let (sums, planes) = (&sums[row * self.width * lanes..], &mut planes[row * plan.out_w..]);
            transpose((plan.out_w, channels), sums, lanes, planes, plane);
        }
    }
}

impl Frame {
    /// Mean and variance of each channel of sums `[height, width, lanes]`.
    fn measure<T: Real>(&self, plan: &Plan, sums: &[T], lanes: usize, moments: &mut [(f64, f64)]) {
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

/// How the pixels of a pass are cut into tiles of `high` x `wide`. Tiles may reach over the edge: what they sum up there is
/// never used.
#[derive(Clone, Copy)]
struct Tiles {
    high: usize,
    wide: usize,
    rows: usize,
    columns: usize,
}

impl Tiles {
    fn of(pass: &Pass, pixels: usize) -> Self {
        // Eight pixels side by side, or a little less where more would reach over the edge.
        let across = pass.columns.div_ceil(8).max(1);
        let wide = pass.columns.div_ceil(across).max(4);
        let high = pixels / if wide == 4 { 4 } else { 8 };
        Self {
            high,
            wide,
            rows: pass.rows.next_multiple_of(high),
            columns: pass.columns.next_multiple_of(wide),
        }
    }
}

impl Plan {
    /// Weights of an output channel, over all passes.
    fn weight_rows(&self) -> usize {
        self.source_channels * self.passes.iter().map(|pass| pass.taps.len()).sum::<usize>()
    }

    /// Elements that tiles reach beyond the last plane.
    fn slack(&self, panels: Panels) -> usize {
        let reach = |pass: &Pass| {
            let tiles = Tiles::of(pass, panels.pixels);
            let last_pixel = ((tiles.rows - 1) * self.source.padded_w + tiles.columns - 1) * self.stride;
            let last_tap = pass.offsets.iter().take(pass.taps.len()).copied().max().unwrap_or(0);
            pass.origin + last_pixel + last_tap + 1
        };
        self.passes.iter().map(reach).max().unwrap_or(0).saturating_sub(self.source.len())
    }
}

/// The sums of one panel, `[images, frame, lanes]`, of padded images.
struct Sums<'a, T> {
    plan: &'a Plan,
    frame: Frame,
    panels: Panels,
    source: &'a [T],
    weights: &'a [T],
    sums: &'a mut [T],
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.panels.vectors == 2 { self.passes::<S, 2>(simd) } else { self.passes::<S, 1>(simd) }
    }
}

impl<T: Real> Sums<'_, T> {
    #[inline(always)]
    fn passes<S: Simd, const V: usize>(mut self, simd: S) {
        let plan = self.plan;
        let (mut weights, _) = T::vectors::<S>(self.weights).as_chunks::<V>();
        for pass in &plan.passes {
            let rest = weights.split_off(plan.source_channels * pass.taps.len()..).unwrap_or_default();
            let tiles = Tiles::of(pass, self.panels.pixels);
            match (tiles.high, tiles.wide) {
                (4, _) => self.strides::<S, 4, 4, V>(simd, pass, tiles, weights),
                (2, 4) => self.strides::<S, 2, 4, V>(simd, pass, tiles, weights),
                (2, 5) => self.strides::<S, 2, 5, V>(simd, pass, tiles, weights),
                (2, 6) => self.strides::<S, 2, 6, V>(simd, pass, tiles, weights),
                (2, 7) => self.strides::<S, 2, 7, V>(simd, pass, tiles, weights),
                (2, _) => self.strides::<S, 2, 8, V>(simd, pass, tiles, weights),
                (_, 5) => self.strides::<S, 1, 5, V>(simd, pass, tiles, weights),
                (_, 6) => self.strides::<S, 1, 6, V>(simd, pass, tiles, weights),
                (_, 7) => self.strides::<S, 1, 7, V>(simd, pass, tiles, weights),
                _ => self.strides::<S, 1, 8, V>(simd, pass, tiles, weights),
            }
            weights = rest;
        }
    }

    #[inline(always)]
    fn strides<S: Simd, const HIGH: usize, const WIDE: usize, const V: usize>(
        &mut self,
        simd: S,
        pass: &Pass,
        tiles: Tiles,
        weights: &[[T::Vector<S>; V]],
    ) {
        match self.plan.stride {
            1 => self.pass::<S, HIGH, WIDE, V, 1>(simd, pass, tiles, weights),
            2 => self.pass::<S, HIGH, WIDE, V, 2>(simd, pass, tiles, weights),
            _ => self.pass::<S, HIGH, WIDE, V, 0>(simd, pass, tiles, weights),
        }
    }

    #[inline(always)]
    fn pass<S: Simd, const HIGH: usize, const WIDE: usize, const V: usize, const STRIDE: usize>(
        &mut self,
        simd: S,
        pass: &Pass,
        tiles: Tiles,
        weights: &[[T::Vector<S>; V]],
    ) {
        let (plan, frame) = (self.plan, self.frame);
        let stride = if STRIDE == 0 { plan.stride } else { STRIDE };
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<V>();
        // A phase without taps has one empty block: its sums are zero.
        for block in 0..pass.offsets.len().div_ceil(BLOCK).max(1) {
            let of_block = block * BLOCK..pass.offsets.len().min((block + 1) * BLOCK);
            let (offsets, weights) = (&pass.offsets[of_block.clone()], &weights[of_block]);
            for (image, sums) in sums.chunks_mut(frame.len()).enumerate() {
                let source = &self.source[image * plan.source_len() + pass.origin..];
                for y in (0..tiles.rows).step_by(HIGH) {
                    for x in (0..tiles.columns).step_by(WIDE) {
                        let place = |row: usize, column: usize| {
                            (pass.first.0 + (y + row) * pass.step) * frame.width
                                + pass.first.1
                                + (x + column) * pass.step
                        };
                        let rows: [&[T]; HIGH] = std::array::from_fn(|row| {
                            &source[((y + row) * plan.source.padded_w + x) * stride..]
                        });
                        let mut tile = [[[T::splat(simd, T::zero()); V]; WIDE]; HIGH];
                        if block > 0 {
                            for row in 0..HIGH {
                                for column in 0..WIDE {
                                    tile[row][column] = sums[place(row, column)];
                                }
                            }
                        }
                        for (weights, &offset) in weights.iter().zip(offsets) {
                            for (pixels, tile) in rows.iter().zip(&mut tile) {
                                let pixels = &pixels[offset..][..(WIDE - 1) * stride + 1];
                                for (x, sums) in tile.iter_mut().enumerate() {
                                    let pixel = T::splat(simd, pixels[x * stride]);
                                    for (sum, &weight) in sums.iter_mut().zip(weights) {
                                        *sum = T::multiply_add(simd, pixel, weight, *sum);
                                    }
                                }
                            }
                        }
                        for row in 0..HIGH {
                            for column in 0..WIDE {
                                sums[place(row, column)] = tile[row][column];
                            }
                        }
                    }
                }
            }
        }
    }
}
