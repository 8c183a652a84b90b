//! The two updates of a step: D's from real and generated images, G's through the new D.

use crate::batch::{DiscriminatorStats, GeneratorBatch, GeneratorStats, MicroBatch};
use crate::cross_entropy::cross_entropy;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::loss::Judged;
use crate::optimizer::Gradients;
use crate::penalty::{self, Penalty};
use crate::trainer::Trainer;
use candle_core::Tensor;
use gan_models::{DiscriminatorOutput, Mode, Params, probability};
use gan_rng::Stream;
use tracing::trace_span;

impl Trainer {
    /// One update of the discriminator from one or several batches, whose gradients are averaged.
    pub fn update_discriminator(&mut self, batches: &[MicroBatch]) -> Result<DiscriminatorStats> {
        let mut stats = self.start_discriminator();
        for batch in batches {
            self.add_to_discriminator(batch, batches.len(), &mut stats)?;
        }
        self.step_discriminator(stats)
    }

    /// Begins an update of the discriminator.
    pub(crate) fn start_discriminator(&mut self) -> DiscriminatorStats {
        self.discriminator.params().set_requires_grad(true);
        self.discriminator.params().clear_gradients();
        DiscriminatorStats::default()
    }

    /// Adds the gradients of one of `count` batches, and its part of the statistics.
    pub(crate) fn add_to_discriminator(
        &mut self,
        batch: &MicroBatch,
        count: usize,
        stats: &mut DiscriminatorStats,
    ) -> Result<()> {
        let (part, real_logits) = self.discriminator_gradients(batch, 1.0 / count as f64)?;
        if let Some(ada) = &mut self.ada {
            ada.observe(&real_logits)?;
        }
        stats.err_d += part.err_d / count as f64;
        stats.d_x += part.d_x / count as f64;
        stats.d_g_z1 += part.d_g_z1 / count as f64;
        let add =
            |sum: Option<f64>, part: Option<f64>| part.map(|part| sum.unwrap_or(0.0) + part / count as f64);
        stats.penalty = add(stats.penalty, part.penalty);
        stats.err_class = add(stats.err_class, part.err_class);
        Ok(())
    }

    /// Ends the update with a step of the optimizer.
    pub(crate) fn step_discriminator(&mut self, mut stats: DiscriminatorStats) -> Result<DiscriminatorStats> {
        let gradients = failpoint::gradients("gradient-d", self.discriminator.params().gradients())?;
        stats.grad_norm = norm(&gradients)?;
        self.refuse_if_diverged("errD", failpoint::number("err-d", stats.err_d))?;
        self.refuse_if_diverged("the gradient penalty", stats.penalty.unwrap_or(0.0))?;
        self.refuse_if_diverged("the loss of D's classes", stats.err_class.unwrap_or(0.0))?;
        self.refuse_if_not_finite("D", stats.grad_norm, &gradients)?;
        let gradients = self.clipped(gradients, stats.grad_norm)?;
        let lr = self.lr_d();
        trace_span!("optimizer D").in_scope(|| self.optimizer_d.step(&gradients, lr))?;
        if self.config.optimizers.clip_weights > 0.0 {
            clip_weights(self.discriminator.params(), self.config.optimizers.clip_weights)?;
        }
        Ok(stats)
    }

    /// Adds the gradients of D's loss on a batch, times `weight`; says how it went, and D's logits of the real images.
    ///
    /// The two halves of the loss are back-propagated one after the other and their gradients added: half the
    /// activations are alive at a time, and batch norm sees real and generated images apart, as in PyTorch's example. A loss
    /// that couples them has no halves.
    fn discriminator_gradients(
        &self,
        batch: &MicroBatch,
        weight: f64,
    ) -> Result<(DiscriminatorStats, Tensor)> {
        let params = self.discriminator.params();
        let add_gradients = |loss: &Tensor| params.add_gradients(&loss.affine(weight, 0.0)?.backward()?);
        let loss = self.config.objective.loss;
        let shown_real = self.shown(&batch.real, "real", batch.index)?;
        let shown_fake = self.shown(&batch.fake.detach(), "fake", batch.index)?;

        let classes = batch.classes.as_deref();
        let judge = |images: &Tensor| self.discriminator.forward(images, classes, Mode::Train);
        let opinion = trace_span!("D on real").in_scope(|| judge(&shown_real))?;
        let class_real = self.class_loss(&opinion, classes)?;
        let real =
            Judged { targets: self.targets(&opinion.logits, 1.0, batch.index)?, logits: opinion.logits };
        let mut err_d = 0.0;
        if !loss.couples() {
            let err_real = loss.discriminator_real(&real)?;
            let all = plus(&err_real, class_real.as_ref())?;
            trace_span!("D on real, backward").in_scope(|| add_gradients(&all))?;
            err_d += scalar(&err_real)?;
        }
        let opinion = trace_span!("D on fake").in_scope(|| judge(&shown_fake))?;
        let class_fake = self.class_loss(&opinion, classes)?;
        let fake =
            Judged { targets: self.targets(&opinion.logits, 0.0, batch.index)?, logits: opinion.logits };
        let err =
            if loss.couples() { loss.discriminator(&real, &fake) } else { loss.discriminator_fake(&fake) }?;
        let mut all = plus(&err, class_fake.as_ref())?;
        if loss.couples() {
            all = plus(&all, class_real.as_ref())?;
        }
        trace_span!("D on fake, backward").in_scope(|| add_gradients(&all))?;
        err_d += scalar(&err)?;
        let err_class = match (&class_real, &class_fake) {
            (Some(real), Some(fake)) => Some(scalar(real)? + scalar(fake)?),
            _ => None,
        };
        let penalty = self.add_penalties(batch, &shown_real, &shown_fake, weight)?;
        let (d_x, d_g_z1) = (self.mean_score(&real.logits)?, self.mean_score(&fake.logits)?);
        let stats = DiscriminatorStats { err_d, d_x, d_g_z1, penalty, err_class, grad_norm: 0.0 };
        Ok((stats, real.logits.detach()))
    }

    /// AC-GAN's other loss: the cross entropy of the classes that D reads.
    fn class_loss(&self, opinion: &DiscriminatorOutput, classes: Option<&[u32]>) -> Result<Option<Tensor>> {
        match (&opinion.class_logits, classes) {
            (Some(logits), Some(classes)) => {
                let loss = cross_entropy(logits, classes)?;
                Ok(Some(loss.affine(self.config.objective.class_weight, 0.0)?))
            }
            _ => Ok(None),
        }
    }

    /// Adds the gradients of the penalties, times `weight`, if this is an update that has some; says how large they are.
    fn add_penalties(
        &self,
        batch: &MicroBatch,
        real: &Tensor,
        fake: &Tensor,
        weight: f64,
    ) -> Result<Option<f64>> {
        let (config, index) = (&self.config, batch.index);
        let all = [
            config.objective.gradient_penalty,
            config.objective.dragan,
            config.objective.r1,
            config.objective.r2,
        ];
        let update = index / config.optimizers.accumulate;
        if all.iter().all(|&weight| weight == 0.0) || !update.is_multiple_of(config.objective.penalty_every) {
            return Ok(None);
        }
        let _span = trace_span!("penalties").entered();
        let discriminator = self.discriminator.as_ref();
        let scale = weight * config.objective.penalty_every as f64;
        let stream = |purpose: &str| Stream::new(self.stream_seed(), purpose, index);
        let mut sum = 0.0;
        let mut add = |penalty: Penalty, strength: f64, images: &Tensor| -> Result<()> {
            let classes = batch.classes.as_deref();
            sum += penalty.add_gradients(strength, discriminator, images, classes, scale)?;
            Ok(())
        };
        if config.objective.gradient_penalty > 0.0 {
            let points = penalty::between(real, fake, &mut stream("gradient penalty"))?;
            add(Penalty::UnitNorm, config.objective.gradient_penalty, &points)?;
        }
        if config.objective.dragan > 0.0 {
            add(Penalty::UnitNorm, config.objective.dragan, &penalty::near(real, &mut stream("dragan"))?)?;
        }
        if config.objective.r1 > 0.0 {
            add(Penalty::Zero, config.objective.r1, real)?;
        }
        if config.objective.r2 > 0.0 {
            add(Penalty::Zero, config.objective.r2, fake)?;
        }
        Ok(Some(sum))
    }

    /// One update of the generator from the images that D has just learned from.
    pub fn update_generator(&mut self, batches: &[GeneratorBatch]) -> Result<GeneratorStats> {
        // The gradient flows through D, which has just been stepped, to G; D's own gradient is not wanted.
        self.discriminator.params().set_requires_grad(false);
        self.generator.params().set_requires_grad(true);
        self.generator.params().clear_gradients();
        let mut stats = GeneratorStats::default();
        for batch in batches {
            let part = self.generator_gradients(batch, 1.0 / batches.len() as f64)?;
            stats.err_g += part.err_g / batches.len() as f64;
            stats.d_g_z2 += part.d_g_z2 / batches.len() as f64;
        }
        let gradients = failpoint::gradients("gradient-g", self.generator.params().gradients())?;
        stats.grad_norm = norm(&gradients)?;
        self.refuse_if_diverged("errG", failpoint::number("err-g", stats.err_g))?;
        self.refuse_if_not_finite("G", stats.grad_norm, &gradients)?;
        let gradients = self.clipped(gradients, stats.grad_norm)?;
        let lr = self.lr();
        trace_span!("optimizer G").in_scope(|| self.optimizer_g.step(&gradients, lr))?;
        Ok(stats)
    }

    /// Adds the gradients of G's loss on a batch, times `weight`.
    fn generator_gradients(&self, batch: &GeneratorBatch, weight: f64) -> Result<GeneratorStats> {
        let classes = batch.classes.as_deref();
        let fake = match &batch.fake {
            Some(fake) => fake.clone(),
            None => self.generator.forward(&batch.latents, classes, Mode::Train)?,
        };
        let fake = self.shown(&fake, "fake for G", batch.index)?;
        let judge = |images: &Tensor| self.discriminator.forward(images, classes, Mode::Train);
        let opinion = trace_span!("D for G").in_scope(|| judge(&fake))?;
        let real = match &batch.real {
            Some(real) => Some(judge(&self.shown(real, "real for G", batch.index)?)?.logits),
            None => None,
        };
        let err_g = self.config.objective.loss.generator(&opinion.logits, real.as_ref())?;
        let all = plus(&err_g, self.class_loss(&opinion, classes)?.as_ref())?;
        let store = trace_span!("D and G, backward").in_scope(|| all.affine(weight, 0.0)?.backward())?;
        self.generator.params().add_gradients(&store)?;
        let d_g_z2 = self.mean_score(&opinion.logits)?;
        Ok(GeneratorStats { err_g: scalar(&err_g)?, d_g_z2, grad_norm: 0.0 })
    }

    /// D(x) as it is reported: a mean probability, or a mean logit where the loss has no probabilities.
    fn mean_score(&self, logits: &Tensor) -> Result<f64> {
        let logits = logits.detach();
        let scores =
            if self.config.objective.loss.has_probabilities() { probability(&logits)? } else { logits };
        scalar(&scores.mean_all()?)
    }

    /// Gradients whose norm is at most `clip_grad`, as `torch.nn.utils.clip_grad_norm_` has it.
    fn clipped(&self, gradients: Gradients, norm: f64) -> Result<Gradients> {
        let factor = self.config.optimizers.clip_grad / (norm + 1e-6);
        if self.config.optimizers.clip_grad == 0.0 || factor >= 1.0 {
            return Ok(gradients);
        }
        let clip = |(name, gradient): (String, Tensor)| Ok((name, gradient.affine(factor, 0.0)?));
        gradients.into_iter().map(clip).collect()
    }

    fn refuse_if_diverged(&self, what: &str, value: f64) -> Result<()> {
        let (what, step) = (what.to_owned(), self.step() + 1);
        if value.is_finite() { Ok(()) } else { Err(Error::Diverged { what, value, step, checkpoint: None }) }
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

/// Keeps every weight in [-limit, limit] (Arjovsky et al. 2017, algorithm 1).
fn clip_weights(params: &Params, limit: f64) -> Result<()> {
    for var in params.parameters().values() {
        var.set(&var.as_detached_tensor().clamp(-limit, limit)?)?;
    }
    Ok(())
}

fn norm(gradients: &Gradients) -> Result<f64> {
    let squares: candle_core::Result<Vec<f64>> = gradients.values().map(gan_ops::sum_of_squares).collect();
    Ok(squares?.iter().sum::<f64>().sqrt())
}

fn plus(loss: &Tensor, other: Option<&Tensor>) -> candle_core::Result<Tensor> {
    other.map_or(Ok(loss.clone()), |other| loss + other)
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(f64::from(tensor.to_scalar::<f32>()?))
}
