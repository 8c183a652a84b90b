//! Latent vectors: what a generator makes images from.

use candle_core::{Device, Result, Tensor};
use gan_rng::Stream;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// The distribution of each number of a latent vector.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Latent {
    /// N(0, 1)
    Gaussian,
    /// Uniform over [-1, 1)
    Uniform,
}

impl Latent {
    pub(crate) fn numbers(self, stream: &mut Stream, count: usize) -> Vec<f32> {
        match self {
            Latent::Gaussian => stream.normals(count, 0.0, 1.0),
            Latent::Uniform => stream.uniforms(count, -1.0, 1.0),
        }
    }

    /// `count` vectors `[count, dim]`, drawn one after the other from a stream.
    pub fn draw(self, stream: &mut Stream, count: usize, dim: usize, device: &Device) -> Result<Tensor> {
        Tensor::from_vec(self.numbers(stream, count * dim), (count, dim), device)
    }
}
