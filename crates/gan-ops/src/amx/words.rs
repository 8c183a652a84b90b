//! What the unit multiplies: words of two bf16.

use crate::transpose::avx512::transpose16;
use pulp::x86::V4;
use pulp::{Simd, cast, f32x16, u32x16};
use std::arch::x86_64::{__m512, __m512i};

/// Words of a row of a tile, and rows of a tile.
pub(crate) const ROW: usize = 16;

/// Two rows of f32 as one of words for each part: `low` in the lower half of each word, `high` in the upper.
///
/// The parts add up to the numbers: the first is the number rounded to bf16, the next what is left of it, rounded, and so
/// on. With one part it is the number in bf16, with three it is all of an f32.
#[inline(always)]
pub(crate) fn pair<const PARTS: usize>(simd: V4, mut low: __m512, mut high: __m512) -> [__m512i; PARTS] {
    let avx = simd.avx512f;
    let mut words = [avx._mm512_setzero_si512(); PARTS];
    for words in &mut words {
        let (l, h) = (round(simd, low), round(simd, high));
        *words = avx._mm512_or_si512(avx._mm512_srli_epi32::<16>(l), h);
        low = avx._mm512_sub_ps(low, cast(l));
        high = avx._mm512_sub_ps(high, cast(h));
    }
    words
}

/// The bits of the nearest bf16, in the upper half; of two that are as near, the even one.
#[inline(always)]
fn round(simd: V4, x: __m512) -> __m512i {
    let avx = simd.avx512f;
    let bits: __m512i = cast(x);
    let odd = avx._mm512_and_si512(avx._mm512_srli_epi32::<16>(bits), avx._mm512_set1_epi32(1));
    let up = avx._mm512_add_epi32(odd, avx._mm512_set1_epi32(0x7fff));
    avx._mm512_and_si512(avx._mm512_add_epi32(bits, up), avx._mm512_set1_epi32(!0xffff))
}

/// The first 16 elements.
#[inline(always)]
pub(crate) fn load(row: &[f32]) -> __m512 {
    cast(V4::as_simd_f32s(&row[..ROW]).0[0])
}

#[inline(always)]
pub(crate) fn store(row: &mut [f32], vector: __m512) {
    V4::as_mut_simd_f32s(&mut row[..ROW]).0[0] = cast::<_, f32x16>(vector);
}

#[inline(always)]
pub(crate) fn store_words(row: &mut [u32], words: __m512i) {
    V4::as_mut_simd_u32s(&mut row[..ROW]).0[0] = cast::<_, u32x16>(words);
}

/// 16 words, each s-th of `from`; up to s = 2 as many as s * 16 are read.
#[inline(always)]
pub(crate) fn thin(simd: V4, s: usize, from: &[u32], to: &mut [u32; ROW]) {
    let load = |at: usize| -> __m512i { cast(V4::as_simd_u32s(&from[at..][..ROW]).0[0]) };
    match s {
        1 => store_words(to, load(0)),
        2 => {
            let even =
                simd.avx512f._mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
            store_words(to, simd.avx512f._mm512_permutex2var_epi32(load(0), even, load(ROW)));
        }
        _ => to.iter_mut().zip(from.iter().step_by(s)).for_each(|(to, from)| *to = *from),
    }
}

/// Up to 16 rows of f32, `stride` apart, to be read column by column: 16 columns at a time.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub from: &'a [f32],
    pub stride: usize,
    pub rows: usize,
}

impl Columns<'_> {
    /// Columns `first..first + count` (at most 16), each with the rows as lanes; rows that are not there are 0.
    #[inline(always)]
    pub fn read(&self, simd: V4, first: usize, count: usize) -> [__m512; ROW] {
        let mut rows = [simd.avx512f._mm512_setzero_ps(); ROW];
        if count == ROW && self.rows == ROW {
            for (i, row) in rows.iter_mut().enumerate() {
                *row = load(&self.from[i * self.stride + first..]);
            }
        } else {
            for (i, row) in rows.iter_mut().enumerate().take(self.rows) {
                let mut some = [0.0; ROW];
                some[..count].copy_from_slice(&self.from[i * self.stride + first..][..count]);
                *row = load(&some);
            }
        }
        transpose16(simd, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<const PARTS: usize>(low: &[f32; ROW], high: &[f32; ROW]) -> [[u32; ROW]; PARTS] {
        let pulp::Arch::V4(simd) = crate::simd::arch() else { panic!("asked for without AVX-512") };
        pair::<PARTS>(simd, load(low), load(high)).map(cast)
    }

    #[test]
    fn three_parts_are_all_of_an_f32() {
        if !matches!(crate::simd::arch(), pulp::Arch::V4(_)) {
            return eprintln!("skipped: this CPU has no AVX-512");
        }
        let mut x = [0.0f32; ROW];
        for (i, x) in x.iter_mut().enumerate() {
            *x = ((i as f32 + 0.1) * 1234.567).sin() * 10f32.powi(i as i32 - 8);
        }
        let y = x.map(|x| -3.7 * x);
        let half =
            |word: u32, upper: bool| f32::from_bits(if upper { word & 0xffff_0000 } else { word << 16 });
        let parts = words::<3>(&x, &y);
        for lane in 0..ROW {
            let sum = |upper| parts.iter().rev().map(|words| half(words[lane], upper)).sum::<f32>();
            assert_eq!((sum(false), sum(true)), (x[lane], y[lane]));
        }
        let [first] = words::<1>(&x, &y);
        for lane in 0..ROW {
            assert!((half(first[lane], false) - x[lane]).abs() <= x[lane].abs() / 256.0);
        }
        let [ties] = words::<1>(&[1.0 + 1.0 / 256.0; ROW], &[1.0 + 3.0 / 256.0; ROW]);
        assert_eq!((half(ties[0], false), half(ties[0], true)), (1.0, 1.0 + 4.0 / 256.0), "ties go to even");
        let [special] = words::<1>(&[f32::INFINITY; ROW], &[f32::NAN; ROW]);
        assert!(half(special[0], false).is_infinite() && half(special[0], true).is_nan());
    }
}
