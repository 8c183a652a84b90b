//! What the discriminator is shown of images, and what it is told of them.

use super::{LogitsAndTargets, Side};
use crate::augment::{self, Ada, DiffAugment, Policy};
use crate::error::Result;
use candle_core::Tensor;
use gan_nn::State;
use gan_rng::Stream;

/// What the discriminator is shown of images, real and generated alike, and what it is told of them. By default the images
/// as they are, and the truth.
#[derive(Default)]
pub struct DiscriminatorInput {
    /// How images are changed (DiffAugment).
    pub augment: Policy,
    /// How likely each change is for an image, where it is not adapted.
    pub augment_p: f64,
    /// Adapts that.
    pub ada: Option<Ada>,
    /// Standard deviation of the noise on images (instance noise, Soenderby et al. 2017).
    pub instance_noise: f64,
    /// Real images are called real with probability 1 minus this.
    pub label_smoothing: f64,
    /// Generated images are called real with this probability.
    pub label_smoothing_fake: f64,
    /// Probability that a label is flipped.
    pub label_noise: f64,
}

impl DiscriminatorInput {
    /// Images as D is shown them: augmented, and with noise.
    pub(super) fn show(&self, images: &Tensor, which: &str, index: u64, seed: u64) -> Result<Tensor> {
        let images = self.augmented(images, which, index, seed)?;
        let std = self.instance_noise;
        if std == 0.0 {
            return Ok(images);
        }
        let mut stream = Stream::new(seed, &format!("instance noise/{which}"), index);
        let noise = stream.normals(images.elem_count(), 0.0, std);
        Ok((&images + Tensor::from_vec(noise, images.shape(), images.device())?)?)
    }

    fn augmented(&self, images: &Tensor, which: &str, index: u64, seed: u64) -> Result<Tensor> {
        if self.augment.is_empty() {
            return Ok(images.clone());
        }
        let (count, _, height, width) = images.dims4()?;
        let p = self.ada_p().unwrap_or(self.augment_p);
        let mut stream = Stream::new(seed, &format!("diffaugment/{which}"), index);
        let params = DiffAugment::new(self.augment.clone()).draw(count, (height, width), p, &mut stream);
        Ok(augment::apply(images, &params)?)
    }

    /// What D is told of its logits of real (1) or generated (0) images: smoothed, and of some the opposite.
    pub(super) fn tell(&self, logits: Tensor, side: Side, index: u64, seed: u64) -> Result<LogitsAndTargets> {
        let (real, fake) = (1.0 - self.label_smoothing, self.label_smoothing_fake);
        let (truth, told, opposite) = match side {
            Side::Real => (1, real, fake),
            Side::Fake => (0, fake, real),
        };
        if self.label_noise == 0.0 {
            return Ok(LogitsAndTargets::all(&logits, told)?);
        }
        let mut stream = Stream::new(seed, &format!("label noise/{truth}"), index);
        let mut target = || if stream.chance(self.label_noise) { opposite } else { told } as f32;
        let targets: Vec<f32> = (0..logits.elem_count()).map(|_| target()).collect();
        let targets = Tensor::from_vec(targets, logits.shape(), logits.device())?;
        Ok(LogitsAndTargets { targets: targets.to_dtype(logits.dtype())?, logits })
    }

    /// Takes in D's logits of real images, by which ADA goes.
    pub(super) fn observe(&mut self, real: &Tensor) -> Result<()> {
        Ok(self.ada.as_mut().map_or(Ok(()), |ada| ada.observe(real))?)
    }

    /// How likely a change is, where ADA adapts it.
    pub(super) fn ada_p(&self) -> Option<f64> {
        self.ada.as_ref().map(Ada::p)
    }

    /// What ADA has seen.
    pub(super) fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        if let Some(ada) = &mut self.ada {
            state.part("ada", ada.state());
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn noisy_targets_are_f32_and_of_each_kind() {
        let (label_noise, label_smoothing, label_smoothing_fake) = (0.3, 0.1, 0.2);
        let input = DiscriminatorInput {
            label_noise,
            label_smoothing,
            label_smoothing_fake,
            ..DiscriminatorInput::default()
        };
        let logits = Tensor::zeros(1000, DType::F32, &Device::Cpu).unwrap();
        let told = |side, index| {
            input.tell(logits.clone(), side, index, 0).unwrap().targets.to_vec1::<f32>().unwrap()
        };
        let [smooth, opposite] = [1.0 - 0.1, 0.2].map(|target: f64| target as f32);
        for (side, right, wrong) in [(Side::Real, smooth, opposite), (Side::Fake, opposite, smooth)] {
            let targets = told(side, 0);
            let count = |target: f32| targets.iter().filter(|&&told| told == target).count();
            assert_eq!(count(right) + count(wrong), 1000);
            assert!((250..350).contains(&count(wrong)), "{}", count(wrong));
            assert!(targets == told(side, 0) && targets != told(side, 1));
        }
    }
}
