//! `report.json`, `health.json` and `report.html`: what a run folder says of itself to a person, rewritten
//! while it trains.

use crate::health::Diagnosis;
use crate::words::images;
use gan_models::ModelConfig;
use serde::Serialize;
use std::path::Path;
use std::thread::{self, JoinHandle};

/// The folder of TensorBoard's files: where there is one, they are written with the page.
pub const TENSORBOARD: &str = "tensorboard";

/// Writes both, on a thread of its own while the run trains.
pub struct Page {
    facts: Facts,
    writing: Option<JoinHandle<()>>,
}

/// What the page of a run cannot know from its log.
#[derive(Clone, Serialize)]
struct Facts {
    data: String,
    model: String,
    command: String,
    state: &'static str,
    steps: u64,
}

impl Page {
    /// Of a run that is to have so many steps.
    pub fn new(data: &dyn gan_data::Dataset, model: &ModelConfig, command: String, steps: u64) -> Self {
        let data = format!("{}, {}", data.name(), images(data.len()));
        let facts = Facts { data, model: model.to_string(), command, state: "training", steps };
        Self { facts, writing: None }
    }

    /// Begins to write it anew, unless it is being written.
    pub fn rewrite(&mut self, run: &Path, health: Vec<Diagnosis>) {
        if self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
            let (facts, run) = (self.facts.clone(), run.to_path_buf());
            self.writing = Some(thread::spawn(move || facts.write(&run, &health)));
        }
    }

    /// Writes it for the last time.
    pub fn finish(self, run: &Path, complete: bool, health: Vec<Diagnosis>) {
        if let Some(writing) = self.writing {
            let _ = writing.join(); // what it could not write it has said
        }
        Facts { state: if complete { "complete" } else { "stopped" }, ..self.facts }.write(run, &health);
    }
}

impl Facts {
    /// A run does not fail because its page cannot be written.
    fn write(&self, run: &Path, health: &[Diagnosis]) {
        let write = |name: &str, text: serde_json::Result<Vec<u8>>| {
            let text = text.map_err(std::io::Error::other)?;
            gan_models::files::write_whole(&run.join(name), &text)
        };
        let written = write("report.json", serde_json::to_vec(self))
            .and_then(|()| write("health.json", serde_json::to_vec(health)));
        let page = written
            .map_err(|error| error.to_string())
            .and_then(|()| gan_report::write(run).map_err(|error| format!("{error}; {}", error.hint())));
        let page = page.and_then(|_| match run.join(TENSORBOARD).is_dir() {
            true => gan_report::tensorboard::write(run).map(|_| ()).map_err(|error| error.to_string()),
            false => Ok(()),
        });
        if let Err(error) = page {
            tracing::warn!("the report of {} is not written: {error}", run.display());
        }
    }
}
