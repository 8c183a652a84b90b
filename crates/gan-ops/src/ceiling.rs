//! What the machine's cores can do at most: the yardstick for the kernels.

use crate::cpu::{Matrix, matmul};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Rows and columns of each matrix: large enough for gemm's full speed, and a try takes some 30 ms.
const SIDE: usize = 1024;

/// The best of so many tries counts; the first one warms up.
const TRIES: usize = 6;

/// The speed (GFLOP/s, a multiply-add counting as two) of f32 matrix products alone, one on each of `threads` threads
/// at the same time: what no convolution on as many threads exceeds. Takes 12 MiB of memory a thread, and a fraction of
/// a second.
pub fn gemm_ceiling(threads: usize) -> f64 {
    let threads = threads.max(1);
    let everyone = Barrier::new(threads + 1);
    let product_after_product = || {
        let (lhs, rhs, mut out) = (vec![1f32; SIDE * SIDE], vec![1f32; SIDE * SIDE], vec![0f32; SIDE * SIDE]);
        for _ in 0..TRIES {
            everyone.wait();
            let (lhs, rhs) = (Matrix::rows(&lhs, SIDE), Matrix::rows(&rhs, SIDE));
            matmul((SIDE, SIDE, SIDE), &mut out, SIDE, lhs, rhs, false);
            everyone.wait();
        }
    };
    let fastest = thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(product_after_product);
        }
        let mut fastest = Duration::MAX;
        for _ in 0..TRIES {
            // Before the start, not after: with all cores at work, this thread may be late to see it.
            let started = Instant::now();
            everyone.wait();
            everyone.wait();
            fastest = fastest.min(started.elapsed());
        }
        fastest
    });
    2.0 * (SIDE as f64).powi(3) * threads as f64 / fastest.as_secs_f64() / 1e9
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ceiling_is_a_speed() {
        let speed = super::gemm_ceiling(2);
        assert!(speed.is_finite() && speed > 0.0, "{speed} GFLOP/s"); // and nobody waits for ever
    }
}
