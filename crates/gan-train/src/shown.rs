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
        let std = self.config.instance_noise;
        if std == 0.0 {
            return Ok(images);
        }
        let mut stream = Stream::new(self.stream_seed(), &format!("instance noise/{which}"), index);
        let noise = stream.normals(images.elem_count(), 0.0, std);
        Ok((&images + Tensor::from_vec(noise, images.shape(), images.device())?)?)
    }

    fn augmented(&self, images: &Tensor, which: &str, index: u64) -> Result<Tensor> {
        if self.config.augment.is_empty() {
            return Ok(images.clone());
        }
        let (count, _, height, width) = images.dims4()?;
        let p = self.ada.as_ref().map_or(self.config.augment_p, Ada::p);
        let mut stream = Stream::new(self.stream_seed(), &format!("diffaugment/{which}"), index);
        let augment = DiffAugment::new(self.config.augment.clone());
        let params = augment.draw(count, (height, width), p, &mut stream);
        Ok(augment::apply(images, &params)?)
    }

    /// What D is told of images that are real (1) or generated (0): smoothed, and of some the opposite, if the config says
    /// so.
    pub(crate) fn targets(&self, logits: &Tensor, truth: f64, index: u64) -> Result<Tensor> {
        let config = &self.config;
        let (told, opposite) = (1.0 - config.label_smoothing, config.label_smoothing_fake);
        let (told, opposite) = if truth == 1.0 { (told, opposite) } else { (opposite, told) };
        if config.label_noise == 0.0 {
            return Ok(Judged::as_of(logits, told)?.targets);
        }
        let mut stream = Stream::new(self.stream_seed(), &format!("label noise/{truth}"), index);
        // Rounded here: not every device has f64.
        let [told, opposite] = [told, opposite].map(|target| target as f32);
        let target = |_| if stream.chance(config.label_noise) { opposite } else { told };
        let targets: Vec<f32> = (0..logits.elem_count()).map(target).collect();
        Ok(Tensor::from_vec(targets, logits.shape(), logits.device())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainConfig;
    use candle_core::{DType, Device};

    #[test]
    fn noisy_targets_are_f32_and_of_each_kind() {
        let text = "image_size = 8\nbase_width = 2\nlabel_noise = 0.3\nlabel_smoothing = 0.1\n\
                    label_smoothing_fake = 0.2";
        let config = TrainConfig::from_toml(text).unwrap().resolve().unwrap();
        let trainer = Trainer::new(&config, &config.model_config(1, &[]), &Device::Cpu).unwrap();
        let logits = Tensor::zeros(1000, DType::F32, &Device::Cpu).unwrap();
        let told = |truth, index| trainer.targets(&logits, truth, index).unwrap().to_vec1::<f32>().unwrap();
        let [smooth, opposite] = [1.0 - 0.1, 0.2].map(|target: f64| target as f32);
        for (truth, right, wrong) in [(1.0, smooth, opposite), (0.0, opposite, smooth)] {
            let targets = told(truth, 0);
            let count = |target: f32| targets.iter().filter(|&&told| told == target).count();
            assert_eq!(count(right) + count(wrong), 1000);
            assert!((250..350).contains(&count(wrong)), "{}", count(wrong));
            assert!(targets == told(truth, 0) && targets != told(truth, 1));
        }
    }
}
