//! From settings to a [`Gan`].

use super::{DiscriminatorInput, Gan, GanOptions, Objective, Penalties};
use crate::augment::Ada;
use crate::config::TrainConfig;
use crate::data;
use crate::error::Result;
use crate::metadata::{Metadata, about_model};
use crate::player::PlayerSettings;
use crate::run::RunOptions;
use candle_core::Device;
use gan_data::Dataset;
use gan_models::ModelConfig;
use gan_nn::Hyperparameters;
use std::sync::Arc;

impl Gan {
    /// New networks with the initial weights of the (resolved) settings' seed, on images of a data set.
    ///
    /// # Errors
    /// If the networks cannot be built, or the data set cannot be read.
    pub fn from_config(
        config: &TrainConfig,
        model: &ModelConfig,
        dataset: Arc<dyn Dataset>,
        device: &Device,
    ) -> Result<Self> {
        let generator = model.generator(config.seed, device)?;
        let discriminator = model.discriminator(config.seed, device)?;
        Self::new(generator, discriminator, data::feed(config, dataset, device), config.gan_options())
    }
}

impl TrainConfig {
    /// What a [`Gan`] takes of these settings.
    pub fn gan_options(&self) -> GanOptions {
        let TrainConfig { optimizer: rule, beta1, beta2, clip_grad, seed, precision, .. } = *self;
        let optimizer = Hyperparameters { rule, beta1, beta2 };
        let g = PlayerSettings { optimizer, lr: self.lr, clip_grad, clip_weights: 0.0, average: self.ema };
        let lr_d = self.lr_d.unwrap_or(self.lr);
        let d = PlayerSettings { lr: lr_d, clip_weights: self.clip_weights, average: 0.0, ..g };
        GanOptions {
            objective: Objective {
                loss: Box::new(self.loss),
                class_weight: self.class_weight,
                penalties: Penalties {
                    gradient_penalty: self.gradient_penalty,
                    dragan: self.dragan,
                    r1: self.r1,
                    r2: self.r2,
                    every: self.penalty_every,
                },
                n_critic: self.n_critic,
                accumulate: self.accumulate,
            },
            input: DiscriminatorInput {
                augment: self.augment.clone(),
                augment_p: self.augment_p,
                ada: self.ada_target.map(Ada::new),
                instance_noise: self.instance_noise,
                label_smoothing: self.label_smoothing,
                label_smoothing_fake: self.label_smoothing_fake,
                label_noise: self.label_noise,
            },
            g,
            d,
            precision,
            seed,
        }
    }

    /// What the loop takes of these settings, for a run of so many steps.
    pub fn run_options(&self, steps: u64) -> RunOptions {
        RunOptions {
            steps,
            seed: self.seed,
            schedule: self.schedule,
            decay_steps: self.decay_steps,
            log_every: self.log_every,
            sample_every: self.sample_every,
            checkpoint_every: self.checkpoint_every,
            keep: self.keep,
            on_divergence: self.on_divergence,
            max_rollbacks: self.max_rollbacks,
        }
    }

    /// What a checkpoint says of a run with these settings on a data set.
    ///
    /// # Errors
    /// If the networks cannot be built.
    pub fn metadata(&self, data: &dyn Dataset, device: &Device) -> Result<Metadata> {
        let model = self.model_config(data.channels(), &data::class_names(data));
        let parameters = model.parameters()?;
        Metadata::new("gan", parameters as usize, &about_model(&model)?, self, &[data], device)
    }
}
