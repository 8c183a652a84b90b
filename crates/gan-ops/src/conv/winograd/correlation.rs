//! Both directions of a convolution by minimal filtering.
#![allow(clippy::needless_range_loop)] // rows and columns of small squares

use super::filters;
use super::products::{Products, row_len};
use super::scheme::{Scheme, TilePass};
use crate::conv::frame::Frame;
use crate::conv::lanes::Panels;
use crate::conv::method::Method;
use crate::conv::plan::Plan;
use crate::cpu::Real;
use crate::packed::{Layout, Weight};
use crate::scratch::Scratch;
use crate::simd::arch;
use crate::transpose::transpose;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::sync::Arc;

/// Fewer weights are packed on the spot.
const MIN_WEIGHTS_A_TASK: usize = 1 << 14;

/// The sums of a [`Plan`] in the tiles of a [`Scheme`].
pub(in crate::conv) struct Minimal<'a, T> {
    plan: &'a Plan,
    scheme: Scheme,
    panels: Panels,
    /// The transformed weights, `[panels, passes, products, parts, channels, lanes]`.
    weights: Arc<Scratch<T>>,
}

impl<'a, T: Real> Minimal<'a, T> {
    pub fn new(plan: &'a Plan, scheme: Scheme, weight: Weight<'_, T>) -> Self {
        let panels = Panels::of_products::<T>(plan.out_channels);
        let parts = || scheme.passes.iter().flat_map(|pass| &pass.parts);
        let layout = || Layout {
            kind: "minimal",
            strides: plan.weight_strides,
            taps: parts().map(|part| part.taps.clone()).collect(),
        };
        let weights = weight.packed(layout, |weight| match scheme.side {
            3 => pack::<3, T>(plan, &scheme, panels, weight),
            _ => pack::<4, T>(plan, &scheme, panels, weight),
        });
        Self { plan, scheme, panels, weights }
    }
}

impl Scheme {
    /// Transformed weights of a panel, in rows of its lanes.
    fn weight_rows(&self) -> usize {
        self.passes.iter().map(|pass| self.products() * self.depth(pass)).sum()
    }

    /// What a product sums over: the channels of all parts.
    fn depth(&self, pass: &TilePass) -> usize {
        pass.parts.len() * self.channels
    }

    /// Elements of all transformed inputs of some images: `[products, tiles, row]` for each pass. Tiles are
    /// filled up to a multiple of what a kernel takes at once.
    fn inputs<T>(&self, pass: &TilePass, images: usize, panels: Panels) -> (usize, usize) {
        ((images * pass.count()).next_multiple_of(panels.pixels), row_len::<T>(self.depth(pass)))
    }
}

impl<T: Real> Method<T> for Minimal<'_, T> {
    fn panels(&self) -> Panels {
        self.panels
    }

    fn frame(&self) -> Frame {
        let mut frame = Frame { height: self.plan.out_h, width: self.plan.out_w };
        for pass in &self.scheme.passes {
            let end = |first: usize, tiles: usize| first + (2 * tiles - 1) * pass.step + 1;
            frame.height = frame.height.max(end(pass.first.0, pass.tiles.0));
            frame.width = frame.width.max(end(pass.first.1, pass.tiles.1));
        }
        frame
    }

    fn prepare(&self, images: &[T]) -> Scratch<T> {
        let (plan, scheme) = (self.plan, &self.scheme);
        let padded = scheme.fill_all(plan, images);
        let count = padded.len() / scheme.source_len();
        let len = |pass| {
            let (tiles, row) = scheme.inputs::<T>(pass, count, self.panels);
            scheme.products() * tiles * row
        };
        let mut inputs = Scratch::take(scheme.passes.iter().map(len).sum());
        let mut rest = &mut *inputs;
        for pass in &scheme.passes {
            let (of_pass, after) = rest.split_at_mut(len(pass));
            let (tiles, _) = scheme.inputs::<T>(pass, count, self.panels);
            arch().dispatch(TransformInputs { scheme, pass, padded: &padded, tiles, inputs: of_pass });
            rest = after;
        }
        inputs
    }

    fn sum_up(&self, panel: usize, images: usize, mut inputs: &[T], sums: &mut [T]) {
        let (scheme, lanes, frame) = (&self.scheme, self.panels.lanes, self.frame());
        let weights = scheme.weight_rows() * lanes;
        let mut weights = &self.weights[panel * weights..][..weights];
        for pass in &scheme.passes {
            let ((tiles, row), depth) = (scheme.inputs::<T>(pass, images, self.panels), scheme.depth(pass));
            let mut products = Scratch::take(scheme.products() * tiles * lanes);
            for sums in products.chunks_mut(tiles * lanes) {
                let (rows, weights_of_product);
                (rows, inputs) = inputs.split_at(tiles * row);
                (weights_of_product, weights) = weights.split_at(depth * lanes);
                let weights = weights_of_product;
                arch().dispatch(Products { panels: self.panels, row_len: row, rows, weights, sums });
            }
            arch().dispatch(TransformOutputs {
                scheme,
                pass,
                panels: self.panels,
                frame,
                tiles,
                products: &products,
                sums,
            });
        }
    }
}

/// The inputs of all tiles, `B^T x B`.
struct TransformInputs<'a, T> {
    scheme: &'a Scheme,
    pass: &'a TilePass,
    padded: &'a [T],
    tiles: usize,
    inputs: &'a mut [T],
}

impl<T: Real> WithSimd for TransformInputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.scheme.side {
            3 => self.run::<S, 3>(simd),
            _ => self.run::<S, 4>(simd),
        }
    }
}

impl<T: Real> TransformInputs<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let Self { scheme, pass, .. } = self;
        let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
        let row = row_len::<T>(scheme.depth(pass)) / lanes;
        let (channels, width) = (scheme.channels / lanes, scheme.reach.1);
        let (padded, inputs) = (T::vectors::<S>(self.padded), T::vectors_mut::<S>(self.inputs));
        // Where no tile is left, zeros: what lies there is multiplied too, and must not be slow to.
        let count = self.padded.len() / scheme.source_len() * pass.count();
        for product in inputs.chunks_mut(self.tiles * row) {
            product[count * row..].fill(T::splat(simd, T::zero()));
        }
        let mut products = inputs.chunks_mut(self.tiles * row);
        let mut inputs: [[&mut [T::Vector<S>]; N]; N] =
            std::array::from_fn(|_| std::array::from_fn(|_| products.next().unwrap_or_default()));
        let (down, right) = (scheme.stride * width * channels, scheme.stride * channels);
        for (image, padded) in padded.chunks(scheme.source_len() / lanes).enumerate() {
            for y in 0..pass.tiles.0 {
                for x in 0..pass.tiles.1 {
                    let tile = image * pass.count() + y * pass.tiles.1 + x;
                    for (index, part) in pass.parts.iter().enumerate() {
                        let first = (part.origin.0 * width + part.origin.1) * channels;
                        let pixels = &padded[first + 2 * (y * down + x * right)..];
                        let to = tile * row + index * channels;
                        transform_tile::<T, S, N>(simd, pixels, (down, right), &mut inputs, to, channels);
                    }
                }
            }
        }
    }
}

/// One part of one tile, all channels.
#[inline(always)]
fn transform_tile<T: Real, S: Simd, const N: usize>(
    simd: S,
    pixels: &[T::Vector<S>],
    (down, right): (usize, usize),
    inputs: &mut [[&mut [T::Vector<S>]; N]; N],
    to: usize,
    channels: usize,
) {
    let pixels = &pixels[..(N - 1) * (down + right) + channels];
    for channel in 0..channels {
        let mut x = [[T::splat(simd, T::zero()); N]; N];
        for r in 0..N {
            for c in 0..N {
                x[r][c] = pixels[r * down + c * right + channel];
            }
        }
        let transformed = filters::image::<T, S, N>(simd, x);
        for r in 0..N {
            for c in 0..N {
                inputs[r][c][to + channel] = transformed[r][c];
            }
        }
    }
}

/// From products to outputs, `A^T m A`.
struct TransformOutputs<'a, T> {
    scheme: &'a Scheme,
    pass: &'a TilePass,
    panels: Panels,
    frame: Frame,
    tiles: usize,
    products: &'a [T],
    sums: &'a mut [T],
}

impl<T: Real> WithSimd for TransformOutputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.scheme.side, self.panels.vectors) {
            (3, 2) => self.run::<S, 3, 2>(simd),
            (3, _) => self.run::<S, 3, 1>(simd),
            (_, 2) => self.run::<S, 4, 2>(simd),
            _ => self.run::<S, 4, 1>(simd),
        }
    }
}

impl<T: Real> TransformOutputs<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const N: usize, const V: usize>(self, simd: S) {
        let Self { pass, frame, tiles, .. } = self;
        let (products, _) = T::vectors::<S>(self.products).as_chunks::<V>();
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<V>();
        for (image, sums) in sums.chunks_mut(frame.len()).enumerate() {
            for tile in 0..pass.count() {
                let (y, x) = (tile / pass.tiles.1, tile % pass.tiles.1);
                let from = image * pass.count() + tile;
                for v in 0..V {
                    let mut m = [[T::splat(simd, T::zero()); N]; N];
                    for r in 0..N {
                        for c in 0..N {
                            m[r][c] = products[(r * N + c) * tiles + from][v];
                        }
                    }
                    let out = filters::output::<T, S, N>(simd, m);
                    for (r, row) in out.into_iter().enumerate() {
                        for (c, value) in row.into_iter().enumerate() {
                            let (row, column) = (
                                pass.first.0 + (2 * y + r) * pass.step,
                                pass.first.1 + (2 * x + c) * pass.step,
                            );
                            sums[row * frame.width + column][v] = value;
                        }
                    }
                }
            }
        }
    }
}

/// The transformed weights, `G w G^T`.
fn pack<const N: usize, T: Real>(plan: &Plan, scheme: &Scheme, panels: Panels, weight: &[T]) -> Scratch<T> {
    let panel_len = scheme.weight_rows() * panels.lanes;
    let mut packed = Scratch::take(panels.count() * panel_len);
    let chunks = packed.par_chunks_mut(panel_len).with_min_len(MIN_WEIGHTS_A_TASK.div_ceil(panel_len));
    chunks.enumerate().for_each(|(panel, packed)| {
        let channels = panels.channels_of(panel);
        let (of_out, of_source) = plan.weight_strides;
        let mut taps = Scratch::take(plan.kernel_taps * panels.lanes);
        taps.fill(T::zero());
        for source in 0..scheme.channels {
            if source < plan.source_channels {
                let weight = &weight[channels.start * of_out + source * of_source..];
                transpose((channels.len(), plan.kernel_taps), weight, of_out, &mut taps, panels.lanes);
            } else {
                taps.fill(T::zero());
            }
            arch().dispatch(TransformWeights::<N, T> { scheme, panels, source, taps: &taps, packed });
        }
    });
    packed
}

/// The weights of one panel and one channel of the source.
struct TransformWeights<'a, const N: usize, T> {
    scheme: &'a Scheme,
    panels: Panels,
    source: usize,
    /// `[taps, lanes]`
    taps: &'a [T],
    packed: &'a mut [T],
}

impl<const N: usize, T: Real> WithSimd for TransformWeights<'_, N, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { scheme, panels, source, .. } = self;
        let vectors = panels.vectors;
        let (taps, packed) = (T::vectors::<S>(self.taps), T::vectors_mut::<S>(self.packed));
        let mut first = 0;
        for pass in &scheme.passes {
            let depth = scheme.depth(pass);
            for (part_index, part) in pass.parts.iter().enumerate() {
                for v in 0..vectors {
                    let mut w = [[T::splat(simd, T::zero()); N]; N];
                    for r in 0..N - 1 {
                        for c in 0..N - 1 {
                            w[r][c] = taps[part.taps[r * (N - 1) + c] * vectors + v];
                        }
                    }
                    let transformed = filters::kernel::<T, S, N>(simd, w);
                    for (product, &value) in transformed.iter().flatten().enumerate() {
                        let row = first + product * depth + part_index * scheme.channels + source;
                        packed[row * vectors + v] = value;
                    }
                }
            }
            first += scheme.products() * depth;
        }
    }
}
