//! The numbers of one step.

use crate::system::{Kind, Number};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// What a step says. A logged one is a line of `metrics.jsonl`, in this order, with a key for each number.
#[derive(Clone, Debug)]
pub struct StepStats {
    /// The step, from 1.
    pub step: u64,
    /// Passes over the data so far.
    pub epoch: f64,
    /// What the system says of it.
    pub numbers: Vec<Number>,
    /// Real samples a second since the last logged step, the time for pictures and checkpoints left out.
    pub images_per_second: f64,
    /// Seconds since this part of the run began: since it was started or resumed.
    pub seconds: f64,
    /// What was counted or measured in samples, where they were drawn.
    pub measures: Vec<Number>,
}

impl StepStats {
    /// The number of this name, if the step says one.
    pub fn get(&self, name: &str) -> Option<f64> {
        let mut all = self.numbers.iter().chain(&self.measures);
        all.find(|number| number.name == name).map(|number| number.value)
    }
}

impl Serialize for StepStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("step", &self.step)?;
        line.serialize_entry("epoch", &self.epoch)?;
        for number in &self.numbers {
            line.serialize_entry(number.name, number)?;
        }
        line.serialize_entry("images_per_second", &self.images_per_second)?;
        line.serialize_entry("seconds", &self.seconds)?;
        for number in &self.measures {
            line.serialize_entry(number.name, number)?;
        }
        line.end()
    }
}

/// What kinds of numbers a log holds, by name: what a reader of the log needs to draw them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds(BTreeMap<&'static str, (Kind, Option<&'static str>)>);

impl Kinds {
    /// Takes in those of a step; whether there are new ones.
    pub fn learn(&mut self, stats: &StepStats) -> bool {
        let before = self.0.len();
        let all = stats.numbers.iter().chain(&stats.measures);
        self.0.extend(all.map(|number| (number.name, (number.kind, number.label))));
        self.0.len() > before
    }
}

/// `{"errD": {"kind": "loss", "label": "errD"}, "fd": {"kind": "score", "better": "lower"}}`
impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct About {
            kind: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            label: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            better: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            of: Option<u64>,
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, (kind, label)) in &self.0 {
            let better = kind.better().map(Into::into);
            let of = if let Kind::Count { of } = kind { Some(*of) } else { None };
            map.serialize_entry(name, &About { kind: kind.into(), label: *label, better, of })?;
        }
        map.end()
    }
}
