//! Published data sets as they are fetched: a `.tar`, `.tar.gz` or `.tgz`, read from front to back, nothing unpacked.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entries, EntryType, PaxExtensions};

use crate::{Error, Result, files};

/// A compressed archive may come to this many bytes, the members that are passed over among them. The published ones
/// come to less than 200 MB: what goes on longer is made to keep the reader busy.
const MAX_UNPACKED: u64 = 4 * files::MAX_BYTES;

/// The longest record of names that is read; the longest path of most systems has 4096 bytes.
const MAX_NAME: u64 = 1 << 16;

/// The block that tar counts in, bytes.
const BLOCK: u64 = 512;

const ENDINGS: [&str; 3] = [".tar", ".tar.gz", ".tgz"];

/// How a message about missing files asks for an archive.
pub(crate) const LOOKED_FOR: &str = "a single .tar.gz, .tgz or .tar";

/// Reads a data set from the archive at `path`, or from the folder there; if the folder lacks one of its files, then
/// from the archive in it: the one called `published`, or the only one.
///
/// # Errors
/// Those of `from_folder` and `from_archive`, or if there is neither a folder nor an archive.
pub(crate) fn folder_or_archive<T>(
    path: &Path,
    published: Option<&str>,
    from_folder: impl FnOnce(&Path) -> Result<T>,
    from_archive: impl FnOnce(&Path) -> Result<T>,
) -> Result<T> {
    if is_archive(path) && files::metadata(path)?.is_none_or(|found| !found.is_dir()) {
        return from_archive(path);
    }
    files::require_folder(path)?;
    match from_folder(path) {
        Err(missing @ Error::MissingFile { .. }) => match find(path, published)? {
            Some(archive) => from_archive(&archive),
            None => Err(missing),
        },
        result => result,
    }
}

fn is_archive(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        ENDINGS.iter().any(|ending| name.ends_with(ending)) && !name.starts_with('.')
    })
}

/// The archive of this name in a folder, or the only one there.
fn find(folder: &Path, published: Option<&str>) -> Result<Option<PathBuf>> {
    let mut archives = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
        let path = entry.map_err(Error::reading(folder))?.path();
        if published.is_some_and(|name| path.ends_with(name)) {
            return Ok(Some(path));
        }
        if is_archive(&path) {
            archives.push(path);
        }
    }
    Ok(if archives.len() == 1 { archives.pop() } else { None })
}

/// A regular file in an archive.
pub(crate) struct Member<'a> {
    /// Its name without the folders it is in.
    pub name: String,
    /// Its name with them.
    pub inside: PathBuf,
    /// Where its content begins in the tar archive, and its length, bytes.
    pub start: u64,
    pub size: u64,
    /// Archive and member, for messages.
    pub path: PathBuf,
    /// Its content. It need not be read to the end.
    pub content: &'a mut dyn Read,
}

/// Shows every regular file of an archive, in the order they are stored in. Links, devices and folders are passed
/// over. To the end: only there a damaged archive is told from a whole one.
pub(crate) fn visit(path: &Path, visitor: impl FnMut(Member<'_>) -> Result<()>) -> Result<()> {
    let (file, _) = files::open(path)?;
    let plain = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tar"));
    if plain {
        visit_tar(path, io::BufReader::new(file), visitor)
    } else {
        visit_compressed(path, file, MAX_UNPACKED, visitor)
    }
}

/// The same with a compressed archive, which may unpack to so many bytes.
pub(crate) fn visit_compressed(
    path: &Path,
    reader: impl Read,
    most: u64,
    visitor: impl FnMut(Member<'_>) -> Result<()>,
) -> Result<()> {
    visit_tar(path, Limited { reader: MultiGzDecoder::new(reader), left: most }, visitor)
}

/// The same with a file of `length` bytes, of which only the headers are read, and what the visitor reads.
pub(crate) fn visit_headers(
    path: &Path,
    file: &File,
    length: u64,
    visitor: impl FnMut(Member<'_>) -> Result<()>,
) -> Result<()> {
    let mut archive = Archive::new(file);
    let entries = archive.entries_with_seek().map_err(|error| fault(path, error))?;
    let end = visit_entries(path, entries, visitor)?;
    if length < end.saturating_add(BLOCK) { Err(broken_off(path)) } else { Ok(()) }
}

/// The same with the bytes of a tar archive, whatever they come from. `path` is what messages call it.
pub(crate) fn visit_tar(
    path: &Path,
    reader: impl Read,
    visitor: impl FnMut(Member<'_>) -> Result<()>,
) -> Result<()> {
    let read = Cell::new(0);
    let mut archive = Archive::new(Counting { reader, read: &read });
    let entries = archive.entries().map_err(|error| fault(path, error))?;
    let end = visit_entries(path, entries, visitor)?;
    // The end is marked by a block of zeros: without it, members may be missing.
    if read.get() < end.saturating_add(BLOCK) {
        return Err(broken_off(path));
    }
    // The checksum of what was compressed comes last.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| fault(path, error))?;
    Ok(())
}

/// Gives the place after the last entry.
fn visit_entries(
    path: &Path,
    entries: Entries<'_, impl Read>,
    mut visitor: impl FnMut(Member<'_>) -> Result<()>,
) -> Result<u64> {
    let mut long_name = None;
    let mut end = 0;
    // Raw, because the crate would take a long name into memory however long it is.
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| fault(path, error))?;
        end = entry.raw_file_position().saturating_add(entry.size().next_multiple_of(BLOCK));
        match entry.header().entry_type() {
            EntryType::GNULongName | EntryType::XHeader => {
                let pax = entry.header().entry_type() == EntryType::XHeader;
                let mut record = Vec::new();
                if entry.size() <= MAX_NAME {
                    entry.read_to_end(&mut record).map_err(|error| fault(path, error))?;
                }
                long_name = if pax { pax_name(&record).or(long_name) } else { Some(record) };
            }
            EntryType::Regular | EntryType::Continuous => {
                let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let name = printable(&name);
                visitor(Member {
                    name: name.rsplit('/').next().unwrap_or_default().to_owned(),
                    path: PathBuf::from(format!("{}: {name}", path.display())),
                    inside: PathBuf::from(name),
                    start: entry.raw_file_position(),
                    size: entry.size(),
                    content: &mut entry,
                })?;
            }
            EntryType::XGlobalHeader | EntryType::GNULongLink => {} // may stand between a long name and its file
            _ => long_name = None,
        }
    }
    Ok(end)
}

fn broken_off(path: &Path) -> Error {
    Error::malformed(path, "is broken off")
}

/// Two members that could be the same file of the data set.
pub(crate) fn second(path: &Path, first: &Path) -> Error {
    Error::malformed(path, format!("is the second of its kind, after {}", first.display()))
}

/// The name in an extended header of POSIX (2001), if it has one.
fn pax_name(record: &[u8]) -> Option<Vec<u8>> {
    let names = PaxExtensions::new(record).flatten().filter(|entry| entry.key_bytes() == b"path");
    names.last().map(|entry| entry.value_bytes().to_vec())
}

/// A name as text of one line, without the zero that may end it.
pub(crate) fn printable(name: &[u8]) -> String {
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    String::from_utf8_lossy(name).chars().map(shown).collect()
}

/// Tells what the system cannot read from what is no archive.
fn fault(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::Other && error.raw_os_error().is_none() {
        let reason = printable(error.to_string().as_bytes()); // it quotes names of members
        return Error::malformed(path, format!("is not a whole tar archive: {reason}"));
    }
    files::read_fault(path, error)
}

/// Counts what is read.
struct Counting<'a, R> {
    reader: R,
    read: &'a Cell<u64>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

/// Fails where a reader goes on too long.
struct Limited<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                let reason = "it comes to too many bytes for a data set";
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
