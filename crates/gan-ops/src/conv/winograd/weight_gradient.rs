//! The gradient of the weight by minimal filtering.
//!
//! Each of the products of a tile is a matrix product over tiles, of channels by map channels; a task makes
//! one of them, of some map channels and some images. Images run in groups, whose copies with channels side
//! by side are shared by all tasks. What the tasks are follows from the shape alone, and partial sums are
//! added in order: one thread and many give the same bits.
#![allow(clippy::needless_range_loop)] // rows and columns of small squares

use super::filters;
use super::frames::CHANNELS;
use super::one_product::{OneProduct, terms};
use super::products::{ProductsOverTiles, row_len};
use super::scheme::{Part, Scheme, TilePass};
use crate::conv::geometry::Geometry;
use crate::conv::lanes::Panels;
use crate::conv::plan::Plan;
use crate::conv::weight_gradient::put;
use crate::cpu::Real;
use crate::scratch::Scratch;
use crate::simd::arch;
use crate::transpose::transpose;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Tasks for each product.
const TASKS: usize = 4;
/// Map channels of a task at least: with fewer, inputs would be transformed too often.
const MIN_CHANNELS: usize = 128;
/// With fewer channels of the image the transforms, one by one, take longer than what they save.
const MIN_IMAGE_CHANNELS: usize = 32;
/// Elements of the copies of a group of images.
const GROUP: usize = 1 << 20;
/// Elements of one transformed input of some tiles: they stay in a second-level cache.
const BLOCK: usize = 1 << 15;

/// image `[N, C, H, W]`, feature maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O,
/// C, kh, kw]`, written or added to what is there. Returns whether it was done.
pub(in crate::conv) fn run<T: Real>(
    g: &Geometry,
    image: &[T],
    maps: &[T],
    gradient: &mut [T],
    add: bool,
) -> bool {
    if g.image_channels < MIN_IMAGE_CHANNELS {
        return false;
    }
    let plan = Plan::correlate(g);
    let Some(scheme) = Scheme::of::<T>(&plan) else { return false };
    match scheme.side {
        3 => Sums::<3, T>::new(g, &plan, &scheme).run(image, maps, gradient, add),
        _ => Sums::<4, T>::new(g, &plan, &scheme).run(image, maps, gradient, add),
    }
    true
}

struct Sums<'a, const N: usize, T> {
    g: &'a Geometry,
    plan: &'a Plan,
    scheme: &'a Scheme,
    pass: &'a TilePass,
    panels: Panels,
    panels_a_part: usize,
    /// Chunks of a group of images, each with sums of its own: `[chunks, products, panels, depth, lanes]`.
    chunks: usize,
    sums: Scratch<T>,
}

impl<'a, const N: usize, T: Real> Sums<'a, N, T> {
    fn new(g: &'a Geometry, plan: &'a Plan, scheme: &'a Scheme) -> Self {
        let panels = Panels::of_products::<T>(g.map_channels);
        let parts = (g.map_channels / MIN_CHANNELS).clamp(1, TASKS);
        let chunks = (TASKS / parts).min(g.batch);
        let panels_a_part = panels.count().div_ceil(parts);
        let pass = &scheme.passes[0];
        let depth = pass.parts.len() * scheme.channels;
        let sums = Scratch::take(chunks * N * N * panels.count() * depth * panels.lanes);
        Self { g, plan, scheme, pass, panels, panels_a_part, chunks, sums }
    }

    /// What a matrix product has rows for: the channels of all phases.
    fn depth(&self) -> usize {
        self.pass.parts.len() * self.scheme.channels
    }

    /// Sums of one panel.
    fn panel_len(&self) -> usize {
        self.depth() * self.panels.lanes
    }

    fn run(mut self, image: &[T], maps: &[T], gradient: &mut [T], add: bool) {
        let (image_len, map_len) = (self.g.image_len(), self.g.map_len());
        let copy_len = self.scheme.source_len() + self.maps_len();
        // Groups of about one size: a last one of a few images would be all overhead.
        let groups = (self.g.batch * copy_len).div_ceil(GROUP).max(1);
        let group = self.g.batch.div_ceil(groups).next_multiple_of(self.chunks);
        let groups = image.chunks(group * image_len).zip(maps.chunks(group * map_len));
        for (index, (image, maps)) in groups.enumerate() {
            self.add_group(image, maps, index > 0);
        }
        self.store(gradient, add);
    }

    /// Elements of the feature maps of one image, with channels side by side and whole tiles.
    fn maps_len(&self) -> usize {
        4 * self.pass.count() * self.map_channels()
    }

    fn map_channels(&self) -> usize {
        self.panels.count() * self.panels.lanes
    }

    fn add_group(&mut self, image: &[T], maps: &[T], go_on: bool) {
        let (g, scheme) = (self.g, self.scheme);
        let images = image.len() / g.image_len();
        let (source_len, maps_len) = (scheme.source_len(), self.maps_len());
        let mut padded = Scratch::take(images * source_len);
        let mut in_lanes = Scratch::take(images * maps_len);
        let of_images = image.par_chunks(g.image_len()).zip(padded.par_chunks_mut(source_len));
        let of_maps = maps.par_chunks(g.map_len()).zip(in_lanes.par_chunks_mut(maps_len));
        let this = &*self;
        of_images.zip(of_maps).for_each(|((image, padded), (maps, in_lanes))| {
            scheme.fill(this.plan, image, padded);
            this.fill_maps(maps, in_lanes);
        });
        let (panel_len, a_part) = (self.panel_len(), self.panels_a_part);
        let images_a_chunk = images.div_ceil(self.chunks);
        let mut sums = std::mem::replace(&mut self.sums, Scratch::take(0));
        let this = &*self;
        let of_products = sums.chunks_mut(this.panels.count() * panel_len);
        let tasks: Vec<(usize, usize, &mut [T])> = of_products
            .enumerate()
            .flat_map(|(product, sums)| {
                let parts = sums.chunks_mut(a_part * panel_len).enumerate();
                parts.map(move |(part, sums)| (product, part, sums))
            })
            .collect();
        tasks.into_par_iter().for_each(|(index, part, sums)| {
            let (chunk, product) = (index / (N * N), index % (N * N));
            let of_chunk = (chunk * images_a_chunk).min(images)..((chunk + 1) * images_a_chunk).min(images);
            let padded = &padded[of_chunk.start * source_len..of_chunk.end * source_len];
            let maps = &in_lanes[of_chunk.start * maps_len..of_chunk.end * maps_len];
            this.add_product(product, part * a_part, padded, maps, sums, go_on);
        });
        self.sums = sums;
    }

    /// `[O, h, w]` -> `[rows, columns, O]`, zeros beyond the edges.
    fn fill_maps(&self, maps: &[T], in_lanes: &mut [T]) {
        let (g, channels, columns) = (self.g, self.map_channels(), 2 * self.pass.tiles.1);
        in_lanes.fill(T::zero());
        for first in (0..g.map_channels).step_by(CHANNELS) {
            let count = CHANNELS.min(g.map_channels - first);
            for row in 0..g.map_h {
                let from = &maps[first * g.places() + row * g.map_w..];
                let to = &mut in_lanes[row * columns * channels + first..];
                transpose((count, g.map_w), from, g.places(), to, channels);
            }
        }
    }

    /// Adds one product of some panels over some images.
    fn add_product(
        &self,
        product: usize,
        first_panel: usize,
        padded: &[T],
        maps: &[T],
        sums: &mut [T],
        go_on: bool,
    ) {
        let (depth, lanes, row_len) = (self.depth(), self.panels.lanes, row_len::<T>(self.depth()));
        let images = padded.len() / self.scheme.source_len();
        let a_block = (BLOCK / (row_len * self.pass.count())).clamp(1, images.max(1));
        let tiles = a_block * self.pass.count();
        let panels = sums.len() / self.panel_len();
        let mut rows = Scratch::take(tiles * row_len);
        let mut of_maps = Scratch::take(panels * tiles * lanes);
        if images == 0 && !go_on {
            sums.fill(T::zero());
        }
        let blocks =
            padded.chunks(a_block * self.scheme.source_len()).zip(maps.chunks(a_block * self.maps_len()));
        for (index, (padded, maps)) in blocks.enumerate() {
            let tiles = padded.len() / self.scheme.source_len() * self.pass.count();
            self.transform_images(product, padded, &mut rows, row_len);
            self.transform_maps(product, first_panel * lanes, maps, &mut of_maps[..panels * tiles * lanes]);
            for (sums, maps) in sums.chunks_mut(depth * lanes).zip(of_maps.chunks(tiles * lanes)) {
                arch().dispatch(ProductsOverTiles {
                    panels: self.panels,
                    row_len,
                    rows: &rows[..tiles * row_len],
                    maps,
                    sums,
                    go_on: go_on || index > 0,
                });
            }
        }
    }

    /// One of the transformed inputs of all tiles, `[tiles, row]`.
    fn transform_images(&self, product: usize, padded: &[T], rows: &mut [T], row_len: usize) {
        let (scheme, pass) = (self.scheme, self.pass);
        let pixel = |row: usize, column: usize| (row * scheme.reach.1 + column) * scheme.channels;
        let mut places = Vec::new();
        for image in 0..padded.len() / scheme.source_len() {
            for tile in 0..pass.count() {
                let (y, x) =
                    (tile / pass.tiles.1 * 2 * scheme.stride, tile % pass.tiles.1 * 2 * scheme.stride);
                for (part_index, part) in pass.parts.iter().enumerate() {
                    let from = image * scheme.source_len() + pixel(part.origin.0 + y, part.origin.1 + x);
                    let to = (image * pass.count() + tile) * row_len + part_index * scheme.channels;
                    places.push((from, to));
                }
            }
        }
        let (rows_of, columns_of) =
            (filters::image_row::<N>(product / N), filters::image_row::<N>(product % N));
        let terms = terms(&rows_of, &columns_of, |r, c| pixel(r * scheme.stride, c * scheme.stride));
        let width = scheme.channels;
        arch().dispatch(OneProduct { terms: &terms, places: &places, width, from: padded, to: rows });
    }

    /// One of the transformed outputs of all tiles, `[panels, tiles, lanes]`.
    fn transform_maps(&self, product: usize, first_channel: usize, maps: &[T], out: &mut [T]) {
        let (pass, lanes, channels) = (self.pass, self.panels.lanes, self.map_channels());
        let pixel = |row: usize, column: usize| (row * 2 * pass.tiles.1 + column) * channels;
        let images = maps.len() / self.maps_len();
        let tiles = images * pass.count();
        let mut places = Vec::new();
        for panel in 0..out.len() / (tiles * lanes).max(1) {
            for image in 0..images {
                for tile in 0..pass.count() {
                    let of_tile = pixel(tile / pass.tiles.1 * 2, tile % pass.tiles.1 * 2);
                    let from = image * self.maps_len() + of_tile + first_channel + panel * lanes;
                    places.push((from, (panel * tiles + image * pass.count() + tile) * lanes));
                }
            }
        }
        let (rows_of, columns_of) =
            (filters::output_row::<N>(product / N), filters::output_row::<N>(product % N));
        let terms = terms(&rows_of, &columns_of, pixel);
        arch().dispatch(OneProduct { terms: &terms, places: &places, width: lanes, from: maps, to: out });
    }

    /// `G^T u G` of the sums, into the gradient.
    fn store(&self, gradient: &mut [T], add: bool) {
        let (taps, lanes) = (self.g.taps(), self.panels.lanes);
        let of_panels = gradient.par_chunks_mut(lanes * taps);
        of_panels.enumerate().for_each(|(panel, gradient)| {
            let mut total = Scratch::take(taps * lanes);
            arch().dispatch(TransformSums { of: self, panel, total: &mut total });
            put(&total, taps, lanes, gradient, add);
        });
    }
}

/// The gradient of the weights of a panel, `[channels and taps, lanes]`.
struct TransformSums<'a, const N: usize, T> {
    of: &'a Sums<'a, N, T>,
    panel: usize,
    total: &'a mut [T],
}

impl<const N: usize, T: Real> WithSimd for TransformSums<'_, N, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (of, vectors) = (self.of, self.of.panels.vectors);
        let (sums, total) = (T::vectors::<S>(&of.sums), T::vectors_mut::<S>(self.total));
        let (panels, depth) = (of.panels.count(), of.depth());
        let parts = of.pass.parts.iter().enumerate();
        for (part_index, part) in parts {
            for channel in 0..of.g.image_channels {
                for v in 0..vectors {
                    let row = part_index * of.scheme.channels + channel;
                    let mut u = [[T::splat(simd, T::zero()); N]; N];
                    for chunk in 0..of.chunks {
                        for r in 0..N {
                            for c in 0..N {
                                let panel = (chunk * N * N + r * N + c) * panels + self.panel;
                                u[r][c] =
                                    T::vector_add(simd, u[r][c], sums[(panel * depth + row) * vectors + v]);
                            }
                        }
                    }
                    let w = filters::taps::<T, S, N>(simd, u);
                    put_taps(part, of.plan.kernel_taps * channel, vectors, v, &w, total);
                }
            }
        }
    }
}

#[inline(always)]
fn put_taps<V: Copy, const N: usize>(
    part: &Part,
    first: usize,
    vectors: usize,
    v: usize,
    w: &[[V; N]; N],
    total: &mut [V],
) {
    for (i, &tap) in part.taps.iter().enumerate() {
        total[(first + tap) * vectors + v] = w[i / (N - 1)][i % (N - 1)];
    }
}
