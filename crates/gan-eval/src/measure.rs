//! From what is asked for to scores.

use crate::error::{Error, Result};
use crate::extractor::{Extracted, FeatureExtractor};
use crate::health::SampleEvidence;
use crate::metrics::{
    ClassBalance, Gaussian, KidOptions, Moments, frechet_distance, inception_score, kid, nearest_at, prdc,
    to_kth_neighbour,
};
use crate::score::{Protocol, Score, ScoreKind};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// Neighbours that the neighbourhoods of precision and recall reach to (Naeem et al. 2020).
const NEIGHBOURS: usize = 5;
/// Parts over which the Inception Score has its mean, as in its paper.
const SPLITS: usize = 10;

/// What can be measured.
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
pub enum Measure {
    /// Fréchet distance.
    Fd,
    /// Kernel distance.
    Kid,
    /// Precision, recall, density and coverage.
    Prdc,
    /// Inception Score; of features that know classes.
    Is,
    /// How unevenly the classes are made; of features that know classes.
    Classes,
    /// The part of the images that are copies of real ones.
    Copies,
}

impl Measure {
    /// The first of its scores.
    pub fn score(self) -> ScoreKind {
        match self {
            Self::Fd => ScoreKind::Fd,
            Self::Kid => ScoreKind::Kid,
            Self::Prdc => ScoreKind::Precision,
            Self::Is => ScoreKind::Is,
            Self::Classes => ScoreKind::ClassDivergence,
            Self::Copies => ScoreKind::Copies,
        }
    }
}

/// What to measure, the first first: written `fd,kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measures(Vec<Measure>);

impl Measures {
    /// Some, at least one.
    ///
    /// # Errors
    /// What to write instead.
    pub fn new(measures: Vec<Measure>) -> std::result::Result<Self, String> {
        let known = Measure::VARIANTS.join(",");
        match measures.iter().enumerate().find(|(i, measure)| measures[..*i].contains(measure)) {
            _ if measures.is_empty() => Err(format!("name one of {known}, or some of them")),
            Some((_, twice)) => Err(format!("{twice} is there twice")),
            None => Ok(Self(measures)),
        }
    }

    /// The one that decides.
    pub fn first(&self) -> Measure {
        self.0[0]
    }

    /// All of them.
    pub fn list(&self) -> &[Measure] {
        &self.0
    }
}

impl Default for Measures {
    /// The Fréchet distance alone.
    fn default() -> Self {
        Self(vec![Measure::Fd])
    }
}

impl std::str::FromStr for Measures {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let one = |name: &str| {
            let known = Measure::VARIANTS.join(",");
            name.parse().map_err(|_| format!("there is no measure {name:?}: use {known}, or some of them"))
        };
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self::new(names.map(one).collect::<std::result::Result<_, _>>()?)
    }
}

impl std::fmt::Display for Measures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|measure| (*measure).into()).collect();
        f.write_str(&names.join(","))
    }
}

/// The real images, as the measures need them.
#[derive(Clone, Debug)]
pub struct Reference {
    /// What the network says of them.
    pub real: Extracted,
    /// Their mean and covariance.
    gaussian: Gaussian,
    /// The part of the data set that they are from.
    split: String,
    /// The squared distance of each to its nearest neighbour: made when first asked for, as it takes a while.
    apart: OnceCell<Vec<f64>>,
}

impl Reference {
    /// Of the features of real images.
    ///
    /// # Errors
    /// If there are fewer than two.
    pub fn new(real: Extracted, split: &str) -> Result<Self> {
        let gaussian = Moments::of(&real.features)?.gaussian()?;
        Ok(Self { real, gaussian, split: split.to_owned(), apart: OnceCell::new() })
    }

    /// What generated images show of the health of a run.
    ///
    /// # Errors
    /// If there are none, or they are of another network.
    pub fn evidence(&self, extractor: &dyn FeatureExtractor, fake: &Extracted) -> Result<SampleEvidence> {
        let neighbours = nearest_at(&self.real.features, self.apart()?, &fake.features)?;
        Ok(SampleEvidence::of(extractor, &self.real, &neighbours, fake))
    }

    fn apart(&self) -> Result<&[f64]> {
        if let Some(apart) = self.apart.get() {
            return Ok(apart);
        }
        let apart = to_kth_neighbour(&self.real.features, 1)?;
        Ok(self.apart.get_or_init(|| apart))
    }

    /// The scores of generated images, in the order of what is asked for.
    ///
    /// # Errors
    /// If there are too few images for a measure, or it needs classes and the features know none.
    pub fn measure(
        &self,
        extractor: &dyn FeatureExtractor,
        fake: &Extracted,
        measures: &[Measure],
    ) -> Result<Vec<Score>> {
        let protocol = Protocol::of(extractor, self.real.features.len(), fake.features.len(), &self.split);
        let mut scores = Vec::new();
        for measure in measures {
            scores.extend(self.scores(*measure, extractor, fake, &protocol)?);
        }
        Ok(scores)
    }

    fn scores(
        &self,
        measure: Measure,
        extractor: &dyn FeatureExtractor,
        fake: &Extracted,
        protocol: &Protocol,
    ) -> Result<Vec<Score>> {
        let score = |kind: ScoreKind, value: f64| Score {
            kind,
            value,
            deviation: None,
            protocol: protocol.clone(),
            warning: None,
        };
        let no_classes = || {
            let what = format!("{measure} by the features of {}, which know no classes", extractor.name());
            Error::config(what, "choose the features of a classifier, or leave that measure out")
        };
        let (real, features) = (&self.real.features, &fake.features);
        Ok(match measure {
            Measure::Fd => {
                let distance = frechet_distance(&self.gaussian, &Moments::of(features)?.gaussian()?)?;
                let few = real.len().min(features.len());
                let warning = (few <= features.dim()).then(|| {
                    format!(
                        "{few} images are too few for features of {} numbers: the distance comes out too large; \
                         kid does not",
                        features.dim()
                    )
                });
                vec![Score { warning, ..score(ScoreKind::Fd, distance) }]
            }
            Measure::Kid => {
                let found = kid(real, features, &KidOptions::default())?;
                vec![Score { deviation: Some(found.deviation), ..score(ScoreKind::Kid, found.mean) }]
            }
            Measure::Prdc => {
                let found = prdc(real, features, NEIGHBOURS)?;
                vec![
                    score(ScoreKind::Precision, found.precision),
                    score(ScoreKind::Recall, found.recall),
                    score(ScoreKind::Density, found.density),
                    score(ScoreKind::Coverage, found.coverage),
                ]
            }
            Measure::Is => {
                let logits = fake.logits.as_ref().ok_or_else(no_classes)?;
                let found = inception_score(logits, SPLITS)?;
                vec![Score { deviation: Some(found.deviation), ..score(ScoreKind::Is, found.mean) }]
            }
            Measure::Classes => {
                let classes = extractor.classes();
                if classes.is_empty() {
                    return Err(no_classes());
                }
                let balance = ClassBalance::of(&fake.predicted, classes.len());
                let missing: Vec<_> =
                    balance.missing().into_iter().map(|class| classes[class].clone()).collect();
                let warning = (!missing.is_empty()).then(|| format!("hardly any of {}", missing.join(", ")));
                vec![Score { warning, ..score(ScoreKind::ClassDivergence, balance.divergence()) }]
            }
            Measure::Copies => {
                vec![score(ScoreKind::Copies, nearest_at(real, self.apart()?, features)?.copied)]
            }
        })
    }
}
