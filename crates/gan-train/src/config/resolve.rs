//! What is left open in a config, and what follows from it.

use super::{Fit, ImageSize, TrainConfig};
use crate::error::Result;
use gan_data::Background;
use gan_models::{Architecture, ModelConfig};
use gan_nn::Schedule;

/// Where neither steps nor epochs are given.
const DEFAULT_STEPS: u64 = 2000;

impl TrainConfig {
    /// Reads a config file's text. An unknown key is an error that names it.
    pub fn from_toml(text: &str) -> std::result::Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Fills in what was left open, and refuses what makes no sense.
    pub fn resolve(mut self) -> Result<Self> {
        self.image_size = Some(self.image_size());
        self.fit = Some(self.fit());
        self.base_width = Some(self.base_width());
        self.batch_size = Some(self.batch_size());
        self.drop_last = Some(self.drop_last());
        if self.epochs.is_none() {
            self.steps.get_or_insert(DEFAULT_STEPS);
        }
        if self.schedule != Schedule::Constant && self.decay_steps.is_none() {
            self.decay_steps = self.steps; // with epochs, it is asked for
        }
        self.validate()?;
        Ok(self)
    }

    /// Fills in what the settings of a run mean that was begun before they all had a key. Every run of today says `fit`;
    /// where it is missing, sizes that are no squares were stretched to, and alpha was left out.
    pub fn of_run(mut self) -> Self {
        if self.fit.is_none() {
            let size = self.image_size();
            self.fit = Some(if size.height == size.width { Fit::Crop } else { Fit::Stretch });
            self.background.get_or_insert(Background::None);
        }
        self
    }

    /// How images of another shape are brought to the wanted size.
    pub fn fit(&self) -> Fit {
        self.fit.unwrap_or(Fit::Crop)
    }

    /// What stands behind transparent images where they are read.
    pub fn background(&self) -> Background {
        match self.channels {
            Some(4) => Background::Transparent,
            _ => self.background.unwrap_or_default(),
        }
    }

    /// Images in a batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size.unwrap_or(if self.model == Architecture::Notebook { 100 } else { 64 })
    }

    /// Whether a last batch that is not full is left out.
    pub fn drop_last(&self) -> bool {
        self.drop_last.unwrap_or(self.model != Architecture::Notebook)
    }

    /// Size of the images, px.
    pub fn image_size(&self) -> ImageSize {
        if self.is_of_points() {
            return self.image_size.unwrap_or(ImageSize { height: 1, width: 2 });
        }
        let side = self.model.fixed_image_size().unwrap_or(32);
        self.image_size.unwrap_or(ImageSize { height: side, width: side })
    }

    /// Whether the data set is one of points of the plane, which networks see as images of 1x2 pixels.
    pub fn is_of_points(&self) -> bool {
        ["ring", "grid"].contains(&self.dataset.as_str())
    }

    /// Channels of the layer next to the image.
    pub fn base_width(&self) -> usize {
        let ImageSize { height, width } = self.image_size();
        let side = height.min(width);
        let is_small = side < 64
            && matches!(self.model, Architecture::Dcgan | Architecture::Sngan | Architecture::Sagan);
        self.base_width.unwrap_or(if is_small { 32 } else { self.model.default_base_width(side) })
    }

    /// The networks to build for a data set with so many channels, and with classes of these names.
    pub fn model_config(&self, channels: usize, classes: &[String]) -> ModelConfig {
        let ImageSize { height, width } = self.image_size();
        ModelConfig {
            base_width: self.base_width(),
            classes: if self.conditional.is_some() { classes.to_vec() } else { Vec::new() },
            conditional: self.conditional,
            norm_d: self.norm_d,
            norm_g: self.norm_g,
            latent: self.latent,
            latent_dim: self.latent_dim,
            upsample: self.upsample,
            ..ModelConfig::new(self.model, self.channels.unwrap_or(channels), height, width)
        }
    }

    /// The step after which learning rates are 0 and nothing is learned any more, if they go down so far.
    pub fn learns_until(&self) -> Option<u64> {
        self.schedule.end(self.decay_steps)
    }

    /// Updates of the generator in the whole run.
    pub fn total_steps(&self, batches_per_epoch: u64) -> u64 {
        match self.epochs {
            Some(epochs) => {
                let batches_per_step = self.n_critic.saturating_mul(self.accumulate).max(1);
                (epochs.saturating_mul(batches_per_epoch) / batches_per_step).max(1)
            }
            None => self.steps.unwrap_or(DEFAULT_STEPS),
        }
    }
}
