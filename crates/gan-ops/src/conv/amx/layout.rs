//! How the pixels of a source and the sums of an output lie for AMX.
//!
//! A row of a tile is one place of one image with 32 channels of it; a tile has 16 such rows, one after the other in memory.
//! So that they are 16 next to each other in narrow feature maps too, some images (a *group*) lie
//! interleaved: `[y, x, image]`. So that a stride needs no gaps, the padded source is split into stride x
//! stride *phases*, each a plain plane:
//! `phase[a, b][y, x] = padded[s * y + a, s * x + b]`.

use super::super::plan::{Pass, Plan};
use crate::amx::{ProductShape, ROW, Step};

/// Channels of a row: two to a word.
pub(super) const CHANNELS: usize = 2 * ROW;

pub(super) struct Layout {
    /// Images that lie interleaved.
    pub group: usize,
    pub shape: ProductShape,
    /// Blocks of channels of the source.
    pub blocks: usize,
    /// Rows from one pixel row of a phase to the next, from one block of channels, and from one phase.
    pub pixel_row: usize,
    pub block: usize,
    phase: usize,
    stride: usize,
    /// Rows that tiles reach over the last.
    slack: usize,
    pub passes: Vec<TilePass>,
    /// For each pixel of a plane of the output: the row of its sums, for the first image of a group.
    pub sum_rows: Vec<usize>,
    /// Rows of all sums.
    pub sums: usize,
}

/// The tiles of one pass.
pub(super) struct TilePass {
    /// Rows of tiles, filled up to whole products.
    pub high: usize,
    /// Tiles side by side.
    pub wide: usize,
    /// The first row of its sums.
    pub first: usize,
    /// For each tap and block of channels: its row from the first of the tile, and its number.
    pub taps: Vec<Step>,
}

impl Layout {
    pub fn of(plan: &Plan, images: usize) -> Self {
        let columns = plan.passes.iter().map(|pass| pass.columns).max().unwrap_or(1);
        let group = group(columns, images);
        let shape = ProductShape::of(plan.out_channels);
        let blocks = plan.source_channels.div_ceil(CHANNELS);
        let stride = plan.stride;
        let phase_width = plan.source.padded_w.div_ceil(stride);
        let pixel_row = phase_width * group;
        let block = plan.source.padded_h.div_ceil(stride) * pixel_row;
        let mut layout = Self {
            group,
            shape,
            blocks,
            pixel_row,
            block,
            phase: blocks * block,
            stride,
            slack: 0,
            passes: Vec::new(),
            sum_rows: vec![0; plan.out_h * plan.out_w],
            sums: 0,
        };
        for pass in &plan.passes {
            layout.add(plan, pass);
        }
        layout
    }

    fn add(&mut self, plan: &Plan, pass: &Pass) {
        let high = pass.rows.next_multiple_of(self.shape.tiles().0);
        let wide = (pass.columns * self.group).div_ceil(ROW);
        for row in 0..pass.rows {
            for column in 0..pass.columns {
                let (y, x) = (pass.first.0 + row * pass.step, pass.first.1 + column * pass.step);
                self.sum_rows[y * plan.out_w + x] = self.sums + row * wide * ROW + column * self.group;
            }
        }
        let offsets = pass.offsets.iter().take(pass.taps.len());
        let tap_rows: Vec<usize> = offsets.map(|offset| self.row(plan, pass.origin + offset)).collect();
        for row in &tap_rows {
            let end = row % self.phase + (high - 1) * self.pixel_row + wide * ROW;
            self.slack = self.slack.max(end.saturating_sub(self.block));
        }
        let taps = tap_rows.iter().flat_map(|row| (0..self.blocks).map(move |block| (row, block)));
        let taps =
            taps.enumerate().map(|(b, (row, block))| Step { a: row + block * self.block, b }).collect();
        self.passes.push(TilePass { high, wide, first: self.sums, taps });
        self.sums += high * wide * ROW;
    }

    /// The row of the first image and the first channels at a place of a padded plane.
    fn row(&self, plan: &Plan, place: usize) -> usize {
        let (y, x) = (place / plan.source.padded_w, place % plan.source.padded_w);
        let phase = y % self.stride * self.stride + x % self.stride;
        phase * self.phase + y / self.stride * self.pixel_row + x / self.stride * self.group
    }

    /// For each pixel of a plane of the source, its row.
    pub fn source_rows(&self, plan: &Plan) -> Vec<usize> {
        let source = plan.source;
        let places = (0..source.height * source.width).map(|pixel| {
            let (y, x) = (pixel / source.width, pixel % source.width);
            (source.top + y) * source.padded_w + source.left + x
        });
        places.map(|place| self.row(plan, place)).collect()
    }

    /// The rows of the padding, for the first image of a group and the first block of channels.
    pub fn padding_rows(&self, source_rows: &[usize]) -> Vec<usize> {
        let mut of_pixel = vec![false; self.stride * self.stride * self.phase];
        source_rows.iter().for_each(|&row| of_pixel[row] = true);
        let phases = (0..self.stride * self.stride).map(|phase| phase * self.phase);
        let rows = phases.flat_map(|first| (first..first + self.block).step_by(self.group));
        rows.filter(|&row| !of_pixel[row]).collect()
    }

    /// Rows of a group of the source.
    pub fn source_len(&self) -> usize {
        self.stride * self.stride * self.phase + self.slack
    }

    /// Blocks of channels times taps, over all passes.
    pub fn weight_tiles(&self) -> usize {
        self.passes.iter().map(|pass| pass.taps.len()).sum()
    }

    /// Channels of the output that are made together.
    pub fn lanes(&self) -> usize {
        self.shape.tiles().1 * ROW
    }
}

/// The fewest images whose interleaved rows, `columns` each, nearly fill tiles.
pub(super) fn group(columns: usize, images: usize) -> usize {
    let filled = |group: usize| {
        let rows = columns * group;
        rows as f64 / rows.next_multiple_of(ROW) as f64
    };
    let most = images.clamp(1, ROW);
    let fullest = (1..=most).map(filled).fold(0.0, f64::max);
    (1..=most).find(|&group| filled(group) > 0.95 * fullest).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn images_are_interleaved_until_their_rows_fill_tiles() {
        assert_eq!([32, 16, 8, 4, 2, 1].map(|columns| group(columns, 64)), [1, 1, 2, 4, 8, 16]);
        assert_eq!(group(23, 64), 2, "46 of 48 rows");
        assert_eq!(group(4, 3), 3, "no more images than there are");
    }
}
