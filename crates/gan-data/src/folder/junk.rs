//! What nobody means to train on: what systems leave behind, and the runs of `gan` itself.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::limits::MAX_DEPTH;

/// Names, in small letters, that systems and their tools give to folders and files of their own.
const SYSTEM: [&str; 24] = [
    "@eadir", // Synology
    "@tmp",
    "@synoresource",
    "#recycle",
    "#snapshot",
    "@recycle", // QNAP
    "@recently-snapshot",
    "@__thumb",
    "~snapshot",    // NetApp
    "$recycle.bin", // Windows
    "recycler",
    "recycled",
    "system volume information",
    "found.000",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "lost.dir",   // Android
    "lost+found", // Linux
    "__macosx",   // macOS
    "network trash folder",
    "temporary items",
    "icon\r",
    "__pycache__",
];

/// A file of this name makes a folder that of a run.
const MARKER: &str = ".gan-run";

/// A name that begins with a dot.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// A name that no person gave.
pub(super) fn is_system(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.len() <= 32 && SYSTEM.contains(&&*name.to_lowercase())
}

/// What tells the folder of a run: its marker; or its settings, and beside them what it wrote.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunMarks {
    marker: bool,
    settings: bool,
    results: bool,
}

impl RunMarks {
    /// Takes the name of something in the folder into account.
    pub(super) fn see(&mut self, name: &OsStr) {
        self.marker |= name == MARKER;
        self.settings |= name == "config.toml";
        self.results |= ["checkpoints", "samples", "metrics.jsonl"].iter().any(|known| name == *known);
    }

    pub(super) fn is_run(self) -> bool {
        self.marker || (self.settings && self.results)
    }
}

/// The folders of runs among the names of an archive, which come in any order.
#[derive(Debug, Default)]
pub(super) struct RunFolders(HashMap<PathBuf, RunMarks>);

impl RunFolders {
    /// Takes the name of a file into account.
    pub(super) fn see(&mut self, path: &Path) {
        let mut folder = PathBuf::new();
        // What lies deeper is left out anyway.
        for part in path.components().take(MAX_DEPTH + 1) {
            let name = part.as_os_str();
            let mut mark = RunMarks::default();
            mark.see(name);
            // The top is what the user named: it is looked into, whatever it is.
            if (mark.marker || mark.settings || mark.results) && folder != Path::new("") {
                self.0.entry(folder.clone()).or_default().see(name);
            }
            folder.push(name);
        }
    }

    /// Those that are folders of runs.
    pub(super) fn finish(self) -> HashSet<PathBuf> {
        self.0.into_iter().filter(|(_, marks)| marks.is_run()).map(|(folder, _)| folder).collect()
    }
}
