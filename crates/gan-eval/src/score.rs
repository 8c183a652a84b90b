//! A score, and what it was measured by.

use crate::extractor::FeatureExtractor;
use crate::pretrained_features::PretrainedFeatures;
use serde::{Deserialize, Serialize};
use std::fmt;
use strum::IntoStaticStr;

/// What a score says. As text it is a key: `fd`, `class_divergence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum ScoreKind {
    /// Fréchet distance.
    Fd,
    /// Kernel distance.
    Kid,
    /// The part of the generated images that lie among the real ones.
    Precision,
    /// The part of the real images that lie among the generated ones.
    Recall,
    /// Real neighbourhoods that a generated image lies in, by what is to be expected.
    Density,
    /// The part of the real images that have a generated one near.
    Coverage,
    /// Inception Score.
    Is,
    /// Kullback-Leibler divergence of the classes to an even spread.
    ClassDivergence,
    /// The part of the generated images that are copies of real ones.
    Copies,
}

impl ScoreKind {
    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fd => "FD",
            Self::Kid => "KID",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Density => "density",
            Self::Coverage => "coverage",
            Self::Is => "IS",
            Self::ClassDivergence => "class divergence",
            Self::Copies => "copies",
        }
    }

    /// Whether more is better.
    pub fn higher_is_better(self) -> bool {
        !matches!(self, Self::Fd | Self::Kid | Self::ClassDivergence | Self::Copies)
    }
}

/// How a score came about. Scores of other protocols are not to be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// The features.
    pub features: String,
    /// SHA-256 of the weights that made them.
    pub digest: String,
    /// How images are brought to the size of the network.
    pub resizer: String,
    /// Real images.
    pub n_real: usize,
    /// Generated images.
    pub n_fake: usize,
    /// The part of the data set that the real images are from.
    pub split: String,
}

/// A number with what it says and its protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What it says.
    pub kind: ScoreKind,
    /// Its value.
    pub value: f64,
    /// Its standard deviation, where the measure has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deviation: Option<f64>,
    /// How it was measured.
    pub protocol: Protocol,
    /// What to keep in mind about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub warning: Option<String>,
}

impl Protocol {
    /// Of features of a network.
    pub fn of(extractor: &dyn FeatureExtractor, n_real: usize, n_fake: usize, split: &str) -> Self {
        Self {
            features: extractor.name(),
            digest: extractor.digest().to_owned(),
            resizer: extractor.resizer(),
            n_real,
            n_fake,
            split: split.to_owned(),
        }
    }
}

impl Score {
    /// What it says, as people write it. The Fréchet distance is called FID only by the features of
    /// InceptionV3, of images that have been brought to its size as pytorch-fid does it.
    pub fn title(&self) -> &'static str {
        let Protocol { features, resizer, .. } = &self.protocol;
        let is_pytorch_fids =
            features == PretrainedFeatures::INCEPTION && resizer == PretrainedFeatures::INCEPTION_RESIZER;
        match self.kind {
            ScoreKind::Fd if is_pytorch_fids => "FID",
            kind => kind.title(),
        }
    }
}

/// `FD (digits classifier) 3.214`, never just the value.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) {:.4}", self.title(), self.protocol.features, self.value)?;
        match self.deviation {
            Some(deviation) => write!(f, " ± {deviation:.4}"),
            None => Ok(()),
        }
    }
}
