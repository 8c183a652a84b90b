//! What trains: the loop knows this and nothing else.

use crate::error::Result;
use candle_core::Tensor;
use gan_data::Image;
use gan_nn::State;
use serde::{Serialize, Serializer};
use std::time::Duration;
use strum::IntoStaticStr;

/// What trains, such as a generator against a discriminator ([`Gan`](crate::Gan)): who plays, what a step is, what must
/// survive a stop, and what a person looks at. When to log, to draw, to save, to measure, to go back and to end is the
/// loop's ([`run::train`](crate::run::train)), the same for all.
///
/// A system owns no path, prints nothing, and knows neither checkpoints nor logs.
pub trait System {
    /// One step, from new data.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) if a number is no longer finite, before that can reach a weight.
    fn step(&mut self, at: &Moment) -> Result<Vec<Number>>;

    /// All that must survive a stop, between two steps. What is not named here follows from the settings.
    fn state(&mut self) -> State<'_>;

    /// Real samples that it has learned from so far, and how many make an epoch.
    fn samples_seen(&self) -> u64;

    /// Real samples in an epoch.
    fn samples_per_epoch(&self) -> u64;

    /// What it learns from, drawn once before the first step.
    fn references(&mut self) -> Result<Vec<Picture>> {
        Ok(Vec::new())
    }

    /// What it can do now, from inputs that are always the same, so that a series of them shows it learn.
    fn pictures(&mut self) -> Result<Vec<Picture>>;

    /// What is measured of its state, and not of a step: asked for where a step is logged.
    fn vitals(&mut self) -> Result<Vec<Number>> {
        Ok(Vec::new())
    }

    /// What is counted in samples where pictures are asked for.
    fn measures(&mut self) -> Result<Vec<Number>> {
        Ok(Vec::new())
    }

    /// What it leaves to use, file by file; each stands in every checkpoint.
    fn models(&mut self) -> Result<Vec<ModelFile>> {
        Ok(Vec::new())
    }

    /// Samples number `first`, `first + 1`, ... `[count, ...]` of a seed in evaluation, in f32: what a metric looks at.
    fn draw(&mut self, seed: u64, first: u64, count: usize) -> Result<Tensor>;

    /// How long steps have waited for data, and how many samples could not be read.
    fn waited(&self) -> Waited {
        Waited::default()
    }
}

/// Where a step is in a run: what the loop decides and a system follows.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Its number, from 1.
    pub step: u64,
    /// What learning rates are multiplied by: the schedule, and a half for every time that training went back.
    pub rate: f64,
    /// The seed of batches, latents and all else that is drawn in training. Another one after training went back, so that
    /// the same numbers do not lead to the same end.
    pub seed: u64,
}

/// A number of a step, as it is logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its key in `metrics.jsonl`.
    pub name: &'static str,
    /// What it is called in a line of progress, if it is shown there.
    pub label: Option<&'static str>,
    /// What kind of number it is.
    pub kind: Kind,
    /// The number.
    pub value: f64,
}

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Is minimised.
    Loss,
    /// 0 to 1.
    Probability,
    /// Any number; its sigmoid may be a probability.
    Logit,
    /// A length, 0 or more.
    Norm,
    /// A learning rate.
    Rate,
    /// A part of all, 0 to 1.
    Share,
    /// How what is generated compares with what is real, in what real ones have of it.
    Ratio,
    /// Whole things: more is better.
    Count {
        /// How many there are to be had.
        of: u64,
    },
    /// A score by a metric.
    Score(Better),
}

impl Kind {
    /// Which direction is better, of a score.
    pub fn better(self) -> Option<Better> {
        match self {
            Kind::Score(better) => Some(better),
            _ => None,
        }
    }
}

/// Which direction of a score is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Better {
    /// As of a distance.
    Lower,
    /// As of an accuracy.
    Higher,
}

impl Number {
    /// A number that is logged.
    pub fn new(name: &'static str, kind: Kind, value: f64) -> Self {
        Self { name, label: None, kind, value }
    }

    /// It is shown in a line of progress too, under this name.
    #[must_use]
    pub fn shown(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }
}

/// Counts are whole numbers in JSON.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.kind {
            Kind::Count { .. } => serializer.serialize_u64(self.value as u64),
            _ => serializer.serialize_f64(self.value),
        }
    }
}

/// A picture to look at.
pub struct Picture {
    /// What it is called, beside the step. The main one of a system has the empty name.
    pub name: &'static str,
    /// The picture.
    pub image: Image,
}

/// A file to use, such as the generator to sample from.
pub struct ModelFile {
    /// Its name, with its ending.
    pub file: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What became of the data on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waited {
    /// How long steps stood still for it.
    pub time: Duration,
    /// Samples that could not be read, and were replaced by others.
    pub unreadable: usize,
}
