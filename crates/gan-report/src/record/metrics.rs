//! `metrics.jsonl`: the numbers of each logged step.

use crate::files;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;

/// The most numbers of a run that have a name of their own.
const MOST_NAMES: usize = 500;

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

/// Reads `metrics.jsonl`. A step that was trained again, after a stop or after going back, counts as it was then.
pub(super) fn read(folder: &Path, damage: &mut Vec<String>) -> Metrics {
    let mut metrics = Metrics::default();
    let mut places = HashMap::new();
    let mut too_many = false;
    lines(folder, "metrics.jsonl", files::MOST_OF_LOG, damage, |object| {
        let step = object.get("step").and_then(Value::as_u64).ok_or("it has no step")?;
        metrics.go_back_to(step);
        let row = metrics.steps.len();
        metrics.steps.push(step);
        metrics.epochs.push(object.get("epoch").and_then(Value::as_f64));
        let numbers = object.into_iter().filter(|(name, _)| name != "step" && name != "epoch");
        for (name, value) in numbers {
            // What is not finite is logged as null.
            let Some(value) = value.as_f64() else { continue };
            let next = metrics.series.len();
            if next == MOST_NAMES && !places.contains_key(&name) {
                too_many = true;
                continue;
            }
            let place = *places.entry(name.clone()).or_insert(next);
            if place == next {
                metrics.series.push(Series { name, values: Vec::new() });
            }
            metrics.series[place].values.push((row, value));
        }
        Ok(())
    });
    if too_many {
        damage.push(format!(
            "metrics.jsonl: more than {MOST_NAMES} different numbers; the others are left out"
        ));
    }
    metrics
}

/// Reads a file of JSON lines. Damaged lines are left out and counted; a last one that is broken off is not damage but the
/// mark of a kill, and said as such.
pub(super) fn lines(
    folder: &Path,
    name: &str,
    most: u64,
    damage: &mut Vec<String>,
    mut take: impl FnMut(Map<String, Value>) -> Result<(), &'static str>,
) {
    let bytes = match files::read_if_there(&folder.join(name), most) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) => return damage.push(format!("{name}: {error}")),
    };
    let mut damaged = 0;
    let mut first = String::new();
    for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let parsed = serde_json::from_slice(line).map_err(|error| error.to_string());
        let Err(what) = parsed.and_then(|object| take(object).map_err(str::to_owned)) else { continue };
        if !line.ends_with(b"\n") {
            damage.push(format!("{name}: the last line is broken off, and left out"));
            continue;
        }
        damaged += 1;
        if first.is_empty() {
            first = format!("line {}: {what}", number + 1);
        }
    }
    match damaged {
        0 => {}
        1 => damage.push(format!("{name}: {first}; it is left out")),
        _ => damage.push(format!("{name}: {damaged} damaged lines are left out, first {first}")),
    }
}
