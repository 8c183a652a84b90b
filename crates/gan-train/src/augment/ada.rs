//! How many images to change.

use candle_core::{DType, Device, Result, Tensor};
use gan_nn::State;

/// The adaptive probability of Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (ADA).
///
/// A discriminator that learns its images by heart is sure of them: the sign of its logit,
///
/// `r = E[sign(D(real))]`,
///
/// goes to 1. After every 4 batches the probability of a change is moved one notch towards where r is the target 0.6,
///
/// `p <- clamp(p + sign(r - target) * images / 500_000, 0, 1)`,
///
/// with the images of these 4 batches: from 0 to 1 in no less than 500 000 images. D(real) are the logits of the real
/// images as D sees them, so after augmentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Ada {
    target: f64,
    /// The bits of p: what is saved are whole numbers.
    p_bits: u64,
    /// Since the last change of p: batches, images, and how many of these D called real and generated.
    batches: u64,
    images: u64,
    positive: u64,
    negative: u64,
}

impl Ada {
    /// The r that Karras et al. aim at.
    pub const TARGET: f64 = 0.6;
    /// Batches from one change of p to the next.
    pub const INTERVAL: u64 = 4;
    /// Images in which p can go from 0 to 1.
    pub const IMAGES_TO_ONE: u64 = 500_000;

    /// A controller that begins at p = 0. `target` is between -1 and 1; [`Ada::TARGET`] is usual.
    pub fn new(target: f64) -> Self {
        Self { target, p_bits: 0f64.to_bits(), batches: 0, images: 0, positive: 0, negative: 0 }
    }

    /// The probability with which an image is to be changed.
    pub fn p(&self) -> f64 {
        f64::from_bits(self.p_bits)
    }

    /// Takes in D's logits of a batch of real images, of any shape.
    pub fn observe(&mut self, real_logits: &Tensor) -> Result<()> {
        // Converted on the CPU: not every device has f64.
        let logits = real_logits.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        let logits = logits.flatten_all()?.to_vec1::<f64>()?;
        let count = |is: fn(&f64) -> bool| logits.iter().filter(|logit| is(logit)).count() as u64;
        self.batches += 1;
        self.images += logits.len() as u64;
        self.positive += count(|logit| *logit > 0.0);
        self.negative += count(|logit| *logit < 0.0);
        if self.batches >= Self::INTERVAL {
            self.adjust();
        }
        Ok(())
    }

    fn adjust(&mut self) {
        let images = self.images as f64;
        let r = (self.positive as f64 - self.negative as f64) / images;
        let notch = images / Self::IMAGES_TO_ONE as f64;
        // Not f64::signum, whose sign of 0 is 1.
        let p = match r.partial_cmp(&self.target) {
            Some(std::cmp::Ordering::Greater) => self.p() + notch,
            Some(std::cmp::Ordering::Less) => self.p() - notch,
            _ => self.p(),
        };
        self.p_bits = p.clamp(0.0, 1.0).to_bits();
        (self.batches, self.images, self.positive, self.negative) = (0, 0, 0, 0);
    }

    /// All but the target: p, as the bits of an f64, and what was seen since it last changed.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        state.counter("p", &mut self.p_bits);
        state.counter("batches", &mut self.batches);
        state.counter("images", &mut self.images);
        state.counter("positive", &mut self.positive);
        state.counter("negative", &mut self.negative);
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_rng::Stream;

    /// Logits of which so many are positive and the rest negative.
    fn logits(positive: usize, batch: usize) -> Tensor {
        let values = (0..batch).map(|i| if i < positive { 3.0f32 } else { -0.1 }).collect();
        Tensor::from_vec(values, batch, &Device::Cpu).unwrap()
    }

    fn observe(ada: &mut Ada, batches: usize, positive: usize) {
        for _ in 0..batches {
            ada.observe(&logits(positive, 50)).unwrap();
        }
    }

    #[test]
    fn p_goes_up_while_d_is_too_sure_and_down_otherwise() {
        let mut ada = Ada::new(Ada::TARGET);
        observe(&mut ada, 3, 50);
        assert_eq!(ada.p(), 0.0); // only every 4 batches
        observe(&mut ada, 1, 50);
        assert_eq!(ada.p(), 200.0 / 500_000.0);
        observe(&mut ada, 36, 45); // r = 0.8
        assert!((ada.p() - 2000.0 / 500_000.0).abs() < 1e-15);
        observe(&mut ada, 20, 40); // r = 0.6: on target
        assert!((ada.p() - 2000.0 / 500_000.0).abs() < 1e-15);
        observe(&mut ada, 20, 39); // r = 0.56
        assert!((ada.p() - 1000.0 / 500_000.0).abs() < 1e-15);
    }

    #[test]
    fn p_stays_between_0_and_1() {
        let mut ada = Ada::new(Ada::TARGET);
        observe(&mut ada, 8, 0);
        assert_eq!(ada.p(), 0.0);
        observe(&mut ada, 10_000, 50); // exactly 500 000 images
        assert!((ada.p() - 1.0).abs() < 1e-12, "{}", ada.p());
        observe(&mut ada, 8, 50);
        assert_eq!(ada.p(), 1.0);
        observe(&mut ada, 4, 0);
        assert_eq!(ada.p(), 1.0 - 200.0 / 500_000.0);
    }

    #[test]
    fn logits_of_0_and_nan_have_no_sign_and_an_empty_batch_does_no_harm() {
        let mut ada = Ada::new(0.0);
        for _ in 0..4 {
            ada.observe(&Tensor::new(&[[0f64, -0.0, f64::NAN, 1.0, -1.0]], &Device::Cpu).unwrap()).unwrap();
        }
        assert_eq!(ada.p(), 0.0);
        for _ in 0..4 {
            ada.observe(&Tensor::zeros(0, DType::F32, &Device::Cpu).unwrap()).unwrap();
        }
        assert_eq!(ada.p(), 0.0);
    }

    #[test]
    fn p_is_the_same_after_a_save_and_restore_in_the_middle() {
        let batch = |step: u64| {
            let mut stream = Stream::new(2, "logits", step);
            let sure = if (step / 10).is_multiple_of(2) { 1.5 } else { 0.2 };
            Tensor::from_vec(stream.normals(16, sure, 1.0), 16, &Device::Cpu).unwrap()
        };
        let mut uninterrupted = Ada::new(Ada::TARGET);
        for step in 0..50 {
            uninterrupted.observe(&batch(step)).unwrap();
        }
        assert!(uninterrupted.p() > 0.0);
        for stop in 0..50 {
            let mut before = Ada::new(Ada::TARGET);
            (0..stop).for_each(|step| before.observe(&batch(step)).unwrap());
            let (tensors, counters) = (before.state().tensors(), before.state().counters());
            let mut after = Ada::new(Ada::TARGET);
            after.state().restore(&tensors, &counters).unwrap();
            assert_eq!(after, before);
            (stop..50).for_each(|step| after.observe(&batch(step)).unwrap());
            assert_eq!(after.p().to_bits(), uninterrupted.p().to_bits(), "stopped after {stop} batches");
        }
    }
}
