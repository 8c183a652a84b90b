//! What of a folder is not taken, counted by kind and named, so that nothing is left out in silence.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::kind::{self, Kind};
use crate::names;

/// So many kinds of files are told apart.
const MOST_KINDS: usize = 1000;
/// So many kinds, or places, are named in a message.
const NAMED: usize = 8;

/// Something to say of a data set once it is open.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) text: String,
    /// Whether what is trained on may be other than one thinks.
    pub(super) warning: bool,
}

impl Note {
    pub(super) fn info(text: String) -> Self {
        Self { text, warning: false }
    }

    pub(super) fn warning(text: String) -> Self {
        Self { text, warning: true }
    }
}

/// Why something that has a name of its own is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// The folder of a run of `gan`.
    Run,
    /// A folder that a system or a program left behind.
    System,
    /// A link to a folder that it lies in.
    Circle,
    /// A link to what is not there.
    LeadsNowhere,
    /// A folder that links have led to too often.
    TooOften,
    /// Folders within folders.
    TooDeep,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::Run => "left out, as folders of runs",
            Self::System => "left out, as folders that systems leave behind",
            Self::Circle => "left out, as links that lead back to a folder they lie in",
            Self::LeadsNowhere => "left out, as links that lead nowhere",
            Self::TooOften => "left out, as links that lead to the same folder too often",
            Self::TooDeep => "left out, as too many folders lie one in another",
        }
    }

    fn is_usual(self) -> bool {
        matches!(self, Self::Run | Self::System)
    }
}

/// What is not taken.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    others: BTreeMap<String, usize>,
    unread: BTreeMap<String, usize>,
    places: BTreeMap<Why, (Vec<PathBuf>, usize)>,
    hidden: usize,
}

impl LeftOut {
    /// Counts a file that is no image, or none that is read.
    pub(super) fn add_file(&mut self, path: &Path, kind: Kind) {
        let counts = if kind == Kind::Unread { &mut self.unread } else { &mut self.others };
        let mut name = kind::called(path);
        if counts.len() >= MOST_KINDS && !counts.contains_key(&name) {
            name = "of other endings".to_owned();
        }
        *counts.entry(name).or_default() += 1;
    }

    /// Remembers a place that is left out with everything in it; the same one after another counts once.
    pub(super) fn add_place(&mut self, path: &Path, why: Why) {
        let (named, count) = self.places.entry(why).or_default();
        if named.last().is_some_and(|last| last == path) {
            return;
        }
        if named.len() < NAMED {
            named.push(path.to_owned());
        }
        *count += 1;
    }

    pub(super) fn add_hidden(&mut self) {
        self.hidden += 1;
    }

    /// How many files were left out one by one, for what they are.
    pub(super) fn files(&self) -> usize {
        self.others.values().chain(self.unread.values()).sum()
    }

    /// Whether there are images among them.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// What is there in place of images, in words.
    pub(super) fn describe(&self) -> String {
        let mut parts = Vec::new();
        if !self.unread.is_empty() {
            parts.push(format!("{} (images of a kind that is not read)", counted(&self.unread)));
        }
        if !self.others.is_empty() {
            parts.push(counted(&self.others));
        }
        if self.hidden > 0 {
            parts.push(format!("{} hidden", self.hidden));
        }
        parts.extend(self.places.iter().map(|(why, place)| format!("{} {}", listed(place), why.words())));
        if parts.is_empty() { "it is empty".to_owned() } else { parts.join("; ") }
    }

    /// What there is to say where there are images beside. `root` is what was searched.
    pub(super) fn notes(&self, root: &Path) -> Vec<Note> {
        let root = root.display();
        let mut notes = Vec::new();
        if !self.unread.is_empty() {
            let what = counted(&self.unread);
            notes.push(Note::warning(format!(
                "{root}: left out, as images of a kind that is not read: {what}: convert them to PNG or JPEG"
            )));
        }
        if !self.others.is_empty() {
            let what = counted(&self.others);
            notes.push(Note::info(format!("{root}: left out, as files that are no images: {what}")));
        }
        notes.extend(self.places.iter().map(|(why, place)| Note {
            text: format!("{root}: {}: {}", why.words(), listed(place)),
            warning: !why.is_usual(),
        }));
        notes
    }
}

/// `3 .txt, 1 without ending`, the most first.
fn counted(counts: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut parts: Vec<_> =
        sorted.iter().take(NAMED).map(|(name, count)| format!("{count} {name}")).collect();
    let rest: usize = sorted.iter().skip(NAMED).map(|(_, count)| **count).sum();
    if rest > 0 {
        parts.push(format!("{rest} others"));
    }
    parts.join(", ")
}

/// The first few places, and how many more there are.
fn listed((named, count): &(Vec<PathBuf>, usize)) -> String {
    let names: Vec<_> = named.iter().map(|path| names::shown(path.as_os_str())).collect();
    match count - named.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The first few of many names.
pub(super) fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let count = names.len();
    let names: Vec<_> = names.take(NAMED).collect();
    match count - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
