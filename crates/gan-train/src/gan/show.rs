//! What a person, a metric and a sampler see of a [`Gan`]: always the averaged weights where there are such, and f32.

use super::Gan;
use crate::error::Result;
use crate::finite;
use crate::system::{ModelFile, Number};
use candle_core::Tensor;
use gan_models::{Generator, discriminator_to_bytes, generator_to_bytes};
use gan_nn::{Context, Mode};
use gan_rng::Stream;

/// Batches from which the batch-norm statistics of averaged weights are estimated.
const CALIBRATION_BATCHES: u64 = 16;
/// Classes shown in a grid.
const MOST_CLASSES: usize = 16;

impl Gan {
    /// Does something with the generator to sample from and to save: the averaged one where there is an average.
    pub fn with_sampler<T>(&mut self, body: impl FnOnce(&dyn Generator) -> Result<T>) -> Result<T> {
        let (generator, count) = (self.generator.as_ref(), self.feed.largest_batch());
        let classes = in_turn(generator, 0, count);
        let estimate = || {
            let context = Context::eval().with_mode(Mode::Recalibrate).of_classes(classes.as_deref());
            for batch in 0..CALIBRATION_BATCHES {
                let mut stream = Stream::new(self.seed, "latents/calibration", batch);
                let latents = generator.latent_space().draw(&mut stream, count, &self.device)?;
                generator.forward(&latents, &context)?;
            }
            Ok(())
        };
        self.g.with_average(estimate, || body(generator))
    }

    /// Samples number `first`, `first + 1`, ... of a seed, `[count, C, H, W]`, in evaluation mode. A conditional generator
    /// makes one class after the other, over and over.
    pub fn samples(&mut self, seed: u64, first: u64, count: usize) -> Result<Tensor> {
        let classes = in_turn(self.generator.as_ref(), first, count);
        self.samples_of(seed, first, count, classes.as_deref())
    }

    /// The samples of a picture, from the same latents each time. A conditional generator makes a row of each class, of no
    /// more than 16 of them.
    pub(super) fn fixed_samples(&mut self) -> Result<Tensor> {
        let (count, columns) = self.exhibit.samples();
        let known = self.generator.class_names().len().min(MOST_CLASSES) as u32;
        let classes: Vec<u32> = (0..known).flat_map(|class| vec![class; columns]).collect();
        match classes.len() {
            0 => self.samples(self.seed, 0, count),
            count => self.samples_of(self.seed, 0, count, Some(&classes)),
        }
    }

    fn samples_of(&mut self, seed: u64, first: u64, count: usize, classes: Option<&[u32]>) -> Result<Tensor> {
        let device = self.device.clone();
        self.with_sampler(|generator| {
            let latents = generator.latent_space().sample_from(seed, first, count, &device)?;
            Ok(generator.forward(&latents, &Context::eval().of_classes(classes))?)
        })
    }

    pub(super) fn count_in_samples(&mut self) -> Result<Vec<Number>> {
        let Some(count) = self.exhibit.counted() else { return Ok(Vec::new()) };
        let samples = self.samples(self.seed, 0, count)?;
        self.exhibit.measures(&samples)
    }

    pub(super) fn model_files(&mut self) -> Result<Vec<ModelFile>> {
        let generator = self.with_sampler(|generator| {
            finite::check_params("the generator to sample from", generator.params())?;
            Ok(generator_to_bytes(generator)?)
        })?;
        let discriminator = discriminator_to_bytes(self.discriminator.as_ref())?;
        Ok(vec![
            ModelFile { file: "generator.safetensors", bytes: generator },
            ModelFile { file: "discriminator.safetensors", bytes: discriminator },
        ])
    }
}

/// The classes of samples number `first`, `first + 1`, ...: one after the other, over and over; none if the generator is not
/// conditional.
fn in_turn(generator: &dyn Generator, first: u64, count: usize) -> Option<Vec<u32>> {
    let known = generator.class_names().len() as u64;
    (known > 0).then(|| (first..first + count as u64).map(|number| (number % known) as u32).collect())
}
