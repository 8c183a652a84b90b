//! One step of adversarial training.
//!
//! Its stages run in spans, which cost next to nothing until somebody listens, as `gan bench train --profile` does.

use crate::adam::{Adam, Gradients};
use crate::config::TrainConfig;
use crate::ema::Ema;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::loss::Loss;
use crate::state::State;
use candle_core::{Device, Tensor};
use gan_data::DataLoader;
use gan_models::{Discriminator, Generator, Mode, ModelConfig, latents, probability};
use gan_rng::Stream;
use std::collections::BTreeMap;
use tracing::trace_span;

/// A generator and a discriminator, and what it takes to train them against each other.
pub struct Trainer {
    generator: Box<dyn Generator>,
    discriminator: Box<dyn Discriminator>,
    adam_g: Adam,
    adam_d: Adam,
    ema: Option<Ema>,
    loss: Loss,
    label_smoothing: f64,
    n_critic: u64,
    batch_size: usize,
    seed: u64,
    lr: f64,
    device: Device,
    step: u64,
    batches_seen: u64,
    images_seen: u64,
    rollbacks: u64,
}

/// What an update of the discriminator says.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiscriminatorStats {
    /// The loss on real and on generated images, added.
    pub err_d: f64,
    /// Mean probability given to real images.
    pub d_x: f64,
    /// Mean probability given to generated images, before the update.
    pub d_g_z1: f64,
    /// L2 norm of the gradient.
    pub grad_norm: f64,
}

/// What an update of the generator says.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorStats {
    /// The loss.
    pub err_g: f64,
    /// Mean probability that D gives the generated images.
    pub d_g_z2: f64,
    /// L2 norm of the gradient.
    pub grad_norm: f64,
}

/// Batches from which the batch-norm statistics of averaged weights are estimated.
const CALIBRATION_BATCHES: u64 = 16;

impl Trainer {
    /// New networks with the initial weights of the config's seed.
    pub fn new(config: &TrainConfig, model: &ModelConfig, device: &Device) -> Result<Self> {
        let generator = model.generator(config.seed, device)?;
        let discriminator = model.discriminator(config.seed, device)?;
        generator.params().accumulate_gradients()?;
        discriminator.params().accumulate_gradients()?;
        generator.params().set_precision(config.precision);
        discriminator.params().set_precision(config.precision);
        let adam = |params| Adam::new(params, config.lr, config.beta1, config.beta2);
        Ok(Self {
            adam_g: adam(generator.params())?,
            adam_d: adam(discriminator.params())?,
            ema: (config.ema > 0.0).then(|| Ema::new(generator.as_ref(), config.ema, device)).transpose()?,
            generator,
            discriminator,
            loss: config.loss,
            label_smoothing: config.label_smoothing,
            n_critic: config.n_critic,
            batch_size: config.batch_size(),
            seed: config.seed,
            lr: config.lr,
            device: device.clone(),
            step: 0,
            batches_seen: 0,
            images_seen: 0,
            rollbacks: 0,
        })
    }

    /// One step: n_critic updates of the discriminator, each on a new batch, then one of the generator.
    pub fn train_step(&mut self, reals: &mut DataLoader) -> Result<(DiscriminatorStats, GeneratorStats)> {
        gan_ops::awake(|| self.step_awake(reals))
    }

    fn step_awake(&mut self, reals: &mut DataLoader) -> Result<(DiscriminatorStats, GeneratorStats)> {
        let mut d_stats = DiscriminatorStats::default();
        let mut fake = None;
        for round in 0..self.n_critic {
            let real = trace_span!("data").in_scope(|| reals.next_batch())?.images;
            let seed = self.stream_seed();
            let latents = self.draw_latents(seed, "latents", self.batches_seen, real.dim(0)?)?;
            // The images of the last round are also what the generator learns from, as in PyTorch's example.
            let last = round + 1 == self.n_critic;
            self.generator.params().set_requires_grad(last);
            let images =
                trace_span!("G forward").in_scope(|| self.generator.forward(&latents, Mode::Train))?;
            d_stats = self.update_discriminator(&real, &images)?;
            self.batches_seen += 1;
            self.images_seen += real.dim(0)? as u64;
            fake = last.then_some(images);
        }
        let Some(fake) = fake else {
            return Err(Error::config("n_critic is 0", "use at least 1"));
        };
        let g_stats = self.update_generator(&fake)?;
        self.step += 1;
        if let Some(ema) = &mut self.ema {
            trace_span!("EMA").in_scope(|| ema.update(self.generator.as_ref(), self.step))?;
        }
        Ok((d_stats, g_stats))
    }

    /// One update of the discriminator from real and generated images `[N, C, H, W]`.
    ///
    /// The two halves of the loss are back-propagated one after the other and their gradients added: half the
    /// activations are alive at a time, and batch norm sees real and generated images apart, as in PyTorch's example.
    pub fn update_discriminator(&mut self, real: &Tensor, fake: &Tensor) -> Result<DiscriminatorStats> {
        let params = self.discriminator.params();
        params.set_requires_grad(true);

        let real_logits =
            trace_span!("D on real").in_scope(|| self.discriminator.forward(real, Mode::Train))?;
        let err_real = self.loss.discriminator_real(&real_logits, self.label_smoothing)?;
        params.clear_gradients();
        params.add_gradients(&trace_span!("D on real, backward").in_scope(|| err_real.backward())?)?;

        let fake_logits =
            trace_span!("D on fake").in_scope(|| self.discriminator.forward(&fake.detach(), Mode::Train))?;
        let err_fake = self.loss.discriminator_fake(&fake_logits)?;
        params.add_gradients(&trace_span!("D on fake, backward").in_scope(|| err_fake.backward())?)?;
        let gradients = failpoint::gradients("gradient-d", params.gradients())?;

        let stats = DiscriminatorStats {
            err_d: scalar(&err_real)? + scalar(&err_fake)?,
            d_x: mean_probability(&real_logits)?,
            d_g_z1: mean_probability(&fake_logits)?,
            grad_norm: norm(&gradients)?,
        };
        self.refuse_if_diverged("errD", failpoint::number("err-d", stats.err_d))?;
        self.refuse_if_not_finite("D", stats.grad_norm, &gradients)?;
        trace_span!("Adam D").in_scope(|| self.adam_d.step(&gradients))?;
        Ok(stats)
    }

    /// One update of the generator from its own images `[N, C, H, W]`, made with gradients on.
    pub fn update_generator(&mut self, fake: &Tensor) -> Result<GeneratorStats> {
        // The gradient flows through D, which has just been stepped, to G; D's own gradient is not wanted.
        self.discriminator.params().set_requires_grad(false);
        let logits = trace_span!("D for G").in_scope(|| self.discriminator.forward(fake, Mode::Train))?;
        let err_g = self.loss.generator(&logits)?;
        let params = self.generator.params();
        params.clear_gradients();
        params.add_gradients(&trace_span!("D and G, backward").in_scope(|| err_g.backward())?)?;
        let gradients = failpoint::gradients("gradient-g", params.gradients())?;
        let stats = GeneratorStats {
            err_g: scalar(&err_g)?,
            d_g_z2: mean_probability(&logits)?,
            grad_norm: norm(&gradients)?,
        };
        self.refuse_if_diverged("errG", failpoint::number("err-g", stats.err_g))?;
        self.refuse_if_not_finite("G", stats.grad_norm, &gradients)?;
        trace_span!("Adam G").in_scope(|| self.adam_g.step(&gradients))?;
        Ok(stats)
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
        (self.n_critic - 1) * g_all + self.n_critic * 2 * learn_d + through_d + learn_g
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

    /// The learning rate, halved at every rollback.
    pub fn lr(&self) -> f64 {
        self.lr * 0.5f64.powi(self.rollbacks.min(1000) as i32)
    }

    /// The seed of batches and latents: that of the config, and another after every rollback, so that the same numbers
    /// do not lead to the same end.
    pub fn stream_seed(&self) -> u64 {
        match self.rollbacks {
            0 => self.seed,
            times => Stream::new(self.seed, "rollback", times).next_u64(),
        }
    }

    /// After so many rollbacks: with a lower learning rate, and other batches and latents.
    pub fn set_rollbacks(&mut self, rollbacks: u64) {
        self.rollbacks = rollbacks;
        let lr = self.lr();
        self.adam_g.set_lr(lr);
        self.adam_d.set_lr(lr);
    }

    /// All that must survive a stop, between two steps. What is not named here follows from the config.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        state.part("generator", State::of_network(self.generator.params()));
        state.part("discriminator", State::of_network(self.discriminator.params()));
        state.part("adam_g", self.adam_g.state());
        state.part("adam_d", self.adam_d.state());
        if let Some(ema) = &mut self.ema {
            state.part("ema", ema.state());
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
        self.state().restore(tensors, counters)?;
        self.set_rollbacks(self.rollbacks);
        Ok(())
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
        let draw = |batch| self.draw_latents(self.seed, "latents/calibration", batch, self.batch_size);
        ema.recalibrated((0..CALIBRATION_BATCHES).map(draw))
    }

    /// Images `[count, C, H, W]` from fixed latents, in evaluation mode: the same latents each time, so that a series of
    /// them shows the generator learn.
    pub fn sample_fixed(&self, count: usize) -> Result<Tensor> {
        let generator = self.sampling_generator()?;
        generator.params().set_requires_grad(false);
        let z = latents(generator.config(), self.seed, count, &self.device)?;
        Ok(generator.forward(&z, Mode::Eval)?)
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

    fn refuse_if_diverged(&self, what: &str, value: f64) -> Result<()> {
        let (what, step) = (what.to_owned(), self.step + 1);
        if value.is_finite() { Ok(()) } else { Err(Error::Diverged { what, value, step }) }
    }

    /// An error that names the first tensor whose gradient is not finite, if the norm of all says that there is one.
    fn refuse_if_not_finite(&self, player: &str, grad_norm: f64, gradients: &Gradients) -> Result<()> {
        if grad_norm.is_finite() {
            return Ok(());
        }
        for (name, gradient) in gradients {
            let norm = gan_ops::sum_of_squares(gradient)?.sqrt();
            self.refuse_if_diverged(&format!("the gradient of {player}'s {name}"), norm)?;
        }
        self.refuse_if_diverged(&format!("the gradient of {player}"), grad_norm)
    }
}

fn norm(gradients: &Gradients) -> Result<f64> {
    let squares: candle_core::Result<Vec<f64>> = gradients.values().map(gan_ops::sum_of_squares).collect();
    Ok(squares?.iter().sum::<f64>().sqrt())
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(f64::from(tensor.to_scalar::<f32>()?))
}

fn mean_probability(logits: &Tensor) -> Result<f64> {
    scalar(&probability(&logits.detach())?.mean_all()?)
}
