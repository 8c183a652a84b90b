//! The kinds of networks there are.

use gan_nn::{Norm, Upsample};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// The one image side that the notebook's networks make, px.
pub(crate) const NOTEBOOK_SIDE: usize = 46;

/// The kinds of networks there are.
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
pub enum Architecture {
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

impl Architecture {
    /// Its name in configs.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The width its authors chose for images whose shorter side has so many px.
    pub fn default_base_width(self, side: usize) -> usize {
        match self {
            Architecture::Dcgan => 64,
            Architecture::Notebook => 16,
            Architecture::Mlp => 256,
            Architecture::Sngan | Architecture::Sagan if side < 64 => 128,
            Architecture::Sngan | Architecture::Sagan => 64,
        }
    }

    /// The norm that its authors' discriminator has.
    pub fn norm_d(self) -> Norm {
        match self {
            Architecture::Dcgan | Architecture::Notebook => Norm::Batch,
            Architecture::Mlp => Norm::None,
            Architecture::Sngan | Architecture::Sagan => Norm::Spectral,
        }
    }

    /// The norm that its authors' generator has.
    pub fn norm_g(self) -> Norm {
        if self == Architecture::Mlp { Norm::None } else { Norm::Batch }
    }

    /// How its authors' generator doubles the size of images.
    pub fn upsample(self) -> Upsample {
        match self {
            Architecture::Sngan | Architecture::Sagan => Upsample::Nearest,
            _ => Upsample::Transposed,
        }
    }

    pub(crate) fn can_upsample_by(self, by: Upsample) -> bool {
        by == self.upsample()
            || matches!(self, Architecture::Dcgan | Architecture::Sngan | Architecture::Sagan)
    }

    /// The only image side (px) the architecture can make, where there is only one.
    pub fn fixed_image_size(self) -> Option<usize> {
        (self == Architecture::Notebook).then_some(NOTEBOOK_SIDE)
    }
}
