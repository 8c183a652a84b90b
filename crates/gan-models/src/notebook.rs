//! The small networks of a well-known GAN notebook: kernel 4, stride 2, no padding; no bias with batch norm.
//!
//! Without padding the sides run 1 -> 4 -> 10 -> 22 -> 46 and back, so images are 46x46.

use crate::architecture::NOTEBOOK_SIDE as SIDE;
use crate::conditioning::{discriminator_input, finish_discriminator, finish_generator, generator_input};
use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::parts::Parts;
use gan_nn::Builder;

const KERNEL: (usize, usize) = (4, 4);

/// latents `[N, Z]` -> images `[N, C, 46, 46]`, through 4, 2 and 1 times the base width.
pub(crate) fn generator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let (net, mut input) = generator_input(config, tensors)?;
    let mut net = net.reshape(&[input, 1, 1]);
    for output in [4, 2, 1].map(|times| times * config.base_width) {
        net = net.conv_transpose2d((input, output), KERNEL, 2, 0)?.norm2d(output)?.relu();
        input = output;
    }
    finish_generator(net.conv_transpose2d((input, config.channels), KERNEL, 2, 0)?.tanh())
}

/// images `[N, C, 46, 46]` -> logits `[N, 1, 1, 1]`.
pub(crate) fn discriminator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let (mut net, mut input) = discriminator_input(config, tensors)?;
    for output in [1, 2, 4].map(|times| times * config.base_width) {
        net = net.conv2d((input, output), KERNEL, 2, 0)?.norm2d(output)?.leaky_relu(0.2);
        input = output;
    }
    let net = net.split().conv2d((input, 1), KERNEL, 2, 0)?;
    finish_discriminator(config, net, input * KERNEL.0 * KERNEL.1)
}

/// About how many parameters the generator has, without building it.
pub(crate) fn parameters(config: &ModelConfig) -> Result<f64> {
    if (config.height, config.width) != (SIDE, SIDE) {
        return Err(Error::config(
            format!("the notebook model makes {SIDE}x{SIDE} images, not {}x{}", config.height, config.width),
            format!("use image size {SIDE}, or the dcgan model"),
        ));
    }
    let (width, latent_dim) = (config.base_width as f64, config.latent_dim as f64);
    Ok(16.0 * (4.0 * width * latent_dim + 10.0 * width * width + width * config.channels as f64))
}
