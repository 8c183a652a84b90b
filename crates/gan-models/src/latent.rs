//! Latent vectors: what a generator makes images from.

use crate::config::ModelConfig;
use candle_core::{Device, Result, Tensor};
use gan_rng::Stream;
use serde::{Deserialize, Serialize};

/// The distribution of each number of a latent vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Latent {
    /// N(0, 1)
    Gaussian,
    /// Uniform over [-1, 1)
    Uniform,
}

impl Latent {
    /// All of them, with the names used in configs and on the command line.
    pub const ALL: [(&'static str, Latent); 2] =
        [("gaussian", Latent::Gaussian), ("uniform", Latent::Uniform)];

    fn numbers(self, stream: &mut Stream, count: usize) -> Vec<f32> {
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

/// `count` latent vectors `[count, Z]` for sampling a model, always the same for a seed: vector i does not depend on
/// how many there are.
pub fn latents(config: &ModelConfig, seed: u64, count: usize, device: &Device) -> Result<Tensor> {
    latents_from(config, seed, 0, count, device)
}

/// The latent vectors number `first`, `first + 1`, ... of a seed, `[count, Z]`: for making many images in batches.
pub fn latents_from(
    config: &ModelConfig,
    seed: u64,
    first: u64,
    count: usize,
    device: &Device,
) -> Result<Tensor> {
    let dim = config.latent_dim;
    let vector = |i| config.latent.numbers(&mut Stream::new(seed, "sample", i), dim);
    let numbers: Vec<f32> = (first..first + count as u64).flat_map(vector).collect();
    Tensor::from_vec(numbers, (count, dim), device)
}
