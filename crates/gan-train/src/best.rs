//! `best.json`: which checkpoint is the best, by which score.

use crate::error::{Error, Result};
use crate::file_names::BEST;
use crate::files;
use gan_eval::Protocol;
use gan_models::files::write_whole;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// No such file is longer.
const MOST_BYTES: u64 = 1 << 16;

/// The best score of a run so far. The checkpoint of its step is kept beside the newest ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step.
    pub step: u64,
    /// What was measured, by its key in `metrics.jsonl`.
    pub metric: String,
    /// The score.
    pub score: f64,
    /// How it was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub protocol: Option<Protocol>,
}

impl Best {
    /// That of a run folder; none if nothing was measured there.
    ///
    /// # Errors
    /// If the file is damaged, or no regular file.
    pub fn of_run(run: &Path) -> Result<Option<Self>> {
        let path = run.join(BEST);
        let bytes = match files::read(&path, MOST_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(Error::file("read", &path))?,
        };
        let best = serde_json::from_slice(&bytes).map_err(io::Error::other);
        best.map(Some).map_err(Error::file("read", &path))
    }

    /// Writes it into a run folder, whole or not at all.
    pub(crate) fn write(&self, run: &Path) -> Result<()> {
        let path = run.join(BEST);
        let text =
            serde_json::to_vec(self).map_err(|error| Error::file("write", &path)(io::Error::other(error)))?;
        write_whole(&path, &text).map_err(Error::file("write", &path))
    }

    /// Takes it out of a run folder that has no best score any more.
    pub(crate) fn remove(run: &Path) -> Result<()> {
        let path = run.join(BEST);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}
