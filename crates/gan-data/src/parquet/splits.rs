//! Which of many parquet files belong to a split and to a configuration of a data set, as their names tell.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use crate::{Error, Result, Split};

/// A part of a data set that the name of a file can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Train,
    Test,
    Validation,
}

const WORDS: [(&str, Part); 5] = [
    ("train", Part::Train),
    ("test", Part::Test),
    ("validation", Part::Validation),
    ("valid", Part::Validation),
    ("val", Part::Validation),
];

/// The part that a file or folder is named after, as in `train-00000-of-00005` or `partial-train`.
fn part_in(name: Option<&OsStr>) -> Option<Part> {
    let name = name?.to_string_lossy().to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphabetic());
    words.find_map(|word| Some(WORDS.iter().find(|(known, _)| *known == word)?.1))
}

/// The part a file belongs to, by its own name or else its folder's, and the folder of everything with the same
/// configuration: `CONFIG` in `CONFIG/train/0000.parquet`, `data` in `data/train-00000-of-00005.parquet`.
fn place(path: &Path) -> Option<(Part, &Path)> {
    let folder = path.parent()?;
    if let Some(part) = part_in(path.file_stem()) {
        return Some((part, folder));
    }
    Some((part_in(folder.file_name())?, folder.parent()?))
}

/// The files of this split, in their order. Where no file names a split, all are for training; where there is none for
/// testing, those for validation are.
///
/// # Errors
/// If there is no file of the split.
pub(crate) fn of_split<T>(
    files: Vec<T>,
    path: impl Fn(&T) -> &Path,
    split: Split,
    dataset: &str,
) -> Result<Vec<T>> {
    let parts: BTreeSet<Part> = files.iter().filter_map(|file| Some(place(path(file))?.0)).collect();
    let wanted = match split {
        Split::Train if parts.is_empty() && !files.is_empty() => return Ok(files),
        Split::Train => Part::Train,
        Split::Test if parts.contains(&Part::Test) => Part::Test,
        Split::Test => Part::Validation,
    };
    let there = files.len();
    let chosen: Vec<T> =
        files.into_iter().filter(|file| place(path(file)).is_some_and(|(part, _)| part == wanted)).collect();
    if chosen.is_empty() {
        let found = match (there, parts.is_empty()) {
            (0, _) => "none at all".to_owned(),
            (_, true) => "none that is named after a split".to_owned(),
            (_, false) => format!("but some of {}", list(parts.iter().map(|part| format!("{part:?}")))),
        };
        return Err(Error::NoSplit { dataset: dataset.to_owned(), split, found });
    }
    Ok(chosen)
}

/// The files of one configuration: `default`, or the only one, or the first in the order of their names.
pub(crate) fn of_one_config<T>(files: Vec<T>, path: impl Fn(&T) -> &Path, dataset: &str) -> Vec<T> {
    let configs: BTreeSet<&Path> = files.iter().filter_map(|file| Some(place(path(file))?.1)).collect();
    let default = Path::new("default");
    let Some(&chosen) = configs.get(default).or(configs.first()) else {
        return files;
    };
    if configs.len() > 1 {
        let others = configs.iter().filter(|config| **config != chosen);
        tracing::warn!(
            "{dataset} has several configurations: {} is taken, {} left out",
            chosen.display(),
            list(others.map(|config| config.display().to_string()))
        );
    }
    let chosen = chosen.to_owned();
    files.into_iter().filter(|file| place(path(file)).is_some_and(|(_, config)| config == chosen)).collect()
}

/// Some of the names, since there may be hundreds.
fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.len() {
        0..=8 => names.join(", "),
        many => format!("{} and {} others", names[..8].join(", "), many - 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen<'a>(files: &[&'a str], split: Split) -> Result<Vec<&'a str>> {
        of_split(files.to_vec(), |file| Path::new(*file), split, "set")
    }

    #[test]
    fn a_file_is_of_the_split_that_it_or_its_folder_is_named_after() {
        let files = [
            "data/train-00000-of-00002.parquet",
            "data/train-00001-of-00002.parquet",
            "data/test-00000-of-00001.parquet",
            "x/validation/0000.parquet",
            "x/partial-train/0000.parquet",
            "training.parquet",
            "train/test.parquet",
        ];
        assert_eq!(chosen(&files, Split::Train).unwrap(), [files[0], files[1], files[4]]);
        assert_eq!(chosen(&files, Split::Test).unwrap(), [files[2], files[6]]);
    }

    #[test]
    fn validation_stands_in_for_a_test_that_is_not_there() {
        let files = ["train.parquet", "val.parquet"];
        assert_eq!(chosen(&files, Split::Test).unwrap(), ["val.parquet"]);
    }

    #[test]
    fn files_that_name_no_split_are_for_training() {
        let files = ["b.parquet", "a.parquet"];
        assert_eq!(chosen(&files, Split::Train).unwrap(), files);
        let message = chosen(&files, Split::Test).unwrap_err().to_string();
        assert_eq!(message, "set has no parquet files of its Test split: none that is named after a split");
    }

    #[test]
    fn what_is_there_in_place_of_the_split_is_named() {
        let message = |files: &[&str], split| chosen(files, split).unwrap_err().to_string();
        assert_eq!(message(&[], Split::Train), "set has no parquet files of its Train split: none at all");
        assert_eq!(
            message(&["test.parquet", "validation.parquet"], Split::Train),
            "set has no parquet files of its Train split: but some of Test, Validation"
        );
    }

    #[test]
    fn one_configuration_is_taken() {
        let config = |files: &[&'static str]| of_one_config(files.to_vec(), |file| Path::new(*file), "set");
        let files = ["b/train/0.parquet", "default/train/0.parquet", "default/test/0.parquet"];
        assert_eq!(config(&files), files[1..]);
        let files = ["a/train/0.parquet", "b/train/0.parquet"];
        assert_eq!(config(&files), files[..1]);
        let files = ["a/train-0.parquet", "a/test-0.parquet"];
        assert_eq!(config(&files), files);
        let files = ["0.parquet", "x/1.parquet"];
        assert_eq!(config(&files), files);
    }
}
