//! Going through a folder and those within it, links followed, to an end whatever lies there.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::found::Found;
use super::junk::{self, RunMarks};
use super::kind::{self, HEAD, Kind};
use super::left_out::Why;
use super::limits::MAX_DEPTH;
use crate::{Error, Result, files};

/// So often links may lead to one folder, and to what lies in it: links among folders that lie beside each other
/// would otherwise double the way with each.
const MOST_VISITS: usize = if cfg!(test) { 8 } else { 256 };

/// The files in a folder and in those within it, by their paths within `root`.
pub(super) fn walk(root: &Path) -> Result<Found> {
    let real = fs::canonicalize(root).map_err(Error::reading(root))?;
    let mut walk = Walk { root, found: Found::new(root), above: vec![real], visits: HashMap::new() };
    walk.folder(Path::new(""), false)?;
    walk.found.images.sort();
    walk.found.tables.sort();
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    found: Found,
    /// The folders that the present one lies in, and itself, each by the path that has no link in it.
    above: Vec<PathBuf>,
    /// How often folders were come to through links.
    visits: HashMap<PathBuf, usize>,
}

impl Walk<'_> {
    /// Goes through a folder; `linked` says whether a link led there.
    fn folder(&mut self, inside: &Path, linked: bool) -> Result<()> {
        let path = self.root.join(inside);
        let mut marks = RunMarks::default();
        let mut entries: Vec<(OsString, FileType)> = Vec::new();
        for entry in fs::read_dir(&path).map_err(Error::reading(&path))? {
            let entry = entry.map_err(Error::reading(&path))?;
            let name = entry.file_name();
            marks.see(&name);
            self.found.count(&inside.join(&name))?;
            if junk::is_hidden(&name) {
                self.found.left_out.add_hidden();
                continue;
            }
            // Of a link this is the link itself.
            entries.push((name, entry.file_type().map_err(Error::reading(&entry.path()))?));
        }
        // What the user named is looked into, whatever it is.
        if marks.is_run() && inside != Path::new("") {
            self.found.left_out.add_place(inside, Why::Run);
            return Ok(());
        }
        // So that a limit falls at the same place each time.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, kind) in entries {
            let inside = inside.join(&name);
            let is_link = kind.is_symlink();
            let followed = if is_link { self.follow(&inside) } else { Some(kind) };
            let is_folder = followed.is_some_and(|kind| kind.is_dir());
            if junk::is_system(&name) {
                if is_folder {
                    self.found.left_out.add_place(&inside, Why::System);
                }
            } else if is_folder {
                self.enter(&inside, is_link, linked)?;
            } else {
                self.file(inside, followed);
            }
        }
        Ok(())
    }

    /// What a link leads to, if it leads anywhere.
    fn follow(&self, inside: &Path) -> Option<FileType> {
        fs::metadata(self.root.join(inside)).ok().map(|found| found.file_type())
    }

    fn enter(&mut self, inside: &Path, is_link: bool, linked: bool) -> Result<()> {
        let path = self.root.join(inside);
        let linked = linked || is_link;
        let real = match (is_link, self.above.last(), inside.file_name()) {
            (false, Some(above), Some(name)) => above.join(name),
            _ => fs::canonicalize(&path).map_err(Error::reading(&path))?,
        };
        let why = match () {
            // Of a folder above the first one, too: it would lead to the same again.
            () if linked && self.above.iter().any(|above| above.starts_with(&real)) => Some(Why::Circle),
            () if self.above.len() > MAX_DEPTH => Some(Why::TooDeep),
            () if linked && self.visits(&real) > MOST_VISITS => Some(Why::TooOften),
            () => None,
        };
        if let Some(why) = why {
            self.found.left_out.add_place(inside, why);
            return Ok(());
        }
        self.above.push(real);
        let done = self.folder(inside, linked);
        self.above.pop();
        done
    }

    /// Counts one more visit.
    fn visits(&mut self, real: &Path) -> usize {
        let visits = self.visits.entry(real.to_owned()).or_default();
        *visits += 1;
        *visits
    }

    /// `followed` is nothing for a link that leads nowhere.
    fn file(&mut self, inside: PathBuf, followed: Option<FileType>) {
        let kind = match (kind::by_name(&inside), followed) {
            (Some(kind), _) => kind, // an image that is not there is an error where it is read
            (None, None) => return self.found.left_out.add_place(&inside, Why::LeadsNowhere),
            (None, Some(_)) => self.by_content(&inside),
        };
        self.found.add(inside, 0, kind);
    }

    /// What cannot be read has no content by which it could be an image.
    fn by_content(&self, inside: &Path) -> Kind {
        let mut head = Vec::with_capacity(HEAD);
        if let Ok((file, _)) = files::open(&self.root.join(inside)) {
            let _ = file.take(HEAD as u64).read_to_end(&mut head);
        }
        kind::by_content(&head)
    }
}
