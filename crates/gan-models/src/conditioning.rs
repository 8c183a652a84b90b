//! The ends of networks, where they are told of classes.

use crate::architecture::Architecture;
use crate::builder::SequentialBuilder;
use crate::conditional::Conditional;
use crate::config::ModelConfig;
use crate::error::Result;
use crate::layers::Append;
use crate::tensors::ValueSource;
use candle_core::Device;

/// The way in of a generator, with the class if it is told so, and the length of the vectors there.
pub(crate) fn generator_input<'a>(
    config: &ModelConfig,
    source: ValueSource,
    device: &'a Device,
) -> Result<(SequentialBuilder<'a>, usize)> {
    let (classes, latent_dim) = (config.classes.len(), config.latent_dim);
    let net = SequentialBuilder::new(source, device).with_norm(config.norm_g());
    match config.conditional {
        None => Ok((net, latent_dim)),
        Some(Conditional::Projection) => Ok((net.with_norm_classes(Some(classes)), latent_dim)),
        Some(Conditional::Concat | Conditional::Acgan) => {
            Ok((net.append(Append::OneHot), latent_dim + classes))
        }
        Some(Conditional::Embed) => Ok((net.append_embedding(classes, latent_dim)?, 2 * latent_dim)),
    }
}

/// The way in of a discriminator, with the class if it is told so, and the channels there: of the mlp, the numbers.
pub(crate) fn discriminator_input<'a>(
    config: &ModelConfig,
    source: ValueSource,
    device: &'a Device,
) -> Result<(SequentialBuilder<'a>, usize)> {
    let pixels = config.height * config.width;
    let mut net = SequentialBuilder::new(source, device).with_norm(config.norm_d());
    let (mut input, mut plane) = (config.channels, 1);
    if config.architecture == Architecture::Mlp {
        (input, plane) = (config.channels * pixels, pixels);
        net = net.reshape(&[input]);
    }
    match config.conditional {
        None | Some(Conditional::Projection | Conditional::Acgan) => Ok((net, input)),
        Some(Conditional::Concat) => Ok((net.append(Append::OneHot), input + config.classes.len())),
        Some(Conditional::Embed) => Ok((net.append_embedding(config.classes.len(), pixels)?, input + plane)),
    }
}

/// What a discriminator of so many features makes of them beside the logit.
pub(crate) fn class_head<'a>(
    config: &ModelConfig,
    net: SequentialBuilder<'a>,
    features: usize,
) -> Result<SequentialBuilder<'a>> {
    match config.conditional {
        Some(Conditional::Projection) => net.projection(config.classes.len(), features),
        Some(Conditional::Acgan) => net.classifier(config.classes.len(), features),
        _ => Ok(net),
    }
}
