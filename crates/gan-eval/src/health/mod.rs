//! What is wrong with a run, if anything is: named verdicts, each with what shows it and what to do.
//!
//! A verdict comes from the numbers that a run has logged ([`History`], [`diagnose`]), or from what its generator makes
//! ([`SampleEvidence`]). Where the limits come from, and which runs they were tried on, is in `docs/evaluation.md`.
//!
//! ```
//! use gan_eval::health::{History, Verdict, diagnose};
//!
//! let mut history = History::new();
//! for step in (10..=400).step_by(10) {
//!     history.push(step, "diversity", if step < 100 { 0.8 } else { 0.02 }, None);
//! }
//! let findings = diagnose(&history);
//! assert_eq!(findings[0].verdict, Verdict::ModeCollapse);
//! ```

mod from_log;
mod from_samples;
mod history;

pub use from_samples::SampleEvidence;
pub use history::History;

use strum::IntoStaticStr;

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Weights grow and grow, or numbers were no longer finite: the learning rate is too high.
    ExplodingWeights,
    /// A network does not change, or no gradient reaches it.
    DeadStart,
    /// The discriminator tells all images apart, and the generator finds no way.
    DiscriminatorWon,
    /// The discriminator takes generated images for real ones, and learns no better.
    GeneratorWon,
    /// The players chase each other in circles.
    Oscillation,
    /// The generator makes few different images, whatever its latents are.
    ModeCollapse,
    /// The generator makes images of its training data again.
    Memorising,
}

impl Verdict {
    /// In words, for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::ExplodingWeights => "exploding weights",
            Self::DeadStart => "a network stands still",
            Self::DiscriminatorWon => "the discriminator has won",
            Self::GeneratorWon => "the generator has won",
            Self::ModeCollapse => "mode collapse",
            Self::Oscillation => "oscillation",
            Self::Memorising => "memorising",
        }
    }

    /// What usually helps, best first: changes of settings by their keys in a config file.
    pub fn remedies(self) -> &'static [Change] {
        use Change::{Set, Times};
        match self {
            Self::ExplodingWeights => &[Times("lr", 0.1), Times("lr_d", 0.1)],
            Self::DeadStart => &[Set("lr", "0.0002"), Set("lr_d", "0.0002")],
            Self::DiscriminatorWon => &[Times("lr_d", 0.25), Set("label_smoothing", "0.1")],
            Self::GeneratorWon => &[Times("lr_d", 4.0)],
            Self::ModeCollapse => &[Times("lr", 0.5), Times("lr_d", 0.5), Set("r1", "1")],
            Self::Oscillation => {
                &[Times("lr", 0.25), Times("lr_d", 0.25), Set("beta1", "0.5"), Set("r1", "1")]
            }
            Self::Memorising => &[Set("augment", "color,translation,cutout")],
        }
    }
}

/// A change of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A number, times a factor.
    Times(&'static str, f64),
    /// To a value.
    Set(&'static str, &'static str),
}

/// A verdict on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is wrong.
    pub verdict: Verdict,
    /// What shows it, in numbers.
    pub evidence: String,
}

impl Finding {
    pub(crate) fn new(verdict: Verdict, evidence: String) -> Self {
        Self { verdict, evidence }
    }
}

/// What the numbers of a run show, the cause of the others first; nothing if all is well, or if too little
/// was logged to say. Of a network that stands still nothing else is said: all else follows from it.
pub fn diagnose(history: &History) -> Vec<Finding> {
    if let Some(still) = from_log::stands_still(history) {
        return vec![still];
    }
    let checks = from_log::CHECKS.iter();
    let checks = checks.filter(|(_, from)| history.last_step() >= *from);
    let mut findings: Vec<Finding> = checks.filter_map(|(check, _)| check(history)).collect();
    findings.sort_by_key(|finding| finding.verdict);
    findings
}
