//! The pictures and checkpoints of a run: which there are.

use crate::files;
use std::path::{Path, PathBuf};

/// A sample grid of a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Sample {
    /// What it shows; empty for the samples themselves.
    pub name: String,
    /// The step.
    pub step: u64,
    /// The file.
    pub path: PathBuf,
}

/// The pictures in `samples`, by name and then by step.
pub(super) fn list(folder: &Path) -> Vec<Sample> {
    let folder = folder.join("samples");
    if !files::is_folder(&folder) {
        return Vec::new();
    }
    let pictures = files::names(&folder).into_iter().filter_map(|file| {
        let (step, name) = parse(&file)?;
        let path = folder.join(&file);
        files::is_file(&path).then_some(Sample { name: name.to_owned(), step, path })
    });
    let mut pictures: Vec<Sample> = pictures.collect();
    pictures.sort();
    pictures
}

/// `step-000250.png` and `step-000250-NAME.png`.
fn parse(file: &str) -> Option<(u64, &str)> {
    let step = file.strip_prefix("step-")?.strip_suffix(".png")?;
    let (step, name) = step.split_once('-').unwrap_or((step, ""));
    Some((step.parse().ok()?, name))
}

/// The steps of which there is a checkpoint.
pub(super) fn checkpoints(folder: &Path) -> Vec<u64> {
    let folder = folder.join("checkpoints");
    if !files::is_folder(&folder) {
        return Vec::new();
    }
    let steps = files::names(&folder).into_iter().filter_map(|name| {
        let whole = files::is_file(&folder.join(&name).join("checkpoint.json"));
        name.strip_prefix("step-")?.parse().ok().filter(|_| whole)
    });
    let mut steps: Vec<u64> = steps.collect();
    steps.sort_unstable();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pictures_are_step_and_name() {
        assert_eq!(parse("step-000250.png"), Some((250, "")));
        assert_eq!(parse("step-000250-a-to-b.png"), Some((250, "a-to-b")));
        for other in ["real.png", "step-.png", "step-x.png", "step-1.jpg", "step-1.png.part"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
