//! `metrics.jsonl`: one line a logged step, in the order of the steps.

use crate::error::{Error, Result};
use crate::stats::StepStats;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// `metrics.jsonl`: one line a logged step. Over all stops and returns no step is left out and none stands there twice.
#[derive(Clone, Debug)]
pub(crate) struct MetricsLog {
    path: PathBuf,
}

impl MetricsLog {
    /// That of a run.
    pub fn of(run: &Path) -> Self {
        Self { path: run.join("metrics.jsonl") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a step.
    pub fn add(&self, stats: &StepStats) -> Result<()> {
        append_json(&self.path, stats)
    }

    /// Takes out what comes after `step`: those steps will be done again. So goes a line that a kill broke off.
    pub fn cut_after(&self, step: u64) -> Result<()> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::file("read", &self.path)(error)),
        };
        let is_kept = |line: &&[u8]| line.ends_with(b"\n") && step_of(line).is_some_and(|at| at <= step);
        let kept: usize =
            bytes.split_inclusive(|byte| *byte == b'\n').take_while(is_kept).map(<[u8]>::len).sum();
        if kept == bytes.len() {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).open(&self.path);
        file.and_then(|file| file.set_len(kept as u64)).map_err(Error::file("shorten", &self.path))
    }
}

/// Adds a line to a file of JSON lines; after one that a kill broke off it begins a new one.
pub(crate) fn append_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value).map_err(Error::serializing)?;
    line.push(b'\n');
    let file = OpenOptions::new().create(true).append(true).open(path);
    // At once: a kill between two writes would leave half a line.
    file.and_then(|mut file: File| file.write_all(&line)).map_err(Error::file("write", path))
}

fn step_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(line).ok()?.get("step")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_will_be_done_again_and_broken_lines_are_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let log = MetricsLog::of(folder.path());
        log.cut_after(7).unwrap(); // before the first line there is no file
        let whole = "{\"step\":1,\"x\":2}\n{\"step\":5}\n{\"step\":10}\n";
        for (text, step, kept) in [
            (whole, 10, whole),
            (whole, 9, "{\"step\":1,\"x\":2}\n{\"step\":5}\n"),
            (whole, 0, ""),
            ("{\"step\":1}\n{\"step\":5", 10, "{\"step\":1}\n"),
            ("{\"step\":1}\n{\"step\":5}", 10, "{\"step\":1}\n"), // whole but for its end
            ("{\"step\":1}\n\0\0\0", 10, "{\"step\":1}\n"),
            ("{\"step\":1}\nnonsense\n{\"step\":2}\n", 10, "{\"step\":1}\n"),
        ] {
            fs::write(log.path(), text).unwrap();
            log.cut_after(step).unwrap();
            assert_eq!(fs::read_to_string(log.path()).unwrap(), kept, "{text:?} after {step}");
        }
    }
}
