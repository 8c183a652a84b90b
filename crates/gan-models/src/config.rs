//! Which pair of networks to build.

use crate::builder::SequentialBuilder;
use crate::conditional::Conditional;
use crate::error::{Error, Result};
use crate::family::Family;
use crate::latent::Latent;
use crate::layers::Append;
use crate::networks::{Discriminator, Generator, Network};
use crate::norm::{Norm, Upsample};
use crate::tensors::Source;
use crate::{dcgan, mlp, notebook, sngan};
use candle_core::Device;
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
    /// The kind of networks.
    pub family: Family,
    /// Height of the image, px.
    pub height: usize,
    /// What latent vectors are drawn from.
    pub latent: Latent,
    /// Numbers in a latent vector.
    pub latent_dim: usize,
    /// The norm in the discriminator, if it is not the family's own ([`Family::norm_d`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_d: Option<Norm>,
    /// The norm in the generator, if it is not the family's own ([`Family::norm_g`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_g: Option<Norm>,
    /// How the generator doubles the size of images, if not as the family does it ([`Family::upsample`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upsample: Option<Upsample>,
    /// Width of the image, px.
    pub width: usize,
}

/// In a line, for people.
impl std::fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { channels, height, width, base_width, latent_dim, .. } = self;
        let family = self.family.name();
        write!(
            f,
            "{family}, {channels}x{height}x{width} images, base width {base_width}, latent {latent_dim}"
        )?;
        match self.conditional {
            Some(kind) => write!(f, ", {} classes ({})", self.classes.len(), kind.name()),
            None => Ok(()),
        }
    }
}

/// More parameters than this in one network (16 GiB of them) are taken for a mistake.
const MOST_PARAMETERS: f64 = (1u64 << 32) as f64;

/// The longest side of an image, px.
const LONGEST_SIDE: usize = 1 << 16;

impl ModelConfig {
    /// A family at its own width, with a Gaussian latent of 100 numbers.
    pub fn new(family: Family, channels: usize, height: usize, width: usize) -> Self {
        Self {
            base_width: family.default_base_width(height.min(width)),
            channels,
            classes: Vec::new(),
            conditional: None,
            family,
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
        self.norm_d.unwrap_or(self.family.norm_d())
    }

    /// The norm in the generator.
    pub fn norm_g(&self) -> Norm {
        self.norm_g.unwrap_or(self.family.norm_g())
    }

    /// How the generator doubles the size of images.
    pub fn upsample(&self) -> Upsample {
        self.upsample.unwrap_or(self.family.upsample())
    }

    /// The classes of `count` samples, one after the other and over again: 0, 1, ..., K - 1, 0, 1, ...; nothing if the networks
    /// are not conditional.
    pub fn classes_in_turn(&self, count: usize) -> Option<Vec<u32>> {
        let known = self.classes.len() as u32;
        (known > 0).then(|| (0..known).cycle().take(count).collect())
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
        for norm in [self.norm_d(), self.norm_g()] {
            if self.family == Family::Mlp && matches!(norm, Norm::Batch | Norm::Instance) {
                let what =
                    "batch and instance norm are for the channels of images, and the mlp model has none";
                return Err(Error::config(what, "use layer, spectral or none"));
            }
        }
        if !self.family.can_upsample_by(self.upsample()) {
            let what = format!("the {} model has its own way to larger images", self.family.name());
            return Err(Error::config(what, "leave out upsample, or use the dcgan, sngan or sagan model"));
        }
        self.validate_classes()?;
        let parameters = match self.family {
            Family::Dcgan => dcgan::parameters(self)?,
            Family::Notebook => notebook::parameters(self)?,
            Family::Mlp => mlp::parameters(self),
            Family::Sngan | Family::Sagan => sngan::parameters(self)?,
        };
        // Of each class, at most an embedding as large as the image or the latents, or a scale in every layer.
        let of_a_class =
            self.height as f64 * self.width as f64 + self.latent_dim as f64 + 64.0 * self.base_width as f64;
        let parameters = parameters + self.classes.len() as f64 * of_a_class;
        if parameters > MOST_PARAMETERS {
            let what = format!("a network of {parameters:.1e} parameters is more than a machine can hold");
            return Err(Error::config(what, "use a smaller base width, latent or image size"));
        }
        Ok(())
    }

    fn validate_classes(&self) -> Result<()> {
        let Some(kind) = self.conditional else {
            let what = "classes are named for networks that are not conditional";
            let hint = "choose a kind of conditional networks, or leave the classes out";
            return if self.classes.is_empty() { Ok(()) } else { Err(Error::config(what, hint)) };
        };
        if self.classes.is_empty() {
            let what = format!("{} networks need images with classes, and there are none", kind.name());
            return Err(Error::config(what, "use a labelled data set, or leave out conditional"));
        }
        if kind == Conditional::Projection && self.norm_g() != Norm::Batch {
            let what = format!(
                "projection tells the generator its class by batch norm, and the {} model has none here",
                self.family.name()
            );
            return Err(Error::config(
                what,
                "use norm_g = \"batch\" if the model can have it, or concat, embed or acgan",
            ));
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
        let parts = match self.family {
            Family::Dcgan => dcgan::discriminator(self, source, device)?,
            Family::Notebook => notebook::discriminator(self, source, device)?,
            Family::Mlp => mlp::discriminator(self, source, device)?,
            Family::Sngan | Family::Sagan => sngan::discriminator(self, source, device)?,
        };
        Ok(Box::new(Network::new(self.clone(), parts)))
    }

    pub(crate) fn build_generator(&self, source: Source, device: &Device) -> Result<Box<dyn Generator>> {
        self.validate()?;
        let parts = match self.family {
            Family::Dcgan => dcgan::generator(self, source, device)?,
            Family::Notebook => notebook::generator(self, source, device)?,
            Family::Mlp => mlp::generator(self, source, device)?,
            Family::Sngan | Family::Sagan => sngan::generator(self, source, device)?,
        };
        Ok(Box::new(Network::new(self.clone(), parts)))
    }

    /// The way in of a generator, with the class if it is told so, and the length of the vectors there.
    pub(crate) fn generator_input<'a>(
        &self,
        source: Source,
        device: &'a Device,
    ) -> Result<(SequentialBuilder<'a>, usize)> {
        let (classes, latent_dim) = (self.classes.len(), self.latent_dim);
        let net = SequentialBuilder::new(source, device).with_norm(self.norm_g());
        match self.conditional {
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
        &self,
        source: Source,
        device: &'a Device,
    ) -> Result<(SequentialBuilder<'a>, usize)> {
        let pixels = self.height * self.width;
        let mut net = SequentialBuilder::new(source, device).with_norm(self.norm_d());
        let (mut input, mut plane) = (self.channels, 1);
        if self.family == Family::Mlp {
            (input, plane) = (self.channels * pixels, pixels);
            net = net.reshape(&[input]);
        }
        match self.conditional {
            None | Some(Conditional::Projection | Conditional::Acgan) => Ok((net, input)),
            Some(Conditional::Concat) => Ok((net.append(Append::OneHot), input + self.classes.len())),
            Some(Conditional::Embed) => {
                Ok((net.append_embedding(self.classes.len(), pixels)?, input + plane))
            }
        }
    }

    /// What a discriminator of so many features makes of them beside the logit.
    pub(crate) fn class_head<'a>(
        &self,
        net: SequentialBuilder<'a>,
        features: usize,
    ) -> Result<SequentialBuilder<'a>> {
        match self.conditional {
            Some(Conditional::Projection) => net.projection(self.classes.len(), features),
            Some(Conditional::Acgan) => net.classifier(self.classes.len(), features),
            _ => Ok(net),
        }
    }
}
