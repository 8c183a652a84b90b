//! One picture, or a film.

use gan_report::film;
use strum::{Display, EnumString, VariantNames};

/// What images are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum PictureFormat {
    /// One picture: a row a way.
    Png,
    Gif,
    Apng,
    Webp,
}

impl PictureFormat {
    /// The format of films, if it is one.
    pub fn of_film(self) -> Option<film::Format> {
        match self {
            Self::Png => None,
            Self::Gif => Some(film::Format::Gif),
            Self::Apng => Some(film::Format::Apng),
            Self::Webp => Some(film::Format::Webp),
        }
    }
}
