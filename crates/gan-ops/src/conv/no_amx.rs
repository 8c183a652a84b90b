//! In the place of `amx/` where there can be no AMX.

use super::epilogue::{Epilogue, Output};
use super::geometry::Geometry;
use super::plan::Plan;
use crate::cpu::Real;
use crate::precision::Precision;

pub(super) fn correlate<T: Real>(_: &Plan, _: Precision, _: &[T], _: &[T], _: Epilogue) -> Option<Output<T>> {
    None
}

pub(super) fn weight_gradient<T: Real>(
    _: &Geometry,
    _: Precision,
    _: &[T],
    _: &[T],
    _: &mut [T],
    _: bool,
) -> bool {
    false
}
