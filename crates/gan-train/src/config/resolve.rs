//! What is left open in a config, and what follows from it.

use super::{Fit, ImageSize, TrainConfig};
use crate::error::Result;
use gan_data::Background;
use gan_eval::FeatureKind;
use gan_models::{Architecture, ModelConfig};
use gan_nn::Schedule;

/// Where neither steps nor epochs are given.
const DEFAULT_STEPS: u64 = 2000;
/// Where features that know the data come with the program: often enough to show how a run does, and a few
/// hundredths of its time.
const EVAL_EVERY: u64 = 250;

impl TrainConfig {
    /// Fills in what was left open, and refuses what makes no sense.
    pub fn resolve(mut self) -> Result<Self> {
        self.data.image_size = Some(self.image_size());
        self.data.fit = Some(self.fit());
        self.model.base_width = Some(self.base_width());
        self.data.batch_size = Some(self.batch_size());
        self.data.drop_last = Some(self.drop_last());
        self.optimizers.resolve();
        self.evaluation.eval_every = Some(self.eval_every());
        if self.eval_every() > 0 {
            let suits = FeatureKind::for_dataset(&self.data.dataset);
            self.evaluation.eval_features.get_or_insert(suits);
        }
        if self.run.epochs.is_none() {
            self.run.steps.get_or_insert(DEFAULT_STEPS);
        }
        if self.optimizers.schedule != Schedule::Constant && self.optimizers.decay_steps.is_none() {
            self.optimizers.decay_steps = self.run.steps; // with epochs, it is asked for
        }
        self.validate()?;
        Ok(self)
    }

    /// Fills in what the settings of a run mean that was begun before they all had a key. Every run of today
    /// says `fit`; where it is missing, sizes that are no squares were stretched to, and alpha was left out.
    pub fn of_run(mut self) -> Self {
        if self.data.fit.is_none() {
            let size = self.image_size();
            self.data.fit = Some(if size.height == size.width { Fit::Crop } else { Fit::Stretch });
            self.data.background.get_or_insert(Background::None);
        }
        self.evaluation.eval_every.get_or_insert(0);
        self
    }

    /// How images of another shape are brought to the wanted size.
    pub fn fit(&self) -> Fit {
        self.data.fit.unwrap_or(Fit::Crop)
    }

    /// What stands behind transparent images where they are read.
    pub fn background(&self) -> Background {
        match self.data.channels {
            Some(4) => Background::Transparent,
            _ => self.data.background.unwrap_or_default(),
        }
    }

    /// Steps from one measurement of the samples to the next, 0 for none.
    pub fn eval_every(&self) -> u64 {
        self.evaluation.eval_every.unwrap_or(if self.data.dataset == "digits" { EVAL_EVERY } else { 0 })
    }

    /// Images in a batch.
    pub fn batch_size(&self) -> usize {
        self.data.batch_size.unwrap_or(if self.model.model == Architecture::Notebook { 100 } else { 64 })
    }

    /// Whether a last batch that is not full is left out.
    pub fn drop_last(&self) -> bool {
        self.data.drop_last.unwrap_or(self.model.model != Architecture::Notebook)
    }

    /// Size of the images, px.
    pub fn image_size(&self) -> ImageSize {
        if self.is_of_points() {
            return self.data.image_size.unwrap_or(ImageSize { height: 1, width: 2 });
        }
        let side = self.model.model.fixed_image_size().unwrap_or(32);
        self.data.image_size.unwrap_or(ImageSize { height: side, width: side })
    }

    /// Whether the data set is one of points of the plane, which networks see as images of 1x2 pixels.
    pub fn is_of_points(&self) -> bool {
        ["ring", "grid"].contains(&self.data.dataset.as_str())
    }

    /// Channels of the layer next to the image.
    pub fn base_width(&self) -> usize {
        let ImageSize { height, width } = self.image_size();
        let side = height.min(width);
        let is_small = side < 64
            && matches!(self.model.model, Architecture::Dcgan | Architecture::Sngan | Architecture::Sagan);
        self.model.base_width.unwrap_or(if is_small { 32 } else { self.model.model.default_base_width(side) })
    }

    /// The networks to build for a data set with so many channels, and with classes of these names.
    pub fn model_config(&self, channels: usize, classes: &[String]) -> ModelConfig {
        let ImageSize { height, width } = self.image_size();
        ModelConfig {
            base_width: self.base_width(),
            classes: if self.model.conditional.is_some() { classes.to_vec() } else { Vec::new() },
            conditional: self.model.conditional,
            norm_d: self.model.norm_d,
            norm_g: self.model.norm_g,
            latent: self.model.latent,
            latent_dim: self.model.latent_dim,
            upsample: self.model.upsample,
            ..ModelConfig::new(self.model.model, self.data.channels.unwrap_or(channels), height, width)
        }
    }

    /// The step after which learning rates are 0 and nothing is learned any more, if they go down so far.
    pub fn learns_until(&self) -> Option<u64> {
        self.optimizers.schedule.end(self.optimizers.decay_steps)
    }

    /// Updates of the generator in the whole run.
    pub fn total_steps(&self, batches_per_epoch: u64) -> u64 {
        match self.run.epochs {
            Some(epochs) => {
                let batches_per_step =
                    self.objective.n_critic.saturating_mul(self.optimizers.accumulate).max(1);
                (epochs.saturating_mul(batches_per_epoch) / batches_per_step).max(1)
            }
            None => self.run.steps.unwrap_or(DEFAULT_STEPS),
        }
    }
}
