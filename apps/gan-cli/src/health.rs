//! What is wrong with a run: its numbers as they come, or as its folder has them, and a command for each
//! verdict.

use crate::configure::quoted;
use crate::words::program;
use gan_eval::health::{Change, Finding, History, diagnose};
use gan_report::RunRecord;
use gan_train::{Kind, RunDir, StepStats};
use serde::Serialize;
use std::path::Path;

/// A verdict as `health.json` and `gan doctor --json` have it.
#[derive(Clone, Serialize)]
pub struct Diagnosis {
    /// Its name: `mode-collapse`.
    pub name: &'static str,
    /// The same in words.
    pub verdict: &'static str,
    pub severity: &'static str,
    pub evidence: String,
    /// What to do, as a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    pub step: u64,
}

/// The health of a run.
pub struct Health {
    history: History,
    /// The command line so far: `gan train --config runs/0001/config.toml`.
    command: String,
    /// The number that a setting has.
    settings: RunRecord,
    went_back: u32,
}

impl Health {
    /// Of what the folder of a run says; what is missing or damaged is no evidence.
    pub fn of_run(run: &Path) -> Self {
        let record = RunRecord::read(run).unwrap_or_default();
        let mut history = History::new();
        for (row, &step) in record.metrics.steps.iter().enumerate() {
            for series in &record.metrics.series {
                if let Ok(at) = series.values.binary_search_by_key(&row, |(row, _)| *row) {
                    let of = record.numbers.get(&series.name).and_then(|number| number.of);
                    history.push(step, &series.name, series.values[at].1, of);
                }
            }
        }
        let mut health = Self { history, command: command(run), settings: record, went_back: 0 };
        let back = health.settings.events.iter().filter(|event| event.event == "rollback");
        let back: Vec<u64> = back.map(|event| event.step.unwrap_or(0)).collect();
        back.into_iter().for_each(|step| health.went_back_to(step));
        health
    }

    /// Takes in a logged step.
    pub fn see(&mut self, stats: &StepStats) {
        if stats.step <= self.history.last_step() {
            self.history.cut_after(stats.step - 1);
            self.went_back_to(stats.step - 1);
        }
        for number in stats.numbers.iter().chain(&stats.measures) {
            let of = if let Kind::Count { of } = number.kind { Some(of) } else { None };
            self.history.push(stats.step, number.name, number.value, of);
        }
    }

    fn went_back_to(&mut self, step: u64) {
        self.went_back += 1;
        self.history.push(step, "went_back", self.went_back.into(), None);
    }

    /// What the numbers show so far.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        diagnose(&self.history).into_iter().map(|finding| self.diagnosis(finding)).collect()
    }

    /// A verdict with a command.
    pub fn diagnosis(&self, finding: Finding) -> Diagnosis {
        let verdict = finding.verdict;
        let flags: String = verdict.remedies().iter().filter_map(|change| self.flag(*change)).collect();
        Diagnosis {
            name: verdict.into(),
            verdict: verdict.title(),
            severity: "bad",
            evidence: finding.evidence,
            remedy: (!flags.is_empty()).then(|| format!("{}{flags}", self.command)),
            step: self.history.last_step(),
        }
    }

    /// How much was logged.
    pub fn last_step(&self) -> u64 {
        self.history.last_step()
    }

    /// A flag that changes a setting, if that changes anything, and nothing that it has no place beside.
    fn flag(&self, change: Change) -> Option<String> {
        let setting = |key: &str| self.settings.setting(key).filter(|value| !value.is_empty());
        let number = |key: &str| setting(key).and_then(|value| value.parse::<f64>().ok());
        let (key, value) = match change {
            Change::Times("lr_d", factor) if factor < 0.2 => ("lr_d", (number("lr_d")? * factor).to_string()),
            Change::Times("lr_d", factor) => {
                ("lr_d", (number("lr_d").or_else(|| number("lr"))? * factor).to_string())
            }
            Change::Times(key, factor) => (key, (number(key)? * factor).to_string()),
            Change::Set(key @ ("lr" | "lr_d"), value) => {
                let is_higher = number(key)? >= value.parse().ok()?;
                (!is_higher).then(|| (key, value.to_owned()))?
            }
            Change::Set("r1", _)
                if ["r1", "r2", "gradient_penalty", "dragan"].iter().any(|key| number(key) > Some(0.0)) =>
            {
                return None;
            }
            Change::Set("label_smoothing", _)
                if !matches!(setting("loss"), Some("non-saturating" | "minimax"))
                    || number("label_smoothing") > Some(0.0) =>
            {
                return None;
            }
            Change::Set("augment", _) if setting("augment").is_some() => return None,
            Change::Set(key, value) => (key, value.to_owned()),
        };
        Some(format!(" --{} {value}", key.replace('_', "-")))
    }
}

/// What trains such a run again, but for some flags.
fn command(run: &Path) -> String {
    let config = RunDir::of(run).0.join("config.toml");
    format!("{} train --config {}", program(), quoted(&config.display().to_string()))
}

/// A verdict in lines.
pub fn lines(diagnosis: &Diagnosis) -> String {
    let Diagnosis { verdict, evidence, remedy, .. } = diagnosis;
    let remedy = remedy.as_ref().map(|remedy| format!("\n    try: {remedy}")).unwrap_or_default();
    let mut title = verdict.to_string();
    title[..1].make_ascii_uppercase();
    format!("  {title}: {evidence}.{remedy}")
}
