//! Settings that make no sense, alone or together: refused before the first step, with a reason.

use super::{Crop, Fit, NO_RECIPE, TrainConfig};
use crate::error::{Error, Result};
use crate::gan::Loss;
use gan_data::Background;
use gan_eval::FeatureKind;
use gan_models::{Architecture, Norm};
use gan_nn::Schedule;

impl TrainConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        self.values().try_for_each(|(setting, value)| setting.check(&value))?;
        if self.recipe != NO_RECIPE {
            return Err(Error::config(
                format!("the recipe {} has not been put below these settings", self.recipe),
                "leave that to `gan train --config`, or write recipe = \"none\"",
            ));
        }
        if self.run.steps.is_some() && self.run.epochs.is_some() {
            return Err(Error::config("both `steps` and `epochs` are given", "give one of them"));
        }
        self.check_combinations()
    }

    fn critic_is_bounded(&self, norm_d: Norm) -> bool {
        let penalties = [
            self.objective.gradient_penalty,
            self.objective.dragan,
            self.objective.r1,
            self.objective.r2,
            self.optimizers.clip_weights,
        ];
        norm_d == Norm::Spectral || penalties.iter().any(|&weight| weight > 0.0)
    }

    /// Settings that are right one by one, but not together.
    fn check_combinations(&self) -> Result<()> {
        let refuse = |what: &str, hint: &str| Err(Error::config(what, hint));
        if self.data.channels == Some(4) && matches!(self.data.background, Some(Background::Color(_))) {
            let what = "`channels` is 4, which keeps images transparent, and there is a background";
            return refuse(what, "leave out one of the two");
        }
        if self.data.fit == Some(Fit::Pad) && self.data.crop != Crop::Center {
            let what = "nothing is cropped of a padded image, and `crop` asks for a random part";
            return refuse(what, "leave out `crop`, or use `fit = \"crop\"`");
        }
        let name = self.objective.loss;
        if !self.objective.loss.has_targets() {
            let told = [
                self.objective.label_smoothing,
                self.objective.label_smoothing_fake,
                self.objective.label_noise,
            ];
            if told.iter().any(|&value| value > 0.0) {
                let what =
                    format!("the {name} loss tells D no number for an image that could be smoothed or wrong");
                return refuse(
                    &what,
                    "leave `label_smoothing`, `label_smoothing_fake` and `label_noise` at 0",
                );
            }
        }
        if self.discriminator_input.ada_target.is_some() && !self.objective.loss.decides_at_zero() {
            let what = format!(
                "ADA tells by the sign of D's logits how sure D is, and with the {name} loss that says nothing"
            );
            return refuse(&what, "use the non-saturating, minimax or hinge loss, or leave out `ada_target`");
        }
        let norm_d = self.model.norm_d.unwrap_or(self.model.model.norm_d());
        if self.objective.gradient_penalty > 0.0 && norm_d == Norm::Batch {
            let what =
                "WGAN-GP's penalty is on the gradient of each image alone, and with batch norm D has none";
            return refuse(
                what,
                "use `norm_d = \"layer\"` (its authors' choice), or instance, spectral or none",
            );
        }
        if self.optimizers.clip_weights > 0.0 && norm_d == Norm::Spectral {
            let what =
                "spectral norm divides weights by their size, so that clipping them has no effect on D";
            return refuse(what, "leave out `clip_weights`, or use another `norm_d`");
        }
        if self.objective.loss == Loss::Wasserstein && !self.critic_is_bounded(norm_d) {
            let what =
                "the wasserstein loss needs a critic whose slope is bounded, and nothing here bounds it";
            return refuse(
                what,
                "give `gradient_penalty = 10` with `norm_d = \"layer\"`, or `clip_weights = 0.01`, or `norm_d = \"spectral\"`",
            );
        }
        if self.discriminator_input.augment.is_empty() && self.discriminator_input.ada_target.is_some() {
            let what = "`ada_target` is given, but there is no augmentation to adapt";
            return refuse(what, "name the changes too: `augment = \"color,translation,cutout\"`");
        }
        if self.is_of_points() && !self.discriminator_input.augment.is_empty() {
            return refuse("points of the plane cannot be augmented", "leave out `augment`");
        }
        if self.is_of_points() && self.eval_every() > 0 {
            let what = "points of the plane are counted by mode, and have no features to measure";
            return refuse(what, "leave out `eval_every`: the modes are counted with every sample plot");
        }
        let features = self.evaluation.eval_features;
        if features == Some(FeatureKind::Inception) && self.evaluation.feature_weights.is_none() {
            let what = "the features inception need the weights of a network";
            return refuse(what, "name their safetensors file: `feature_weights = \"FILE\"`");
        }
        if self.evaluation.feature_weights.is_some() && !features.is_some_and(FeatureKind::takes_weights) {
            let what = "`feature_weights` is given, and the features that are measured take none";
            return refuse(
                what,
                "leave it out, or choose `eval_features = \"lite0\"` or `eval_features = \"inception\"`",
            );
        }
        if self.is_of_points() {
            let size = self.image_size();
            if (size.height, size.width) != (1, 2) || self.data.channels.is_some_and(|channels| channels != 1)
            {
                let what = format!(
                    "{} is of points, which are images of 1x2 gray pixels, not {size}",
                    self.data.dataset
                );
                return refuse(&what, "leave out `image_size` and `channels`");
            }
            if self.model.model != Architecture::Mlp {
                let what = format!(
                    "{} is of points, which only fully connected networks can make",
                    self.data.dataset
                );
                return refuse(&what, "use `model = \"mlp\"`");
            }
            if self.data.crop != Crop::Center || self.data.flip || self.data.color_jitter > 0.0 {
                let what = format!(
                    "{} is of points, which cannot be cropped, mirrored or coloured",
                    self.data.dataset
                );
                return refuse(&what, "leave out `crop`, `flip` and `color_jitter`");
            }
        }
        if self.optimizers.schedule != Schedule::Constant && self.optimizers.decay_steps.is_none() {
            let what = "a schedule needs to know over how many steps learning rates go down";
            return refuse(what, "give `decay_steps` with `epochs`, or `steps` in place of `epochs`");
        }
        Ok(())
    }
}
