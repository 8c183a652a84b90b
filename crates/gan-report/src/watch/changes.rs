//! Whether what a page shows has changed: by the sizes and times of files.

use crate::runs;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// What of a run folder a page shows.
const SHOWN: [&str; 8] = [
    "metrics.jsonl",
    "samples",
    "checkpoints",
    "events.jsonl",
    "health.json",
    "best.json",
    "report.json",
    "config.toml",
];

/// What a page shows.
pub(super) enum Watched {
    /// A run.
    Run(PathBuf),
    /// All runs of a folder.
    Runs(PathBuf),
}

impl Watched {
    /// A number that is another once something has changed.
    pub(super) fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Watched::Run(folder) => look(folder, &mut hasher),
            Watched::Runs(folder) => {
                for run in runs::folders(folder).unwrap_or_default() {
                    run.hash(&mut hasher);
                    look(&run, &mut hasher);
                }
            }
        }
        hasher.finish()
    }
}

fn look(folder: &Path, hasher: &mut DefaultHasher) {
    for name in SHOWN {
        let about = std::fs::symlink_metadata(folder.join(name)).ok();
        about.map(|about| (about.len(), about.modified().ok())).hash(hasher);
    }
}
