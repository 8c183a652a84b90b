//! The numbers of a run over its steps, as its log has them.

use std::collections::BTreeMap;

/// The numbers that a run has logged, by name. Any system's: a check of one looks for the numbers it needs,
/// and says nothing where there are none.
///
/// The names are those of `metrics.jsonl`: `d_right_real` and `d_right_fake` (the parts of each side that D
/// is right about), `logit_gap`, `grad_norm_*` and `weight_norm_*` (of a player's gradients and weights),
/// `diversity` (of generated to real), `modes` (found, of so many), and the scores of a metric.
#[derive(Clone, Debug, Default)]
pub struct History {
    series: BTreeMap<String, Series>,
    last: u64,
}

/// One number over the steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    /// Steps and values, in the order of the steps.
    pub values: Vec<(u64, f64)>,
    /// How many there are to be had, of a number that is counted.
    pub of: Option<u64>,
}

impl History {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number of a step; steps come in order. `of` is how many there are to be had, if it is a
    /// count. What is not finite is no evidence of anything, and is left out.
    pub fn push(&mut self, step: u64, name: &str, value: f64, of: Option<u64>) {
        self.last = self.last.max(step);
        if !value.is_finite() {
            return;
        }
        if !self.series.contains_key(name) {
            self.series.insert(name.to_owned(), Series { values: Vec::new(), of });
        }
        if let Some(series) = self.series.get_mut(name) {
            series.values.push((step, value));
        }
    }

    /// Forgets what comes after a step: training went back to it.
    pub fn cut_after(&mut self, step: u64) {
        for series in self.series.values_mut() {
            series.values.retain(|(at, _)| *at <= step);
        }
        self.last = self.last.min(step);
    }

    /// The last step that something is known of; 0 if nothing is.
    pub fn last_step(&self) -> u64 {
        self.last
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Series> {
        self.series.get(name)
    }

    /// Numbers whose names begin so, with the rest of their names.
    pub(crate) fn starting_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Series)> {
        self.series.iter().filter_map(move |(name, series)| Some((name.strip_prefix(prefix)?, series)))
    }
}

impl Series {
    /// The last third, if there are enough of them to tell a state from a moment.
    pub fn recent(&self) -> Option<&[(u64, f64)]> {
        const FEWEST: usize = 5;
        let count = (self.values.len() / 3).max(FEWEST);
        // The beginning is like no other part of a run: it has to be over.
        (self.values.len() >= count + FEWEST / 2).then(|| &self.values[self.values.len() - count..])
    }

    /// The median of the last third.
    pub fn now(&self) -> Option<f64> {
        self.recent().map(median)
    }
}

/// The median of some values, at least one.
pub(crate) fn median(values: &[(u64, f64)]) -> f64 {
    let mut values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
