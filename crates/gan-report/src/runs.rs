//! The runs of a folder.

use crate::error::{Error, Result};
use crate::files;
use crate::numbers::{best_of, better};
use crate::record::{RunRecord, State, differing, is_run};
use std::path::{Path, PathBuf};

/// The most runs of a folder that are read: the last by name.
const MOST: usize = 1000;

/// What there is to say of a run in a line.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunSummary {
    /// Its name: its title, or that of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What it learns from.
    pub data: Option<String>,
    /// What it trains.
    pub model: Option<String>,
    /// The settings in which the runs of the folder differ, and what they are here.
    pub settings: Vec<(String, String)>,
    /// What became of it.
    pub state: State,
    /// How many steps are done.
    pub steps_done: u64,
    /// How many it is to have.
    pub steps: Option<u64>,
    /// The metric by which it is judged, and its best value.
    pub best: Option<(String, f64)>,
}

/// Lists the runs right under a folder, by name.
///
/// # Errors
/// If the folder cannot be read. A folder without runs has none.
pub fn runs(folder: impl AsRef<Path>) -> Result<Vec<RunSummary>> {
    Ok(summaries(&records(folder.as_ref())?))
}

/// The folders of the runs right under a folder. Links are not followed.
pub(crate) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let inside = files::names(folder).into_iter().map(|name| folder.join(name));
    let mut runs: Vec<PathBuf> = inside.filter(|path| files::is_folder(path) && is_run(path)).collect();
    runs.drain(..runs.len().saturating_sub(MOST));
    Ok(runs)
}

/// The runs right under a folder.
pub(crate) fn records(folder: &Path) -> Result<Vec<RunRecord>> {
    // A run that goes away meanwhile is no longer one.
    Ok(folders(folder)?.iter().filter_map(|run| RunRecord::read(run).ok()).collect())
}

/// A line for each run.
pub(crate) fn summaries(runs: &[RunRecord]) -> Vec<RunSummary> {
    let settings = differing(&runs.iter().collect::<Vec<_>>());
    let summary = |(place, run): (usize, &RunRecord)| RunSummary {
        name: run.title().to_owned(),
        folder: run.folder.clone(),
        data: run.data().map(str::to_owned),
        model: run.model().map(str::to_owned),
        settings: settings.iter().map(|(name, values)| (name.clone(), values[place].clone())).collect(),
        state: run.state(),
        steps_done: run.steps_done(),
        steps: run.steps(),
        best: best(run),
    };
    runs.iter().enumerate().map(summary).collect()
}

/// The best score: what `best.json` says, or the best of the first score in the log.
fn best(run: &RunRecord) -> Option<(String, f64)> {
    let said = run.best.as_ref().map(|best| (best.metric.clone(), best.score));
    said.or_else(|| {
        run.metrics.series.iter().find_map(|series| {
            let (_, value) = best_of(series, better(run, &series.name)?)?;
            Some((series.name.clone(), value))
        })
    })
}
