//! Settings that make no sense, alone or together: refused before the first step, with a reason.

use super::{Crop, Fit, TrainConfig};
use crate::error::{Error, Result};
use crate::gan::Loss;
use gan_data::Background;
use gan_models::{Architecture, Norm};
use gan_nn::Schedule;

impl TrainConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        let refuse = |what: String, hint: &str| Err(Error::config(what, hint));
        self.check_limits()?;
        if self.steps.is_some() && self.epochs.is_some() {
            return refuse("both steps and epochs are given".into(), "give one of them");
        }
        if !(0.0..=1.0).contains(&self.color_jitter) {
            return refuse(format!("color_jitter is {}", self.color_jitter), "use 0 to 1; 0.1 is gentle");
        }
        if let Some(channels) = self.channels.filter(|channels| ![1, 3, 4].contains(channels)) {
            let hint = "use 1 for gray, 3 for colour or 4 for colour with alpha";
            return refuse(format!("channels is {channels}"), hint);
        }
        for (name, lr) in [("lr", self.lr), ("lr_d", self.lr_d.unwrap_or(self.lr))] {
            if !(lr > 0.0 && lr.is_finite()) {
                return refuse(format!("{name} is {lr}"), "use a small number above 0, such as 2e-4");
            }
        }
        for (name, value) in [
            ("instance_noise", self.instance_noise),
            ("class_weight", self.class_weight),
            ("clip_grad", self.clip_grad),
            ("clip_weights", self.clip_weights),
            ("gradient_penalty", self.gradient_penalty),
            ("dragan", self.dragan),
            ("r1", self.r1),
            ("r2", self.r2),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(format!("{name} is {value}"), "use 0 for none, or a number above 0");
            }
        }
        if !(0.0..=1.0).contains(&self.augment_p) {
            return refuse(format!("augment_p is {}", self.augment_p), "use a probability, 0 to 1");
        }
        if let Some(target) = self.ada_target.filter(|target| !(-1.0..1.0).contains(target)) {
            return refuse(
                format!("ada_target is {target}"),
                "use -1 or more, and less than 1; 0.6 is usual",
            );
        }
        for (name, value) in [("beta1", self.beta1), ("beta2", self.beta2), ("ema", self.ema)] {
            if !(0.0..1.0).contains(&value) {
                return refuse(format!("{name} is {value}"), "use 0 or more, and less than 1");
            }
        }
        for (name, value) in [
            ("label_smoothing", self.label_smoothing),
            ("label_smoothing_fake", self.label_smoothing_fake),
            ("label_noise", self.label_noise),
        ] {
            if !(0.0..0.5).contains(&value) {
                let hint = "use 0 or more, and less than 0.5; 0.1 is usual";
                return refuse(format!("{name} is {value}"), hint);
            }
        }
        self.check_combinations()
    }

    fn critic_is_bounded(&self, norm_d: Norm) -> bool {
        let penalties = [self.gradient_penalty, self.dragan, self.r1, self.r2, self.clip_weights];
        norm_d == Norm::Spectral || penalties.iter().any(|&weight| weight > 0.0)
    }

    /// Settings that are right one by one, but not together.
    fn check_combinations(&self) -> Result<()> {
        let refuse = |what: &str, hint: &str| Err(Error::config(what, hint));
        if self.channels == Some(4) && matches!(self.background, Some(Background::Color(_))) {
            let what = "channels is 4, which keeps images transparent, and there is a background";
            return refuse(what, "leave out one of the two");
        }
        if self.fit == Some(Fit::Pad) && self.crop != Crop::Center {
            let what = "nothing is cropped of a padded image, and crop asks for a random part";
            return refuse(what, "leave out crop, or use fit = \"crop\"");
        }
        let name = self.loss.name();
        if !self.loss.has_targets() {
            let told = [self.label_smoothing, self.label_smoothing_fake, self.label_noise];
            if told.iter().any(|&value| value > 0.0) {
                let what =
                    format!("the {name} loss tells D no number for an image that could be smoothed or wrong");
                return refuse(&what, "leave label_smoothing, label_smoothing_fake and label_noise at 0");
            }
        }
        if self.ada_target.is_some() && !self.loss.decides_at_zero() {
            let what = format!(
                "ADA tells by the sign of D's logits how sure D is, and with the {name} loss that says nothing"
            );
            return refuse(&what, "use the non-saturating, minimax or hinge loss, or leave out ada_target");
        }
        let norm_d = self.norm_d.unwrap_or(self.model.norm_d());
        if self.gradient_penalty > 0.0 && norm_d == Norm::Batch {
            let what =
                "WGAN-GP's penalty is on the gradient of each image alone, and with batch norm D has none";
            return refuse(
                what,
                "use norm_d = \"layer\" (its authors' choice), \"instance\", \"spectral\" or \"none\"",
            );
        }
        if self.clip_weights > 0.0 && norm_d == Norm::Spectral {
            let what =
                "spectral norm divides weights by their size, so that clipping them has no effect on D";
            return refuse(what, "leave out clip_weights, or use another norm_d");
        }
        if self.loss == Loss::Wasserstein && !self.critic_is_bounded(norm_d) {
            let what =
                "the wasserstein loss needs a critic whose slope is bounded, and nothing here bounds it";
            return refuse(
                what,
                "give gradient_penalty = 10 with norm_d = \"layer\", or clip_weights = 0.01, or norm_d = \"spectral\"",
            );
        }
        if self.augment.is_empty() && self.ada_target.is_some() {
            let what = "ada_target is given, but there is no augmentation to adapt";
            return refuse(what, "name the changes too: augment = \"color,translation,cutout\"");
        }
        if self.is_of_points() && !self.augment.is_empty() {
            return refuse("points of the plane cannot be augmented", "leave out augment");
        }
        if self.is_of_points() {
            let size = self.image_size();
            if (size.height, size.width) != (1, 2) || self.channels.is_some_and(|channels| channels != 1) {
                let what =
                    format!("{} is of points, which are images of 1x2 gray pixels, not {size}", self.dataset);
                return refuse(&what, "leave out image_size and channels");
            }
            if self.model != Architecture::Mlp {
                let what =
                    format!("{} is of points, which only fully connected networks can make", self.dataset);
                return refuse(&what, "use the mlp model");
            }
            if self.crop != Crop::Center || self.flip || self.color_jitter > 0.0 {
                let what =
                    format!("{} is of points, which cannot be cropped, mirrored or coloured", self.dataset);
                return refuse(&what, "leave out crop, flip and color_jitter");
            }
        }
        if self.schedule != Schedule::Constant && self.decay_steps.is_none() {
            let what = "a schedule needs to know over how many steps learning rates go down";
            return refuse(what, "give decay_steps with epochs, or steps in place of epochs");
        }
        Ok(())
    }
}
