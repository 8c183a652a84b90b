//! A generator against a discriminator: the first system. Noise becomes images, also of classes, also points of the plane.
//!
//! Its step is in `step.rs`, what D is shown and told in `input.rs`, what the players minimise in `loss.rs` and `penalty.rs`,
//! what a person sees in `show.rs`.

mod cost;
mod from_config;
mod half;
mod input;
mod loss;
mod penalty;
mod show;
mod statistics;
mod step;

pub use input::DiscriminatorInput;
pub use loss::{GanLoss, LogitsAndTargets, Loss, Side};
pub use penalty::{Penalties, Penalty, between, near};
pub use step::MicroBatch;

use crate::error::{Error, Result};
use crate::exhibit::Exhibit;
use crate::feed::Feed;
use crate::player::{Player, PlayerSettings};
use crate::system::{Kind, ModelFile, Moment, Number, Picture, System, Waited};
use candle_core::{Device, Tensor};
use gan_models::{Discriminator, Generator};
use gan_nn::{Hyperparameters, OptimizerKind, State};
use gan_ops::Precision;

/// A generator and a discriminator, and what it takes to train them against each other.
pub struct Gan {
    generator: Box<dyn Generator>,
    discriminator: Box<dyn Discriminator>,
    g: Player,
    d: Player,
    feed: Feed,
    objective: Objective,
    input: DiscriminatorInput,
    precision: Precision,
    seed: u64,
    exhibit: Exhibit,
    device: Device,
}

/// What the players minimise, and how many batches make a step.
pub struct Objective {
    /// The game.
    pub loss: Box<dyn GanLoss>,
    /// How much the classes that an AC-GAN's discriminator reads count beside it.
    pub class_weight: f64,
    /// Penalties on D's gradient.
    pub penalties: Penalties,
    /// Updates of D for each of G.
    pub n_critic: u64,
    /// Batches whose gradients make one update.
    pub accumulate: u64,
}

/// All that can be chosen about a [`Gan`] but its networks and data. The defaults are those of the DCGAN paper.
pub struct GanOptions {
    /// What the players minimise.
    pub objective: Objective,
    /// What D is shown and told.
    pub input: DiscriminatorInput,
    /// How the generator's weights follow.
    pub g: PlayerSettings,
    /// How the discriminator's weights follow.
    pub d: PlayerSettings,
    /// Of the convolutions while training; samples are made in f32.
    pub precision: Precision,
    /// Of the latents that are always the same.
    pub seed: u64,
}

impl Default for GanOptions {
    fn default() -> Self {
        let optimizer = Hyperparameters { kind: OptimizerKind::Adam, beta1: 0.5, beta2: 0.999 };
        let player = PlayerSettings { optimizer, lr: 2e-4, clip_grad: 0.0, clip_weights: 0.0, average: 0.0 };
        Self {
            objective: Objective {
                loss: Box::new(Loss::NonSaturating),
                class_weight: 1.0,
                penalties: Penalties::default(),
                n_critic: 1,
                accumulate: 1,
            },
            input: DiscriminatorInput::default(),
            g: player,
            d: player,
            precision: Precision::F32,
            seed: 0,
        }
    }
}

impl Gan {
    /// Any generator against any discriminator, on images of a feed.
    ///
    /// # Errors
    /// If the options ask for penalties that the discriminator has no second derivatives for.
    pub fn new(
        generator: Box<dyn Generator>,
        discriminator: Box<dyn Discriminator>,
        feed: Feed,
        options: GanOptions,
    ) -> Result<Self> {
        let GanOptions { objective, input, g, d, precision, seed } = options;
        if !objective.penalties.is_none() && !discriminator.has_second_derivatives() {
            let what =
                "a penalty on the discriminator's gradient needs second derivatives, and this one has none";
            return Err(Error::config(what, "leave the penalties out, or write it with gan-nn's layers"));
        }
        Ok(Self {
            g: Player::new(("G", "g"), &[("generator", generator.params())], g)?,
            d: Player::new(("D", "d"), &[("discriminator", discriminator.params())], d)?,
            exhibit: Exhibit::of(feed.data()),
            device: feed.device().clone(),
            generator,
            discriminator,
            feed,
            objective,
            input,
            precision,
            seed,
        })
    }

    /// The generator as it is trained.
    pub fn generator(&self) -> &dyn Generator {
        self.generator.as_ref()
    }

    /// The discriminator as it is trained.
    pub fn discriminator(&self) -> &dyn Discriminator {
        self.discriminator.as_ref()
    }
}

impl System for Gan {
    fn step(&mut self, at: &Moment) -> Result<Vec<Number>> {
        gan_ops::keep_workers_spinning(|| self.step_on(at, &mut |gan, tracked| gan.next_batch(at, tracked)))
    }

    fn state(&mut self) -> State<'_> {
        let mut state = self.feed.state();
        state.include(self.g.state());
        state.include(self.d.state());
        state.include(self.input.state());
        state
    }

    fn samples_seen(&self) -> u64 {
        self.feed.images_seen()
    }

    fn samples_per_epoch(&self) -> u64 {
        self.feed.data().len() as u64
    }

    fn references(&mut self) -> Result<Vec<Picture>> {
        Ok(vec![Picture { name: "real", image: self.exhibit.reals(|count| self.feed.first(count))? }])
    }

    fn pictures(&mut self) -> Result<Vec<Picture>> {
        let samples = self.fixed_samples()?;
        Ok(vec![Picture { name: "", image: self.exhibit.generated(&samples)? }])
    }

    fn vitals(&mut self) -> Result<Vec<Number>> {
        Ok(vec![
            Number::new("weight_norm_d", Kind::Norm, self.d.weight_norm()?),
            Number::new("weight_norm_g", Kind::Norm, self.g.weight_norm()?),
        ])
    }

    fn measures(&mut self) -> Result<Vec<Number>> {
        self.count_in_samples()
    }

    fn models(&mut self) -> Result<Vec<ModelFile>> {
        self.model_files()
    }

    fn draw(&mut self, seed: u64, first: u64, count: usize) -> Result<Tensor> {
        self.samples(seed, first, count)
    }

    fn waited(&self) -> Waited {
        self.feed.waited()
    }
}
