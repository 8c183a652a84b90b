//! Which features there are.

use crate::classifier_features::ClassifierFeatures;
use crate::error::Result;
use crate::extractor::FeatureExtractor;
use crate::random_features::RandomFeatures;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// Features that need no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum FeatureKind {
    /// Those of the classifier of the embedded digits: [`ClassifierFeatures::digits`].
    Digits,
    /// Those of convolutions that have learned nothing: [`RandomFeatures`].
    Random,
}

impl FeatureKind {
    /// What suits a data set of this name.
    pub fn for_dataset(name: &str) -> Self {
        if name == "digits" { Self::Digits } else { Self::Random }
    }

    /// The network.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn open(self) -> Result<Box<dyn FeatureExtractor>> {
        Ok(match self {
            Self::Digits => Box::new(ClassifierFeatures::digits()?),
            Self::Random => Box::new(RandomFeatures::new()?),
        })
    }
}
