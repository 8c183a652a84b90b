//! 2-d convolution and transposed convolution.

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "no_amx.rs")]
mod amx;
mod correlation;
mod dense;
mod frame;
mod geometry;
mod lanes;
mod plan;
mod roll_up;
mod sums;
mod weight_gradient;

use crate::activation::{Activation, activate, activation_gradient};
use crate::cpu::{Real, with_slice};
use crate::flow::{Backward, Flow, FlowState, Moments, Own, number};
use crate::gradient::{Destination, Parameter};
use crate::precision::Precision;
use crate::reference;
use crate::scratch::Scratch;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor};
use geometry::Geometry;
use lanes::Panels;
use plan::Plan;
use std::sync::Arc;
use tracing::trace_span;

/// 2-d convolution (cross-correlation), as `torch.nn.functional.conv2d` without bias, dilation or groups.
///
/// input `[N, C, H, W]`, weight `[O, C, kh, kw]` -> `[N, O, (H + 2p - kh) / s + 1, (W + 2p - kw) / s + 1]`.
pub fn conv2d(input: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
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

/// What a convolution does with its result while that is in the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epilogue {
    /// Applies an activation.
    Activation(Activation),
    /// Measures mean and variance of each channel of each image, for the batch norm that comes next.
    Moments,
}

impl From<Activation> for Epilogue {
    fn from(activation: Activation) -> Self {
        Epilogue::Activation(activation)
    }
}

impl Epilogue {
    /// The activation, if any: else the identity.
    pub fn activation(self) -> Activation {
        match self {
            Epilogue::Activation(activation) => activation,
            Epilogue::Moments => Activation::Identity,
        }
    }
}

impl Flow {
    /// [`conv2d`] and its epilogue.
    pub fn conv2d(
        self,
        weight: &Parameter,
        stride: usize,
        padding: usize,
        epilogue: impl Into<Epilogue>,
    ) -> Result<Self> {
        let epilogue = epilogue.into();
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
                convolve(x, weight, Convolution { geometry, transposed: false, precision, epilogue })
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
                convolve(x, weight, Convolution { geometry, transposed: true, precision, epilogue })
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

fn convolve(x: Own, weight: &Parameter, convolution: Convolution) -> Result<Flow> {
    match *x.values {
        Values::F32(_) => run::<f32>(x, weight, convolution),
        Values::F64(_) => run::<f64>(x, weight, convolution),
    }
}

fn run<T: Real>(x: Own, weight: &Parameter, convolution: Convolution) -> Result<Flow> {
    let Convolution { geometry: g, transposed, precision, epilogue } = convolution;
    let value = weight.value.contiguous()?;
    let (y, moments) = {
        let _span = trace_span!("convolution").entered();
        let x = x.values.slice::<T>()?;
        with_slice::<T, _>(&value, |weight| {
            if transposed {
                scatter(&g, precision, x, weight, epilogue)
            } else {
                correlate(&g, precision, x, weight, epilogue)
            }
        })?
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
                let nothing = Activation::Identity.into();
                let (dx, _) = if transposed {
                    correlate(&g, precision, dy, weight, nothing)
                } else {
                    scatter(&g, precision, dy, weight, nothing)
                };
                T::wrap(dx)
            })?;
            slot.add(dx.into())?;
        }
        Ok(())
    }
}

/// The result of a convolution, and the moments of its planes, if they were asked for and could be had for nothing.
type Output<T> = (Scratch<T>, Option<Moments>);

/// image `[N, C, H, W]`, weight `[O, C, kh, kw]` -> feature maps `[N, O, h, w]`.
fn correlate<T: Real>(
    g: &Geometry,
    precision: Precision,
    image: &[T],
    weight: &[T],
    epilogue: Epilogue,
) -> Output<T> {
    if g.is_dense() {
        return activated(dense::correlate(g, image, weight), epilogue);
    }
    let plan = Plan::correlate(g);
    amx::correlate(&plan, precision, image, weight, epilogue)
        .unwrap_or_else(|| correlation::run(&plan, image, weight, epilogue))
}

/// feature maps `[N, O, h, w]`, weight `[O, C, kh, kw]` -> image `[N, C, H, W]`.
fn scatter<T: Real>(
    g: &Geometry,
    precision: Precision,
    maps: &[T],
    weight: &[T],
    epilogue: Epilogue,
) -> Output<T> {
    if g.is_dense() {
        return activated(dense::scatter(g, maps, weight), epilogue);
    }
    let plan = Plan::scatter(g);
    if let Some(output) = amx::correlate(&plan, precision, maps, weight, epilogue) {
        return output;
    }
    if 2 * g.image_channels < Panels::of::<T>(g.image_channels).lanes {
        return activated(roll_up::scatter(g, maps, weight), epilogue);
    }
    correlation::run(&plan, maps, weight, epilogue)
}

/// image `[N, C, H, W]`, feature maps `[N, O, h, w]` (one of them a gradient) -> gradient of the weight `[O,
/// C, kh, kw]`, written or added to what is there.
fn weight_gradient<T: Real>(
    g: &Geometry,
    precision: Precision,
    image: &[T],
    maps: &[T],
    gradient: &mut [T],
    add: bool,
) {
    if g.is_dense() {
        dense::weight_gradient(g, image, maps, gradient, add);
    } else if !amx::weight_gradient(g, precision, image, maps, gradient, add) {
        weight_gradient::run(g, image, maps, gradient, add);
    }
}

fn activated<T: Real>(mut values: Scratch<T>, epilogue: Epilogue) -> Output<T> {
    activate(epilogue.activation(), &mut values);
    (values, None)
}
