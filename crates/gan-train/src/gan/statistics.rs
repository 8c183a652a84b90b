//! The numbers of a step.

use super::{Gan, Side};
use crate::error::Result;
use crate::system::{Kind, Moment, Number};
use candle_core::{DType, Tensor};
use gan_models::probability;

/// The sums of an update's statistics, each a mean over its batches.
#[derive(Default)]
pub(super) struct Sums {
    pub err: f64,
    pub err_class: Option<f64>,
    pub penalty: Option<f64>,
    /// Mean output for real images, and for generated ones.
    pub x: f64,
    pub g_z: f64,
    /// The part of the real images that D takes for real, and of the generated ones that it does not.
    pub right_real: f64,
    pub right_fake: f64,
    /// How far the logits of real images lie above those of generated ones.
    pub gap: f64,
    /// How much generated images differ from each other, compared with real ones.
    pub diversity: f64,
    /// How far their mean value lies above that of real ones.
    pub shift: f64,
    pub grad_norm: f64,
}

impl Sums {
    /// Adds what a batch says of D: its losses on real and on generated images, its
    /// [`scores`](Gan::scores), and the [`comparison`].
    pub fn add_discriminator(&mut self, said: [f64; 9]) {
        let [err_real, err_fake, x, g_z, right_real, right_fake, gap, diversity, shift] = said;
        self.err += err_real + err_fake;
        self.x += x;
        self.g_z += g_z;
        self.right_real += right_real;
        self.right_fake += right_fake;
        self.gap += gap;
        self.diversity += diversity;
        self.shift += shift;
    }
}

/// Values of a batch that are enough to see how much its images differ, and images that it takes.
const ENOUGH_VALUES: usize = 1 << 16;
const ENOUGH_IMAGES: usize = 8;

/// How generated images `[N, ...]` compare with real ones `[N, ...]`, as scalars. Diversity is the ratio of
/// their standard deviations over the batch, taken value by value: 1 if they differ as much from each other
/// as real ones do, 0 if they are all the same. The shift is how far their mean value lies above that of
/// real ones, in standard deviations of these. Both are not a number if the real ones are all the same.
pub(super) fn comparison(real: &Tensor, fake: &Tensor) -> Result<[Tensor; 2]> {
    let mean_and_spread = |images: &Tensor| -> Result<(Tensor, Tensor)> {
        let count = images.dim(0)?;
        let enough = (ENOUGH_VALUES * count / images.elem_count().max(1)).max(ENOUGH_IMAGES).min(count);
        let images = images.detach().narrow(0, 0, enough)?.flatten_from(1)?;
        let mean = images.mean_keepdim(0)?;
        let spread = images.broadcast_sub(&mean)?.sqr()?.mean_all()?.sqrt()?;
        Ok((mean.mean_all()?, spread))
    };
    let ((real_mean, real_spread), (mean, spread)) = (mean_and_spread(real)?, mean_and_spread(fake)?);
    Ok([(spread / &real_spread)?, ((mean - real_mean)? / real_spread)?])
}

impl Gan {
    /// D(x) as it is reported: a mean probability, or a mean logit where the loss has no probabilities.
    pub(super) fn mean_score(&self, logits: &Tensor) -> Result<Tensor> {
        let logits = logits.detach();
        let has_probabilities = self.objective.loss.has_probabilities();
        Ok(if has_probabilities { probability(&logits)? } else { logits }.mean_all()?)
    }

    /// What D's logits of real and of generated images come to, as scalars: D(x), D(G(z)), the part of each
    /// that D is right about (0 where the loss sets no boundary), and the gap between their means.
    pub(super) fn scores(&self, real: &Tensor, fake: &Tensor) -> Result<[Tensor; 5]> {
        let (real, fake) = (real.detach(), fake.detach());
        let right = |logits: &Tensor, side: Side| -> Result<Tensor> {
            let Some(boundary) = self.objective.loss.boundary() else {
                return Ok(logits.zeros_like()?.mean_all()?);
            };
            let right = match side {
                Side::Real => logits.gt(boundary)?,
                Side::Fake => logits.le(boundary)?,
            };
            Ok(right.to_dtype(DType::F32)?.mean_all()?)
        };
        let gap = (real.mean_all()? - fake.mean_all()?)?;
        let (right_real, right_fake) = (right(&real, Side::Real)?, right(&fake, Side::Fake)?);
        Ok([self.mean_score(&real)?, self.mean_score(&fake)?, right_real, right_fake, gap])
    }

    /// The numbers of a step, in the order of the log.
    pub(super) fn numbers(&self, d: &Sums, g: &Sums, at: &Moment) -> Vec<Number> {
        let mut all = vec![
            Number::new("errD", Kind::Loss, d.err).shown("errD"),
            Number::new("errG", Kind::Loss, g.err).shown("errG"),
        ];
        all.extend(d.penalty.map(|penalty| Number::new("penalty", Kind::Loss, penalty)));
        all.extend(d.err_class.map(|err| Number::new("errClass", Kind::Loss, err)));
        let (names, labels, kind) = match self.objective.loss.has_probabilities() {
            true => (["d_x", "d_g_z1", "d_g_z2"], ["D(x)", "D(G(z))", "then"], Kind::Probability),
            false => (
                ["logit_x", "logit_g_z1", "logit_g_z2"],
                ["D(x) logit", "D(G(z)) logit", "then"],
                Kind::Logit,
            ),
        };
        for ((name, label), value) in names.into_iter().zip(labels).zip([d.x, d.g_z, g.g_z]) {
            all.push(Number::new(name, kind, value).shown(label));
        }
        if self.objective.loss.boundary().is_some() {
            all.push(Number::new("d_right_real", Kind::Share, d.right_real));
            all.push(Number::new("d_right_fake", Kind::Share, d.right_fake));
        }
        all.push(Number::new("logit_gap", Kind::Logit, d.gap));
        let compared = [("diversity", d.diversity), ("mean_shift", d.shift)];
        let compared = compared.into_iter().filter(|(_, value)| value.is_finite());
        all.extend(compared.map(|(name, value)| Number::new(name, Kind::Ratio, value)));
        all.push(Number::new("grad_norm_d", Kind::Norm, d.grad_norm));
        all.push(Number::new("grad_norm_g", Kind::Norm, g.grad_norm));
        all.push(Number::new("lr", Kind::Rate, self.g.lr(at.rate)));
        all.push(Number::new("lr_d", Kind::Rate, self.d.lr(at.rate)));
        all.extend(self.input.ada_p().map(|p| Number::new("ada_p", Kind::Probability, p)));
        all
    }
}
