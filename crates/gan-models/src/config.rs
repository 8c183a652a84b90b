//! Which pair of networks to build.

use crate::architecture::Architecture;
use crate::conditional::Conditional;
use crate::latent::{Latent, LatentSpace};
use gan_nn::{Norm, Upsample};
use serde::{Deserialize, Serialize};

/// A pair of networks: everything needed to build them but the weights. Fields are in the order of their names, which
/// is also their order in the generator file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Channels of the layer next to the image; deeper layers have multiples of it.
    pub base_width: usize,
    /// Channels of the image, 1 to 4.
    pub channels: usize,
    /// What the classes are called, in the order of their numbers; empty if the networks are not conditional.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// How the networks are told of classes, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditional: Option<Conditional>,
    /// The kind of networks; `family` in files.
    #[serde(rename = "family")]
    pub architecture: Architecture,
    /// Height of the image, px.
    pub height: usize,
    /// What latent vectors are drawn from.
    pub latent: Latent,
    /// Numbers in a latent vector.
    pub latent_dim: usize,
    /// The norm in the discriminator, if it is not the architecture's own ([`Architecture::norm_d`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_d: Option<Norm>,
    /// The norm in the generator, if it is not the architecture's own ([`Architecture::norm_g`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_g: Option<Norm>,
    /// How the generator doubles the size of images, if not as the architecture does it ([`Architecture::upsample`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upsample: Option<Upsample>,
    /// Width of the image, px.
    pub width: usize,
}

/// In a line, for people.
impl std::fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { channels, height, width, base_width, latent_dim, .. } = self;
        let architecture = self.architecture.name();
        write!(
            f,
            "{architecture}, {channels}x{height}x{width} images, base width {base_width}, latent {latent_dim}"
        )?;
        match self.conditional {
            Some(kind) => write!(f, ", {} classes ({})", self.classes.len(), kind.name()),
            None => Ok(()),
        }
    }
}

impl ModelConfig {
    /// An architecture at its own width, with a Gaussian latent of 100 numbers.
    pub fn new(architecture: Architecture, channels: usize, height: usize, width: usize) -> Self {
        Self {
            base_width: architecture.default_base_width(height.min(width)),
            channels,
            classes: Vec::new(),
            conditional: None,
            architecture,
            height,
            latent: Latent::Gaussian,
            latent_dim: 100,
            norm_d: None,
            norm_g: None,
            upsample: None,
            width,
        }
    }

    /// The norm in the discriminator.
    pub fn norm_d(&self) -> Norm {
        self.norm_d.unwrap_or(self.architecture.norm_d())
    }

    /// The norm in the generator.
    pub fn norm_g(&self) -> Norm {
        self.norm_g.unwrap_or(self.architecture.norm_g())
    }

    /// How the generator doubles the size of images.
    pub fn upsample(&self) -> Upsample {
        self.upsample.unwrap_or(self.architecture.upsample())
    }

    /// What latent vectors are.
    pub fn latent_space(&self) -> LatentSpace {
        LatentSpace { dim: self.latent_dim, latent: self.latent }
    }

    /// The number of the class of this name; or of this number, where no class is called so.
    pub fn class(&self, name: &str) -> Option<u32> {
        let by_number = || name.parse().ok().filter(|&number: &usize| number < self.classes.len());
        let found = self.classes.iter().position(|class| class == name).or_else(by_number);
        found.and_then(|class| u32::try_from(class).ok())
    }

    /// The classes of `count` samples, one after the other and over again: 0, 1, ..., K - 1, 0, 1, ...; nothing if the networks
    /// are not conditional.
    pub fn classes_in_turn(&self, count: usize) -> Option<Vec<u32>> {
        let known = self.classes.len() as u32;
        (known > 0).then(|| (0..known).cycle().take(count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_found_by_name_before_number() {
        let classes = ["7", "cat", "0"].map(String::from).to_vec();
        let config = ModelConfig { classes, ..ModelConfig::new(Architecture::Mlp, 1, 8, 8) };
        assert_eq!(config.class("cat"), Some(1));
        assert_eq!(config.class("0"), Some(2));
        assert_eq!(config.class("1"), Some(1));
        for missing in ["3", "dog", "-1", ""] {
            assert_eq!(config.class(missing), None, "{missing}");
        }
    }
}
