//! What a run folder holds, read once.

mod facts;
mod kinds;
mod lines;
mod metrics;
mod samples;
mod settings;

pub use facts::{Best, Event, Facts, Health, Protocol, Severity, State};
pub use kinds::{Better, Kind, Number};
pub use metrics::{Metrics, Series};
pub use samples::Sample;
pub use settings::Setting;

pub(crate) use settings::differing;

use crate::error::{Error, Result};
use crate::files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything of a run folder but the pixels: they are read when they are shown.
///
/// What is missing is empty here, and what is damaged is left out and named in [`RunRecord::damage`], so that
/// a run can be looked at whatever became of it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunRecord {
    /// The name of the folder.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// What `report.json` says of the run.
    pub facts: Facts,
    /// Every setting of `config.toml`, in its order.
    pub settings: Vec<Setting>,
    /// The numbers of each logged step.
    pub metrics: Metrics,
    /// What kind each number is, where `numbers.json` says so.
    pub numbers: BTreeMap<String, Number>,
    /// What happened: beginning, resuming, going back.
    pub events: Vec<Event>,
    /// The real images that the samples are judged by.
    pub real: Option<PathBuf>,
    /// The sample grids, by name and then by step.
    pub samples: Vec<Sample>,
    /// The steps of which there is a checkpoint.
    pub checkpoints: Vec<u64>,
    /// The best step by a metric.
    pub best: Option<Best>,
    /// What is to be said of the run's health.
    pub health: Vec<Health>,
    /// What was left out because it is damaged: a file, and what is wrong with it.
    pub damage: Vec<String>,
}

impl RunRecord {
    /// Reads a run folder.
    ///
    /// # Errors
    /// If the folder holds neither a `config.toml` nor a `metrics.jsonl`.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if !is_run(folder) {
            return Err(Error::NotARun { folder: folder.to_path_buf() });
        }
        let mut damage = Vec::new();
        Ok(RunRecord {
            name: name_of(folder),
            folder: folder.to_path_buf(),
            facts: facts::json(folder, "report.json", &mut damage).unwrap_or_default(),
            settings: settings::read(folder, &mut damage),
            metrics: metrics::read(folder, &mut damage),
            numbers: facts::json(folder, "numbers.json", &mut damage).unwrap_or_default(),
            events: facts::events(folder, &mut damage),
            real: Some(folder.join("samples/real.png"))
                .filter(|real| files::is_folder(&folder.join("samples")) && files::is_file(real)),
            samples: samples::list(folder),
            checkpoints: samples::checkpoints(folder),
            best: facts::json(folder, "best.json", &mut damage),
            health: facts::json(folder, "health.json", &mut damage).unwrap_or_default(),
            damage,
        })
    }

    /// What to call the run: its title, or the name of its folder.
    pub fn title(&self) -> &str {
        self.facts.title.as_deref().unwrap_or(&self.name)
    }

    /// How many steps are done, as far as the log, the pictures and the checkpoints know.
    pub fn steps_done(&self) -> u64 {
        let logged = self.metrics.steps.last().copied();
        let drawn = self.samples.iter().map(|sample| sample.step).max();
        let saved = self.checkpoints.last().copied();
        logged.max(drawn).max(saved).unwrap_or(0)
    }

    /// How many steps the run is to have.
    pub fn steps(&self) -> Option<u64> {
        self.facts.steps.or_else(|| self.setting("steps")?.parse().ok()).filter(|&steps| steps > 0)
    }

    /// Whether the run is being trained, was stopped or is complete.
    pub fn state(&self) -> State {
        match (self.facts.state, self.steps()) {
            (Some(state), _) => state,
            (None, Some(steps)) if self.steps_done() >= steps => State::Complete,
            _ => State::Unknown,
        }
    }

    /// What the run learns from.
    pub fn data(&self) -> Option<&str> {
        self.facts.data.as_deref().or_else(|| self.setting("dataset"))
    }

    /// What the run trains.
    pub fn model(&self) -> Option<&str> {
        self.facts.model.as_deref().or_else(|| self.setting("model"))
    }

    /// The command that trains the run again.
    pub fn command(&self) -> String {
        let config = self.folder.join("config.toml");
        self.facts.command.clone().unwrap_or_else(|| format!("gan train --config {}", quoted(&config)))
    }

    /// The value of a setting, whatever section it is in.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }

    /// The names of the pictures there are; the grids without a name first.
    pub fn sample_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.samples.iter().map(|sample| sample.name.as_str()).collect();
        names.dedup();
        names
    }

    /// The pictures of a name, by step.
    pub fn samples_of(&self, name: &str) -> Vec<&Sample> {
        self.samples.iter().filter(|sample| sample.name == name).collect()
    }

    /// The newest grid: one without a name, if there is any.
    pub fn newest_sample(&self) -> Option<&Sample> {
        self.samples_of(self.sample_names().first()?).last().copied()
    }
}

/// Whether a folder holds a run.
pub(crate) fn is_run(folder: &Path) -> bool {
    ["config.toml", "metrics.jsonl"].iter().any(|name| files::is_file(&folder.join(name)))
}

/// The name of a folder, also of `.` and `runs/0001/..`.
pub(crate) fn name_of(folder: &Path) -> String {
    let named = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let found = || folder.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned());
    named.or_else(found).unwrap_or_else(|| "run".to_owned())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+=:@%,~".contains(c));
    if is_plain { path.into_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
