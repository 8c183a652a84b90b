//! How a convolution is cut into tiles of 2 x 2 outputs.

use crate::conv::lanes::Panels;
use crate::conv::plan::{Pass, Plan};
use crate::cpu::Real;

/// Fewer channels, on either side, are not worth the transforms.
const MIN_CHANNELS: usize = 16;

/// A [`Plan`] in tiles.
pub(in crate::conv) struct Scheme {
    /// Inputs, and products, of a side of a tile: taps + 1.
    pub side: usize,
    /// Channels of the source, filled up to whole vectors.
    pub channels: usize,
    pub passes: Vec<TilePass>,
    /// Pixels from one input of a tile to the next, and of the source from one output to the next.
    pub stride: usize,
    /// Rows and columns of the padded source that tiles reach.
    pub reach: (usize, usize),
}

/// The outputs that see the same taps.
pub(in crate::conv) struct TilePass {
    /// Tiles of an image: rows and columns.
    pub tiles: (usize, usize),
    /// The parts whose sums are one output: each a kernel of stride 1 on one phase of the source.
    pub parts: Vec<Part>,
    /// Row and column of the first output, and from one output to the next.
    pub first: (usize, usize),
    pub step: usize,
}

/// A kernel of 2 x 2 or 3 x 3 taps.
pub(in crate::conv) struct Part {
    /// Row and column in the padded source that the first tap of the first output sees.
    pub origin: (usize, usize),
    /// Where in the whole kernel its taps are, row by row.
    pub taps: Vec<usize>,
}

impl Scheme {
    /// If this is a convolution with kernel 2 x stride or with kernel 3 and stride 1, and of channels enough.
    pub fn of<T: Real>(plan: &Plan) -> Option<Self> {
        if plan.source_channels.min(plan.out_channels) < MIN_CHANNELS {
            return None;
        }
        let vector = Panels::of_products::<T>(1).lanes;
        let passes: Vec<TilePass> =
            plan.passes.iter().map(|pass| TilePass::of(plan, pass)).collect::<Option<_>>()?;
        let side = passes.first()?.parts.first()?.side();
        let parts = || passes.iter().flat_map(|pass| pass.parts.iter().map(move |part| (pass, part)));
        if parts().any(|(_, part)| part.side() != side) {
            return None;
        }
        let last = |tiles: usize| (2 * (tiles - 1) + side - 1) * plan.stride;
        let reach = parts().fold((plan.source.padded_h, plan.source.padded_w), |(h, w), (pass, part)| {
            let (rows, columns) =
                (part.origin.0 + last(pass.tiles.0) + 1, part.origin.1 + last(pass.tiles.1) + 1);
            (h.max(rows), w.max(columns))
        });
        let channels = plan.source_channels.next_multiple_of(vector);
        Some(Self { side, channels, passes, stride: plan.stride, reach })
    }

    /// Products of a tile.
    pub fn products(&self) -> usize {
        self.side * self.side
    }

    /// Elements of one image of the source, padded and with its channels side by side.
    pub fn source_len(&self) -> usize {
        self.reach.0 * self.reach.1 * self.channels
    }
}

impl TilePass {
    fn of(plan: &Plan, pass: &Pass) -> Option<Self> {
        let (width, stride) = (plan.source.padded_w, plan.stride);
        let mut parts = Vec::new();
        for phase in 0..stride * stride {
            let (a, b) = (phase / stride, phase % stride);
            // Offsets of the first channel: row and column in the padded source.
            let places =
                pass.offsets.iter().take(pass.taps.len()).map(|offset| (offset / width, offset % width));
            let mut taps: Vec<((usize, usize), usize)> = (places.zip(pass.taps.iter().copied()))
                .filter(|((y, x), _)| (y % stride, x % stride) == (a, b))
                .collect();
            taps.sort_unstable();
            let side = match taps.len() {
                4 => 2,
                9 if stride == 1 => 3,
                _ => return None,
            };
            let in_order = |(i, ((y, x), _)): (usize, &((usize, usize), usize))| {
                (*y, *x) == (a + i / side * stride, b + i % side * stride)
            };
            if !taps.iter().enumerate().all(in_order) {
                return None;
            }
            parts.push(Part {
                origin: (pass.origin / width + a, pass.origin % width + b),
                taps: taps.into_iter().map(|(_, tap)| tap).collect(),
            });
        }
        Some(Self {
            tiles: (pass.rows.div_ceil(2), pass.columns.div_ceil(2)),
            parts,
            first: pass.first,
            step: pass.step,
        })
    }

    /// Tiles of an image.
    pub fn count(&self) -> usize {
        self.tiles.0 * self.tiles.1
    }
}

impl Part {
    /// Inputs of a side of a tile.
    pub fn side(&self) -> usize {
        if self.taps.len() == 4 { 3 } else { 4 }
    }
}
