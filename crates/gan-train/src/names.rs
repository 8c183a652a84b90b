//! Which names in a run folder are ours, and where a new run may begin.

use crate::checkpoint;
use crate::durable;
use crate::error::{Error, Result};
use crate::file_names::{BEST, CONFIG, MARKER, NUMBERS};
use crate::lock::Lock;
use crate::marker;
use crate::metrics_log::MetricsLog;
use gan_models::files::PARTIAL;
use std::fs;
use std::path::{Path, PathBuf};

/// The most digits in the number of a run.
const MOST_DIGITS: usize = 9;

/// Whether a kill left this in the folder of a run.
pub(crate) fn is_unfinished_file(name: &str) -> bool {
    let is_ours = |name| {
        [CONFIG, MARKER, MetricsLog::FILE, BEST, NUMBERS].contains(&name) || MetricsLog::is_aside(name)
    };
    durable::finished_name(name).is_some_and(is_ours)
}

/// Whether a kill left this in the folder of samples: gan-data writes `real.png` as `real.png.PROCESS.tmp`.
pub(crate) fn is_unfinished_sample(name: &str) -> bool {
    let Some((image, process)) = name.strip_suffix(".tmp").and_then(|name| name.rsplit_once('.')) else {
        return false;
    };
    // A picture of a step may have a name behind that of the step.
    let of_step = image.strip_suffix(".png").is_some_and(|stem| {
        let end = stem.match_indices('-').nth(1).map_or(stem.len(), |(at, _)| at);
        checkpoint::is_name(&stem[..end])
    });
    process.parse::<u32>().is_ok() && (image == "real.png" || of_step)
}

/// Whether a kill left this among the checkpoints.
pub(crate) fn is_unfinished_checkpoint(name: &str) -> bool {
    durable::finished_name(name).is_some_and(checkpoint::is_name)
}

/// Makes sure that nothing is in a folder, or only what a run leaves that was killed before it began.
pub(crate) fn expect_empty(path: &Path) -> Result<()> {
    let unfinished_marker = format!("{MARKER}.{PARTIAL}");
    let is_marked = marker::is_marked(path);
    let never_began = |name: &str| {
        name == unfinished_marker
            || is_marked && ([MARKER, Lock::HOLDER].contains(&name) || is_unfinished_file(name))
    };
    let entries = fs::read_dir(path).map_err(Error::file("read", path))?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    if names.all(|name| name.to_str().is_some_and(never_began)) {
        return Ok(());
    }
    let hint = if marker::expect_run(path).is_ok() {
        format!("go on with it: gan resume {}; or choose a new folder", path.display())
    } else {
        "choose a new folder, or leave out --out for the next number under runs/".into()
    };
    Err(Error::config(format!("{} is not empty, and a run overwrites nothing", path.display()), hint))
}

/// Makes `base/0001`, or the next number that is free.
pub(crate) fn next_number(base: &Path) -> Result<PathBuf> {
    durable::create_folder(base).map_err(Error::file("create", base))?;
    let taken = fs::read_dir(base).map_err(Error::file("read", base))?;
    let number = |name: &str| name.parse::<u64>().ok().filter(|_| name.len() <= MOST_DIGITS);
    let numbers = taken.flatten().filter_map(|entry| number(entry.file_name().to_str()?));
    let mut number = numbers.max().unwrap_or(0) + 1;
    loop {
        let path = base.join(format!("{number:04}"));
        match fs::create_dir(&path) {
            Ok(()) => {
                durable::sync_folder(base).map_err(Error::file("write", base))?;
                return Ok(path);
            }
            // Another run took the number in this moment.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::file("create", &path)(error)),
        }
    }
}
