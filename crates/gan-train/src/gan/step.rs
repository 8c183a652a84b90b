//! The step: n_critic updates of D, then one of G (Goodfellow et al. 2014, algorithm 1).

use super::half::Half;
use super::statistics::{Sums, comparison};
use super::{Gan, Side};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::player::backward;
use crate::system::{Moment, Number};
use candle_core::Tensor;
use gan_data::Batch;
use gan_models::DiscriminatorOutput;
use gan_nn::{Context, Mode, cross_entropy};
use gan_rng::Stream;
use tracing::trace_span;

/// A batch of real images, and what G makes of as many latents.
pub struct MicroBatch {
    /// Its number since the start of the run: what is drawn for it follows from that.
    pub index: u64,
    /// Real images `[N, C, H, W]`.
    pub real: Tensor,
    /// Their classes, if the networks are conditional. The generated images are of the same ones, so that all classes are as
    /// frequent among them.
    pub classes: Option<Vec<u32>>,
    /// Latents `[N, Z]`.
    pub latents: Tensor,
    /// What G made of them `[N, C, H, W]`: with its graph if G is to learn from just these.
    pub fake: Tensor,
}

/// What of a batch G needs once D has learned from it; the rest is let go.
struct ForGenerator {
    index: u64,
    classes: Option<Vec<u32>>,
    latents: Tensor,
    /// If the loss compares generated images with them.
    real: Option<Tensor>,
    /// With its graph; if not, it is made again.
    fake: Option<Tensor>,
}

impl ForGenerator {
    fn of(batch: MicroBatch, compares: bool) -> Self {
        let MicroBatch { index, real, classes, latents, fake } = batch;
        let fake = fake.track_op().then_some(fake);
        Self { index, classes, latents, real: compares.then_some(real), fake }
    }
}

impl Gan {
    /// One step on batches of your own: `next` gives the next one, which is tracked if G is to learn from it.
    pub fn step_on(
        &mut self,
        at: &Moment,
        next: &mut dyn FnMut(&mut Self, bool) -> Result<MicroBatch>,
    ) -> Result<Vec<Number>> {
        let (n_critic, accumulate) = (self.objective.n_critic, self.objective.accumulate);
        let (mut d, mut batches) = (Sums::default(), Vec::new());
        self.g.zero_grad();
        for round in 0..n_critic {
            // What G made in the last round it also learns from, as in PyTorch's example. Where several batches make an
            // update, their graphs would take the memory that this is to save: they are made anew then.
            let last = round + 1 == n_critic;
            self.d.zero_grad();
            d = Sums::default();
            for _ in 0..accumulate {
                let batch = next(self, last && accumulate == 1)?;
                self.discriminator_backward(&batch, at, &mut d)?;
                if last {
                    batches.push(ForGenerator::of(batch, self.objective.loss.compares()));
                }
            }
            refuse_if_diverged("errD", failpoint::number("err-d", d.err), at)?;
            refuse_if_diverged("the gradient penalty", d.penalty.unwrap_or(0.0), at)?;
            refuse_if_diverged("the loss of D's classes", d.err_class.unwrap_or(0.0), at)?;
            d.grad_norm = self.d.update(at)?;
        }
        let mut g = Sums::default();
        for batch in &batches {
            self.generator_backward(batch, at, &mut g)?;
        }
        refuse_if_diverged("errG", failpoint::number("err-g", g.err), at)?;
        g.grad_norm = self.g.update(at)?;
        Ok(self.numbers(&d, &g, at))
    }

    /// Real images, and generated ones to go with them.
    pub(super) fn next_batch(&mut self, at: &Moment, tracked: bool) -> Result<MicroBatch> {
        let (index, Batch { images: real, labels, .. }) = self.feed.next(at.seed)?;
        let classes = labels.filter(|_| !self.generator.class_names().is_empty());
        let mut stream = Stream::new(at.seed, "latents", index);
        let latents = self.generator.latent_space().draw(&mut stream, real.dim(0)?, &self.device)?;
        let context = self.training().tracked_if(tracked).of_classes(classes.as_deref());
        let fake = trace_span!("G forward").in_scope(|| self.generator.forward(&latents, &context))?;
        Ok(MicroBatch { index, real, classes, latents, fake })
    }

    /// Adds the gradients of D's loss on a batch.
    ///
    /// The two halves of the loss are back-propagated one after the other and their gradients added: half the activations
    /// are alive at a time, and batch norm sees real and generated images apart, as in PyTorch's example. A loss that couples
    /// them has no halves.
    fn discriminator_backward(&mut self, batch: &MicroBatch, at: &Moment, sums: &mut Sums) -> Result<()> {
        let weight = 1.0 / self.objective.accumulate as f64;
        let (loss, classes) = (self.objective.loss.as_ref(), batch.classes.as_deref());
        let learn = |loss: &Tensor| backward(loss, weight, &[&self.d], &[&self.g]);
        let shown_real = self.input.show(&batch.real, "real", batch.index, at.seed)?;
        let shown_fake = self.input.show(&batch.fake.detach(), "fake", batch.index, at.seed)?;

        let mut real = self.half(&shown_real, Side::Real, batch, at)?;
        if let Some(err) = &real.err {
            trace_span!("D on real, backward").in_scope(|| learn(&plus(err, real.class_loss.as_ref())?))?;
            real = real.detached(); // its activations go before the others come
        }
        let fake = self.half(&shown_fake, Side::Fake, batch, at)?;
        let err = match (&real.err, &fake.err) {
            (Some(_), fake) => fake.clone().ok_or_else(one_half)?,
            (None, _) => loss.discriminator(&real.told, &fake.told)?,
        };
        let mut all = plus(&err, fake.class_loss.as_ref())?;
        if real.err.is_none() {
            all = plus(&all, real.class_loss.as_ref())?;
        }
        trace_span!("D on fake, backward").in_scope(|| learn(&all))?;
        let (err, fake) = (err.detach(), fake.detached());
        drop(all);

        let penalty = self.objective.penalties.backward(
            (self.discriminator.as_ref(), &self.d),
            (&shown_real, &shown_fake),
            &self.training().of_classes(classes),
            (batch.index, self.objective.accumulate),
            at.seed,
        )?;
        self.input.observe(&real.told.logits)?;
        let zero = err.zeros_like()?;
        let err_real = real.err.as_ref().unwrap_or(&zero);
        let [x, g_z, right_real, right_fake, gap] = self.scores(&real.told.logits, &fake.told.logits)?;
        let [spread, shift] = comparison(&batch.real, &batch.fake)?;
        let said = numbers([err_real, &err, &x, &g_z, &right_real, &right_fake, &gap, &spread, &shift])?;
        sums.add_discriminator(said.map(|number| number * weight));
        let add = |sum: Option<f64>, part: Option<f64>| part.map(|part| sum.unwrap_or(0.0) + part * weight);
        sums.penalty = add(sums.penalty, penalty);
        if let (Some(real), Some(fake)) = (&real.class_loss, &fake.class_loss) {
            let [real, fake] = numbers([real, fake])?;
            sums.err_class = add(sums.err_class, Some(real + fake));
        }
        Ok(())
    }

    /// What D makes of one side of a batch, and the part of its loss that this is.
    fn half(&self, shown: &Tensor, side: Side, batch: &MicroBatch, at: &Moment) -> Result<Half> {
        let classes = batch.classes.as_deref();
        let forward = || self.discriminate(shown, classes, true);
        let output = match side {
            Side::Real => trace_span!("D on real").in_scope(forward),
            Side::Fake => trace_span!("D on fake").in_scope(forward),
        }?;
        let class_loss = self.class_loss(&output, classes)?;
        let told = self.input.tell(output.flat_logits()?, side, batch.index, at.seed)?;
        Ok(Half { err: self.objective.loss.half(side, &told)?, told, class_loss })
    }

    /// Adds the gradients of G's loss on a batch. They flow through D, which has just learned and is untracked now.
    fn generator_backward(&self, batch: &ForGenerator, at: &Moment, sums: &mut Sums) -> Result<()> {
        let weight = 1.0 / self.objective.accumulate as f64;
        let ForGenerator { index, classes, latents, real, fake } = batch;
        let classes = classes.as_deref();
        let fake = match fake {
            Some(fake) => fake.clone(),
            // From the same draws; the statistics of norms have followed them once.
            None => {
                let context = self.training().with_mode(Mode::Frozen).of_classes(classes);
                self.generator.forward(latents, &context)?
            }
        };
        let fake = self.input.show(&fake, "fake for G", *index, at.seed)?;
        let output = trace_span!("D for G").in_scope(|| self.discriminate(&fake, classes, false))?;
        let real = match real {
            Some(real) => {
                let shown = self.input.show(real, "real for G", *index, at.seed)?;
                Some(self.discriminate(&shown, classes, false)?.flat_logits()?)
            }
            None => None,
        };
        let logits = output.flat_logits()?;
        let err = self.objective.loss.generator(&logits, real.as_ref())?;
        let all = plus(&err, self.class_loss(&output, classes)?.as_ref())?;
        trace_span!("D and G, backward").in_scope(|| backward(&all, weight, &[&self.g], &[&self.d]))?;
        let [err, g_z] = numbers([&err, &self.mean_score(&logits)?])?;
        sums.err += err * weight;
        sums.g_z += g_z * weight;
        Ok(())
    }

    fn training(&self) -> Context<'static> {
        Context::train().with_precision(self.precision)
    }

    /// What D makes of images that it is shown, said to be of these classes.
    fn discriminate(
        &self,
        shown: &Tensor,
        classes: Option<&[u32]>,
        tracked: bool,
    ) -> Result<DiscriminatorOutput> {
        let context = self.training().tracked_if(tracked).of_classes(classes);
        Ok(self.discriminator.forward(shown, &context)?)
    }

    /// AC-GAN's other loss: the cross entropy of the classes that D reads.
    fn class_loss(&self, output: &DiscriminatorOutput, classes: Option<&[u32]>) -> Result<Option<Tensor>> {
        let (Some(logits), Some(classes)) = (&output.class_logits, classes) else { return Ok(None) };
        Ok(Some(cross_entropy(logits, classes)?.affine(self.objective.class_weight, 0.0)?))
    }
}

fn refuse_if_diverged(what: &str, value: f64, at: &Moment) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::diverged(what, value, at.step)) }
}

fn one_half() -> Error {
    Error::Tensor(candle_core::Error::Msg("a loss has one half and not the other".into()))
}

fn plus(loss: &Tensor, other: Option<&Tensor>) -> candle_core::Result<Tensor> {
    other.map_or(Ok(loss.clone()), |other| loss + other)
}

/// The values of some scalars, fetched from the device together.
fn numbers<const N: usize>(scalars: [&Tensor; N]) -> Result<[f64; N]> {
    let values = Tensor::stack(&scalars.map(Tensor::detach), 0)?.to_vec1::<f32>()?;
    let mut all = [0.0; N];
    all.iter_mut().zip(values).for_each(|(number, value)| *number = f64::from(value));
    Ok(all)
}
