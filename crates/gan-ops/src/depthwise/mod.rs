//! Depthwise convolution: a kernel for each channel.

mod kernels;

use crate::activation::{Activation, activation_gradient};
use crate::conv::Finish;
use crate::cpu::{Real, with_slice};
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::gradient::{Destination, Parameter};
use crate::padding::Padding;
use crate::reference;
use crate::values::{GradientSlot, Values};
use crate::windows::Windows;
use candle_core::{Result, Tensor, bail};
pub(crate) use kernels::input_gradient;
use std::sync::Arc;
use tracing::trace_span;

/// 2-d convolution of each channel with a kernel of its own, as `torch.nn.functional.conv2d` with as many
/// groups as channels.
///
/// input `[N, C, H, W]`, weight `[C, 1, kh, kw]` -> `[N, C, (H + 2p - kh) / s + 1, (W + 2p - kw) / s + 1]`.
/// The padding p is a number, a pair (rows, columns), or one of its own on each side.
pub fn depthwise_conv2d(
    input: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: impl Into<Padding>,
) -> Result<Tensor> {
    let input = Flow::enter(input)?;
    input.depthwise_conv2d(&weight.into(), None, stride, padding, Activation::Identity)?.leave()
}

impl Flow {
    /// [`depthwise_conv2d`], a bias `[C]` if there is one, and an activation. In one pass where nobody tracks
    /// the bias.
    pub fn depthwise_conv2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: impl Into<Padding>,
        activation: Activation,
    ) -> Result<Self> {
        depthwise(self, weight, bias, stride, padding.into(), activation)
    }
}

fn depthwise(
    x: Flow,
    weight: &Parameter,
    bias: Option<&Parameter>,
    stride: usize,
    padding: Padding,
    activation: Activation,
) -> Result<Flow> {
    activation.check()?;
    if let Some(bias) = bias.filter(|bias| bias.value.track_op()) {
        let y = depthwise(x, weight, None, stride, padding, Activation::Identity)?;
        return y.add_bias(bias, activation);
    }
    let windows = windows(x.dims(), &weight.value, bias, stride, padding)?;
    match x.0 {
        FlowState::Candle(x) => {
            let y = reference::depthwise_conv2d(&x, &weight.value, stride, padding)?;
            let y = match bias {
                Some(bias) => reference::add_bias(&y, &bias.value, Activation::Identity)?,
                None => y,
            };
            Ok(Flow(FlowState::Candle(activation.apply(&y)?)))
        }
        FlowState::Own(x) => match *x.values {
            Values::F32(_) => run::<f32>(&x, weight, bias, windows, activation),
            Values::F64(_) => run::<f64>(&x, weight, bias, windows, activation),
        },
    }
}

/// An error for shapes that do not fit.
fn windows(
    dims: &[usize],
    weight: &Tensor,
    bias: Option<&Parameter>,
    stride: usize,
    padding: Padding,
) -> Result<Windows> {
    let (&[_, channels, height, width], &[kernels, 1, kernel_h, kernel_w]) = (dims, weight.dims()) else {
        bail!("depthwise_conv2d: an input {dims:?} and a weight {:?} do not fit", weight.shape());
    };
    let biases = bias.map_or(channels, |bias| bias.value.elem_count());
    if (kernels, biases) != (channels, channels) {
        bail!("depthwise_conv2d: {channels} channels, {kernels} kernels and {biases} biases do not fit");
    }
    Windows::of("depthwise_conv2d", (height, width), (kernel_h, kernel_w), stride, padding)
}

fn run<T: Real>(
    x: &Own,
    weight: &Parameter,
    bias: Option<&Parameter>,
    windows: Windows,
    activation: Activation,
) -> Result<Flow> {
    let (batch, channels, _, _) = x.dims4()?;
    let value = weight.value.contiguous()?;
    let y = {
        let _span = trace_span!("depthwise convolution").entered();
        let of_x = x.values.slice::<T>()?;
        let run = |bias: Option<&[T]>| {
            let finish = Finish { bias, epilogue: activation.into() };
            with_slice::<T, _>(&value, |weight| kernels::run(&windows, of_x, weight, finish))
        };
        match bias {
            None => run(None)?,
            Some(bias) => with_slice::<T, _>(&bias.value.contiguous()?, |bias| run(Some(bias)))??,
        }
    };
    let shape = (batch, channels, windows.out_h, windows.out_w);
    let (weight_handle, weight_gradient) = weight.watch()?;
    x.then(T::wrap(y), shape, [&weight_handle, &number()?], |y| DepthwiseGradient {
        windows,
        channels,
        activation,
        x: x.values.clone(),
        weight: value.detach(),
        y: (activation != Activation::Identity).then(|| y.clone()),
        x_gradient: x.wants_gradient(),
        weight_gradient,
    })
}

struct DepthwiseGradient {
    windows: Windows,
    channels: usize,
    activation: Activation,
    x: Arc<Values>,
    weight: Tensor,
    /// What the activation made, where there is one.
    y: Option<Arc<Values>>,
    x_gradient: Option<GradientSlot>,
    weight_gradient: Option<Destination>,
}

impl Backward for DepthwiseGradient {
    const NAME: &'static str = "depthwise convolution";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("depthwise convolution, backward").entered();
        match *dy {
            Values::F32(_) => self.hand_on::<f32>(dy),
            Values::F64(_) => self.hand_on::<f64>(dy),
        }
    }
}

impl DepthwiseGradient {
    fn hand_on<T: Real>(&self, mut dy: Arc<Values>) -> Result<()> {
        if let Some(y) = &self.y {
            activation_gradient(self.activation, Arc::make_mut(&mut dy).slice_mut::<T>()?, y.slice::<T>()?);
        }
        let dy = dy.slice::<T>()?;
        if let Some(destination) = &self.weight_gradient {
            let x = self.x.slice::<T>()?;
            destination.put_numbers::<T>(&kernels::weight_gradient(&self.windows, self.channels, x, dy))?;
        }
        if let Some(slot) = &self.x_gradient {
            let dx = with_slice::<T, _>(&self.weight, |weight| input_gradient(&self.windows, dy, weight))?;
            slot.add(T::wrap(dx).into())?;
        }
        Ok(())
    }
}
