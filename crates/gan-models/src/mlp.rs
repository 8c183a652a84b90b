//! Fully connected networks, as in the first GAN paper (Goodfellow et al. 2014), for any image size.
//!
//! Three hidden layers of 1, 2 and 4 times the base width, LeakyReLU(0.2) between them. The paper's maxout and dropout
//! in the discriminator are left out: LeakyReLU has taken their place.

use crate::conditioning::{discriminator_input, finish_discriminator, finish_generator, generator_input};
use crate::config::ModelConfig;
use crate::error::Result;
use crate::parts::Parts;
use gan_nn::Builder;

/// latents `[N, Z]` -> images `[N, C, H, W]`.
pub(crate) fn generator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let (mut net, mut input) = generator_input(config, tensors)?;
    for output in [1, 2, 4].map(|times| times * config.base_width) {
        net = net.linear(input, output)?.norm2d(output)?.leaky_relu(0.2);
        input = output;
    }
    let image = [config.channels, config.height, config.width];
    finish_generator(net.linear(input, image.iter().product())?.tanh().reshape(&image))
}

/// images `[N, C, H, W]` -> logits `[N, 1]`.
pub(crate) fn discriminator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let (mut net, mut input) = discriminator_input(config, tensors)?;
    for output in [4, 2, 1].map(|times| times * config.base_width) {
        net = net.linear(input, output)?.norm2d(output)?.leaky_relu(0.2);
        input = output;
    }
    finish_discriminator(config, net.split().linear(input, 1)?, input)
}

/// About how many parameters the larger of the two networks has, without building it.
pub(crate) fn parameters(config: &ModelConfig) -> f64 {
    let pixels = config.channels as f64 * config.height as f64 * config.width as f64;
    let width = config.base_width as f64;
    width * width * 10.0 + width * 4.0 * pixels + width * config.latent_dim as f64 + pixels
}
