//! Tar archives, raw or compressed, read from front to back, nothing unpacked.

mod find;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tar::{Archive, Entries, Entry, EntryType, Header, PaxExtensions};

use crate::compression::{self, Codec};
use crate::{Error, Result, files, names, spool};

pub(crate) use self::find::{LOOKED_FOR, folder_or_archive};

/// A compressed archive may come to this many bytes, the members that are passed over among them. The published ones
/// come to less than 200 MB: what goes on longer is made to keep the reader busy.
const MAX_UNPACKED: u64 = 4 * files::MAX_BYTES;

/// The longest record before a member that is read: of its name, and of what else its system knew of it.
const MAX_RECORD: u64 = 1 << 20;

/// The block that tar counts in, bytes.
pub(crate) const BLOCK: u64 = 512;

/// Whether a tar archive can begin with these bytes: with a header whose checksum is right. Archives of before 1988 have
/// no other mark.
pub(crate) fn is_header(start: &[u8]) -> bool {
    let Some(block) = start.first_chunk::<{ BLOCK as usize }>() else { return false };
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    let written = header.cksum().ok();
    header.set_cksum();
    block[0] != 0 && written == header.cksum().ok()
}

/// A member of an archive that is no folder.
pub(crate) struct Member<'a> {
    pub kind: Kind,
    /// Its name without the folders it is in, as text.
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

/// What a member is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    /// Another name of the member before it that has this name.
    HardLink(PathBuf),
    /// The way from its folder to another.
    Symlink(PathBuf),
    /// A file that is not read.
    Unread,
}

/// Shows every regular file of an archive, raw or compressed, in the order they are stored in. Links, devices and folders
/// are passed over. To the end: only there a damaged archive is told from a whole one.
pub(crate) fn visit(path: &Path, mut visitor: impl FnMut(Member<'_>) -> Result<()>) -> Result<()> {
    let (file, _) = files::open(path)?;
    let mut start = [0; 16];
    let found = spool::read_up_to(&file, &mut start, 0).map_err(Error::reading(path))?;
    let visitor = |member: Member<'_>| if member.kind == Kind::File { visitor(member) } else { Ok(()) };
    match (Codec::of(&start[..found]), compression::foreign(&start[..found])) {
        (Some(codec), _) => visit_compressed(path, codec, file, MAX_UNPACKED, visitor),
        (None, Some(foreign)) => {
            Err(Error::unsupported(path, format!("is {}, which is not read", foreign.name), foreign.advice))
        }
        (None, None) => visit_tar(path, io::BufReader::new(file), visitor),
    }
}

/// Shows every member of a compressed archive, which may unpack to so many bytes.
pub(crate) fn visit_compressed(
    path: &Path,
    codec: Codec,
    reader: impl Read,
    most: u64,
    visitor: impl FnMut(Member<'_>) -> Result<()>,
) -> Result<()> {
    let reader = codec.reader(reader).map_err(|error| fault(path, error))?;
    visit_tar(path, Limited { reader, left: most }, visitor)
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
    let mut before = Records::default();
    let mut end = 0;
    // Raw, because the crate would take a long name into memory however long it is.
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| fault(path, error))?;
        end = entry.raw_file_position().saturating_add(entry.size().next_multiple_of(BLOCK));
        let entry_type = entry.header().entry_type();
        match entry_type {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                before.read(&mut entry).map_err(|error| fault(path, error))?;
                continue;
            }
            EntryType::XGlobalHeader => continue, // may stand between a long name and its file
            _ => {}
        }
        let Records { name, link, size, unread } = std::mem::take(&mut before);
        let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
        let link = || {
            let link = link.or_else(|| entry.link_name_bytes().map(|link| link.into_owned()));
            names::path(without_zero(&link.unwrap_or_default()))
        };
        let kind = match entry_type {
            EntryType::Regular | EntryType::Continuous if !unread => Kind::File,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::Unread,
            EntryType::Link => Kind::HardLink(link()),
            EntryType::Symlink => Kind::Symlink(link()),
            _ => continue,
        };
        let inside = names::path(without_zero(&name));
        let shown = names::shown(inside.as_os_str());
        if matches!(kind, Kind::File | Kind::Unread) && size.is_some_and(|size| size != entry.size()) {
            // Where the next member begins is then not where its header says.
            let reason = format!("cannot be read: {shown} in it is larger than 8 GiB");
            return Err(Error::unsupported(path, reason, "pack the images without it"));
        }
        visitor(Member {
            kind,
            name: shown.rsplit('/').next().unwrap_or_default().to_owned(),
            path: PathBuf::from(format!("{}: {shown}", path.display())),
            inside,
            start: entry.raw_file_position(),
            size: entry.size(),
            content: &mut entry,
        })?;
    }
    Ok(end)
}

/// What stands before a member and tells of it.
#[derive(Default)]
struct Records {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    /// Whether it is a file that is not read.
    unread: bool,
}

impl Records {
    fn read(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
        if entry.size() > MAX_RECORD {
            self.unread = true; // who knows its name
            return Ok(());
        }
        let mut record = Vec::new();
        entry.read_to_end(&mut record)?;
        match entry.header().entry_type() {
            EntryType::GNULongName => self.name = Some(record),
            EntryType::GNULongLink => self.link = Some(record),
            _ => {
                for extension in PaxExtensions::new(&record).flatten() {
                    let value = extension.value_bytes();
                    match extension.key_bytes() {
                        b"path" => self.name = Some(value.to_vec()),
                        b"linkpath" => self.link = Some(value.to_vec()),
                        b"size" => {
                            self.size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok())
                        }
                        // The content is preceded by a table of its holes.
                        key if key.starts_with(b"GNU.sparse.") => self.unread = true,
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

/// Some names end with a zero.
fn without_zero(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"\0").unwrap_or(name)
}

fn broken_off(path: &Path) -> Error {
    Error::malformed(path, "is broken off")
}

/// Two members that could be the same file of the data set.
pub(crate) fn second(path: &Path, first: &Path) -> Error {
    Error::malformed(path, format!("is the second of its kind, after {}", first.display()))
}

/// Tells what the system cannot read from what is no archive.
pub(crate) fn fault(path: &Path, error: io::Error) -> Error {
    let reason = names::shown(error.to_string().as_ref()); // it quotes names of members
    match error.kind() {
        _ if error.raw_os_error().is_some() => Error::reading(path)(error),
        io::ErrorKind::UnexpectedEof => broken_off(path),
        io::ErrorKind::Other => Error::malformed(path, format!("is not a whole tar archive: {reason}")),
        _ => Error::malformed(path, format!("does not decompress: {reason}")),
    }
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
