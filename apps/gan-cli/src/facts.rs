//! `report.json` and `report.html`: what a run folder says of itself to a person, rewritten while it trains.

use crate::words::images;
use gan_models::ModelConfig;
use serde::Serialize;
use std::path::Path;

/// What the page of a run cannot know from its log.
#[derive(Serialize)]
pub struct Facts {
    data: String,
    model: String,
    command: String,
    state: &'static str,
    steps: u64,
}

impl Facts {
    /// Those of a run that is to have so many steps.
    pub fn new(data: &dyn gan_data::Dataset, model: &ModelConfig, command: String, steps: u64) -> Self {
        let data = format!("{}, {}", data.name(), images(data.len()));
        Self { data, model: model.to_string(), command, state: "training", steps }
    }

    /// Writes both; a run does not fail because its page cannot be written.
    pub fn write(&self, run: &Path) {
        let text = serde_json::to_vec(self).map_err(std::io::Error::other);
        let written = text.and_then(|text| gan_models::files::write_whole(&run.join("report.json"), &text));
        let page = written
            .map_err(|error| error.to_string())
            .and_then(|()| gan_report::write(run).map_err(|error| format!("{error}; {}", error.hint())));
        if let Err(error) = page {
            tracing::warn!("the report of {} is not written: {error}", run.display());
        }
    }

    /// The same once the run has ended.
    #[must_use]
    pub fn ended(self, complete: bool) -> Self {
        Self { state: if complete { "complete" } else { "stopped" }, ..self }
    }
}
