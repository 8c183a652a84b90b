//! From a config to networks, or to a reason why not.

use crate::architecture::Architecture;
use crate::conditional::Conditional;
use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::networks::{Discriminator, Generator, Network};
use crate::{dcgan, mlp, notebook, sngan};
use candle_core::{Device, Tensor};
use gan_nn::{Builder, Norm};
use std::collections::BTreeMap;

/// More parameters than this in one network (16 GiB of them) are taken for a mistake.
const MOST_PARAMETERS: f64 = (1u64 << 32) as f64;

/// The longest side of an image, px.
const LONGEST_SIDE: usize = 1 << 16;

/// The most values of an image: 1 GiB of them.
const MOST_VALUES: f64 = (1u64 << 28) as f64;

/// The most classes, and the most bytes of all their names together: they are written into every file.
const MOST_CLASSES: usize = 1 << 16;
const MOST_NAME_BYTES: usize = 1 << 20;

impl ModelConfig {
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
        let values = self.channels as f64 * self.height as f64 * self.width as f64;
        if values > MOST_VALUES {
            let what = format!("an image of {values:.1e} values is more than a machine can hold a batch of");
            return Err(Error::config(what, format!("images of up to {MOST_VALUES:.0} values can be built")));
        }
        for norm in [self.norm_d(), self.norm_g()] {
            if self.architecture == Architecture::Mlp && matches!(norm, Norm::Batch | Norm::Instance) {
                let what =
                    "batch and instance norm are for the channels of images, and the mlp model has none";
                return Err(Error::config(what, "use layer, spectral or none"));
            }
        }
        if !self.architecture.can_upsample_by(self.upsample()) {
            let what = format!("the {} model has its own way to larger images", self.architecture.name());
            return Err(Error::config(what, "leave out upsample, or use the dcgan, sngan or sagan model"));
        }
        self.validate_classes()?;
        let parameters = self.most_parameters()?;
        if parameters > MOST_PARAMETERS {
            let what = format!("a network of {parameters:.1e} parameters is more than a machine can hold");
            return Err(Error::config(what, "use a smaller base width, latent or image size"));
        }
        Ok(())
    }

    /// The parameters of the larger of the two networks, or some more: an upper bound, from the settings alone.
    pub fn parameters(&self) -> Result<u64> {
        Ok(self.most_parameters()? as u64)
    }

    fn most_parameters(&self) -> Result<f64> {
        let parameters = match self.architecture {
            Architecture::Dcgan => dcgan::parameters(self)?,
            Architecture::Notebook => notebook::parameters(self)?,
            Architecture::Mlp => mlp::parameters(self),
            Architecture::Sngan | Architecture::Sagan => sngan::parameters(self)?,
        };
        // Of each class, at most an embedding as large as the image or the latents, or a scale in every layer.
        let of_a_class =
            self.height as f64 * self.width as f64 + self.latent_dim as f64 + 64.0 * self.base_width as f64;
        Ok(parameters + self.classes.len() as f64 * of_a_class)
    }

    /// More bytes than the file of such a network can have: of each parameter 16, for statistics of batch norm too, and
    /// what a header may have.
    pub fn most_bytes(&self) -> Result<u64> {
        self.validate()?;
        Ok(16 * self.parameters()? + (32 << 20))
    }

    /// Whether no more classes are named than a file may hold.
    pub(crate) fn check_amount_of_classes(&self) -> Result<()> {
        let bytes = self.classes.iter().map(String::len).sum::<usize>();
        if self.classes.len() <= MOST_CLASSES && bytes <= MOST_NAME_BYTES {
            return Ok(());
        }
        let what = format!(
            "{} classes with {bytes} bytes of names are more than a machine can hold",
            self.classes.len()
        );
        let hint =
            format!("up to {MOST_CLASSES} classes with {MOST_NAME_BYTES} bytes of names can be told apart");
        Err(Error::config(what, hint))
    }

    fn validate_classes(&self) -> Result<()> {
        self.check_amount_of_classes()?;
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
                self.architecture.name()
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
        self.build_generator(Builder::from_seed(seed, "generator", device))
    }

    /// A new discriminator with the initial weights of a seed, the same on every platform.
    pub fn discriminator(&self, seed: u64, device: &Device) -> Result<Box<dyn Discriminator>> {
        self.validate()?;
        let tensors = Builder::from_seed(seed, "discriminator", device);
        let parts = match self.architecture {
            Architecture::Dcgan => dcgan::discriminator(self, tensors)?,
            Architecture::Notebook => notebook::discriminator(self, tensors)?,
            Architecture::Mlp => mlp::discriminator(self, tensors)?,
            Architecture::Sngan | Architecture::Sagan => sngan::discriminator(self, tensors)?,
        };
        Ok(Box::new(Network::new(self.clone(), parts)))
    }

    /// A generator of these tensors, which must be just those that it has.
    pub(crate) fn generator_of(
        &self,
        tensors: BTreeMap<String, Tensor>,
        device: &Device,
    ) -> Result<Box<dyn Generator>> {
        self.build_generator(Builder::from_tensors(tensors, device))
    }

    fn build_generator(&self, tensors: Builder) -> Result<Box<dyn Generator>> {
        self.validate()?;
        let parts = match self.architecture {
            Architecture::Dcgan => dcgan::generator(self, tensors)?,
            Architecture::Notebook => notebook::generator(self, tensors)?,
            Architecture::Mlp => mlp::generator(self, tensors)?,
            Architecture::Sngan | Architecture::Sagan => sngan::generator(self, tensors)?,
        };
        Ok(Box::new(Network::new(self.clone(), parts)))
    }
}
