//! `numbers.json`: what kind of number each number of the log is.

use serde::Deserialize;

/// What `numbers.json` says of a number.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Number {
    /// Its kind.
    #[serde(default)]
    pub kind: Kind,
    /// What to call it.
    #[serde(default)]
    pub label: Option<String>,
    /// Which values of a score are better.
    #[serde(default)]
    pub better: Option<Better>,
    /// How many there are to be had, of a count.
    #[serde(default)]
    pub of: Option<u64>,
}

/// Kinds of numbers. Those of a kind are drawn together where it makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A loss of a player.
    Loss,
    /// A probability, such as D(x): 1/2 where neither player wins.
    Probability,
    /// What a discriminator says before the sigmoid.
    Logit,
    /// The norm of a gradient or of weights.
    Norm,
    /// A learning rate.
    Rate,
    /// A part of a whole, from 0 to 1.
    Share,
    /// Something counted.
    Count,
    /// A measure of how good the samples are.
    Score,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

/// Which values of a score are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Better {
    /// A distance.
    Lower,
    /// An accuracy.
    Higher,
}
