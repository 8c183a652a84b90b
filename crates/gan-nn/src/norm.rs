//! What can stand between the layers of a network.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// How a network keeps its activations or weights in bounds: what stands behind its layers, or is done to their weights.
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
pub enum Norm {
    /// Batch norm (Ioffe & Szegedy 2015): by the batch. What becomes of an image depends on the others beside it.
    Batch,
    /// Instance norm (Ulyanov et al. 2016): each channel of each image by itself.
    Instance,
    /// Layer norm (Ba et al. 2016): each image by itself, all channels together; what WGAN-GP's authors recommend.
    Layer,
    /// Spectral norm (Miyato et al. 2018): weights divided by their largest singular value, so that each layer is
    /// 1-Lipschitz. Activations are left as they are.
    Spectral,
    /// Nothing.
    None,
}

/// How a generator doubles the size of its images.
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
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Upsample {
    /// Transposed convolution, kernel 4, stride 2 (Radford et al. 2016).
    Transposed,
    /// Nearest neighbours, then a convolution of kernel 3: no checkerboards (Odena et al. 2016).
    Nearest,
    /// A convolution of kernel 3 to four times the channels, which become pixels (Shi et al. 2016).
    PixelShuffle,
}
