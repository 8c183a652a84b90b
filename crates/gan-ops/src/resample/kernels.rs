//! The passes of resampling, each over all cores: some whole planes a task.

use super::{Kind, Resampling};
use crate::cpu::Real;
use crate::simd::vectorised;
use rayon::prelude::*;

/// Elements of the larger image that a thread takes at a time.
const BLOCK: usize = 1 << 14;

impl Resampling {
    /// y from x, of which every element is written.
    pub fn value<T: Real>(&self, x: &[T], y: &mut [T]) {
        match self.kind {
            Kind::Upsample => self.spread(x, y, T::one()),
            Kind::AveragePool => self.gather(x, y, self.share()),
            Kind::PixelShuffle => self.shuffle(x, y),
        }
    }

    /// The gradient of x from that of y, of which every element is written.
    pub fn gradient<T: Real>(&self, dy: &[T], dx: &mut [T]) {
        match self.kind {
            Kind::Upsample => self.gather(dy, dx, T::one()),
            Kind::AveragePool => self.spread(dy, dx, self.share()),
            Kind::PixelShuffle => self.unshuffle(dy, dx),
        }
    }

    fn share<T: Real>(&self) -> T {
        T::from_f64(1.0 / (self.factor * self.factor) as f64)
    }

    /// Every pixel of the small image, times `scale`, to its square of the large one; 0 to what is in no square.
    fn spread<T: Real>(&self, small: &[T], large: &mut [T], scale: T) {
        for_each_chunk(large, self.large_plane(), small, self.small_plane(), |large, small| {
            match self.factor {
                2 => self.spread_plane(small, large, scale, 2), // a number that the compiler knows makes a fast loop
                factor => self.spread_plane(small, large, scale, factor),
            }
        });
    }

    #[inline(always)]
    fn spread_plane<T: Real>(&self, small: &[T], large: &mut [T], scale: T, factor: usize) {
        let (w, large_w) = (self.small.1, self.large.1);
        let (squares, below) = large.split_at_mut(self.small.0 * factor * large_w);
        for (rows, x) in squares.chunks_exact_mut(factor * large_w).zip(small.chunks_exact(w)) {
            let (first, others) = rows.split_at_mut(large_w);
            let (squares, beside) = first.split_at_mut(w * factor);
            for (square, &x) in squares.chunks_exact_mut(factor).zip(x) {
                square.iter_mut().for_each(|y| *y = x * scale);
            }
            beside.fill(T::zero());
            others.chunks_exact_mut(large_w).for_each(|row| row.copy_from_slice(first));
        }
        below.fill(T::zero());
    }

    /// The sum of every square of the large image, times `scale`, to its pixel of the small one.
    fn gather<T: Real>(&self, large: &[T], small: &mut [T], scale: T) {
        for_each_chunk(small, self.small_plane(), large, self.large_plane(), |small, large| {
            match self.factor {
                2 => self.gather_plane(large, small, scale, 2),
                factor => self.gather_plane(large, small, scale, factor),
            }
        });
    }

    #[inline(always)]
    fn gather_plane<T: Real>(&self, large: &[T], small: &mut [T], scale: T, factor: usize) {
        let (w, large_w) = (self.small.1, self.large.1);
        for (y, rows) in small.chunks_exact_mut(w).zip(large.chunks_exact(factor * large_w)) {
            for (index, row) in rows.chunks_exact(large_w).enumerate() {
                for (y, square) in y.iter_mut().zip(row.chunks_exact(factor)) {
                    let sum = square[1..].iter().fold(square[0], |sum, &x| sum + x);
                    *y = if index == 0 { sum } else { *y + sum };
                }
            }
            y.iter_mut().for_each(|y| *y *= scale);
        }
    }

    /// The planes of the small image, `factor` by `factor` of them, to the places of each square.
    fn shuffle<T: Real>(&self, small: &[T], large: &mut [T]) {
        let (f, w) = (self.factor, self.small.1);
        for_each_chunk(large, self.large_plane(), small, f * f * self.small_plane(), |large, small| {
            for (index, row) in large.chunks_exact_mut(self.large.1).enumerate() {
                if f == 2 {
                    let (a, b) = (&small[self.row(index, 0)..][..w], &small[self.row(index, 1)..][..w]);
                    let pairs = row.as_chunks_mut::<2>().0;
                    pairs.iter_mut().zip(a.iter().zip(b)).for_each(|(pair, (&a, &b))| *pair = [a, b]);
                    continue;
                }
                for j in 0..f {
                    let x = &small[self.row(index, j)..][..w];
                    row[j..].iter_mut().step_by(f).zip(x).for_each(|(y, &x)| *y = x);
                }
            }
        });
    }

    /// The way back.
    fn unshuffle<T: Real>(&self, large: &[T], small: &mut [T]) {
        let (f, w) = (self.factor, self.small.1);
        for_each_chunk(small, f * f * self.small_plane(), large, self.large_plane(), |small, large| {
            for (index, row) in large.chunks_exact(self.large.1).enumerate() {
                for j in 0..f {
                    let x = &mut small[self.row(index, j)..][..w];
                    if f == 2 {
                        let pairs = row.as_chunks::<2>().0;
                        x.iter_mut().zip(pairs).for_each(|(x, pair)| *x = pair[j]);
                    } else {
                        x.iter_mut().zip(row[j..].iter().step_by(f)).for_each(|(x, &y)| *x = y);
                    }
                }
            }
        });
    }

    /// Where the row begins, in the planes that one large plane is made of, whose pixels are the `j`th of every square in
    /// the large row of this index.
    #[inline(always)]
    fn row(&self, index: usize, j: usize) -> usize {
        let (f, (h, w)) = (self.factor, self.small);
        ((index % f * f + j) * h + index / f) * w
    }

    fn small_plane(&self) -> usize {
        self.small.0 * self.small.1
    }

    fn large_plane(&self) -> usize {
        self.large.0 * self.large.1
    }
}

/// Calls `body` with every `out_len` elements of `out` and the `in_len` of `input` that they are made of.
fn for_each_chunk<T: Real>(
    out: &mut [T],
    out_len: usize,
    input: &[T],
    in_len: usize,
    body: impl Fn(&mut [T], &[T]) + Sync,
) {
    if out.is_empty() || input.is_empty() {
        return;
    }
    let chunks = (BLOCK / out_len.max(in_len)).max(1);
    let tasks = out.par_chunks_mut(chunks * out_len).zip(input.par_chunks(chunks * in_len));
    tasks.for_each(|(out, input)| {
        vectorised(
            #[inline(always)]
            || {
                let chunks = out.chunks_exact_mut(out_len).zip(input.chunks_exact(in_len));
                chunks.for_each(|(out, input)| body(out, input));
            },
        );
    });
}
