//! `[objective]`

use crate::config::Range;
use crate::config::limits::{MOST_BATCHES, MOST_COUNTED};
use crate::config::setting::{Preset, section};
use crate::gan::Loss;

/// What WGAN-GP's authors train with (Gulrajani et al. 2017).
const WGAN_GP: Preset = &[("loss", "wasserstein"), ("gradient_penalty", "10"), ("norm_d", "layer")];

section! {
    /// What the two players minimise.
    ObjectiveSettings = "objective" {
        /// What the players minimise; wgan-gp stands for wasserstein with gradient penalty 10 and layer norm
        /// in the discriminator
        loss: Loss = Loss::NonSaturating, synonyms = &[("bce", "non-saturating")],
            presets = &[("wgan-gp", WGAN_GP)];
        /// Label smoothing: real images are called real with probability 1 minus this
        label_smoothing: f64 = 0.0, value_name = "P", range = Range::below(0.0, 0.5), hint = "0.1 is usual";
        /// Its other side: generated images are called real with this probability
        label_smoothing_fake: f64 = 0.0, value_name = "P", range = Range::below(0.0, 0.5),
            hint = "0.1 is usual";
        /// Noisy labels: the probability that a label is flipped
        label_noise: f64 = 0.0, value_name = "P", range = Range::below(0.0, 0.5), hint = "0.1 is usual";
        /// With --conditional acgan: how much the classes that the discriminator reads count beside the loss
        class_weight: f64 = 1.0, value_name = "WEIGHT", range = Range::at_least(0.0);
        /// WGAN-GP: how much the discriminator's gradient is to have norm 1 between real and generated
        /// images; 10 is usual, 0 is off
        gradient_penalty: f64 = 0.0, value_name = "WEIGHT", range = Range::at_least(0.0), hint = "0 is off";
        /// DRAGAN: how much it is to have norm 1 near real images; 10 is usual, 0 is off
        dragan: f64 = 0.0, value_name = "WEIGHT", range = Range::at_least(0.0), hint = "0 is off";
        /// R1: how much the discriminator's gradient is to vanish at real images; 0 is off
        r1: f64 = 0.0, value_name = "WEIGHT", range = Range::at_least(0.0), hint = "0 is off";
        /// R2: how much it is to vanish at generated images; 0 is off
        r2: f64 = 0.0, value_name = "WEIGHT", range = Range::at_least(0.0), hint = "0 is off";
        /// Updates of the discriminator from one with penalties to the next; they count as many times (lazy
        /// regularization)
        penalty_every: u64 = 1, range = Range::whole(1, MOST_COUNTED);
        /// Updates of the discriminator for each of the generator
        n_critic: u64 = 1, range = Range::whole(1, MOST_BATCHES);
    }
}
