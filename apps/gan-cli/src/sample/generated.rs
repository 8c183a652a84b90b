//! Generated images as a data set, made when they are asked for.

use super::classes::ClassChoice;
use candle_core::{Device, Error, Result, Tensor};
use gan_data::{Dataset, Image, Sample};
use gan_models::latent::truncated;
use gan_models::{Context, Generator, ModelConfig};
use std::sync::Mutex;

/// Images made at a time.
pub const BATCH: usize = 64;

/// Images of a generator: number i is made of the latent vector number i of a seed.
pub struct Generated {
    generator: Box<dyn Generator>,
    model: ModelConfig,
    seed: u64,
    /// Where numbers of latents are cut off.
    truncation: Option<f64>,
    classes: ClassChoice,
    count: usize,
    device: Device,
    /// The batch that was made last.
    last: Mutex<Option<(usize, Vec<Image>)>>,
}

impl Generated {
    pub fn new(
        (generator, model): (Box<dyn Generator>, ModelConfig),
        (seed, truncation): (u64, Option<f64>),
        classes: ClassChoice,
        count: usize,
        device: Device,
    ) -> Self {
        Self { generator, model, seed, truncation, classes, count, device, last: Mutex::new(None) }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Width and height of an image, px.
    pub fn size(&self) -> (usize, usize) {
        (self.model.width, self.model.height)
    }

    /// Batch number `batch` of up to [`BATCH`] images, `[N, C, H, W]`.
    pub fn batch(&self, batch: usize) -> Result<Tensor> {
        let first = batch * BATCH;
        let count = BATCH.min(self.count - first);
        let (space, from) = (self.model.latent_space(), first as u64);
        let z = match self.truncation {
            Some(psi) => truncated(space, psi, self.seed, from, count, &self.device).map_err(Error::wrap)?,
            None => space.sample_from(self.seed, from, count, &self.device)?,
        };
        let classes: Option<Vec<u32>> = (first..first + count).map(|index| self.classes.of(index)).collect();
        self.generator.forward(&z, &Context::eval().of_classes(classes.as_deref()))
    }
}

impl Dataset for Generated {
    fn name(&self) -> &str {
        "generated images"
    }

    fn len(&self) -> usize {
        self.count
    }

    fn channels(&self) -> usize {
        self.model.channels
    }

    fn classes(&self) -> Option<usize> {
        self.classes.of(0).map(|_| self.model.classes.len())
    }

    fn class_names(&self) -> Vec<String> {
        self.model.classes.clone()
    }

    fn get(&self, index: usize) -> gan_data::Result<Sample> {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let batch = index / BATCH;
        if last.as_ref().is_none_or(|(made, _)| *made != batch) {
            *last = Some((batch, gan_data::to_images(&self.batch(batch)?)?));
        }
        let image = last.as_ref().and_then(|(_, images)| images.get(index % BATCH)).cloned();
        let image = image.ok_or_else(|| Error::Msg(format!("there is no image {index}")))?;
        Ok(Sample { image, label: self.classes.of(index) })
    }
}
