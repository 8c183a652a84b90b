//! The small JSON files of a run, and its events.

use super::lines::lines;
use crate::files;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What `report.json` says of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[non_exhaustive]
pub struct Facts {
    /// What to call the run.
    pub title: Option<String>,
    /// What it learns from.
    pub data: Option<String>,
    /// What it trains.
    pub model: Option<String>,
    /// The command that trains it.
    pub command: Option<String>,
    /// What became of it.
    pub state: Option<State>,
    /// How many steps it is to have.
    pub steps: Option<u64>,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// It is being trained.
    Training,
    /// All steps are done.
    Complete,
    /// It was stopped before.
    Stopped,
    /// The folder does not say: it is being trained, or it was stopped.
    #[default]
    #[serde(other)]
    Unknown,
}

impl State {
    /// The state in a word or two.
    pub fn label(self) -> &'static str {
        match self {
            State::Training => "training",
            State::Complete => "complete",
            State::Stopped => "stopped",
            State::Unknown => "not complete",
        }
    }
}

/// The best step of a run by a metric.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Best {
    /// The step.
    pub step: u64,
    /// The metric.
    pub metric: String,
    /// What it was there.
    pub score: f64,
    /// How it was measured.
    #[serde(default)]
    pub protocol: Protocol,
}

/// How the scores of a run are measured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Protocol {
    /// The features that distances are of.
    pub features: Option<String>,
}

/// A verdict on a run's health.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Health {
    /// What is the matter.
    pub verdict: String,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// What shows it.
    #[serde(default)]
    pub evidence: String,
    /// A command that helps.
    #[serde(default)]
    pub remedy: Option<String>,
    /// The step at which it was seen.
    #[serde(default)]
    pub step: Option<u64>,
}

/// How much a verdict matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The run is of no use as it is.
    Bad,
    /// All is well.
    Good,
    /// Worth a look.
    #[default]
    #[serde(other)]
    Warning,
}

/// A line of `events.jsonl`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub event: String,
    /// The step at which it did.
    pub step: Option<u64>,
    /// What else is said of it: names and values.
    pub details: Vec<(String, String)>,
}

/// Reads a JSON file of a run; none if there is none, or if it is damaged, which is named.
pub(super) fn json<T: DeserializeOwned>(folder: &Path, name: &str, damage: &mut Vec<String>) -> Option<T> {
    let read = files::read_if_there(&folder.join(name), files::MOST_OF_FACTS);
    let parsed = read.map_err(|error| error.to_string()).and_then(|bytes| {
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())).transpose()
    });
    parsed.unwrap_or_else(|what| {
        damage.push(format!("{name}: {what}"));
        None
    })
}

/// Reads `events.jsonl`.
pub(super) fn events(folder: &Path, damage: &mut Vec<String>) -> Vec<Event> {
    let mut events = Vec::new();
    lines(folder, "events.jsonl", files::MOST_OF_FACTS, damage, |object| {
        let text = |value: &serde_json::Value| {
            value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string())
        };
        let event = text(object.get("event").ok_or("it has no event")?);
        let step = object.get("step").and_then(serde_json::Value::as_u64);
        let is_detail = |name: &str| !(name == "event" || name == "step" && step.is_some());
        let details = object.0.iter().filter(|(name, _)| is_detail(name));
        let details = details.map(|(name, value)| (name.clone(), text(value))).collect();
        events.push(Event { event, step, details });
        Ok(())
    });
    events
}
