//! `metrics.jsonl`: one line a logged step, in the order of the steps.

use crate::error::{Error, Result};
use crate::failpoint;
use crate::files;
use crate::stats::StepStats;
use gan_models::files::write_whole_with;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Ours have less than a thousand bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// `metrics.jsonl`: one line a logged step. Over all stops and returns no step is left out and none stands there twice.
#[derive(Clone, Debug)]
pub(crate) struct MetricsLog {
    path: PathBuf,
}

impl MetricsLog {
    /// The name of the file.
    pub const FILE: &str = "metrics.jsonl";

    /// That of a run.
    pub fn of(run: &Path) -> Self {
        Self { path: run.join(Self::FILE) }
    }

    /// Adds a step.
    pub fn add(&self, stats: &StepStats) -> Result<()> {
        append_json(&self.path, stats)
    }

    /// Brings it to the disk, if it is there.
    pub fn sync(&self) -> Result<()> {
        match files::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            file => file.and_then(|file| file.sync_all()).map_err(Error::file("write", &self.path)),
        }
    }

    /// Whether there is such a log, and its first line is of a step.
    pub fn begins_with_a_step(&self) -> bool {
        let Ok(file) = files::open(&self.path) else { return false };
        let mut line = Vec::new();
        let read = BufReader::new(file).take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.is_ok() && step_of(&line).is_some()
    }

    /// Takes out what comes after `step`: those steps will be done again. So goes a last line that a kill broke off.
    /// A line before the last that is damaged or out of order is moved to a file of its own, and a warning says so.
    pub fn cut_after(&self, step: u64) -> Result<()> {
        let file = match files::open_to_change(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::file("open", &self.path)(error)),
        };
        let cannot_read = Error::file("read", &self.path);
        let (mut kept, mut damaged, mut in_one_piece, mut other_before) = (0, 0, true, false);
        judge(&file, step, |verdict, line| {
            match verdict {
                Verdict::Kept => {
                    (kept, in_one_piece) = (kept + line.len() as u64, in_one_piece && !other_before)
                }
                Verdict::Later => other_before = true,
                Verdict::Damaged => (damaged, other_before) = (damaged + 1, true),
            }
            Ok(())
        })
        .map_err(cannot_read)?;
        failpoint::before("go-back-log").map_err(Error::file("shorten", &self.path))?;
        if damaged == 0 && in_one_piece {
            let cut = file.set_len(kept).and_then(|()| file.sync_all());
            return cut.map_err(Error::file("shorten", &self.path));
        }
        if damaged > 0 {
            let aside = self.free_name();
            write_judged(&file, step, Verdict::Damaged, &aside).map_err(Error::file("write", &aside))?;
            let lines = if damaged == 1 {
                "1 damaged line was".into()
            } else {
                format!("{damaged} damaged lines were")
            };
            tracing::warn!("{lines} moved from {} to {}", self.path.display(), aside.display());
        }
        write_judged(&file, step, Verdict::Kept, &self.path).map_err(Error::file("write", &self.path))
    }

    /// `metrics.jsonl.damaged-1`, or the next number.
    fn free_name(&self) -> PathBuf {
        let name = |number| self.path.with_file_name(format!("{}.damaged-{number}", Self::FILE));
        (1u64..).map(name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| name(0))
    }

    /// Whether a name is that of a file with damaged lines.
    pub fn is_aside(name: &str) -> bool {
        let number = name.strip_prefix(Self::FILE).and_then(|rest| rest.strip_prefix(".damaged-"));
        number.is_some_and(|number| number.parse::<u64>().is_ok_and(|parsed| parsed.to_string() == number))
    }
}

/// Adds a line to a file of JSON lines.
pub(crate) fn append_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let line = serde_json::to_vec(value).map_err(Error::serializing)?;
    files::append_line(path, &line).map_err(Error::file("write", path))
}

/// What becomes of a line.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Kept,
    /// It is of a step that will be done again.
    Later,
    /// It does not read, or its step is not between those of its neighbours.
    Damaged,
}

/// Tells of each whole line what becomes of it. Line by line: the log of a long run is long.
fn judge(
    mut file: &File,
    step: u64,
    mut tell: impl FnMut(Verdict, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    file.rewind()?;
    let (mut file, mut line) = (BufReader::new(file), Vec::new());
    let (mut last, mut held): (Option<u64>, Option<(u64, Vec<u8>)>) = (None, None);
    // Only the next line shows whether the step of one is in order.
    let mut settle =
        |held: Option<(u64, Vec<u8>)>, next: Option<u64>, tell: &mut dyn FnMut(_, &[u8]) -> _| {
            let Some((at, line)) = held else { return Ok(()) };
            let comes_after_last = |at| last.is_none_or(|last| at > last);
            let is_damaged =
                !comes_after_last(at) || next.is_some_and(|next| next <= at && comes_after_last(next));
            if is_damaged {
                return tell(Verdict::Damaged, &line);
            }
            if at > step {
                return tell(Verdict::Later, &line);
            }
            last = Some(at);
            tell(Verdict::Kept, &line)
        };
    let mut within_long_line = false;
    loop {
        line.clear();
        (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        let is_whole = line.ends_with(b"\n");
        if !is_whole && (line.len() as u64) < LONGEST_LINE {
            return settle(held, None, &mut tell);
        }
        let at = if is_whole && !within_long_line { step_of(&line) } else { None };
        within_long_line = !is_whole;
        match at {
            None => tell(Verdict::Damaged, &line)?,
            Some(at) => {
                settle(held.take(), Some(at), &mut tell)?;
                held = Some((at, std::mem::take(&mut line)));
            }
        }
    }
}

/// Writes the lines of one kind to a file, whole or not at all.
fn write_judged(log: &File, step: u64, wanted: Verdict, path: &Path) -> io::Result<()> {
    write_whole_with(path, |file| {
        let mut file = BufWriter::new(file);
        judge(log, step, |verdict, line| if verdict == wanted { file.write_all(line) } else { Ok(()) })?;
        file.flush()
    })
}

fn step_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(line).ok()?.get("step")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn lines(steps: &[u64]) -> String {
        steps.iter().map(|step| format!("{{\"step\":{step}}}\n")).collect()
    }

    #[test]
    fn steps_that_will_be_done_again_and_a_broken_last_line_are_cut_off() {
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
        ] {
            fs::write(&log.path, text).unwrap();
            log.cut_after(step).unwrap();
            assert_eq!(fs::read_to_string(&log.path).unwrap(), kept, "{text:?} after {step}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was damaged");
    }

    #[test]
    fn a_damaged_line_is_kept_beside_the_log_and_those_after_it_stay() {
        let folder = tempfile::tempdir().unwrap();
        let log = MetricsLog::of(folder.path());
        let long = "x".repeat(3 * LONGEST_LINE as usize) + "\n";
        for (number, (text, step, kept, damaged)) in [
            (lines(&[1]) + "nonsense\n" + &lines(&[2, 3]), 2, lines(&[1, 2]), "nonsense\n".to_owned()),
            (lines(&[1, 2]) + "{\"stap\":3}\n" + &lines(&[4]), 9, lines(&[1, 2, 4]), "{\"stap\":3}\n".into()),
            (lines(&[1, 2, 9, 4, 5]), 9, lines(&[1, 2, 4, 5]), lines(&[9])),
            (lines(&[1, 2, 3, 1, 5]), 9, lines(&[1, 2, 3, 5]), lines(&[1])),
            (lines(&[1, 2, 93, 4, 5]), 4, lines(&[1, 2, 4]), lines(&[93])),
            (lines(&[1]) + &long + &lines(&[2]), 9, lines(&[1, 2]), long.clone()),
            (lines(&[1, 2]) + "\0\0\n{\"step\":3", 9, lines(&[1, 2]), "\0\0\n".into()),
        ]
        .into_iter()
        .enumerate()
        {
            fs::write(&log.path, &text).unwrap();
            log.cut_after(step).unwrap();
            assert_eq!(fs::read_to_string(&log.path).unwrap(), kept, "case {number}");
            let name = format!("metrics.jsonl.damaged-{}", number + 1);
            assert!(MetricsLog::is_aside(&name));
            assert!(fs::read_to_string(folder.path().join(name)).unwrap() == damaged, "case {number}");
            log.cut_after(step).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), number + 2, "said once");
        }
    }
}
