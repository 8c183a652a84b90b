//! From settings to a [`Gan`].

use super::{DiscriminatorInput, Gan, GanOptions, Objective, Penalties};
use crate::augment::Ada;
use crate::config::TrainConfig;
use crate::data;
use crate::error::Result;
use crate::metadata::{Metadata, about_model};
use crate::player::PlayerSettings;
use crate::run_options::RunOptions;
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
        let generator = model.generator(config.run.seed, device)?;
        let discriminator = model.discriminator(config.run.seed, device)?;
        Self::new(generator, discriminator, data::feed(config, dataset, device), config.gan_options())
    }
}

impl TrainConfig {
    /// What a [`Gan`] takes of these settings.
    pub fn gan_options(&self) -> GanOptions {
        let Self { objective, optimizers, discriminator_input: input, .. } = self;
        let (beta1, beta2) = (optimizers.beta1(), optimizers.beta2());
        let optimizer = Hyperparameters { kind: optimizers.optimizer, beta1, beta2 };
        let g = PlayerSettings {
            optimizer,
            lr: optimizers.lr,
            clip_grad: optimizers.clip_grad,
            clip_weights: 0.0,
            average: optimizers.ema,
        };
        let lr = optimizers.lr_d.unwrap_or(optimizers.lr);
        let d = PlayerSettings { lr, clip_weights: optimizers.clip_weights, average: 0.0, ..g };
        GanOptions {
            objective: Objective {
                loss: Box::new(objective.loss),
                class_weight: objective.class_weight,
                penalties: Penalties {
                    gradient_penalty: objective.gradient_penalty,
                    dragan: objective.dragan,
                    r1: objective.r1,
                    r2: objective.r2,
                    every: objective.penalty_every,
                },
                n_critic: objective.n_critic,
                accumulate: optimizers.accumulate,
            },
            input: DiscriminatorInput {
                augment: input.augment.clone(),
                augment_p: input.augment_p,
                ada: input.ada_target.map(Ada::new),
                instance_noise: input.instance_noise,
                label_smoothing: objective.label_smoothing,
                label_smoothing_fake: objective.label_smoothing_fake,
                label_noise: objective.label_noise,
            },
            g,
            d,
            precision: self.machine.precision,
            seed: self.run.seed,
        }
    }

    /// What the loop takes of these settings, for a run of so many steps.
    pub fn run_options(&self, steps: u64) -> RunOptions {
        let Self { run, optimizers, .. } = self;
        RunOptions {
            steps,
            seed: run.seed,
            schedule: optimizers.schedule,
            decay_steps: optimizers.decay_steps,
            log_every: run.log_every,
            sample_every: run.sample_every,
            checkpoint_every: run.checkpoint_every,
            keep: run.keep,
            on_divergence: run.on_divergence,
            max_rollbacks: run.max_rollbacks,
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
