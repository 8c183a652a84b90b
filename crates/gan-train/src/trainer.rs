//! One step of adversarial training: who plays, what a step is, and all that must survive a stop.
//!
//! Its stages run in spans, which cost next to nothing until somebody listens, as `gan bench train --profile` does.

use crate::augment::Ada;
use crate::batch::{DiscriminatorStats, GeneratorStats, MicroBatch};
use crate::config::TrainConfig;
use crate::ema::Ema;
use crate::error::Result;
use crate::optimizer::{Hyperparameters, Optimizer};
use crate::state::State;

use candle_core::{Device, Tensor};
use gan_data::{Batch, DataLoader};
use gan_models::{Discriminator, Generator, Mode, ModelConfig, Params, latents};
use gan_rng::Stream;
use std::collections::BTreeMap;
use tracing::trace_span;

/// A generator and a discriminator, and what it takes to train them against each other.
pub struct Trainer {
    pub(crate) config: TrainConfig,
    pub(crate) generator: Box<dyn Generator>,
    pub(crate) discriminator: Box<dyn Discriminator>,
    pub(crate) optimizer_g: Optimizer,
    pub(crate) optimizer_d: Optimizer,
    pub(crate) ada: Option<Ada>,
    ema: Option<Ema>,
    device: Device,
    /// The most images that a batch can have.
    largest_batch: usize,
    step: u64,
    batches_seen: u64,
    images_seen: u64,
    rollbacks: u64,
}

/// Batches from which the batch-norm statistics of averaged weights are estimated.
const CALIBRATION_BATCHES: u64 = 16;
/// Classes shown in a grid.
const MOST_CLASSES: usize = 16;

impl Trainer {
    /// New networks with the initial weights of the (resolved) config's seed.
    pub fn new(config: &TrainConfig, model: &ModelConfig, device: &Device) -> Result<Self> {
        let generator = model.generator(config.run.seed, device)?;
        let discriminator = model.discriminator(config.run.seed, device)?;
        generator.params().accumulate_gradients()?;
        discriminator.params().accumulate_gradients()?;
        generator.params().set_precision(config.machine.precision);
        discriminator.params().set_precision(config.machine.precision);
        let optimizers = &config.optimizers;
        let (rule, beta1, beta2) = (optimizers.optimizer, optimizers.beta1(), optimizers.beta2());
        let optimizer =
            |params: &Params| Optimizer::new(params.parameters(), Hyperparameters { rule, beta1, beta2 });
        Ok(Self {
            optimizer_g: optimizer(generator.params())?,
            optimizer_d: optimizer(discriminator.params())?,
            ada: config.discriminator_input.ada_target.map(Ada::new),
            ema: (config.optimizers.ema > 0.0)
                .then(|| Ema::new(generator.as_ref(), config.optimizers.ema, device))
                .transpose()?,
            generator,
            discriminator,
            largest_batch: config.batch_size(),
            config: config.clone(),
            device: device.clone(),
            step: 0,
            batches_seen: 0,
            images_seen: 0,
            rollbacks: 0,
        })
    }

    /// The same for a data set of so many images: no batch is larger than that, whatever the config says.
    pub fn for_images(mut self, images: usize) -> Self {
        self.largest_batch = self.config.batch_size().min(images.max(1));
        self
    }

    /// One step: n_critic updates of the discriminator, each on new images, then one of the generator.
    pub fn train_step(&mut self, reals: &mut DataLoader) -> Result<(DiscriminatorStats, GeneratorStats)> {
        gan_ops::keep_workers_spinning(|| self.step_spinning(reals))
    }

    fn step_spinning(&mut self, reals: &mut DataLoader) -> Result<(DiscriminatorStats, GeneratorStats)> {
        let mut d_stats = DiscriminatorStats::default();
        let mut batches = Vec::new();
        for round in 0..self.config.objective.n_critic {
            // The images of the last round are also what the generator learns from, as in PyTorch's example. Where several
            // batches make an update, their graphs would take the memory that this is to save: they are made anew then.
            let last = round + 1 == self.config.objective.n_critic;
            self.generator.params().set_requires_grad(last && self.config.optimizers.accumulate == 1);
            // One batch of images at a time: the next one is made when the gradients of this are added.
            let count = self.config.optimizers.accumulate as usize;
            let mut stats = self.start_discriminator();
            for _ in 0..count {
                let batch = self.next_batch(reals)?;
                self.add_to_discriminator(&batch, count, &mut stats)?;
                if last {
                    batches.push(batch.for_generator(self.config.objective.loss));
                }
            }
            d_stats = self.step_discriminator(stats)?;
        }
        let g_stats = self.update_generator(&batches)?;
        self.step += 1;
        if let Some(ema) = &mut self.ema {
            trace_span!("EMA").in_scope(|| ema.update(self.generator.as_ref(), self.step))?;
        }
        Ok((d_stats, g_stats))
    }

    /// Real images, and generated ones to go with them.
    fn next_batch(&mut self, reals: &mut DataLoader) -> Result<MicroBatch> {
        let (index, seed) = (self.batches_seen, self.stream_seed());
        let Batch { images: real, labels, .. } = trace_span!("data").in_scope(|| reals.next_batch())?;
        let count = real.dim(0)?;
        let classes = labels.filter(|_| self.config.model.conditional.is_some());
        let latents = self.draw_latents(seed, "latents", index, count)?;
        let forward = || self.generator.forward(&latents, classes.as_deref(), Mode::Train);
        let fake = trace_span!("G forward").in_scope(forward)?;
        self.batches_seen += 1;
        self.images_seen += count as u64;
        Ok(MicroBatch { index, real, classes, latents, fake })
    }

    /// Multiply-adds that a step needs for each image of a batch: all that [`train_step`](Self::train_step) asks for,
    /// and no gradient that nobody reads (of the latents, or of the images while the discriminator learns).
    pub fn multiply_adds(&self) -> u64 {
        let (g, d) = (self.generator.multiply_adds(), self.discriminator.multiply_adds());
        let (g_all, d_all): (u64, u64) = (g.iter().sum(), d.iter().sum());
        // A backward pass costs a forward pass for the gradients of the weights and one for those of the inputs; the
        // latter ends before the first layer.
        let learn_g = 3 * g_all - g[0];
        let learn_d = 3 * d_all - d[0];
        let through_d = 2 * d_all;
        let n_critic = self.config.objective.n_critic;
        (n_critic - 1) * g_all + n_critic * 2 * learn_d + through_d + learn_g
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Batches of real images that D was trained on so far: where in the data a run goes on.
    pub fn batches_seen(&self) -> u64 {
        self.batches_seen
    }

    /// How often training went back to a checkpoint because it had diverged.
    pub fn rollbacks(&self) -> u64 {
        self.rollbacks
    }

    /// The generator's learning rate: as the schedule has it, and halved at every rollback.
    pub fn lr(&self) -> f64 {
        self.rate(self.config.optimizers.lr)
    }

    /// The discriminator's learning rate, likewise.
    pub fn lr_d(&self) -> f64 {
        self.rate(self.config.optimizers.lr_d.unwrap_or(self.config.optimizers.lr))
    }

    fn rate(&self, lr: f64) -> f64 {
        let decay_steps = self.config.optimizers.decay_steps.unwrap_or(u64::MAX);
        let scheduled = lr * self.config.optimizers.schedule.factor(self.step, decay_steps);
        scheduled * 0.5f64.powi(self.rollbacks.min(1000) as i32)
    }

    /// The seed of batches and latents: that of the config, and another after every rollback, so that the same numbers
    /// do not lead to the same end.
    pub fn stream_seed(&self) -> u64 {
        match self.rollbacks {
            0 => self.config.run.seed,
            times => Stream::new(self.config.run.seed, "rollback", times).next_u64(),
        }
    }

    /// After so many rollbacks: with a lower learning rate, and other batches and latents.
    pub fn set_rollbacks(&mut self, rollbacks: u64) {
        self.rollbacks = rollbacks;
    }

    /// All that must survive a stop, between two steps. What is not named here follows from the config.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        state.part("generator", State::of_network(self.generator.params()));
        state.part("discriminator", State::of_network(self.discriminator.params()));
        state.part("optimizer_g", self.optimizer_g.state());
        state.part("optimizer_d", self.optimizer_d.state());
        if let Some(ema) = &mut self.ema {
            state.part("ema", ema.state());
        }
        if let Some(ada) = &mut self.ada {
            state.part("ada", ada.state());
        }
        state.counter("step", &mut self.step);
        state.counter("batches_seen", &mut self.batches_seen);
        state.counter("images_seen", &mut self.images_seen);
        state.counter("rollbacks", &mut self.rollbacks);
        state
    }

    /// Takes over a state that was saved; it must hold exactly what [`state`](Self::state) names.
    pub fn restore(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        counters: &BTreeMap<String, u64>,
    ) -> Result<()> {
        self.state().restore(tensors, counters)
    }

    /// Real images that D was trained on so far.
    pub fn images_seen(&self) -> u64 {
        self.images_seen
    }

    /// The generator being trained.
    pub fn generator(&self) -> &dyn Generator {
        self.generator.as_ref()
    }

    /// The discriminator being trained.
    pub fn discriminator(&self) -> &dyn Discriminator {
        self.discriminator.as_ref()
    }

    /// The generator to sample from and to save: the averaged one where there is an average.
    pub fn sampling_generator(&self) -> Result<&dyn Generator> {
        let Some(ema) = &self.ema else { return Ok(self.generator.as_ref()) };
        let count = self.largest_batch;
        let draw = |batch| self.draw_latents(self.config.run.seed, "latents/calibration", batch, count);
        let classes = self.generator.config().classes_in_turn(count);
        ema.recalibrated(self.generator.as_ref(), (0..CALIBRATION_BATCHES).map(draw), classes.as_deref())
    }

    /// Images `[count, C, H, W]` from fixed latents, in evaluation mode: the same latents each time, so that a series of
    /// them shows the generator learn. A conditional generator makes one class after the other, over and over.
    pub fn sample_fixed(&self, count: usize) -> Result<Tensor> {
        self.sample_fixed_of(count, self.generator.config().classes_in_turn(count).as_deref())
    }

    /// The same for a grid with so many columns: `[rows * columns, C, H, W]`. A conditional generator makes a row of each class,
    /// of no more than 16 of them.
    pub fn sample_grid(&self, rows: usize, columns: usize) -> Result<Tensor> {
        let known = self.generator.config().classes.len().min(MOST_CLASSES) as u32;
        let classes: Vec<u32> = (0..known).flat_map(|class| vec![class; columns]).collect();
        match classes.len() {
            0 => self.sample_fixed(rows * columns),
            count => self.sample_fixed_of(count, Some(&classes)),
        }
    }

    fn sample_fixed_of(&self, count: usize, classes: Option<&[u32]>) -> Result<Tensor> {
        let generator = self.sampling_generator()?;
        generator.params().set_requires_grad(false);
        let z = latents(generator.config(), self.config.run.seed, count, &self.device)?;
        Ok(generator.forward(&z, classes, Mode::Eval)?)
    }

    /// Latent vectors `[count, Z]` from the stream of this purpose and position.
    fn draw_latents(
        &self,
        seed: u64,
        purpose: &str,
        position: u64,
        count: usize,
    ) -> candle_core::Result<Tensor> {
        let ModelConfig { latent, latent_dim, .. } = *self.generator.config();
        latent.draw(&mut Stream::new(seed, purpose, position), count, latent_dim, &self.device)
    }
}

#[cfg(test)]
mod tests;
