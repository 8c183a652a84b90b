//! The ends of networks, where they are told of classes.

use crate::architecture::Architecture;
use crate::conditional::Conditional;
use crate::config::ModelConfig;
use crate::error::Result;
use crate::parts::{ClassHead, Parts};
use gan_nn::{Builder, SequentialBuilder};

/// The way in of a generator, with the class if it is told so, and the length of the vectors there.
pub(crate) fn generator_input(config: &ModelConfig, tensors: Builder) -> Result<(SequentialBuilder, usize)> {
    let (classes, latent_dim) = (config.classes.len(), config.latent_dim);
    let net = SequentialBuilder::new(tensors).with_norm(config.norm_g());
    match config.conditional {
        None => Ok((net, latent_dim)),
        Some(Conditional::Projection) => Ok((net.with_norm_classes(Some(classes)), latent_dim)),
        Some(Conditional::Concat | Conditional::Acgan) => {
            Ok((net.append_one_hot(classes), latent_dim + classes))
        }
        Some(Conditional::Embed) => Ok((net.append_embedding(classes, latent_dim)?, 2 * latent_dim)),
    }
}

/// The way in of a discriminator, with the class if it is told so, and the channels there: of the mlp, the numbers.
pub(crate) fn discriminator_input(
    config: &ModelConfig,
    tensors: Builder,
) -> Result<(SequentialBuilder, usize)> {
    let pixels = config.height * config.width;
    let mut net = SequentialBuilder::new(tensors).with_norm(config.norm_d());
    let (mut input, mut plane) = (config.channels, 1);
    if config.architecture == Architecture::Mlp {
        (input, plane) = (config.channels * pixels, pixels);
        net = net.reshape(&[input]);
    }
    match config.conditional {
        None | Some(Conditional::Projection | Conditional::Acgan) => Ok((net, input)),
        Some(Conditional::Concat) => {
            Ok((net.append_one_hot(config.classes.len()), input + config.classes.len()))
        }
        Some(Conditional::Embed) => Ok((net.append_embedding(config.classes.len(), pixels)?, input + plane)),
    }
}

/// Ends a generator.
pub(crate) fn finish_generator(net: SequentialBuilder) -> Result<Parts> {
    let ([trunk, head], params) = net.finish_parts()?;
    Ok(Parts { trunk, head, class_head: None, params })
}

/// Ends a discriminator of so many features, with what it makes of them beside the logit.
pub(crate) fn finish_discriminator(
    config: &ModelConfig,
    mut net: SequentialBuilder,
    features: usize,
) -> Result<Parts> {
    let classes = config.classes.len();
    let class_head = match config.conditional {
        Some(Conditional::Projection) => {
            Some(ClassHead::Projection(net.outer_weight("embedding.weight", classes, features)?))
        }
        Some(Conditional::Acgan) => {
            let weight = net.outer_weight("classifier.weight", classes, features)?;
            Some(ClassHead::Classifier { weight, bias: net.outer_bias("classifier.bias", classes)? })
        }
        _ => None,
    };
    let ([trunk, head], params) = net.finish_parts()?;
    Ok(Parts { trunk, head, class_head, params })
}
