//! The residual networks of spectrally normalised GANs (Miyato et al. 2018, tables 3 to 5), and with self-attention those of
//! SAGAN (Zhang et al. 2019).
//!
//! Both are made for 32 to 128 px. Below 64 px all layers are equally wide (the paper's CIFAR-10 networks: base width 128,
//! and twice as wide a generator); from there on each doubling of the image halves the channels, down to the base width (64).
//! Convolutions have biases, but for those with batch norm behind them, which would take them away again.

use crate::architecture::Architecture;
use crate::conditioning::{discriminator_input, finish_discriminator, finish_generator, generator_input};
use crate::config::ModelConfig;
use crate::error::Result;
use crate::parts::Parts;
use crate::size_plan::SizePlan;
use gan_nn::{Builder, InitScheme, SequentialBuilder, Upsample};

const KERNEL: (usize, usize) = (3, 3);

/// Up to so many doublings all layers are equally wide.
const SMALL: u32 = 3;

/// Attention is where height and width are halved at least, and the shorter side is at most this, px: the last such layer of a
/// generator, the first of a discriminator.
const ATTENTION_SIDE: usize = 32;

/// latents `[N, Z]` -> images `[N, C, H, W]`.
pub(crate) fn generator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let plan = SizePlan::of(config)?;
    let (net, latents) = generator_input(config, tensors)?;
    let net = net.with_scheme(InitScheme::Xavier { gain: 1.0 });
    let mut net = if config.architecture == Architecture::Sagan { net.with_spectral_norm() } else { net };
    let mut input = generator_width(config, &plan, 0);
    let (mut height, mut width) = plan.base;
    net = net.linear(latents, input * height * width)?.reshape(&[input, height, width]);
    for block in 1..=plan.doublings {
        let output = generator_width(config, &plan, block);
        net = up_block(net, input, output, config.upsample())?;
        (input, height, width) = (output, 2 * height, 2 * width);
        if has_attention(config, height, width) {
            net = net.attention(output)?;
        }
    }
    finish_generator(net.norm2d(input)?.relu().conv2d_with_bias((input, config.channels), 3)?.tanh())
}

/// images `[N, C, H, W]` -> logits `[N, 1]`.
pub(crate) fn discriminator(config: &ModelConfig, tensors: Builder) -> Result<Parts> {
    let plan = SizePlan::of(config)?;
    let (net, mut input) = discriminator_input(config, tensors)?;
    let mut net = net.with_scheme(InitScheme::Xavier { gain: 1.0 });
    let (mut height, mut width) = (config.height, config.width);
    let is_small = plan.doublings <= SMALL;
    // The small networks stop halving at 8 px, and have two blocks there.
    let halvings = if is_small { (plan.doublings - 1).max(1) } else { plan.doublings };
    let rest = if is_small { 2 } else { 1 };
    for block in 0..halvings {
        let output = if is_small { config.base_width } else { config.base_width << block };
        net = down_block(net, input, output, block == 0)?;
        (input, height, width) = (output, height / 2, width / 2);
        if has_attention(config, height, width) {
            net = net.attention(output)?;
        }
    }
    for _ in 0..rest {
        net = net.residual(
            |main| {
                let main = main.norm2d(input)?.relu().conv2d((input, input), KERNEL, 1, 1)?;
                main.norm2d(input)?.relu().conv2d_with_bias((input, input), 3)
            },
            Ok,
        )?;
    }
    let net = net.norm2d(input)?.relu().sum_spatial().split().linear(input, 1)?;
    finish_discriminator(config, net, input)
}

/// Channels after so many blocks of the generator.
fn generator_width(config: &ModelConfig, plan: &SizePlan, block: u32) -> usize {
    if plan.doublings <= SMALL {
        2 * config.base_width
    } else {
        config.base_width << (plan.doublings - block.max(1))
    }
}

fn has_attention(config: &ModelConfig, height: usize, width: usize) -> bool {
    let largest = |side: usize| side <= ATTENTION_SIDE && 2 * side <= config.height.min(config.width);
    let side = height.min(width);
    // The next larger one is too large.
    config.architecture == Architecture::Sagan && largest(side) && !largest(2 * side)
}

/// Twice the size: norm, ReLU, up-sampling convolution, norm, ReLU, convolution; beside it nearest neighbours and a 1x1
/// convolution.
fn up_block(
    net: SequentialBuilder,
    input: usize,
    output: usize,
    by: Upsample,
) -> gan_nn::Result<SequentialBuilder> {
    net.residual(
        |main| {
            let main = main.norm2d(input)?.relu();
            let main = main.upsample((input, output), (4, 4), by)?;
            main.norm2d(output)?.relu().conv2d((output, output), KERNEL, 1, 1)
        },
        |shortcut| shortcut.upsample_nearest2d().conv2d((input, output), (1, 1), 1, 0),
    )
}

/// Half the size: (norm, ReLU,) convolution, norm, ReLU, convolution, mean of 2x2; beside it a 1x1 convolution and the mean.
/// The first block has images before it, which are not to be cut off at 0.
fn down_block(
    net: SequentialBuilder,
    input: usize,
    output: usize,
    is_first: bool,
) -> gan_nn::Result<SequentialBuilder> {
    net.residual(
        |main| {
            let main = if is_first { main } else { main.norm2d(input)?.relu() };
            let main = main.conv2d((input, output), KERNEL, 1, 1)?.norm2d(output)?.relu();
            Ok(main.conv2d_with_bias((output, output), 3)?.avg_pool2d())
        },
        |shortcut| match is_first {
            // In this order it costs a quarter, and gives the same.
            true => shortcut.avg_pool2d().conv2d_with_bias((input, output), 1),
            false => Ok(shortcut.conv2d_with_bias((input, output), 1)?.avg_pool2d()),
        },
    )
}

/// About how many parameters the larger of the two networks has, without building it.
pub(crate) fn parameters(config: &ModelConfig) -> Result<f64> {
    let plan = SizePlan::of(config)?;
    let base = config.base_width as f64;
    let widest =
        if plan.doublings <= SMALL { 2.0 * base } else { base * f64::from(plan.doublings - 1).exp2() };
    // Two convolutions of kernel 3 a block.
    let blocks = 18.0 * widest * widest * f64::from(plan.doublings);
    Ok(blocks + config.latent_dim as f64 * widest * (plan.base.0 * plan.base.1) as f64)
}
