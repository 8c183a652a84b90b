//! Choices that only a config knows.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// What to do when a loss or gradient is no longer a number. The update is not applied in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum OnDivergence {
    /// Stop with an error.
    Stop,
    /// Go back to the last checkpoint, with half the learning rate and other batches and latents.
    Rollback,
}

/// How images of another shape than the wanted one are brought to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Fit {
    /// Resized to cover the wanted size, and cut: `crop` says where.
    Crop,
    /// Resized to lie within the wanted size, with a margin around.
    Pad,
    /// Stretched to the wanted size.
    Stretch,
}

/// Which part of an image is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Crop {
    /// The middle, once the image covers the wanted size.
    Center,
    /// Any part, once the image covers the wanted size.
    Random,
    /// A part of half the area at least, of another shape each time, brought to the wanted size.
    RandomResized,
}
