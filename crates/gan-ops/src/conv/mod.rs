//! 2-d convolution and transposed convolution.

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "no_amx.rs")]
mod amx;
mod choice;
mod correlation;
mod dense;
mod direct;
mod epilogue;
mod frame;
mod geometry;
mod lanes;
mod method;
mod plan;
mod pointwise;
mod roll_up;
mod sums;
mod weight_gradient;
mod winograd;

use crate::activation::{Activation, activation_gradient};
use crate::cpu::{Real, with_slice};
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::gradient::{Destination, Parameter};
use crate::packed::Weight;
use crate::padding::Padding;
use crate::precision::Precision;
use crate::reference;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor, bail};
use choice::{correlate, scatter, weight_gradient};
pub use epilogue::Epilogue;
pub(crate) use epilogue::Finish;
use geometry::Geometry;
use std::sync::Arc;
use tracing::trace_span;

/// 2-d convolution (cross-correlation), as `torch.nn.functional.conv2d` without bias, dilation or groups.
///
/// input `[N, C, H, W]`, weight `[O, C, kh, kw]` -> `[N, O, (H + 2p - kh) / s + 1, (W + 2p - kw) / s + 1]`.
/// The padding p is a number, a pair (rows, columns), or one of its own on each side.
pub fn conv2d(input: &Tensor, weight: &Tensor, stride: usize, padding: impl Into<Padding>) -> Result<Tensor> {
    Flow::enter(input)?.conv2d(&weight.into(), stride, padding, Activation::Identity)?.leave()
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
    let input = Flow::enter(input)?;
    input.conv_transpose2d(&weight.into(), stride, padding, output_padding, Activation::Identity)?.leave()
}

impl Flow {
    /// [`conv2d`] and its epilogue.
    pub fn conv2d(
        self,
        weight: &Parameter,
        stride: usize,
        padding: impl Into<Padding>,
        epilogue: impl Into<Epilogue>,
    ) -> Result<Self> {
        let (padding, epilogue) = (padding.into(), epilogue.into());
        epilogue.activation().check()?;
        match self.0 {
            FlowState::Candle(x) => {
                Geometry::of_conv(x.dims4()?, weight.value.dims4()?, stride, padding)?;
                let y = reference::conv2d(&x, &weight.value, stride, padding)?;
                Ok(Self(FlowState::Candle(epilogue.activation().apply(&y)?)))
            }
            FlowState::Own(x) => {
                let geometry = Geometry::of_conv(x.dims4()?, weight.value.dims4()?, stride, padding)?;
                let precision = x.precision;
                convolve(x, weight, None, Convolution { geometry, transposed: false, precision, epilogue })
            }
        }
    }

    /// [`conv2d`], a bias `[O]` and an activation. In one pass where nobody tracks the bias, as in a network
    /// held fixed.
    pub fn conv2d_with_bias(
        self,
        weight: &Parameter,
        bias: &Parameter,
        stride: usize,
        padding: impl Into<Padding>,
        activation: Activation,
    ) -> Result<Self> {
        let padding = padding.into();
        match self.0 {
            FlowState::Own(x) if !bias.value.track_op() => {
                activation.check()?;
                let geometry = Geometry::of_conv(x.dims4()?, weight.value.dims4()?, stride, padding)?;
                let (precision, epilogue) = (x.precision, activation.into());
                let convolution = Convolution { geometry, transposed: false, precision, epilogue };
                convolve(x, weight, Some(&bias.value), convolution)
            }
            flow => {
                let y = Self(flow).conv2d(weight, stride, padding, Activation::Identity)?;
                y.add_bias(bias, activation)
            }
        }
    }

    /// [`conv_transpose2d`] and its epilogue.
    pub fn conv_transpose2d(
        self,
        weight: &Parameter,
        stride: usize,
        padding: usize,
        output_padding: usize,
        epilogue: impl Into<Epilogue>,
    ) -> Result<Self> {
        let epilogue = epilogue.into();
        epilogue.activation().check()?;
        let geometry =
            |dims| Geometry::of_conv_transpose(dims, weight.value.dims4()?, stride, padding, output_padding);
        match self.0 {
            FlowState::Candle(x) => {
                geometry(x.dims4()?)?;
                let y = reference::conv_transpose2d(&x, &weight.value, stride, padding, output_padding)?;
                Ok(Self(FlowState::Candle(epilogue.activation().apply(&y)?)))
            }
            FlowState::Own(x) => {
                let geometry = geometry(x.dims4()?)?;
                let precision = x.precision;
                convolve(x, weight, None, Convolution { geometry, transposed: true, precision, epilogue })
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Convolution {
    geometry: Geometry,
    /// From feature maps to image.
    transposed: bool,
    precision: Precision,
    epilogue: Epilogue,
}

fn convolve(x: Own, weight: &Parameter, bias: Option<&Tensor>, convolution: Convolution) -> Result<Flow> {
    match *x.values {
        Values::F32(_) => run::<f32>(x, weight, bias, convolution),
        Values::F64(_) => run::<f64>(x, weight, bias, convolution),
    }
}

fn run<T: Real>(x: Own, weight: &Parameter, bias: Option<&Tensor>, convolution: Convolution) -> Result<Flow> {
    let Convolution { geometry: g, transposed, precision, epilogue } = convolution;
    let value = weight.value.contiguous()?;
    let (y, moments) = {
        let _span = trace_span!("convolution").entered();
        let x = x.values.slice::<T>()?;
        let run = |bias: Option<&[T]>| {
            let finish = Finish { bias, epilogue };
            with_slice::<T, _>(&value, |values| {
                let weight = Weight { values, packed: weight.packed.as_ref() };
                match transposed {
                    true => scatter(&g, precision, x, weight, finish),
                    false => correlate(&g, precision, x, weight, finish),
                }
            })
        };
        match bias {
            None => run(None)?,
            Some(bias) if bias.dims() != [g.map_channels] => {
                bail!("expected a bias for each of {} channels, got {:?}", g.map_channels, bias.shape())
            }
            Some(bias) => with_slice::<T, _>(&bias.contiguous()?, |bias| run(Some(bias)))??,
        }
    };
    let shape = if transposed { g.image_shape() } else { g.map_shape() };
    let (weight_handle, weight_gradient) = weight.watch()?;
    let y = x.then(T::wrap(y), shape, [&weight_handle, &number()?], |y| ConvolutionGradient {
        convolution,
        x: x.values.clone(),
        weight: value.detach(),
        y: (epilogue.activation() != Activation::Identity).then(|| y.clone()),
        x_gradient: x.wants_gradient(),
        weight_gradient,
    })?;
    Ok(y.with_moments(moments))
}

/// What the gradient of a convolution needs.
struct ConvolutionGradient {
    convolution: Convolution,
    x: Arc<Values>,
    weight: Tensor,
    /// What the activation made, where there is one.
    y: Option<Arc<Values>>,
    x_gradient: Option<GradientSlot>,
    weight_gradient: Option<Destination>,
}

impl Backward for ConvolutionGradient {
    const NAME: &'static str = "convolution";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        match *dy {
            Values::F32(_) => self.hand_on::<f32>(dy),
            Values::F64(_) => self.hand_on::<f64>(dy),
        }
    }
}

impl ConvolutionGradient {
    /// A gradient that nobody tracks (of the images, of a network held fixed) is not computed.
    fn hand_on<T: Real>(&self, mut dy: Arc<Values>) -> Result<()> {
        let Convolution { geometry: g, transposed, precision, epilogue } = self.convolution;
        if let Some(y) = &self.y {
            let _span = trace_span!("activation, backward").entered();
            let dy = Arc::make_mut(&mut dy).slice_mut::<T>()?;
            activation_gradient(epilogue.activation(), dy, y.slice::<T>()?);
        }
        let dy = dy.slice::<T>()?;
        if let Some(destination) = &self.weight_gradient {
            let _span = trace_span!("convolution, gradient of the weight").entered();
            let x = self.x.slice::<T>()?;
            let (image, maps) = if transposed { (dy, x) } else { (x, dy) };
            destination.put(|sum, add| weight_gradient(&g, precision, image, maps, sum, add))?;
        }
        if let Some(slot) = &self.x_gradient {
            let _span = trace_span!("convolution, gradient of the input").entered();
            let dx = with_slice::<T, _>(&self.weight, |weight| {
                let weight = Weight::passing(weight);
                let (dx, _) = if transposed {
                    correlate(&g, precision, dy, weight, Finish::NONE)
                } else {
                    scatter(&g, precision, dy, weight, Finish::NONE)
                };
                T::wrap(dx)
            })?;
            slot.add(dx.into())?;
        }
        Ok(())
    }
}
