//! What the discriminator is shown of images, and what it is told of them.

use crate::augment::{self, Ada, DiffAugment};
use crate::error::Result;
use crate::loss::Judged;
use crate::trainer::Trainer;
use candle_core::Tensor;
use gan_rng::Stream;

impl Trainer {
    /// Images as D is shown them: augmented, and with noise (instance noise, Soenderby et al. 2017), if the config says so.
    pub(crate) fn shown(&self, images: &Tensor, which: &str, index: u64) -> Result<Tensor> {
        let images = self.augmented(images, which, index)?;
        let std = self.config.discriminator_input.instance_noise;
        if std == 0.0 {
            return Ok(images);
        }
        let mut stream = Stream::new(self.stream_seed(), &format!("instance noise/{which}"), index);
        let noise = stream.normals(images.elem_count(), 0.0, std);
        Ok((&images + Tensor::from_vec(noise, images.shape(), images.device())?)?)
    }

    fn augmented(&self, images: &Tensor, which: &str, index: u64) -> Result<Tensor> {
        if self.config.discriminator_input.augment.is_empty() {
            return Ok(images.clone());
        }
        let (count, _, height, width) = images.dims4()?;
        let p = self.ada.as_ref().map_or(self.config.discriminator_input.augment_p, Ada::p);
        let mut stream = Stream::new(self.stream_seed(), &format!("diffaugment/{which}"), index);
        let augment = DiffAugment::new(self.config.discriminator_input.augment.clone());
        let params = augment.draw(count, (height, width), p, &mut stream);
        Ok(augment::apply(images, &params)?)
    }

    /// What D is told of images that are real (1) or generated (0): smoothed, and of some the opposite, if the config says
    /// so.
    pub(crate) fn targets(&self, logits: &Tensor, truth: f64, index: u64) -> Result<Tensor> {
        let config = &self.config;
        let (told, opposite) =
            (1.0 - config.objective.label_smoothing, config.objective.label_smoothing_fake);
        let (told, opposite) = if truth == 1.0 { (told, opposite) } else { (opposite, told) };
        if config.objective.label_noise == 0.0 {
            return Ok(Judged::as_of(logits, told)?.targets);
        }
        let mut stream = Stream::new(self.stream_seed(), &format!("label noise/{truth}"), index);
        let target = |_| if stream.chance(config.objective.label_noise) { opposite } else { told };
        let targets: Vec<f64> = (0..logits.elem_count()).map(target).collect();
        Ok(Tensor::from_vec(targets, logits.shape(), logits.device())?.to_dtype(logits.dtype())?)
    }
}
