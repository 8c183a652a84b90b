//! The files of a folder or archive, sorted out as they are met.

use std::path::{Path, PathBuf};

use super::junk::{self, RunFolders};
use super::kind::{self, HEAD, Kind};
use super::left_out::{LeftOut, Why};
use super::limits::{MAX_DEPTH, MOST_FILES, MOST_NAMES};
use crate::archive::Archive;
use crate::{Error, Result};

/// What is taken, each file with the number that an archive knows it by, and what is left out.
#[derive(Debug)]
pub(super) struct Found {
    /// What is searched, for messages.
    root: PathBuf,
    pub(super) images: Vec<(PathBuf, usize)>,
    /// Tables of labels and captions that lie among the images.
    pub(super) tables: Vec<(PathBuf, usize)>,
    pub(super) left_out: LeftOut,
    files: usize,
    names: usize,
}

impl Found {
    pub(super) fn new(root: &Path) -> Self {
        let (images, tables, left_out) = Default::default();
        Self { root: root.to_owned(), images, tables, left_out, files: 0, names: 0 }
    }

    /// Counts something that is there, so that what has no end comes to one.
    pub(super) fn count(&mut self, path: &Path) -> Result<()> {
        self.files += 1;
        self.names = self.names.saturating_add(path.as_os_str().len());
        let what = match () {
            () if self.files > MOST_FILES => format!("more than {MOST_FILES} files and folders"),
            () if self.names > MOST_NAMES => format!("files whose names take more than {MOST_NAMES} bytes"),
            () => return Ok(()),
        };
        Err(Error::TooManyFiles { path: self.root.clone(), what })
    }

    /// Takes a file in, or leaves it out. `number` is what an archive knows it by.
    pub(super) fn add(&mut self, path: PathBuf, number: usize, kind: Kind) {
        match kind {
            Kind::Image => self.images.push((path, number)),
            Kind::Table => self.tables.push((path, number)),
            Kind::Unread | Kind::Other => self.left_out.add_file(&path, kind),
        }
    }
}

/// Sorts out the files of an archive, of which it is told one after another.
pub(super) struct InArchive {
    found: Found,
    runs: RunFolders,
}

impl InArchive {
    pub(super) fn new(root: &Path) -> Self {
        Self { found: Found::new(root), runs: RunFolders::default() }
    }

    /// Whether a file of this name is an image or a table, or may be one.
    pub(super) fn wants(&mut self, path: &Path) -> bool {
        self.runs.see(path);
        if self.is_passed_over(path) {
            return false;
        }
        match kind::by_name(path) {
            Some(kind @ (Kind::Unread | Kind::Other)) => {
                self.found.left_out.add_file(path, kind);
                false
            }
            Some(Kind::Image | Kind::Table) | None => true,
        }
    }

    /// With the files that were wanted, each by its name and number.
    pub(super) fn finish(self, archive: &Archive, mut wanted: Vec<(PathBuf, usize)>) -> Found {
        let Self { mut found, runs } = self;
        let runs = runs.finish();
        if !runs.is_empty() {
            wanted.retain(|(path, _)| !path.ancestors().any(|folder| runs.contains(folder)));
            let mut sorted: Vec<_> = runs.iter().collect();
            sorted.sort();
            sorted.into_iter().for_each(|run| found.left_out.add_place(run, Why::Run));
        }
        for (path, number) in wanted {
            let by_content = || kind::by_content(&archive.head(number, HEAD));
            let kind = kind::by_name(&path).unwrap_or_else(by_content);
            found.add(path, number, kind);
        }
        found
    }

    /// Whether a file lies where nobody looks, or too deep.
    fn is_passed_over(&mut self, path: &Path) -> bool {
        let mut place = PathBuf::new();
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            let name = part.as_os_str();
            let is_folder = parts.peek().is_some();
            let too_deep = is_folder && place.components().count() >= MAX_DEPTH;
            place.push(name);
            if junk::is_hidden(name) {
                self.found.left_out.add_hidden();
            } else if junk::is_system(name) || too_deep {
                let why = if too_deep { Why::TooDeep } else { Why::System };
                if is_folder {
                    self.found.left_out.add_place(&place, why);
                }
            } else {
                continue;
            }
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_files_than_can_be_listed_are_an_error() {
        let mut found = Found::new(Path::new("photos"));
        let name = Path::new("x");
        assert!((0..MOST_FILES).all(|_| found.count(name).is_ok()));
        let error = found.count(name).unwrap_err();
        assert_eq!(error.to_string(), "photos holds more than 10000000 files and folders");

        let mut found = Found::new(Path::new("photos"));
        let name = PathBuf::from("x".repeat(1 << 20));
        assert!((0..MOST_NAMES >> 20).all(|_| found.count(&name).is_ok()));
        assert!(matches!(found.count(Path::new("y")), Err(Error::TooManyFiles { .. })));
    }
}
