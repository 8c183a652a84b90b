//! `metrics.jsonl`: the numbers of each logged step.

use super::lines::lines;
use crate::files;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// The most numbers of a run that have a name of their own, and the longest name.
const MOST_NAMES: usize = 500;
const LONGEST_NAME: usize = 200;

/// The numbers of the logged steps, by name.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// The logged steps, in order.
    pub steps: Vec<u64>,
    /// The epoch at each of them, where it is logged.
    pub epochs: Vec<Option<f64>>,
    /// The numbers, in the order in which they appear.
    pub series: Vec<Series>,
}

/// A number over the steps.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its values: each with the place of its step in [`Metrics::steps`].
    pub values: Vec<(usize, f64)>,
}

impl Metrics {
    /// The number of a name.
    pub fn get(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.name == name)
    }

    /// A number's values, each with its step.
    pub fn points(&self, series: &Series) -> Vec<(f64, f64)> {
        series.values.iter().map(|&(row, value)| (self.steps[row] as f64, value)).collect()
    }

    /// Forgets the steps from this one on.
    fn go_back_to(&mut self, step: u64) {
        let kept = self.steps.partition_point(|&logged| logged < step);
        if kept < self.steps.len() {
            self.steps.truncate(kept);
            self.epochs.truncate(kept);
            for series in &mut self.series {
                series.values.truncate(series.values.partition_point(|&(row, _)| row < kept));
            }
        }
    }
}

/// Reads `metrics.jsonl`. A step that was trained again, after a stop or after going back, counts as it was
/// then.
pub(super) fn read(folder: &Path, damage: &mut Vec<String>) -> Metrics {
    let mut metrics = Metrics::default();
    let mut places = HashMap::new();
    let mut is_cut = false;
    lines(folder, "metrics.jsonl", files::MOST_OF_LOG, damage, |object| {
        let step = object.get("step").and_then(Value::as_u64).ok_or("it has no step")?;
        metrics.go_back_to(step);
        let row = metrics.steps.len();
        metrics.steps.push(step);
        metrics.epochs.push(object.get("epoch").and_then(Value::as_f64));
        let numbers = object.0.into_iter().filter(|(name, _)| name != "step" && name != "epoch");
        for (name, value) in numbers {
            // What is not finite is logged as null.
            let Some(value) = value.as_f64() else { continue };
            let next = metrics.series.len();
            if name.len() > LONGEST_NAME || next == MOST_NAMES && !places.contains_key(&name) {
                is_cut = true;
                continue;
            }
            let place = *places.entry(name.clone()).or_insert(next);
            if place == next {
                metrics.series.push(Series { name, values: Vec::new() });
            }
            let values = &mut metrics.series[place].values;
            // A name that a line holds twice counts once.
            match values.last_mut() {
                Some(last) if last.0 == row => last.1 = value,
                _ => values.push((row, value)),
            }
        }
        Ok(())
    });
    if is_cut {
        let what = format!("more than {MOST_NAMES} numbers, or names of more than {LONGEST_NAME} bytes");
        damage.push(format!("metrics.jsonl: {what}; the others are left out"));
    }
    metrics
}
