//! How networks are told of classes.

use crate::named::name_of;
use serde::{Deserialize, Serialize};

/// How a generator is told which class to make, and a discriminator which class an image is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// All of them, with the names used in configs and on the command line.
    pub const ALL: [(&'static str, Conditional); 4] = [
        ("concat", Conditional::Concat),
        ("embed", Conditional::Embed),
        ("projection", Conditional::Projection),
        ("acgan", Conditional::Acgan),
    ];

    /// Its name in configs.
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}
