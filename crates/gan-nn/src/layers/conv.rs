//! Convolutions.

use super::Weight;
use crate::context::Context;
use crate::params::Parameter;
use crate::value::Value;
use candle_core::Result;
use gan_ops::{Activation, Epilogue};

/// 2-d convolution, as `torch.nn.Conv2d` without dilation or groups: `[N, I, H, W]` ->
/// `[N, O, (H + 2p - kh) / s + 1, (W + 2p - kw) / s + 1]`.
#[derive(Clone, Debug)]
pub struct Conv2d {
    pub(crate) weight: Weight,
    pub(crate) bias: Option<Parameter>,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// 2-d transposed convolution, as `torch.nn.ConvTranspose2d` without dilation, groups or output padding: `[N, I, h, w]` ->
/// `[N, O, (h - 1) s - 2p + kh, (w - 1) s - 2p + kw]`.
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    pub(crate) weight: Weight,
    pub(crate) bias: Option<Parameter>,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Conv2d {
    /// weight `[O, I, kh, kw]`, bias `[O]`.
    pub fn new(weight: Weight, bias: Option<Parameter>, stride: usize, padding: usize) -> Self {
        Self { weight, bias, stride, padding }
    }

    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity.into())
    }

    pub(crate) fn apply_with<V: Value>(&self, x: V, context: &Context, epilogue: Epilogue) -> Result<V> {
        let (weight, bias) = (self.weight.get(context)?, self.bias.as_ref().map(|bias| bias.get(context)));
        x.with_precision(context.precision).conv2d(
            &weight,
            bias.as_ref(),
            self.stride,
            self.padding,
            epilogue,
        )
    }
}

impl ConvTranspose2d {
    /// weight `[I, O, kh, kw]`, bias `[O]`.
    pub fn new(weight: Weight, bias: Option<Parameter>, stride: usize, padding: usize) -> Self {
        Self { weight, bias, stride, padding }
    }

    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity.into())
    }

    pub(crate) fn apply_with<V: Value>(&self, x: V, context: &Context, epilogue: Epilogue) -> Result<V> {
        let (weight, bias) = (self.weight.get(context)?, self.bias.as_ref().map(|bias| bias.get(context)));
        let x = x.with_precision(context.precision);
        x.conv_transpose2d(&weight, bias.as_ref(), self.stride, self.padding, epilogue)
    }
}
