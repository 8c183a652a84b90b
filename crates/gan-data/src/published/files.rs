//! The files of a published set, wherever they lie: in a folder, in one within it, or in an archive.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::instead_of;
use super::pattern::fits;
use crate::{Error, Result, files, tarball};

/// A folder may hold so many files of one set.
const MAX_FILES: usize = 1_000;

/// A kind of file of a set.
pub(crate) struct Part {
    /// The names that it may have, raw or with `.gz` at the end: of a file that lies there under several, the first
    /// counts. Where a name has a `*`, each name that fits is a file of its own.
    pub names: Vec<String>,
    /// Whether the set cannot be read without.
    pub required: bool,
}

impl Part {
    pub(crate) fn required(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), required: true }
    }

    pub(crate) fn optional(name: impl Into<String>) -> Self {
        Self { names: vec![name.into()], required: false }
    }

    /// What messages ask for.
    fn looked_for(&self) -> Vec<String> {
        self.names.iter().flat_map(|name| [name.clone(), format!("{name}.gz")]).collect()
    }
}

/// Where the files of a set lie, and what they are called.
pub(crate) struct PublishedFiles<'a> {
    /// What the set is called.
    pub set: &'a str,
    /// The archive in which it is published.
    pub archive: Option<&'a str>,
    /// The folders in which others leave the files, within the one that is given.
    pub folders: &'a [&'a str],
    pub parts: Vec<Part>,
}

/// A file that was found.
pub(crate) struct Found<'a> {
    /// Which part it is.
    pub part: usize,
    /// The name by which it is one of the set, without `.gz`.
    pub name: &'a str,
    /// What messages call it.
    pub path: &'a Path,
    /// What it holds, unpacked.
    pub content: &'a mut dyn Read,
}

/// The place that a file's name has among those looked for: its part, its name there, and how good it is, best first.
type Place = (usize, String, usize);
/// For each part and name, how good the best file is, and its path.
type Listed = BTreeMap<(usize, String), (usize, PathBuf)>;

impl PublishedFiles<'_> {
    /// Shows every file once; from a folder in the order of the parts and names, from an archive in its own. What is
    /// required is read to its end by the visitor.
    ///
    /// # Errors
    /// If a required file is missing or cannot be read, or two files of an archive could be the same one and differ.
    pub(crate) fn read(&self, path: &Path, visitor: impl FnMut(Found<'_>) -> Result<()>) -> Result<()> {
        let visitor = RefCell::new(visitor);
        let read = tarball::folder_or_archive(
            path,
            self.archive,
            |folder| self.visit_folder(folder, &mut *visitor.borrow_mut()),
            |archive| self.visit_archive(archive, &mut *visitor.borrow_mut()),
        );
        read.map_err(|error| match error {
            missing @ Error::MissingFile { .. } => instead_of(self.set, path).unwrap_or(missing),
            error => error,
        })
    }

    /// What a file of this name is, if it is one of the set.
    fn place(&self, name: &str) -> Option<Place> {
        let (stem, packed) = name.strip_suffix(".gz").map_or((name, 0), |stem| (stem, 1));
        self.parts.iter().enumerate().find_map(|(part, Part { names, .. })| {
            let rank = names.iter().position(|wanted| fits(stem, wanted))?;
            let one = if names[rank].contains('*') { stem } else { &names[0] };
            Some((part, one.to_owned(), 2 * rank + packed))
        })
    }

    fn visit_folder(&self, path: &Path, visitor: &mut dyn FnMut(Found<'_>) -> Result<()>) -> Result<()> {
        let mut missing: Option<(bool, Error)> = None;
        let within = self.folders.iter().map(|folder| path.join(folder));
        for folder in [path.to_owned()].into_iter().chain(within) {
            if !files::metadata(&folder).is_ok_and(|found| found.is_some_and(|found| found.is_dir())) {
                continue;
            }
            let found: Listed = self.list(&folder)?;
            let Some(lacking) = self.lacking(found.keys()) else { return read_all(found, visitor) };
            // The folder that has some of the files is the one to complete.
            let has_some = found.keys().any(|&(part, _)| self.parts[part].required);
            if missing.as_ref().is_none_or(|(had_some, _)| has_some && !had_some) {
                let archive = tarball::LOOKED_FOR.to_owned();
                let looked_for = lacking.looked_for().into_iter().chain([archive]).collect();
                missing = Some((has_some, Error::MissingFile { folder, looked_for }));
            }
        }
        Err(missing.map_or_else(|| Error::NoFolder { path: path.to_owned() }, |(_, error)| error))
    }

    /// The first required part of which there is no file.
    fn lacking<'a>(&self, found: impl Iterator<Item = &'a (usize, String)> + Clone) -> Option<&Part> {
        let is_lacking = |(part, wanted): &(usize, &Part)| {
            wanted.required && !found.clone().any(|(found, _)| found == part)
        };
        self.parts.iter().enumerate().find(is_lacking).map(|(_, part)| part)
    }

    /// The best file of each name in a folder.
    fn list(&self, folder: &Path) -> Result<Listed> {
        /// Worse than those beside each other.
        const NESTED: usize = 1_000;
        const UNREADABLE: usize = 2_000;
        let mut candidates = Vec::new();
        for ((part, name, rank), path) in self.places(folder)? {
            let kind = files::metadata(&path)?;
            if kind.as_ref().is_some_and(|kind| kind.is_file()) {
                candidates.push((part, name, rank, path));
                continue;
            }
            // Some unpackers make a folder of a file's name, and put the file into it.
            if kind.is_some_and(|kind| kind.is_dir()) {
                for ((inner, one, rank), path) in self.places(&path)? {
                    let is_file = files::metadata(&path)?.is_some_and(|kind| kind.is_file());
                    if is_file && (inner, &one) == (part, &name) {
                        candidates.push((part, one, NESTED + rank, path));
                    }
                }
            }
            if self.parts[part].required {
                candidates.push((part, name, UNREADABLE + rank, path));
            }
        }
        candidates.sort();
        let mut found = BTreeMap::new();
        for (part, name, rank, path) in candidates {
            found.entry((part, name)).or_insert((rank, path));
        }
        Ok(found)
    }

    /// What there is in a folder that could be a file of the set.
    fn places(&self, folder: &Path) -> Result<Vec<(Place, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
            let entry = entry.map_err(Error::reading(folder))?;
            if let Some(place) = entry.file_name().to_str().and_then(|name| self.place(name)) {
                found.push((place, entry.path()));
            }
            if found.len() > MAX_FILES {
                let reason = format!("holds more than {MAX_FILES} files of {}", self.set);
                return Err(Error::malformed(folder, reason));
            }
        }
        Ok(found)
    }

    fn visit_archive(&self, archive: &Path, visitor: &mut dyn FnMut(Found<'_>) -> Result<()>) -> Result<()> {
        let mut seen = BTreeMap::<(usize, String), (PathBuf, [u8; 32])>::new();
        tarball::visit(archive, |member| {
            let Some((part, name, _)) = self.place(&member.name) else { return Ok(()) };
            let reader = files::unpacked(&member.name, member.content);
            let mut content = Hashed { reader, sha: Sha256::new() };
            let Some((first, digest)) = seen.get(&(part, name.clone())) else {
                visitor(Found { part, name: &name, path: &member.path, content: &mut content })?;
                seen.insert((part, name), (member.path, content.sha.finalize().into()));
                return Ok(());
            };
            if self.parts[part].required {
                let all = io::copy(&mut (&mut content).take(files::MAX_BYTES), &mut io::sink());
                all.map_err(|error| files::read_fault(&member.path, error))?;
                if content.sha.finalize().as_slice() != digest {
                    return Err(tarball::second(&member.path, first));
                }
            }
            Ok(())
        })?;
        match self.lacking(seen.keys()) {
            None => Ok(()),
            Some(part) => {
                Err(Error::MissingFile { folder: archive.to_owned(), looked_for: part.looked_for() })
            }
        }
    }
}

fn read_all(found: Listed, visitor: &mut dyn FnMut(Found<'_>) -> Result<()>) -> Result<()> {
    for ((part, name), (_, path)) in found {
        let (file, _) = files::open(&path)?;
        let unpacked = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut content = files::unpacked(unpacked, file);
        visitor(Found { part, name: &name, path: &path, content: &mut content })?;
    }
    Ok(())
}

/// Notes the digest of what is read, so that a copy of it is known.
struct Hashed<R> {
    reader: R,
    sha: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.sha.update(&buffer[..count]);
        Ok(count)
    }
}
