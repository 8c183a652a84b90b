//! Distances between all images of one set and all of another, some rows at a time.

use super::Features;
use crate::error::Result;
use candle_core::Tensor;

/// Rows at a time: with 50,000 images on the other side each of the few matrices takes 13 MB.
const ROWS: usize = 32;

/// Tells `row` the number of each image of `a` and its squared Euclidean distances to all images of `b`.
pub(crate) fn each_row(a: &Features, b: &Features, mut row: impl FnMut(usize, &[f64])) -> Result<()> {
    if a.is_empty() || b.is_empty() {
        return Ok(());
    }
    let (a, b) = (a.matrix()?, b.matrix()?);
    let squares = |x: &Tensor| x.sqr()?.sum_keepdim(1);
    let (of_b, b) = (squares(&b)?.t()?, b.t()?);
    let (count, width) = (a.dim(0)?, of_b.dim(1)?);
    for first in (0..count).step_by(ROWS) {
        let part = a.narrow(0, first, ROWS.min(count - first))?;
        let products = part.matmul(&b)?.affine(-2.0, 0.0)?;
        let distances = products.broadcast_add(&squares(&part)?)?.broadcast_add(&of_b)?;
        // Rounding can leave less than 0 between equal images.
        let values: Vec<f64> = distances.flatten_all()?.to_vec1()?;
        let values: Vec<f64> = values.into_iter().map(|value| value.max(0.0)).collect();
        values.chunks(width).enumerate().for_each(|(i, values)| row(first + i, values));
    }
    Ok(())
}

/// The squared distance from each image to its `k`-th nearest other image of the same set.
pub(crate) fn to_kth_neighbour(features: &Features, k: usize) -> Result<Vec<f64>> {
    let mut radii = Vec::with_capacity(features.len());
    each_row(features, features, |image, distances| {
        // The image itself is left out, not the nearest: there may be copies of it.
        let mut others: Vec<f64> = distances.to_vec();
        others.swap_remove(image);
        radii.push(*others.select_nth_unstable_by(k - 1, f64::total_cmp).1);
    })?;
    Ok(radii)
}
