//! What the place of a file among folders says: its split and its class.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::Entry;
use crate::{Error, Result, Split};

/// What folders of a split are called.
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 4] = ["test", "val", "valid", "validation"];

/// Files that no one sees in a folder: hidden ones, and what macOS puts into archives.
pub(super) fn is_hidden(path: &Path) -> bool {
    path.components().any(|part| {
        matches!(part, Component::Normal(name) if name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX")
    })
}

/// The files by their names within the one folder that holds them all, if there is one that is no split.
pub(super) fn without_common_folder(files: Vec<(PathBuf, usize)>) -> Vec<(PathBuf, usize)> {
    let Some(common) = files.first().and_then(|(path, _)| top(path)).map(OsStr::to_owned) else {
        return files;
    };
    if is_split(&common) || files.iter().any(|(path, _)| top(path) != Some(&common)) {
        return files;
    }
    files.into_iter().map(|(path, number)| (below(&path), number)).collect()
}

/// The images of a split with their labels, and the names of the classes. `root` is for messages.
///
/// The files must be sorted.
pub(super) fn arrange(
    root: &Path,
    files: Vec<(PathBuf, usize)>,
    split: Split,
) -> Result<(Vec<Entry>, Vec<String>)> {
    let (prefix, files) = of_split(root, files, split)?;
    let entry = |path: PathBuf, number, label| Entry { path: prefix.join(path), number, label };
    let (loose, in_folders): (Vec<_>, Vec<_>) = files.into_iter().partition(|(path, _)| top(path).is_none());
    if !loose.is_empty() {
        if !in_folders.is_empty() {
            let folder = root.join(&prefix);
            tracing::warn!("{} holds images: the folders in it are left out", folder.display());
        }
        return Ok((loose.into_iter().map(|(path, number)| entry(path, number, None)).collect(), Vec::new()));
    }
    let mut classes: Vec<String> = Vec::new();
    let mut last = None;
    let mut images = Vec::with_capacity(in_folders.len());
    for (path, number) in in_folders {
        let class = top(&path).map(OsStr::to_owned);
        if class != last {
            classes.push(class.as_deref().unwrap_or_default().to_string_lossy().into_owned());
            last = class;
        }
        images.push(entry(path, number, Some(classes.len() as u32 - 1)));
    }
    Ok((images, classes))
}

/// The files of a split by their names within its folder, and that folder; all files where folders are no splits.
///
/// A folder called train among others that are no splits is a class: of photos of trains.
fn of_split(
    root: &Path,
    files: Vec<(PathBuf, usize)>,
    split: Split,
) -> Result<(PathBuf, Vec<(PathBuf, usize)>)> {
    let mut folders: Vec<&OsStr> = files.iter().filter_map(|(path, _)| top(path)).collect();
    folders.dedup();
    if folders.is_empty() || !folders.iter().all(|name| is_split(name)) {
        return Ok((PathBuf::new(), files));
    }
    let wanted: &[&str] = match split {
        Split::Train => &TRAIN,
        Split::Test => &TEST,
    };
    let Some(chosen) = wanted.iter().find(|&&name| folders.contains(&OsStr::new(name))) else {
        return Err(Error::NoImages { folder: root.join(wanted[0]) });
    };
    let of_chosen = files.into_iter().filter(|(path, _)| top(path) == Some(OsStr::new(chosen)));
    Ok((PathBuf::from(chosen), of_chosen.map(|(path, number)| (below(&path), number)).collect()))
}

fn is_split(name: &OsStr) -> bool {
    TRAIN.iter().chain(&TEST).any(|known| name == *known)
}

/// The outermost folder that a path names, if it names one.
fn top(path: &Path) -> Option<&OsStr> {
    let mut parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let first = parts.next()?;
    parts.next().map(|_| first)
}

/// The path within its outermost folder.
fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).skip(1).collect()
}
