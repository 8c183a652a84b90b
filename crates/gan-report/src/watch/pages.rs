//! Which page an address means.

use super::address::address;
use super::changes::Watched;
use super::index;
use crate::page::{Mode, page};
use crate::record::{RunRecord, is_run};
use crate::{report, runs};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many pages are kept until they change.
const MOST_KEPT: usize = 8;

/// What a request is answered with.
pub(super) enum Answer {
    Page(Arc<String>),
    /// Word of each change.
    Events {
        of: Watched,
        /// What the page has seen.
        since: Option<u64>,
    },
    Refused {
        status: u16,
        why: &'static str,
    },
}

/// The pages of a folder.
pub(super) struct Pages {
    folder: PathBuf,
    /// Pages as they were at a state, by address.
    kept: Mutex<HashMap<String, (u64, Arc<String>)>>,
}

impl Pages {
    pub(super) fn of(folder: &Path) -> Pages {
        Pages { folder: folder.to_path_buf(), kept: Mutex::default() }
    }

    /// Answers for `/`, `/events`, `/run/NAME` and `/run/NAME/events`.
    pub(super) fn answer(&self, url: &str) -> Answer {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (place, wants_events) = match path.strip_suffix("/events") {
            Some(place) => (place, true),
            None => (path, false),
        };
        let Some(watched) = self.watched(place) else {
            return Answer::Refused { status: 404, why: "there is no such page" };
        };
        if wants_events {
            let since = query.strip_prefix("since=").and_then(|since| since.parse().ok());
            return Answer::Events { of: watched, since };
        }
        let state = watched.state();
        if let Some(page) = self.kept(path, state) {
            return Answer::Page(page);
        }
        match render(&watched, place.trim_end_matches('/'), state) {
            Some(page) => Answer::Page(self.keep(path, state, page)),
            None => Answer::Refused { status: 404, why: "the run cannot be read" },
        }
    }

    /// What an address shows. A name is looked for among those that are there, and never becomes a path.
    fn watched(&self, place: &str) -> Option<Watched> {
        if place.is_empty() || place == "/" {
            let folder = self.folder.clone();
            return Some(if is_run(&folder) { Watched::Run(folder) } else { Watched::Runs(folder) });
        }
        if is_run(&self.folder) {
            return None;
        }
        let runs = runs::folders(&self.folder).ok()?;
        runs.into_iter().find(|run| address(run).as_deref() == Some(place)).map(Watched::Run)
    }

    fn kept(&self, path: &str, state: u64) -> Option<Arc<String>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(path).filter(|page| page.0 == state).map(|page| Arc::clone(&page.1))
    }

    fn keep(&self, path: &str, state: u64, page: String) -> Arc<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT && !kept.contains_key(path) {
            kept.clear();
        }
        let page = Arc::new(page);
        kept.insert(path.to_owned(), (state, Arc::clone(&page)));
        page
    }
}

fn render(watched: &Watched, place: &str, state: u64) -> Option<String> {
    let events = format!("{place}/events?since={state}");
    let mode = Mode::Live { events: &events };
    match watched {
        Watched::Run(folder) => {
            let run = RunRecord::read(folder).ok()?;
            Some(page(run.title(), mode, &report::body(&run)))
        }
        Watched::Runs(folder) => {
            let runs = runs::records(folder).ok()?;
            Some(page("Runs", mode, &index::body(&runs)))
        }
    }
}
