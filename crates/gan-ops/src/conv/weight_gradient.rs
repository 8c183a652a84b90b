//! The gradient of the weight, on all cores.
//!
//! `dweight[o, c, tap] = sum over images and places of maps[o] * padded image[c] at the tap`: the map channels o lie in the
//! lanes of vectors, and the pixels under eight taps of the kernel are spread over all lanes, one after the other. The sums
//! stay in registers over the places of some images.
//!
//! Small weights are summed in several chunks of images, large ones by several parts of the map channels; both follow from
//! the shape alone, and chunks are added in order: one thread and many give the same bits.

use super::geometry::Geometry;
use super::lanes::Panels;
use super::plan::Plan;
use crate::cpu::Real;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::transpose::transpose;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Tasks to make at least, where there is work for them.
const TASKS: usize = 16;
/// Weights that may be summed apart: what the chunks' sums need stays small.
const WEIGHTS_APART: usize = 1 << 20;
/// Places to sum up before the sums are put aside: their maps fill most of a first-level cache.
const PLACES: usize = 256;
/// Taps whose sums are in registers at a time.
const TAPS: usize = 8;

/// image `[N, C, H, W]`, maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O, C, kh, kw]`, written
/// or added to what is there.
pub(super) fn run<T: Real>(g: &Geometry, image: &[T], maps: &[T], gradient: &mut [T], add: bool) {
    let plan = Plan::correlate(g);
    let (places, taps) = (g.places(), g.taps());
    let panels = Panels::of::<T>(g.map_channels);
    let lanes = panels.lanes;
    let rows = taps.next_multiple_of(TAPS);

    // The images padded, the maps with their channels in lanes: [images, panels, places, lanes].
    let mut padded = Scratch::take(g.batch * plan.source_len());
    let mut in_lanes = Scratch::take(g.batch * panels.count() * places * lanes);
    let image_len = plan.source_len();
    let maps_len = panels.count() * places * lanes;
    (padded.par_chunks_mut(image_len).zip(in_lanes.par_chunks_mut(maps_len)))
        .zip(image.par_chunks(g.image_len()).zip(maps.par_chunks(g.map_len())))
        .for_each(|((padded, in_lanes), (image, maps))| {
            plan.source.fill(image, padded);
            for (panel, in_lanes) in in_lanes.chunks_mut(places * lanes).enumerate() {
                let channels = panels.channels_of(panel);
                if channels.len() < lanes {
                    in_lanes.fill(T::zero());
                }
                transpose(
                    (channels.len(), places),
                    &maps[channels.start * places..],
                    places,
                    in_lanes,
                    lanes,
                );
            }
        });

    let chunks = (WEIGHTS_APART / (g.map_channels * taps)).clamp(1, TASKS).min(g.batch);
    let images_a_chunk = g.batch.div_ceil(chunks);
    let mut sums = Scratch::take(panels.count() * g.batch.div_ceil(images_a_chunk) * rows * lanes);
    let chunks = g.batch.div_ceil(images_a_chunk);
    sums.par_chunks_mut(rows * lanes).enumerate().for_each(|(task, sums)| {
        let (panel, chunk) = (task / chunks, task % chunks);
        let images = chunk * images_a_chunk..g.batch.min((chunk + 1) * images_a_chunk);
        Arch::new().dispatch(Sums {
            plan: &plan,
            vectors: panels.vectors,
            padded: &padded[images.start * image_len..images.end * image_len],
            maps: &in_lanes[images.start * maps_len..images.end * maps_len],
            maps_len,
            first_map: panel * places * lanes,
            sums,
        });
    });

    let sums = sums.par_chunks_mut(chunks * rows * lanes);
    gradient.par_chunks_mut(lanes * taps).zip(sums).for_each(|(gradient, sums)| {
        let (total, others) = sums.split_at_mut(rows * lanes);
        for other in others.chunks(rows * lanes) {
            add_to(total, other);
        }
        let channels = gradient.len() / taps;
        if add {
            let mut more = Scratch::take(gradient.len());
            transpose((taps, channels), total, lanes, &mut more, taps);
            add_to(gradient, &more);
        } else {
            transpose((taps, channels), total, lanes, gradient, taps);
        }
    });
}

fn add_to<T: Real>(total: &mut [T], other: &[T]) {
    vectorised(
        #[inline(always)]
        || total.iter_mut().zip(other).for_each(|(total, &x)| *total += x),
    );
}

/// The sums of one panel over some images, `[taps, lanes]`.
struct Sums<'a, T> {
    plan: &'a Plan,
    vectors: usize,
    padded: &'a [T],
    /// `[images, maps_len]`; the panel's `[places, lanes]` begin at `first_map` of each.
    maps: &'a [T],
    maps_len: usize,
    first_map: usize,
    sums: &'a mut [T],
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.vectors, self.plan.stride) {
            (2, 1) => self.sum_up::<S, 2, 1>(simd),
            (2, 2) => self.sum_up::<S, 2, 2>(simd),
            (2, _) => self.sum_up::<S, 2, 0>(simd),
            (_, 1) => self.sum_up::<S, 1, 1>(simd),
            (_, 2) => self.sum_up::<S, 1, 2>(simd),
            _ => self.sum_up::<S, 1, 0>(simd),
        }
    }
}

impl<T: Real> Sums<'_, T> {
    #[inline(always)]
    fn sum_up<S: Simd, const V: usize, const STRIDE: usize>(self, simd: S) {
        let plan = self.plan;
        let stride = if STRIDE == 0 { plan.stride } else { STRIDE };
        let (height, width) = (plan.out_h, plan.out_w);
        let reach = (width - 1) * stride + 1;
        let planes = (0..plan.source_channels).map(|channel| channel * plan.source.len());
        let mut offsets: Vec<usize> = planes
            .flat_map(|plane| plan.passes[0].taps.iter().map(move |&(offset, _)| plane + offset))
            .collect();
        // The last eight are filled up with taps whose sums nobody reads.
        offsets.resize(offsets.len().next_multiple_of(TAPS), 0);
        let (offsets, _) = offsets.as_chunks::<TAPS>();
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<V>();
        let (sums, _) = sums.as_chunks_mut::<TAPS>();
        let images = PLACES.div_ceil(height * width);
        let blocks =
            self.padded.chunks(images * plan.source_len()).zip(self.maps.chunks(images * self.maps_len));
        for (block, (padded, maps)) in blocks.enumerate() {
            for (sums, offsets) in sums.iter_mut().zip(offsets) {
                let mut tile = if block > 0 { *sums } else { [[T::splat(simd, T::zero()); V]; TAPS] };
                for (padded, maps) in padded.chunks(plan.source_len()).zip(maps.chunks(self.maps_len)) {
                    let (maps, _) = T::vectors::<S>(&maps[self.first_map..]).as_chunks::<V>();
                    for (y, maps) in maps.chunks(width).take(height).enumerate() {
                        let row = y * stride * plan.source.padded_w;
                        let pixels: [&[T]; TAPS] =
                            std::array::from_fn(|tap| &padded[offsets[tap] + row..][..reach]);
                        for (x, maps) in maps.iter().enumerate() {
                            for (pixels, sums) in pixels.iter().zip(&mut tile) {
                                let pixel = T::splat(simd, pixels[x * stride]);
                                for (sum, &map) in sums.iter_mut().zip(maps) {
                                    *sum = T::multiply_add(simd, pixel, map, *sum);
                                }
                            }
                        }
                    }
                }
                *sums = tile;
            }
        }
    }
}
