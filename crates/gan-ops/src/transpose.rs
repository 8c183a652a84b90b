//! Transposed copies.

use crate::cpu::Real;
use crate::simd::arch;
use pulp::Arch;

/// `to[column * to_stride + row] = from[row * from_stride + column]`.
pub(crate) fn transpose<T: Real>(
    (rows, columns): (usize, usize),
    from: &[T],
    from_stride: usize,
    to: &mut [T],
    to_stride: usize,
) {
    #[cfg(target_arch = "x86_64")]
    if let (Some(from), Some(to)) = (avx512::as_f32(from), avx512::as_f32_mut(to)) {
        match arch() {
            Arch::V4(simd) => {
                return blocks::by_blocks(simd, (rows, columns), from, from_stride, to, to_stride);
            }
            Arch::V3(simd) => {
                return blocks::by_blocks(simd, (rows, columns), from, from_stride, to, to_stride);
            }
            _ => (),
        }
    }
    one_by_one((rows, 0..columns), from, from_stride, to, to_stride);
}

fn one_by_one<T: Real>(
    (rows, columns): (usize, std::ops::Range<usize>),
    from: &[T],
    from_stride: usize,
    to: &mut [T],
    to_stride: usize,
) {
    // Few rows at a time: the columns that they touch stay in the cache.
    for start in (0..rows).step_by(16) {
        let end = (start + 16).min(rows);
        for column in columns.clone() {
            for row in start..end {
                to[column * to_stride + row] = from[row * from_stride + column];
            }
        }
    }
}

/// Squares of elements that are transposed in registers.
#[cfg(target_arch = "x86_64")]
mod blocks {
    use super::{avx2, avx512, one_by_one};
    use pulp::x86::{V3, V4};
    use pulp::{NullaryFnOnce, Simd, cast};
    use std::arch::x86_64::{__m256, __m512};

    /// Vectors that hold the rows of a square.
    pub trait Square: Simd {
        const SIDE: usize;

        /// `to[column, row] = from[row, column]`, rows so many elements apart.
        fn transpose(self, from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize);
    }

    macro_rules! square {
        ($simd:ty, $side:literal, $register:ty, $transpose:path) => {
            impl Square for $simd {
                const SIDE: usize = $side;

                #[inline(always)]
                fn transpose(self, from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) {
                    let rows = std::array::from_fn(|i| {
                        let (vectors, _) = Self::as_simd_f32s(&from[i * from_stride..][..$side]);
                        cast(vectors[0])
                    });
                    for (i, vector) in $transpose(self, rows).into_iter().enumerate() {
                        let (vectors, _) = Self::as_mut_simd_f32s(&mut to[i * to_stride..][..$side]);
                        vectors[0] = cast::<$register, _>(vector);
                    }
                }
            }
        };
    }
    square!(V3, 8, __m256, avx2::transpose8);
    square!(V4, 16, __m512, avx512::transpose16);

    /// All whole squares, and the rest one by one.
    pub fn by_blocks<S: Square>(
        simd: S,
        (rows, columns): (usize, usize),
        from: &[f32],
        from_stride: usize,
        to: &mut [f32],
        to_stride: usize,
    ) {
        let whole = (rows / S::SIDE * S::SIDE, columns / S::SIDE * S::SIDE);
        simd.vectorize(Blocks { simd, size: whole, from, from_stride, to: &mut *to, to_stride });
        one_by_one((whole.0, whole.1..columns), from, from_stride, to, to_stride);
        let (rest, to) = (rows - whole.0, &mut to[whole.0..]);
        if rest > 0 {
            one_by_one((rest, 0..columns), &from[whole.0 * from_stride..], from_stride, to, to_stride);
        }
    }

    struct Blocks<'a, S> {
        simd: S,
        size: (usize, usize),
        from: &'a [f32],
        from_stride: usize,
        to: &'a mut [f32],
        to_stride: usize,
    }

    impl<S: Square> NullaryFnOnce for Blocks<'_, S> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            for row in (0..self.size.0).step_by(S::SIDE) {
                for column in (0..self.size.1).step_by(S::SIDE) {
                    let from = &self.from[row * self.from_stride + column..];
                    let to = &mut self.to[column * self.to_stride + row..];
                    self.simd.transpose(from, self.from_stride, to, self.to_stride);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512 {
    use super::Real;
    use pulp::cast;
    use pulp::x86::V4;
    use std::any::TypeId;
    use std::arch::x86_64::{__m512, __m512d};

    pub fn as_f32<T: Real>(x: &[T]) -> Option<&[f32]> {
        (TypeId::of::<T>() == TypeId::of::<f32>()).then(|| bytemuck::cast_slice(x))
    }

    pub fn as_f32_mut<T: Real>(x: &mut [T]) -> Option<&mut [f32]> {
        (TypeId::of::<T>() == TypeId::of::<f32>()).then(|| bytemuck::cast_slice_mut(x))
    }

    /// A block of 16 x 16, in registers.
    #[inline(always)]
    pub fn transpose16(simd: V4, rows: [__m512; 16]) -> [__m512; 16] {
        let avx = simd.avx512f;
        // quads[4 * g + c]: in quarter L, column 4 * L + c of rows 4 * g .. 4 * g + 4.
        let mut quads = rows;
        for g in 0..4 {
            let [a, b, c, d] = [rows[4 * g], rows[4 * g + 1], rows[4 * g + 2], rows[4 * g + 3]];
            let pair = |low: __m512, high: __m512| -> (__m512d, __m512d) { (cast(low), cast(high)) };
            let (low_ab, low_cd) = pair(avx._mm512_unpacklo_ps(a, b), avx._mm512_unpacklo_ps(c, d));
            let (high_ab, high_cd) = pair(avx._mm512_unpackhi_ps(a, b), avx._mm512_unpackhi_ps(c, d));
            quads[4 * g] = cast(avx._mm512_unpacklo_pd(low_ab, low_cd));
            quads[4 * g + 1] = cast(avx._mm512_unpackhi_pd(low_ab, low_cd));
            quads[4 * g + 2] = cast(avx._mm512_unpacklo_pd(high_ab, high_cd));
            quads[4 * g + 3] = cast(avx._mm512_unpackhi_pd(high_ab, high_cd));
        }
        let mut columns = rows;
        for c in 0..4 {
            let [g0, g1, g2, g3] = [quads[c], quads[4 + c], quads[8 + c], quads[12 + c]];
            let (even01, odd01) =
                (avx._mm512_shuffle_f32x4::<0x88>(g0, g1), avx._mm512_shuffle_f32x4::<0xdd>(g0, g1));
            let (even23, odd23) =
                (avx._mm512_shuffle_f32x4::<0x88>(g2, g3), avx._mm512_shuffle_f32x4::<0xdd>(g2, g3));
            columns[c] = avx._mm512_shuffle_f32x4::<0x88>(even01, even23);
            columns[4 + c] = avx._mm512_shuffle_f32x4::<0x88>(odd01, odd23);
            columns[8 + c] = avx._mm512_shuffle_f32x4::<0xdd>(even01, even23);
            columns[12 + c] = avx._mm512_shuffle_f32x4::<0xdd>(odd01, odd23);
        }
        columns
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use pulp::cast;
    use pulp::x86::V3;
    use std::arch::x86_64::{__m256, __m256d};

    /// A block of 8 x 8, in registers.
    #[inline(always)]
    pub fn transpose8(simd: V3, rows: [__m256; 8]) -> [__m256; 8] {
        let avx = simd.avx;
        // quads[4 * g + c]: in half h, column 4 * h + c of rows 4 * g .. 4 * g + 4.
        let mut quads = rows;
        for g in 0..2 {
            let [a, b, c, d] = [rows[4 * g], rows[4 * g + 1], rows[4 * g + 2], rows[4 * g + 3]];
            let pair = |low: __m256, high: __m256| -> (__m256d, __m256d) { (cast(low), cast(high)) };
            let (low_ab, low_cd) = pair(avx._mm256_unpacklo_ps(a, b), avx._mm256_unpacklo_ps(c, d));
            let (high_ab, high_cd) = pair(avx._mm256_unpackhi_ps(a, b), avx._mm256_unpackhi_ps(c, d));
            quads[4 * g] = cast(avx._mm256_unpacklo_pd(low_ab, low_cd));
            quads[4 * g + 1] = cast(avx._mm256_unpackhi_pd(low_ab, low_cd));
            quads[4 * g + 2] = cast(avx._mm256_unpacklo_pd(high_ab, high_cd));
            quads[4 * g + 3] = cast(avx._mm256_unpackhi_pd(high_ab, high_cd));
        }
        let mut columns = rows;
        for c in 0..4 {
            columns[c] = avx._mm256_permute2f128_ps::<0x20>(quads[c], quads[4 + c]);
            columns[4 + c] = avx._mm256_permute2f128_ps::<0x31>(quads[c], quads[4 + c]);
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_where_it_belongs() {
        for (rows, columns) in [(1, 1), (16, 16), (17, 31), (32, 48), (5, 40), (40, 5)] {
            let (from_stride, to_stride) = (columns + 3, rows + 2);
            let from: Vec<f32> = (0..rows * from_stride).map(|i| i as f32).collect();
            let mut to = vec![-1f32; columns * to_stride];
            transpose((rows, columns), &from, from_stride, &mut to, to_stride);
            for (i, &value) in to.iter().enumerate() {
                let (column, row) = (i / to_stride, i % to_stride);
                let expected = if row < rows { from[row * from_stride + column] } else { -1.0 };
                assert_eq!(value, expected, "{rows}x{columns}: row {row}, column {column}");
            }
        }
    }
}
