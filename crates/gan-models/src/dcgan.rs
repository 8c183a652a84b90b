//! The networks of PyTorch's DCGAN example (Radford et al. 2016), at more sizes than 64x64.
//!
//! The generator starts from a small base (4 to 7 px on the shorter side) and doubles it layer by layer; the
//! discriminator halves its way back. At 64x64 RGB, width 64 and latent 100 they have 3,576,704 and 2,765,568
//! parameters, and the names of their tensors are those of the example's `state_dict`.

use crate::conditioning::{discriminator_input, finish_discriminator, finish_generator, generator_input};
use crate::config::ModelConfig;
use crate::error::Result;
use crate::parts::Parts;
use crate::size_plan::SizePlan;
use gan_nn::Builder;

const KERNEL: (usize, usize) = (4, 4);

/// latents `[N, Z]` -> images `[N, C, H, W]`.
pub(crate) fn generator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let plan = SizePlan::of(config)?;
    let mut width = config.base_width << (plan.doublings - 1);
    let up = config.upsample();
    let (net, latents) = generator_input(config, tensors)?;
    let mut net = net
        .reshape(&[latents, 1, 1])
        .conv_transpose2d((latents, width), plan.base, 1, 0)?
        .norm2d(width)?
        .relu();
    for _ in 1..plan.doublings {
        net = net.upsample((width, width / 2), KERNEL, up)?.norm2d(width / 2)?.relu();
        width /= 2;
    }
    finish_generator(net.upsample((width, config.channels), KERNEL, up)?.tanh())
}

/// images `[N, C, H, W]` -> logits `[N, 1, 1, 1]`.
pub(crate) fn discriminator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let plan = SizePlan::of(config)?;
    let mut width = config.base_width;
    let (net, channels) = discriminator_input(config, tensors)?;
    let mut net = net.conv2d((channels, width), KERNEL, 2, 1)?.leaky_relu(0.2);
    for _ in 1..plan.doublings {
        net = net.conv2d((width, 2 * width), KERNEL, 2, 1)?.norm2d(2 * width)?.leaky_relu(0.2);
        width *= 2;
    }
    let net = net.split().conv2d((width, 1), plan.base, 1, 0)?;
    finish_discriminator(config, net, width * plan.base.0 * plan.base.1)
}

/// About how many parameters the generator has, without building it.
pub(crate) fn parameters(config: &ModelConfig) -> Result<f64> {
    let plan = SizePlan::of(config)?;
    let widest = config.base_width as f64 * f64::from(plan.doublings - 1).exp2();
    let base = plan.base.0 as f64 * plan.base.1 as f64;
    // Each doubling halves the channels: a geometric series, bounded by its first term times 4/3.
    Ok(config.latent_dim as f64 * widest * base + widest * widest * 8.0 * 4.0 / 3.0)
}
