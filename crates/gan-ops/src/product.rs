//! Matrix products on all cores: some rows each (of one row some columns), whatever the number of threads,
//! so that one and many give the same bits.

use crate::cpu::{Matrix, Real, matmul};
use rayon::prelude::*;

/// A product is split into at most this many tasks.
const TASKS: usize = 8;
/// Rows of a task at least: with fewer, the other matrix would be read too often.
const MIN_ROWS: usize = 8;
/// Columns of a task at least, of a product with one row.
const MIN_COLUMNS: usize = 256;

/// `out[m, n] = lhs[m, k] * rhs[k, n]`, or `out += ...` with `accumulate`, some rows a task; then `finish` is
/// called with those.
pub(crate) fn product<T: Real>(
    (m, n, k): (usize, usize, usize),
    out: &mut [T],
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    accumulate: bool,
    finish: impl Fn(&mut [T]) + Sync,
) {
    if m == 0 || n == 0 {
        return;
    }
    if m == 1 {
        // Of a single row some columns each.
        let columns = n.div_ceil(TASKS).max(MIN_COLUMNS);
        out.par_chunks_mut(columns).enumerate().for_each(|(task, out)| {
            let data = rhs.data.get(task * columns * rhs.column_stride..).unwrap_or_default();
            part((1, out.len(), k), out, lhs, Matrix { data, ..rhs }, accumulate);
        });
        return finish(out);
    }
    let rows = m.div_ceil(TASKS).max(MIN_ROWS);
    out.par_chunks_mut(rows * n).enumerate().for_each(|(task, out)| {
        let lhs = Matrix { data: lhs.data.get(task * rows * lhs.row_stride..).unwrap_or_default(), ..lhs };
        part((out.len() / n, n, k), out, lhs, rhs, accumulate);
        finish(out);
    });
}

/// The rows or columns of one task. A sum of no products is 0.
fn part<T: Real>(
    (m, n, k): (usize, usize, usize),
    out: &mut [T],
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    accumulate: bool,
) {
    if k == 0 && !accumulate {
        out.fill(T::zero());
    }
    matmul((m, n, k), out, n, lhs, rhs, accumulate);
}
