//! The parts of a data set.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// Which part of a published data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Split {
    /// The images to learn from.
    Train,
    /// The images held back.
    Test,
}
