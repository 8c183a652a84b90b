//! `[discriminator_input]`

use crate::augment::Policy;
use crate::config::Range;
use crate::config::setting::section;

section! {
    /// What is done to images, real and generated alike, before the discriminator gets them.
    DiscriminatorInputSettings = "discriminator_input" {
        /// Change images, real and generated alike, before the discriminator gets them (DiffAugment): any of
        /// color,translation,cutout
        augment: Policy = Policy::default(), is_common = true;
        /// Probability of each of these changes for an image; where ADA adapts it, it starts at 0 instead
        augment_p: f64 = 1.0, value_name = "P", range = Range::to(0.0, 1.0);
        /// Adapt that (ADA), to this mean sign of the discriminator's logits of real images; 0.6 is usual
        ada_target: Option<f64> = None, value_name = "TARGET", range = Range::below(-1.0, 1.0),
            hint = "0.6 is usual";
        /// Instance noise: standard deviation of the noise on all images that the discriminator gets, which
        /// are in [-1, 1]
        instance_noise: f64 = 0.0, value_name = "STD", range = Range::at_least(0.0), hint = "0 is off";
    }
}
