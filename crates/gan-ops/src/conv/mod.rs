//! 2-d convolution and transposed convolution.

mod correlation;
mod dense;
mod geometry;
mod lanes;
mod plan;
mod roll_up;
mod weight_gradient;

use crate::cpu::{Real, dispatch, has_kernel, slice};
use crate::reference;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use geometry::Geometry;
use lanes::Panels;
use plan::Plan;

/// 2-d convolution (cross-correlation), as `torch.nn.functional.conv2d` without bias, dilation or groups.
///
/// input `[N, C, H, W]`, weight `[O, C, kh, kw]` -> `[N, O, (H + 2p - kh) / s + 1, (W + 2p - kw) / s + 1]`.
pub fn conv2d(input: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let geometry = Geometry::of_conv(input.dims4()?, weight.dims4()?, stride, padding)?;
    if !has_kernel(input) {
        return reference::conv2d(input, weight, stride, padding);
    }
    input.contiguous()?.apply_op2(&weight.contiguous()?, Correlate(geometry))
}

/// 2-d transposed convolution, as `torch.nn.functional.conv_transpose2d` without bias, dilation or groups.
///
/// input `[N, I, h, w]`, weight `[I, O, kh, kw]` -> `[N, O, (h - 1) * s - 2p + kh + output_padding, ...]`.
pub fn conv_transpose2d(
    input: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    let geometry =
        Geometry::of_conv_transpose(input.dims4()?, weight.dims4()?, stride, padding, output_padding)?;
    if !has_kernel(input) {
        return reference::conv_transpose2d(input, weight, stride, padding, output_padding);
    }
    input.contiguous()?.apply_op2(&weight.contiguous()?, Scatter(geometry))
}

/// (image, weight) -> maps.
struct Correlate(Geometry);
/// (maps, weight) -> image.
struct Scatter(Geometry);
/// (image, maps) -> weight.
struct WeightGradient(Geometry);

type Kernel<T> = fn(&Geometry, &[T], &[T]) -> Vec<T>;

fn run<T: Real>(
    kernel: Kernel<T>,
    geometry: &Geometry,
    (s1, l1): (&CpuStorage, &Layout),
    (s2, l2): (&CpuStorage, &Layout),
) -> Result<CpuStorage> {
    Ok(T::to_cpu_storage_owned(kernel(geometry, slice(s1, l1)?, slice(s2, l2)?)))
}

/// image `[N, C, H, W]`, weight `[O, C, kh, kw]` -> maps `[N, O, h, w]`.
fn correlate<T: Real>(g: &Geometry, image: &[T], weight: &[T]) -> Vec<T> {
    if g.is_dense() {
        return dense::correlate(g, image, weight);
    }
    correlation::run(&Plan::correlate(g), image, weight)
}

/// maps `[N, O, h, w]`, weight `[O, C, kh, kw]` -> image `[N, C, H, W]`.
fn scatter<T: Real>(g: &Geometry, maps: &[T], weight: &[T]) -> Vec<T> {
    if g.is_dense() {
        return dense::scatter(g, maps, weight);
    }
    if 2 * g.image_channels < Panels::of::<T>(g.image_channels).lanes {
        return roll_up::scatter(g, maps, weight);
    }
    correlation::run(&Plan::scatter(g), maps, weight)
}

/// image `[N, C, H, W]`, maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O, C, kh, kw]`.
fn weight_gradient<T: Real>(g: &Geometry, image: &[T], maps: &[T]) -> Vec<T> {
    if g.is_dense() {
        return dense::weight_gradient(g, image, maps);
    }
    weight_gradient::run(g, image, maps)
}

macro_rules! forward {
    ($kernel:ident, $shape:ident) => {
        fn name(&self) -> &'static str {
            stringify!($kernel)
        }

        fn cpu_fwd(
            &self,
            s1: &CpuStorage,
            l1: &Layout,
            s2: &CpuStorage,
            l2: &Layout,
        ) -> Result<(CpuStorage, Shape)> {
            let out = dispatch!(s1, self.name(), run($kernel, &self.0, (s1, l1), (s2, l2)))?;
            Ok((out, self.0.$shape().into()))
        }
    };
}

// A gradient that nobody tracks (of the images, of a network held fixed) is not computed.

impl CustomOp2 for Correlate {
    forward!(correlate, map_shape);

    fn bwd(
        &self,
        image: &Tensor,
        weight: &Tensor,
        _maps: &Tensor,
        dmaps: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dmaps = dmaps.contiguous()?;
        let dimage =
            image.track_op().then(|| dmaps.apply_op2_no_bwd(weight, &Scatter(self.0))).transpose()?;
        let dweight =
            weight.track_op().then(|| image.apply_op2_no_bwd(&dmaps, &WeightGradient(self.0))).transpose()?;
        Ok((dimage, dweight))
    }
}

impl CustomOp2 for Scatter {
    forward!(scatter, image_shape);

    fn bwd(
        &self,
        maps: &Tensor,
        weight: &Tensor,
        _image: &Tensor,
        dimage: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dimage = dimage.contiguous()?;
        let dmaps =
            maps.track_op().then(|| dimage.apply_op2_no_bwd(weight, &Correlate(self.0))).transpose()?;
        let dweight =
            weight.track_op().then(|| dimage.apply_op2_no_bwd(maps, &WeightGradient(self.0))).transpose()?;
        Ok((dmaps, dweight))
    }
}

impl CustomOp2 for WeightGradient {
    forward!(weight_gradient, weight_shape);
}
