//! The gradient of the weight, on all cores.
//!
//! `dweight[o, c, tap] = sum over images and places of maps[o] * padded image[c] at the tap`: the map channels o lie in the
//! lanes of vectors, and the pixels under some taps of the kernel are spread over all lanes, one after the other. The sums
//! stay in registers over the places of some images.
//!
//! Small weights are summed in several chunks of images, large ones by several parts of the map channels; both follow from
//! the shape alone, and chunks are added in order: one thread and many give the same bits.

use super::geometry::Geometry;
use super::lanes::{MANY_REGISTERS, Panels, for_each_stride};
use super::plan::Plan;
use crate::cpu::Real;
use crate::scratch::Scratch;
use crate::simd::{arch, vectorised};
use crate::transpose::transpose;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;
/// Weights that may be summed apart: what the chunks' sums need stays small.
const WEIGHTS_APART: usize = 1 << 20;
/// Fewer weights are added up on the spot.
const MIN_WEIGHTS_A_TASK: usize = 1 << 14;
/// Places to sum up before the sums are put aside: their feature maps fill most of a first-level cache.
const PLACES: usize = 256;

/// image `[N, C, H, W]`, feature maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O,
/// C, kh, kw]`, written or added to what is there.
pub(super) fn run<T: Real>(g: &Geometry, image: &[T], maps: &[T], gradient: &mut [T], add: bool) {
    let plan = Plan::correlate(g);
    let taps = g.taps();
    let panels = Panels::of::<T>(g.map_channels);
    let sums_len = taps.next_multiple_of(panels.pixels) * panels.lanes;

    let chunks = (WEIGHTS_APART / (g.map_channels * taps)).clamp(1, TASKS).min(g.batch);
    let images_a_chunk = g.batch.div_ceil(chunks);
    let chunks = g.batch.div_ceil(images_a_chunk);
    let panels_a_part = panels.count().div_ceil(TASKS.div_ceil(chunks));
    let parts = panels.count().div_ceil(panels_a_part);

    // [chunks, panels, taps, lanes]: a task sums up some panels (a part) over some images (a chunk).
    let mut sums = Scratch::take(chunks * panels.count() * sums_len);
    let tasks: Vec<&mut [T]> = sums
        .chunks_mut(panels.count() * sums_len)
        .flat_map(|sums| sums.chunks_mut(panels_a_part * sums_len))
        .collect();
    tasks.into_par_iter().enumerate().for_each(|(task, sums)| {
        let (chunk, first_panel) = (task / parts, task % parts * panels_a_part);
        let images = chunk * images_a_chunk..g.batch.min((chunk + 1) * images_a_chunk);
        let image = &image[images.start * g.image_len()..images.end * g.image_len()];
        let maps = &maps[images.start * g.map_len()..images.end * g.map_len()];
        sum_up_chunk(g, &plan, panels, first_panel, image, maps, sums);
    });

    let chunk_len = panels.count() * sums_len;
    let weights = panels.lanes * taps;
    let of_panels = gradient.par_chunks_mut(weights).with_min_len(MIN_WEIGHTS_A_TASK.div_ceil(weights));
    of_panels.enumerate().for_each(|(panel, gradient)| {
        let mut total = Scratch::take(sums_len);
        for chunk in 0..chunks {
            let sums = &sums[chunk * chunk_len + panel * sums_len..][..sums_len];
            if chunk == 0 { total.copy_from_slice(sums) } else { add_to(&mut total, sums) }
        }
        put(&total, taps, panels.lanes, gradient, add);
    });
}

/// Writes or adds sums `[taps, lanes]` of some channels to their gradient `[channels, taps]`.
pub(super) fn put<T: Real>(sums: &[T], taps: usize, lanes: usize, gradient: &mut [T], add: bool) {
    let channels = gradient.len() / taps;
    if add {
        let mut more = Scratch::take(gradient.len());
        transpose((taps, channels), sums, lanes, &mut more, taps);
        add_to(gradient, &more);
    } else {
        transpose((taps, channels), sums, lanes, gradient, taps);
    }
}

/// The sums of some panels over some images, `[panels, taps, lanes]`.
fn sum_up_chunk<T: Real>(
    g: &Geometry,
    plan: &Plan,
    panels: Panels,
    first_panel: usize,
    image: &[T],
    maps: &[T],
    sums: &mut [T],
) {
    let (places, lanes) = (g.places(), panels.lanes);
    let sums_len = g.taps().next_multiple_of(panels.pixels) * lanes;
    let images_a_block = PLACES.div_ceil(places);
    let mut padded = Scratch::take(images_a_block * plan.source_len());
    let mut in_lanes = Scratch::take(images_a_block * places * lanes);
    let blocks = image.chunks(images_a_block * g.image_len()).zip(maps.chunks(images_a_block * g.map_len()));
    for (block, (image, maps)) in blocks.enumerate() {
        let count = image.len() / g.image_len();
        plan.source.fill(image, &mut padded[..count * plan.source_len()]);
        for (panel, sums) in sums.chunks_mut(sums_len).enumerate() {
            let channels = panels.channels_of(first_panel + panel);
            if channels.len() < lanes {
                in_lanes.fill(T::zero());
            }
            for (maps, in_lanes) in maps.chunks(g.map_len()).zip(in_lanes.chunks_mut(places * lanes)) {
                transpose(
                    (channels.len(), places),
                    &maps[channels.start * places..],
                    places,
                    in_lanes,
                    lanes,
                );
            }
            arch().dispatch(Sums {
                plan,
                kernel_w: g.kernel_w,
                panels,
                padded: &padded[..count * plan.source_len()],
                maps: &in_lanes[..count * places * lanes],
                sums,
                go_on: block > 0,
            });
        }
    }
}

fn add_to<T: Real>(total: &mut [T], other: &[T]) {
    vectorised(
        #[inline(always)]
        || total.iter_mut().zip(other).for_each(|(total, &x)| *total += x),
    );
}

/// The sums of one panel over a few images, `[taps, lanes]`.
struct Sums<'a, T> {
    plan: &'a Plan,
    kernel_w: usize,
    panels: Panels,
    padded: &'a [T],
    /// `[images, places, lanes]`
    maps: &'a [T],
    sums: &'a mut [T],
    /// Whether to add to the sums of other images.
    go_on: bool,
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if const { S::REGISTER_COUNT < MANY_REGISTERS } {
            self.runs::<S, 1, 8>(simd);
        } else if self.panels.vectors == 2 {
            self.runs::<S, 2, 8>(simd);
        } else {
            self.runs::<S, 1, 16>(simd);
        }
    }
}

impl<T: Real> Sums<'_, T> {
    #[inline(always)]
    fn runs<S: Simd, const V: usize, const TAPS: usize>(self, simd: S) {
        // Taps side by side in a row of the kernel are found from one address.
        match self.kernel_w {
            w if w.is_multiple_of(4) => self.strides::<S, V, TAPS, 4>(simd),
            w if w.is_multiple_of(2) => self.strides::<S, V, TAPS, 2>(simd),
            _ => self.strides::<S, V, TAPS, 1>(simd),
        }
    }

    #[inline(always)]
    fn strides<S: Simd, const V: usize, const TAPS: usize, const RUN: usize>(self, simd: S) {
        match self.plan.stride {
            _ if const { !for_each_stride::<T, S>() } => self.sum_up::<S, V, TAPS, RUN, 0>(simd),
            1 => self.sum_up::<S, V, TAPS, RUN, 1>(simd),
            2 => self.sum_up::<S, V, TAPS, RUN, 2>(simd),
            _ => self.sum_up::<S, V, TAPS, RUN, 0>(simd),
        }
    }

    #[inline(always)]
    fn sum_up<S: Simd, const V: usize, const TAPS: usize, const RUN: usize, const STRIDE: usize>(
        self,
        simd: S,
    ) {
        let plan = self.plan;
        let stride = if STRIDE == 0 { plan.stride } else { STRIDE };
        let (height, width) = (plan.out_h, plan.out_w);
        let reach = (width - 1) * stride + RUN;
        // The last taps are filled up with some whose sums nobody reads.
        let mut offsets = plan.passes[0].offsets.clone();
        offsets.resize(offsets.len().next_multiple_of(TAPS), 0);
        let (offsets, _) = offsets.as_chunks::<TAPS>();
        let (maps, _) = T::vectors::<S>(self.maps).as_chunks::<V>();
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<V>();
        let (sums, _) = sums.as_chunks_mut::<TAPS>();
        for (sums, offsets) in sums.iter_mut().zip(offsets) {
            let mut tile = if self.go_on { *sums } else { [[T::splat(simd, T::zero()); V]; TAPS] };
            for (padded, maps) in self.padded.chunks(plan.source_len()).zip(maps.chunks(height * width)) {
                for (y, maps) in maps.chunks(width).enumerate() {
                    let row = y * stride * plan.source.padded_w;
                    let (runs, _) = tile.as_chunks_mut::<RUN>();
                    let pixels: [&[T]; TAPS] = std::array::from_fn(|tap| {
                        if tap % RUN == 0 { &padded[offsets[tap] + row..][..reach] } else { &[] }
                    });
                    for (x, maps) in maps.iter().enumerate() {
                        for (run, sums) in runs.iter_mut().enumerate() {
                            let pixels = &pixels[run * RUN][x * stride..][..RUN];
                            for (&pixel, sums) in pixels.iter().zip(sums) {
                                let pixel = T::splat(simd, pixel);
                                for (sum, &map) in sums.iter_mut().zip(maps) {
                                    *sum = T::multiply_add(simd, pixel, map, *sum);
                                }
                            }
                        }
                    }
                }
            }
            *sums = tile;
        }
    }
}
