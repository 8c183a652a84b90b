//! Latent vectors to sample from.

use crate::config::ModelConfig;
use candle_core::{Device, Result, Tensor};
use gan_rng::Stream;

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
