//! The convolutions on AMX: the sums of a [`Plan`], and the gradient of the weight.

mod correlation;
mod layout;
mod source;
#[cfg(test)]
mod tests;
mod weight_gradient;

use super::epilogue::{Epilogue, Output};
use super::geometry::Geometry;
use super::plan::Plan;
use crate::amx::{F32_PARTS, available};
use crate::cpu::Real;
use crate::precision::Precision;
use crate::scratch::Scratch;
use crate::simd::arch;
use crate::transpose::avx512::{as_f32, as_f32_mut};
use pulp::Arch;

/// source `[N, source channels, ...]`, weight -> output `[N, output channels, ...]`, where AMX is the faster way: else None.
pub(super) fn correlate<T: Real>(
    plan: &Plan,
    precision: Precision,
    source: &[T],
    weight: &[T],
    epilogue: Epilogue,
) -> Option<Output<T>> {
    // With fewer channels too much of a tile is zeros.
    let (from, to) = match precision {
        Precision::F32 => (24, 12),
        Precision::Bf16 => (12, 3),
    };
    if plan.source_channels < from || plan.out_channels < to || !available() {
        return None;
    }
    let (Arch::V4(simd), Some(source), Some(weight)) = (arch(), as_f32(source), as_f32(weight)) else {
        return None;
    };
    let images = source.len() / (plan.source_channels * plan.source.height * plan.source.width);
    let mut output = Scratch::<T>::take(images * plan.out_len());
    let mut moments = vec![(0.0, 0.0); images * plan.out_channels];
    let (out, measured) = (as_f32_mut(&mut output)?, &mut moments[..]);
    match precision {
        Precision::F32 => correlation::run::<F32_PARTS>(simd, plan, source, weight, epilogue, out, measured),
        Precision::Bf16 => correlation::run::<1>(simd, plan, source, weight, epilogue, out, measured),
    }
    Some((output, (epilogue == Epilogue::Moments).then_some(moments)))
}

/// Whether the gradient of the weight was written (or added) here: where AMX is the faster way.
pub(super) fn weight_gradient<T: Real>(
    g: &Geometry,
    precision: Precision,
    image: &[T],
    maps: &[T],
    gradient: &mut [T],
    add: bool,
) -> bool {
    let (image_channels, map_channels) = match precision {
        Precision::F32 => (48, 48),
        Precision::Bf16 => (12, 12),
    };
    if g.image_channels < image_channels || g.map_channels < map_channels || !available() {
        return false;
    }
    let (Arch::V4(simd), Some(image), Some(maps)) = (arch(), as_f32(image), as_f32(maps)) else {
        return false;
    };
    let Some(gradient) = as_f32_mut(gradient) else { return false };
    match precision {
        Precision::F32 => weight_gradient::run::<F32_PARTS>(simd, g, image, maps, gradient, add),
        Precision::Bf16 => weight_gradient::run::<1>(simd, g, image, maps, gradient, add),
    }
    true
}
