//! The kinds of networks there are.

use crate::named::name_of;
use crate::norm::{Norm, Upsample};
use serde::{Deserialize, Serialize};

/// The one image side that the notebook's networks make, px.
pub(crate) const NOTEBOOK_SIDE: usize = 46;

/// The kinds of networks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The convolutional networks of PyTorch's DCGAN example (Radford et al. 2016).
    Dcgan,
    /// The small convolutional networks of a well-known notebook: kernel 4, stride 2, no padding, 46x46 images.
    Notebook,
    /// Fully connected networks (Goodfellow et al. 2014).
    Mlp,
    /// Residual networks with spectral norm in the discriminator, for 32 to 128 px (Miyato et al. 2018).
    Sngan,
    /// The same with self-attention, and spectral norm in the generator too (Zhang et al. 2019).
    Sagan,
}

impl Family {
    /// All of them, with the names used in configs and on the command line.
    pub const ALL: [(&'static str, Family); 5] = [
        ("dcgan", Family::Dcgan),
        ("notebook", Family::Notebook),
        ("mlp", Family::Mlp),
        ("sngan", Family::Sngan),
        ("sagan", Family::Sagan),
    ];

    /// Its name in configs.
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }

    /// The width its authors chose for images whose shorter side has so many px.
    pub fn default_base_width(self, side: usize) -> usize {
        match self {
            Family::Dcgan => 64,
            Family::Notebook => 16,
            Family::Mlp => 256,
            Family::Sngan | Family::Sagan if side < 64 => 128,
            Family::Sngan | Family::Sagan => 64,
        }
    }

    /// The norm that its authors' discriminator has.
    pub fn norm_d(self) -> Norm {
        match self {
            Family::Dcgan | Family::Notebook => Norm::Batch,
            Family::Mlp => Norm::None,
            Family::Sngan | Family::Sagan => Norm::Spectral,
        }
    }

    /// The norm that its authors' generator has.
    pub fn norm_g(self) -> Norm {
        if self == Family::Mlp { Norm::None } else { Norm::Batch }
    }

    /// How its authors' generator doubles the size of images.
    pub fn upsample(self) -> Upsample {
        match self {
            Family::Sngan | Family::Sagan => Upsample::Nearest,
            _ => Upsample::Transposed,
        }
    }

    pub(crate) fn can_upsample_by(self, by: Upsample) -> bool {
        by == self.upsample() || matches!(self, Family::Dcgan | Family::Sngan | Family::Sagan)
    }

    /// The only image side (px) the family can make, where there is only one.
    pub fn fixed_image_size(self) -> Option<usize> {
        (self == Family::Notebook).then_some(NOTEBOOK_SIDE)
    }
}
