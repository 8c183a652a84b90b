//! Which pair of networks to build.

use crate::builder::Source;
use crate::error::{Error, Result};
use crate::latent::Latent;
use crate::networks::{Discriminator, Generator, SequentialDiscriminator, SequentialGenerator};
use crate::norm::Norm;
use crate::{dcgan, mlp, notebook};
use candle_core::Device;
use serde::{Deserialize, Serialize};

/// The kinds of networks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The convolutional networks of PyTorch's DCGAN example (Radford et al. 2016).
    Dcgan,
    /// The small convolutional networks of a well-known notebook: kernel 4, stride 2, no padding, 46x46 images.
    Notebook,
    /// Fully connected networks (Goodfellow et al. 2014).
    Mlp,
}

impl Family {
    /// All of them, with the names used in configs and on the command line.
    pub const ALL: [(&'static str, Family); 3] =
        [("dcgan", Family::Dcgan), ("notebook", Family::Notebook), ("mlp", Family::Mlp)];

    /// The width its authors chose.
    pub fn default_base_width(self) -> usize {
        match self {
            Family::Dcgan => 64,
            Family::Notebook => 16,
            Family::Mlp => 256,
        }
    }

    /// The norm that its authors' discriminator has.
    pub fn norm(self) -> Norm {
        match self {
            Family::Dcgan | Family::Notebook => Norm::Batch,
            Family::Mlp => Norm::None,
        }
    }

    /// The only image side (px) the family can make, where there is only one.
    pub fn fixed_image_size(self) -> Option<usize> {
        (self == Family::Notebook).then_some(notebook::SIDE)
    }
}

/// A pair of networks: everything needed to build them but the weights. Fields are in the order of their names, which
/// is also their order in the generator file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Channels of the layer next to the image; deeper layers have multiples of it.
    pub base_width: usize,
    /// Channels of the image, 1 to 4.
    pub channels: usize,
    /// The kind of networks.
    pub family: Family,
    /// Height of the image, px.
    pub height: usize,
    /// What latent vectors are drawn from.
    pub latent: Latent,
    /// Numbers in a latent vector.
    pub latent_dim: usize,
    /// The norm in the discriminator, if it is not the family's own ([`Family::norm`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_d: Option<Norm>,
    /// Width of the image, px.
    pub width: usize,
}

/// More parameters than this in one network (16 GiB of them) are taken for a mistake.
const MOST_PARAMETERS: f64 = (1u64 << 32) as f64;

/// The longest side of an image, px.
const LONGEST_SIDE: usize = 1 << 16;

impl ModelConfig {
    /// A family at its own width, with a Gaussian latent of 100 numbers.
    pub fn new(family: Family, channels: usize, height: usize, width: usize) -> Self {
        Self {
            base_width: family.default_base_width(),
            channels,
            family,
            height,
            latent: Latent::Gaussian,
            latent_dim: 100,
            norm_d: None,
            width,
        }
    }

    /// The norm in the discriminator.
    pub fn norm_d(&self) -> Norm {
        self.norm_d.unwrap_or(self.family.norm())
    }

    /// Whether the networks can be built; the error says what can be instead.
    pub fn validate(&self) -> Result<()> {
        if !(1..=4).contains(&self.channels) {
            let what = format!("images have 1 to 4 channels, not {}", self.channels);
            return Err(Error::config(what, "use 1 for gray, 3 for colour"));
        }
        for (name, value) in [
            ("base_width", self.base_width),
            ("latent_dim", self.latent_dim),
            ("image height", self.height),
            ("image width", self.width),
        ] {
            if value == 0 {
                return Err(Error::config(format!("{name} is 0"), format!("give {name} at least 1")));
            }
        }
        if self.height.max(self.width) > LONGEST_SIDE {
            let what = format!("images of {}x{} are more than a machine can hold", self.height, self.width);
            return Err(Error::config(what, format!("sides of up to {LONGEST_SIDE} px can be built")));
        }
        if self.family == Family::Mlp && matches!(self.norm_d(), Norm::Batch | Norm::Instance) {
            let what = "batch and instance norm are for the channels of images, and the mlp model has none";
            return Err(Error::config(what, "use layer, spectral or none"));
        }
        let parameters = match self.family {
            Family::Dcgan => dcgan::parameters(self)?,
            Family::Notebook => notebook::parameters(self)?,
            Family::Mlp => mlp::parameters(self),
        };
        if parameters > MOST_PARAMETERS {
            let what = format!("a network of {parameters:.1e} parameters is more than a machine can hold");
            return Err(Error::config(what, "use a smaller base width, latent or image size"));
        }
        Ok(())
    }

    /// A new generator with the initial weights of a seed, the same on every platform.
    pub fn generator(&self, seed: u64, device: &Device) -> Result<Box<dyn Generator>> {
        self.build_generator(Source::Seed { seed, role: "generator" }, device)
    }

    /// A new discriminator with the initial weights of a seed, the same on every platform.
    pub fn discriminator(&self, seed: u64, device: &Device) -> Result<Box<dyn Discriminator>> {
        self.validate()?;
        let source = Source::Seed { seed, role: "discriminator" };
        let (layers, params) = match self.family {
            Family::Dcgan => dcgan::discriminator(self, source, device)?,
            Family::Notebook => notebook::discriminator(self, source, device)?,
            Family::Mlp => mlp::discriminator(self, source, device)?,
        };
        Ok(Box::new(SequentialDiscriminator::new(self.clone(), layers, params)))
    }

    pub(crate) fn build_generator(&self, source: Source, device: &Device) -> Result<Box<dyn Generator>> {
        self.validate()?;
        let (layers, params) = match self.family {
            Family::Dcgan => dcgan::generator(self, source, device)?,
            Family::Notebook => notebook::generator(self, source, device)?,
            Family::Mlp => mlp::generator(self, source, device)?,
        };
        Ok(Box::new(SequentialGenerator::new(self.clone(), layers, params)))
    }
}
