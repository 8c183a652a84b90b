//! `metrics.jsonl`: one line a logged step, in the order of the steps.

use crate::error::{Error, Result};
use crate::stats::StepStats;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
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
        let file = match OpenOptions::new().read(true).write(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::file("open", &self.path)(error)),
        };
        let kept = kept_length(&file, step).map_err(Error::file("read", &self.path))?;
        file.set_len(kept).map_err(Error::file("shorten", &self.path))
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

/// How far the whole lines up to `step` reach. Line by line: the log of a long run is long.
fn kept_length(file: &File, step: u64) -> std::io::Result<u64> {
    let (mut file, mut kept, mut line) = (BufReader::new(file), 0, Vec::new());
    loop {
        line.clear();
        let length = file.read_until(b'\n', &mut line)? as u64;
        if !line.ends_with(b"\n") || step_of(&line).is_none_or(|at| at > step) {
            return Ok(kept);
        }
        kept += length;
    }
}

fn step_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(line).ok()?.get("step")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
