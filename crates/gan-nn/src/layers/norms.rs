//! Norms that go by each image alone.

use super::{Affine, NORM_EPS};
use crate::context::Context;
use crate::value::Value;
use candle_core::Result;
use gan_ops::Activation;

/// Instance norm (Ulyanov et al. 2016) of `[N, C, H, W]`, with a scale and a shift for each channel.
#[derive(Clone, Debug)]
pub struct InstanceNorm2d {
    pub(crate) affine: Affine,
}

/// Layer norm (Ba et al. 2016) of `[N, C, ...]`: all channels together, with a scale and a shift for each.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    pub(crate) affine: Affine,
}

impl InstanceNorm2d {
    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity)
    }

    pub(crate) fn apply_with<V: Value>(&self, x: V, context: &Context, activation: Activation) -> Result<V> {
        let Affine { weight, bias } = &self.affine;
        x.instance_norm2d(&weight.get(context), &bias.get(context), NORM_EPS, activation)
    }
}

impl LayerNorm {
    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity)
    }

    pub(crate) fn apply_with<V: Value>(&self, x: V, context: &Context, activation: Activation) -> Result<V> {
        let Affine { weight, bias } = &self.affine;
        x.layer_norm(&weight.get(context), &bias.get(context), NORM_EPS, activation)
    }
}
