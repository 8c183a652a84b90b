//! Which kernel makes a convolution, and which its gradients: by its shape and by what the CPU has.

use super::epilogue::{Epilogue, Finish, Output};
use super::geometry::Geometry;
use super::lanes::Panels;
use super::plan::Plan;
use super::{amx, correlation, dense, pointwise, roll_up, winograd};
use crate::activation::Activation;
use crate::cpu::Real;
use crate::packed::Weight;
use crate::precision::Precision;
use crate::scratch::Scratch;
use rayon::prelude::*;

/// image `[N, C, H, W]`, weight `[O, C, kh, kw]` -> feature maps `[N, O, h, w]`.
pub(super) fn correlate<T: Real>(
    g: &Geometry,
    precision: Precision,
    image: &[T],
    weight: Weight<'_, T>,
    finish: Finish<'_, T>,
) -> Output<T> {
    if g.is_dense() {
        return finished(dense::correlate(g, image, weight.values), g.map_shape(), finish);
    }
    let plan = Plan::correlate(g);
    if let Some(output) = on_amx(&plan, precision, image, weight.values, g.map_shape(), finish) {
        return output;
    }
    if g.is_pointwise() && finish.epilogue != Epilogue::Moments {
        return (pointwise::correlate(g, image, weight.values, finish), None);
    }
    correlation::run(&plan, image, weight, finish)
}

/// feature maps `[N, O, h, w]`, weight `[O, C, kh, kw]` -> image `[N, C, H, W]`.
pub(super) fn scatter<T: Real>(
    g: &Geometry,
    precision: Precision,
    maps: &[T],
    weight: Weight<'_, T>,
    finish: Finish<'_, T>,
) -> Output<T> {
    if g.is_dense() {
        return finished(dense::scatter(g, maps, weight.values), g.image_shape(), finish);
    }
    let plan = Plan::scatter(g);
    if let Some(output) = on_amx(&plan, precision, maps, weight.values, g.image_shape(), finish) {
        return output;
    }
    if g.is_pointwise() && finish.epilogue != Epilogue::Moments {
        return (pointwise::scatter(g, maps, weight.values, finish), None);
    }
    if 2 * g.image_channels < Panels::of::<T>(g.image_channels).lanes {
        return finished(roll_up::scatter(g, maps, weight.values), g.image_shape(), finish);
    }
    correlation::run(&plan, maps, weight, finish)
}

/// On AMX, where that is the faster way.
fn on_amx<T: Real>(
    plan: &Plan,
    precision: Precision,
    source: &[T],
    weight: &[T],
    shape: (usize, usize, usize, usize),
    finish: Finish<'_, T>,
) -> Option<Output<T>> {
    if finish.bias.is_none() {
        return amx::correlate(plan, precision, source, weight, finish.epilogue);
    }
    let (values, _) = amx::correlate(plan, precision, source, weight, Activation::Identity.into())?;
    Some(finished(values, shape, finish))
}

/// image `[N, C, H, W]`, feature maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O,
/// C, kh, kw]`, written or added to what is there.
pub(super) fn weight_gradient<T: Real>(
    g: &Geometry,
    precision: Precision,
    image: &[T],
    maps: &[T],
    gradient: &mut [T],
    add: bool,
) {
    if g.is_dense() {
        dense::weight_gradient(g, image, maps, gradient, add);
    } else if !amx::weight_gradient(g, precision, image, maps, gradient, add)
        && !winograd::weight_gradient(g, image, maps, gradient, add)
    {
        super::weight_gradient::run(g, image, maps, gradient, add);
    }
}

/// Bias and activation of a whole result, of this shape.
fn finished<T: Real>(
    mut values: Scratch<T>,
    (_, channels, height, width): (usize, usize, usize, usize),
    finish: Finish<'_, T>,
) -> Output<T> {
    let plane = height * width;
    let images = values.par_chunks_mut(channels * plane);
    images.for_each(|image| finish.planes(0, plane, image));
    (values, None)
}
