//! How networks are told of classes.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// How a generator is told which class to make, and a discriminator which class an image is said to be.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Conditional {
    /// As numbers beside the input of both, 1 for the class and 0 for the others; for images as planes (Mirza & Osindero
    /// 2014).
    Concat,
    /// As a learned vector beside the latent, and a learned plane beside the image.
    Embed,
    /// In G by conditional batch norm; in D by the inner product of the features with a vector of the class, added to the
    /// logit (Miyato & Koyama 2018).
    Projection,
    /// In G as numbers beside the latent; D is not told, but has to say it (AC-GAN, Odena et al. 2017).
    Acgan,
}

impl Conditional {
    /// Its name in configs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
