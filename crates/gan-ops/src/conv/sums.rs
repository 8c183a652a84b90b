//! The kernel behind both directions of a convolution.

use super::frame::{Frame, Tiles};
use super::lanes::{MANY_REGISTERS, Panels, for_each_stride};
use super::plan::{Pass, Plan};
use crate::cpu::Real;
use pulp::{Simd, WithSimd};

/// Channels and taps to sum up before the sums are put aside: their weights fill half a first-level cache, and leave room
/// for the pixels.
const BLOCK: usize = 192;

/// The sums of one panel, `[images, frame, lanes]`, of padded images.
pub(super) struct Sums<'a, T> {
    pub plan: &'a Plan,
    pub frame: Frame,
    pub panels: Panels,
    pub source: &'a [T],
    pub weights: &'a [T],
    pub sums: &'a mut [T],
}

impl<T: Real> WithSimd for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // (Two only where there are registers for them: the rest need not be compiled.)
        if const { S::REGISTER_COUNT >= MANY_REGISTERS } && self.panels.vectors == 2 {
            self.passes::<S, 2>(simd)
        } else {
            self.passes::<S, 1>(simd)
        }
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
            // Eight pixels in each vector of a panel or, of one vector and with registers for it, sixteen.
            if const { V == 2 || S::REGISTER_COUNT < MANY_REGISTERS } {
                match tiles.wide {
                    4 => self.strides::<S, 2, 4, V>(simd, pass, tiles, weights),
                    5 => self.strides::<S, 1, 5, V>(simd, pass, tiles, weights),
                    6 => self.strides::<S, 1, 6, V>(simd, pass, tiles, weights),
                    7 => self.strides::<S, 1, 7, V>(simd, pass, tiles, weights),
                    _ => self.strides::<S, 1, 8, V>(simd, pass, tiles, weights),
                }
            } else {
                match tiles.wide {
                    4 => self.strides::<S, 4, 4, V>(simd, pass, tiles, weights),
                    5 => self.strides::<S, 2, 5, V>(simd, pass, tiles, weights),
                    6 => self.strides::<S, 2, 6, V>(simd, pass, tiles, weights),
                    7 => self.strides::<S, 2, 7, V>(simd, pass, tiles, weights),
                    _ => self.strides::<S, 2, 8, V>(simd, pass, tiles, weights),
                }
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
            _ if const { !for_each_stride::<T, S>() } => {
                self.pass::<S, HIGH, WIDE, V, 0>(simd, pass, tiles, weights)
            }
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
