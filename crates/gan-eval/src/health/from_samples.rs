//! Verdicts from what a generator makes.

use super::{Finding, Verdict};
use crate::extractor::{Extracted, FeatureExtractor};
use crate::metrics::{ClassBalance, Neighbours};
use serde::Serialize;

/// A generated image nearer to a real one than this part of the way from there to the next real one is that
/// one again.
const AGAIN: f64 = 0.5;
/// So many of them are no chance.
const MANY: f64 = 0.5;
/// A generated image within so many times the way from a real one to the next is one of its kind.
const OF_THEIR_KIND: f64 = 2.0;
/// Missing classes that are no chance.
const FEW_CLASSES: f64 = 0.7;

/// What generated images show beside real ones.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SampleEvidence {
    /// The part of the generated images that are one of the real ones again, to all that the features see:
    /// nearer to it than half of its way to the next real one.
    pub again: f64,
    /// The part of them that look like real ones: nearer to one than twice its way to the next. The classes
    /// of others are guesses.
    pub alike: f64,
    /// Real images that were looked at.
    pub real: usize,
    /// The names of classes that are hardly made, if the features know classes.
    pub missing: Vec<String>,
    /// How many classes there are; 0 if they know none.
    pub classes: usize,
}

impl SampleEvidence {
    /// Of features of real and of generated images: [`Reference::evidence`](crate::Reference::evidence).
    pub(crate) fn of(
        extractor: &dyn FeatureExtractor,
        real: &Extracted,
        neighbours: &Neighbours,
        fake: &Extracted,
    ) -> Self {
        let classes = extractor.classes();
        let made_of = |side: &Extracted| ClassBalance::of(&side.predicted, classes.len()).missing();
        // What the data lacks nobody can learn.
        let absent = made_of(real);
        let missing = made_of(fake).into_iter().filter(|class| !absent.contains(class));
        let missing = missing.map(|class| classes[class].clone()).collect();
        let there = classes.len() - absent.len();
        Self {
            again: neighbours.nearer_than(AGAIN),
            alike: neighbours.nearer_than(OF_THEIR_KIND),
            real: real.features.len(),
            missing,
            classes: there,
        }
    }

    /// Classes that are made.
    pub fn made(&self) -> usize {
        self.classes - self.missing.len()
    }

    /// The verdicts on them.
    pub fn findings(&self) -> Vec<Finding> {
        let named = || format!("; hardly any of {}", self.missing.join(", "));
        let collapse = few_classes(self.made(), self.classes, self.alike)
            .map(|evidence| Finding::new(Verdict::ModeCollapse, evidence + &named()));
        let memorised = are_again(self.again).map(|evidence| {
            let evidence = format!("{evidence} ({} were looked at)", self.real);
            Finding::new(Verdict::Memorising, evidence)
        });
        [collapse, memorised].into_iter().flatten().collect()
    }
}

/// What is said of so few classes that chance is no reason.
pub(super) fn few_classes(made: usize, of: usize, alike: f64) -> Option<String> {
    let few = alike >= MANY && of > 1 && (made as f64) < FEW_CLASSES * of as f64;
    few.then(|| format!("{made} of {of} classes are made"))
}

/// What is said of so many images that are training images again.
pub(super) fn are_again(share: f64) -> Option<String> {
    (share >= MANY)
        .then(|| format!("{:.0} % of the generated samples are training images again", share * 100.0))
}
