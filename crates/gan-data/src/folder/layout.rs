//! What the place of a file among folders says: its split and its class.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::Entry;
use super::left_out::{Note, some};
use super::splits::{self, Part};
use crate::{Error, Result, Split, names};

type Files = [(PathBuf, usize)];

/// The images of a split.
pub(super) struct Layout {
    /// By their names within `wrap`.
    pub(super) images: Vec<Entry>,
    pub(super) classes: Vec<String>,
    /// The folder that holds all images, those of other splits too.
    pub(super) wrap: PathBuf,
    pub(super) notes: Vec<Note>,
    /// Why folders are no classes, where that is not plain.
    pub(super) no_classes: Option<Note>,
}

/// Some of the files, and how many of the folders that they lie in have been looked through.
#[derive(Clone, Debug)]
struct Group {
    range: Range<usize>,
    depth: usize,
}

/// What lies in a group: folders, each with the files in it, and images beside them.
#[derive(Default)]
struct Level<'a> {
    folders: Vec<(&'a OsStr, Range<usize>)>,
    loose: usize,
}

impl<'a> Level<'a> {
    fn of(files: &'a Files, group: &Group) -> Self {
        let mut level = Self::default();
        for at in group.range.clone() {
            match (folder(&files[at].0, group.depth), level.folders.last_mut()) {
                (None, _) => level.loose += 1,
                // In the order of their names, those of a folder follow each other.
                (Some(name), Some((last, range))) if name == *last => range.end = at + 1,
                (Some(name), _) => level.folders.push((name, at..at + 1)),
            }
        }
        level
    }

    fn splits(&self) -> Option<Vec<Option<Part>>> {
        let names: Vec<&OsStr> = self.folders.iter().map(|(name, _)| *name).collect();
        splits::among(&names, self.loose > 0)
    }
}

/// The images of a split with their labels, and the names of the classes. `root` is for messages.
///
/// The files must be sorted.
pub(super) fn arrange(root: &Path, files: &Files, split: Split) -> Result<Layout> {
    let mut notes = Vec::new();
    let mut whole = Group { range: 0..files.len(), depth: 0 };
    let mut level = Level::of(files, &whole);
    let mut splits = level.splits();
    while splits.is_none() && level.loose == 0 && level.folders.len() == 1 {
        whole.depth += 1;
        level = Level::of(files, &whole);
        splits = level.splits();
    }
    let wrap: PathBuf =
        files.first().map(|(path, _)| path.components().take(whole.depth).collect()).unwrap_or_default();
    let place = place_in(root, &wrap);

    let (mut groups, mut known) = (vec![whole.clone()], None);
    let is_split = splits.is_some();
    if let Some(parts) = splits {
        let of = |part| of_part(&level, &parts, part, whole.depth);
        let train = look_through(files, of(Part::Train), None);
        let tests = [Part::Test, Part::Validation].map(of);
        let test = tests.into_iter().find(|groups| !groups.is_empty()).unwrap_or_default();
        let taken = match split {
            Split::Train => &train,
            Split::Test => &test,
        };
        notes.extend(about_splits(&place, &level, &parts, taken));
        if taken.is_empty() {
            let found = some(level.folders.iter().map(|(name, _)| names::shown(name)));
            return Err(Error::MissingSplit { folder: place, split, found });
        }
        groups = match split {
            Split::Train => train,
            Split::Test if train.is_empty() => look_through(files, test, None),
            Split::Test => {
                // The classes are those that are trained on, with the same numbers.
                let classes = class_names(files, &train).unwrap_or_default();
                let test = look_through(files, test, Some(&classes));
                known = Some(classes);
                test
            }
        };
    } else if let Some((within, trained)) =
        within_classes(&place, files, &level, whole.depth, split, &mut notes)?
    {
        (groups, known) = (within, Some(trained));
    }
    let names = match known {
        Some(names) if names.is_empty() => None,
        Some(mut names) => class_names(files, &groups).map(|own| {
            let new: Vec<_> = own.into_iter().filter(|name| names.binary_search(name).is_err()).collect();
            names.extend(new);
            names
        }),
        None => class_names(files, &groups),
    };
    let depth = whole.depth + usize::from(is_split);
    let no_classes = if names.is_none() { without_classes(root, files, &groups, depth) } else { None };
    let names = names.unwrap_or_default();
    let images = label(files, &groups, &names, &wrap);
    let classes = names.iter().map(|name| names::shown(name)).collect();
    Ok(Layout { images, classes, wrap, notes, no_classes })
}

/// A path in a folder, for messages: nothing in it is the folder itself.
fn place_in(root: &Path, inside: &Path) -> PathBuf {
    if inside == Path::new("") { root.to_owned() } else { root.join(inside) }
}

/// The folders of a level that are of this part.
fn of_part(level: &Level<'_>, parts: &[Option<Part>], part: Part, depth: usize) -> Vec<Group> {
    let folders = level.folders.iter().zip(parts).filter(|(_, found)| **found == Some(part));
    folders.map(|((_, range), _)| Group { range: range.clone(), depth: depth + 1 }).collect()
}

/// Goes on into the one folder that holds all of the files, unless it is a class that is known.
fn look_through(files: &Files, mut groups: Vec<Group>, known: Option<&[OsString]>) -> Vec<Group> {
    loop {
        let levels: Vec<_> = groups.iter().map(|group| Level::of(files, group)).collect();
        let names: BTreeSet<_> =
            levels.iter().flat_map(|level| level.folders.iter().map(|(name, _)| *name)).collect();
        let is_known = |name: &OsStr| known.is_some_and(|known| known.iter().any(|class| class == name));
        match names.first() {
            Some(name)
                if names.len() == 1 && levels.iter().all(|level| level.loose == 0) && !is_known(name) =>
            {
                groups.iter_mut().for_each(|group| group.depth += 1);
            }
            _ => return groups,
        }
    }
}

/// The names of the classes in their order; none where images lie beside the folders.
fn class_names(files: &Files, groups: &[Group]) -> Option<Vec<OsString>> {
    let mut names = BTreeSet::new();
    for group in groups {
        let level = Level::of(files, group);
        if level.loose > 0 {
            return None;
        }
        names.extend(level.folders.into_iter().map(|(name, _)| name));
    }
    (!names.is_empty()).then(|| names.into_iter().map(OsStr::to_owned).collect())
}

/// The files of a split where every class has folders for the splits in it, and the classes that are trained
/// on.
fn within_classes(
    place: &Path,
    files: &Files,
    level: &Level<'_>,
    depth: usize,
    split: Split,
    notes: &mut Vec<Note>,
) -> Result<Option<(Vec<Group>, Vec<OsString>)>> {
    let (mut taken, mut trained, mut with) = (Vec::new(), Vec::new(), Vec::new());
    for (name, range) in &level.folders {
        let inner = Level::of(files, &Group { range: range.clone(), depth: depth + 1 });
        let Some(parts) = inner.splits().filter(|parts| inner.loose == 0 && parts.len() > 1) else {
            continue;
        };
        with.push(*name);
        if parts.contains(&Some(Part::Train)) {
            trained.push(OsString::from(name));
        }
        let wanted = match split {
            Split::Train => Part::Train,
            Split::Test if parts.contains(&Some(Part::Test)) => Part::Test,
            Split::Test => Part::Validation,
        };
        // The class is the folder around that of the split.
        taken
            .extend(of_part(&inner, &parts, wanted, depth).into_iter().map(|group| Group { depth, ..group }));
    }
    let Some(first) = with.first() else { return Ok(None) };
    let example = place.join(first);
    let example = names::shown(example.as_os_str());
    if with.len() < level.folders.len() || level.loose > 0 {
        notes.push(Note::warning(format!(
            "{example} holds folders called as splits are, which others beside it do not: all images in it are \
             taken"
        )));
        return Ok(None);
    }
    if taken.is_empty() {
        let found = some(with.iter().map(|name| names::shown(name)));
        return Err(Error::MissingSplit { folder: place.to_owned(), split, found });
    }
    notes.push(Note::info(format!(
        "{example} and the folders beside it have folders for splits in them: those for {} are taken",
        match split {
            Split::Train => "training",
            Split::Test => "testing",
        }
    )));
    Ok(Some((taken, trained)))
}

/// What was taken for splits, and what lies beside them.
fn about_splits(place: &Path, level: &Level<'_>, parts: &[Option<Part>], taken: &[Group]) -> Vec<Note> {
    let taken: BTreeSet<usize> = taken.iter().map(|group| group.range.start).collect();
    let (mut splits, mut beside) = (Vec::new(), Vec::new());
    for ((name, range), part) in level.folders.iter().zip(parts) {
        let is_taken = if taken.contains(&range.start) { ", taken" } else { "" };
        let text = format!("{} (images: {}{is_taken})", names::shown(name), range.len());
        if part.is_some() { splits.push(text) } else { beside.push(text) }
    }
    if level.loose > 0 {
        beside.push(format!("images in no folder: {}", level.loose));
    }
    let (place, splits) = (place.display(), some(splits.into_iter()));
    let mut notes = vec![Note::info(format!("{place}: folders taken for splits: {splits}"))];
    if !beside.is_empty() {
        let beside = some(beside.into_iter());
        notes.push(Note::warning(format!("{place}: left out beside the splits: {beside}")));
    }
    notes
}

/// Why there are no classes, where one might think that there are. `depth` is that of the folders in splits.
fn without_classes(root: &Path, files: &Files, groups: &[Group], depth: usize) -> Option<Note> {
    let first = groups.first()?;
    let levels: Vec<_> = groups.iter().map(|group| Level::of(files, group)).collect();
    let loose: usize = levels.iter().map(|level| level.loose).sum();
    let folders: usize = levels.iter().map(|level| level.folders.len()).sum();
    let within: usize = groups.iter().map(|group| group.range.len()).sum::<usize>() - loose;
    let inside: PathBuf = files.get(first.range.start)?.0.components().take(first.depth).collect();
    let place = place_in(root, &inside);
    let place = place.display();
    if folders > 0 {
        return Some(Note::warning(format!(
            "{place}: images in no folder: {loose}, images in its {folders} folders: {within}; all are taken, \
             and there are no classes. For classes, move those in no folder away or into one"
        )));
    }
    (first.depth > 0 && first.depth >= depth)
        .then(|| Note::info(format!("{place} holds all of the images: there are no classes")))
}

/// The files of the groups, named within `wrap`.
fn label(files: &Files, groups: &[Group], names: &[OsString], wrap: &Path) -> Vec<Entry> {
    let numbers: HashMap<&OsStr, u32> = names.iter().map(OsString::as_os_str).zip(0..).collect();
    let wrapped = wrap.components().count();
    let mut images = Vec::with_capacity(groups.iter().map(|group| group.range.len()).sum());
    for group in groups {
        for (path, number) in &files[group.range.clone()] {
            let label = folder(path, group.depth).and_then(|class| numbers.get(class)).copied();
            images.push(Entry { path: path.components().skip(wrapped).collect(), number: *number, label });
        }
    }
    images
}

/// The folder that a path names after so many others, if it names one.
fn folder(path: &Path, depth: usize) -> Option<&OsStr> {
    let mut parts = path.components().skip(depth);
    let first = parts.next()?;
    match (first, parts.next()) {
        (Component::Normal(name), Some(_)) => Some(name),
        _ => None,
    }
}
