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
#[non_exhaustive]
pub enum Latent {
    /// N(0, 1)
    Gaussian,
    /// Uniform over [-1, 1)
    Uniform,
}

impl Latent {
    fn numbers(self, stream: &mut Stream, count: usize) -> Vec<f32> {
        match self {
            Latent::Gaussian => stream.normals(count, 0.0, 1.0),
            Latent::Uniform => stream.uniforms(count, -1.0, 1.0),
        }
    }
}

/// What the latent vectors of a generator are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentSpace {
    /// Numbers in a vector, Z.
    pub dim: usize,
    /// What each is drawn from.
    pub latent: Latent,
}

impl LatentSpace {
    /// `count` vectors `[count, Z]`, drawn one after the other from a stream.
    pub fn draw(self, stream: &mut Stream, count: usize, device: &Device) -> Result<Tensor> {
        Tensor::from_vec(self.latent.numbers(stream, count * self.dim), (count, self.dim), device)
    }

    /// `count` vectors `[count, Z]` to sample from, always the same for a seed: vector i does not depend on how many there
    /// are.
    pub fn sample(self, seed: u64, count: usize, device: &Device) -> Result<Tensor> {
        self.sample_from(seed, 0, count, device)
    }

    /// The vectors number `first`, `first + 1`, ... of a seed, `[count, Z]`: for making many images in batches.
    pub fn sample_from(self, seed: u64, first: u64, count: usize, device: &Device) -> Result<Tensor> {
        let vector = |i| self.latent.numbers(&mut Stream::new(seed, "sample", i), self.dim);
        let numbers: Vec<f32> = (first..first + count as u64).flat_map(vector).collect();
        Tensor::from_vec(numbers, (count, self.dim), device)
    }
}
