//! The matrix products in the transformed domain: where the time goes.

use crate::conv::lanes::{MANY_REGISTERS, Panels};
use crate::cpu::Real;
use pulp::{Simd, WithSimd};

/// Channels to sum up before the sums are put aside: their weights fill half a first-level cache.
const BLOCK: usize = 192;

/// From one row to the next of a matrix with so many columns: a cache line more, or rows of a power of two
/// would all lie in the same few lines of a cache.
pub(super) fn row_len<T>(columns: usize) -> usize {
    columns + 64 / size_of::<T>()
}

/// `sums[tile, lane] = sum over k of rows[tile, k] * weights[k, lane]`.
pub(super) struct Products<'a, T> {
    pub panels: Panels,
    /// Elements from one tile to the next.
    pub row_len: usize,
    /// `[tiles, row_len]`; the number of tiles is a multiple of the panels' pixels.
    pub rows: &'a [T],
    /// `[k, lanes]`
    pub weights: &'a [T],
    /// `[tiles, lanes]`
    pub sums: &'a mut [T],
}

impl<T: Real> WithSimd for Products<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.panels.vectors == 1 {
            self.run::<S, 8, 1>(simd);
        } else if const { S::REGISTER_COUNT < MANY_REGISTERS } {
            self.run::<S, 6, 2>(simd);
        } else {
            self.run::<S, 8, 2>(simd);
        }
    }
}

impl<T: Real> Products<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const TILES: usize, const V: usize>(self, simd: S) {
        let (weights, _) = T::vectors::<S>(self.weights).as_chunks::<V>();
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<V>();
        let (sums, _) = sums.as_chunks_mut::<TILES>();
        for (block, weights) in weights.chunks(BLOCK).enumerate() {
            for (rows, sums) in self.rows.chunks(TILES * self.row_len).zip(&mut *sums) {
                let rows: [&[T]; TILES] =
                    std::array::from_fn(|tile| &rows[tile * self.row_len + block * BLOCK..][..weights.len()]);
                let mut tile = if block > 0 { *sums } else { [[T::splat(simd, T::zero()); V]; TILES] };
                for (k, weights) in weights.iter().enumerate() {
                    for (row, sums) in rows.iter().zip(&mut tile) {
                        let x = T::splat(simd, row[k]);
                        for (sum, &weight) in sums.iter_mut().zip(weights) {
                            *sum = T::multiply_add(simd, x, weight, *sum);
                        }
                    }
                }
                *sums = tile;
            }
        }
    }
}

/// `sums[k, lane] = sum over tiles of rows[tile, k] * maps[tile, lane]`, or added to what is there.
pub(super) struct ProductsOverTiles<'a, T> {
    pub panels: Panels,
    pub row_len: usize,
    /// `[tiles, row_len]`
    pub rows: &'a [T],
    /// `[tiles, lanes]`
    pub maps: &'a [T],
    /// `[k, lanes]`
    pub sums: &'a mut [T],
    pub go_on: bool,
}

impl<T: Real> WithSimd for ProductsOverTiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.panels.vectors == 1 {
            self.run::<S, 8, 1>(simd);
        } else if const { S::REGISTER_COUNT < MANY_REGISTERS } {
            self.run::<S, 6, 2>(simd);
        } else {
            self.run::<S, 8, 2>(simd);
        }
    }
}

impl<T: Real> ProductsOverTiles<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const COLUMNS: usize, const V: usize>(self, simd: S) {
        let (maps, _) = T::vectors::<S>(self.maps).as_chunks::<V>();
        let (sums, _) = T::vectors_mut::<S>(self.sums).as_chunks_mut::<V>();
        let (sums, rest) = sums.as_chunks_mut::<COLUMNS>();
        for (block, sums) in sums.iter_mut().enumerate() {
            let mut tile = if self.go_on { *sums } else { [[T::splat(simd, T::zero()); V]; COLUMNS] };
            for (row, maps) in self.rows.chunks(self.row_len).zip(maps) {
                let row = &row[block * COLUMNS..][..COLUMNS];
                for (&x, sums) in row.iter().zip(&mut tile) {
                    let x = T::splat(simd, x);
                    for (sum, &map) in sums.iter_mut().zip(maps) {
                        *sum = T::multiply_add(simd, x, map, *sum);
                    }
                }
            }
            *sums = tile;
        }
        // The last few columns, one by one.
        let first = sums.len() * COLUMNS;
        for (column, sums) in rest.iter_mut().enumerate() {
            let mut tile = if self.go_on { *sums } else { [T::splat(simd, T::zero()); V] };
            for (row, maps) in self.rows.chunks(self.row_len).zip(maps) {
                let x = T::splat(simd, row[first + column]);
                for (sum, &map) in tile.iter_mut().zip(maps) {
                    *sum = T::multiply_add(simd, x, map, *sum);
                }
            }
            *sums = tile;
        }
    }
}
