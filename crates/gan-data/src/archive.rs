//! Files in a zip or tar archive, read in place: nothing is unpacked to a path that the archive names.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ::zip::ZipArchive;
use ::zip::read::ZipFileEntry;

use crate::spool::{self, Spool, SpoolWriter};
use crate::watch::{Progress, Unit, Watch};
use crate::{Error, Result, files, tarball};

/// What may come out of a compressed tar archive, at least; a larger archive may hold more, see [`MAX_RATIO`].
const MAX_SMALL: u64 = if cfg!(test) { 8 << 20 } else { 2 << 30 };
/// Images are compressed already: what grows more than this is a bomb.
const MAX_RATIO: u64 = 16;
/// The largest image file that is read, bytes.
pub(crate) const MAX_FILE: u64 = if cfg!(test) { 1 << 20 } else { 256 << 20 };

/// The files of an archive.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    members: Members,
}

#[derive(Debug)]
enum Members {
    Zip(ZipArchive<SharedFile>),
    /// Where each file begins, and its length.
    Tar(File, Vec<(u64, u64)>),
    /// Of a compressed tar archive, which cannot be read from the middle.
    Unpacked(Spool),
}

impl Archive {
    /// Lists the archive at `path`, which is told by its content: zip, tar, or tar compressed with gzip. With it come
    /// the names of those files that are `wanted`, each with the number to [`read`](Self::read) it by. What is said of
    /// the way to a file from outside the archive is left out of its name, as are `.` and `..`.
    pub(crate) fn open(
        path: &Path,
        wanted: impl FnMut(&Path) -> bool,
        watch: &Watch,
    ) -> Result<(Self, Vec<(PathBuf, usize)>)> {
        let (file, length) = files::open(path)?;
        let mut start = [0; 262];
        let found = spool::read_up_to(&file, &mut start, 0).map_err(Error::reading(path))?;
        let start = &start[..found];
        let (members, names) = if start.starts_with(b"PK") {
            zip(path, file, length, wanted)?
        } else if start.starts_with(&[0x1f, 0x8b]) {
            compressed_tar(path, file, length, wanted, watch)?
        } else if start.ends_with(b"ustar") {
            tar(path, file, length, wanted)?
        } else {
            return Err(Error::malformed(path, "is neither a folder nor a zip or tar archive"));
        };
        Ok((Self { path: path.to_owned(), members }, names))
    }

    /// The bytes of a file; one that is too long for an image is an error. `name` is for messages.
    pub(crate) fn read(&self, number: usize, name: &Path) -> Result<Vec<u8>> {
        let path = self.describe(name);
        let too_long = |length| Error::malformed(&path, format!("{length} bytes are too many for an image"));
        let mut bytes = Vec::new();
        match &self.members {
            Members::Zip(zip) => {
                let mut zip = zip.clone(); // a place in the file of its own; what it knows of the archive is shared
                let member =
                    zip.by_index(number).map_err(|error| Error::malformed(&path, error.to_string()))?;
                // What the header says of the length may be a lie.
                bytes.reserve(member.size().min(1 << 20) as usize);
                member.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| damaged(&path, error))?;
            }
            Members::Tar(file, places) => {
                let (start, length) = places[number];
                if length > MAX_FILE {
                    return Err(too_long(length));
                }
                bytes.resize(length as usize, 0);
                spool::read_exact_at(file, &mut bytes, start).map_err(|error| damaged(&path, error))?;
            }
            Members::Unpacked(spool) => bytes = spool.get(number)?,
        }
        if bytes.len() as u64 > MAX_FILE {
            return Err(too_long(bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// The first bytes of a file, at most `length`; none if it cannot be read.
    pub(crate) fn head(&self, number: usize, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = match &self.members {
            Members::Zip(zip) => match zip.clone().by_index(number) {
                Ok(member) => member.take(length as u64).read_to_end(&mut bytes),
                Err(_) => Ok(0),
            },
            Members::Tar(file, places) => {
                let (start, all) = places[number];
                bytes.resize(all.min(length as u64) as usize, 0);
                spool::read_up_to(file, &mut bytes, start)
            }
            Members::Unpacked(spool) => {
                bytes = spool.get(number).unwrap_or_default();
                Ok(bytes.len().min(length))
            }
        };
        bytes.truncate(read.unwrap_or(0));
        bytes
    }

    /// How long a file is, as far as the archive's list says; 0 if it says nothing that can be read.
    pub(crate) fn length(&self, number: usize) -> u64 {
        match &self.members {
            Members::Zip(zip) => zip.by_index_data(number).map_or(0, |member| member.size()),
            Members::Tar(_, places) => places[number].1,
            Members::Unpacked(spool) => spool.length(number),
        }
    }

    /// How messages call a file of the archive.
    pub(crate) fn describe(&self, name: &Path) -> PathBuf {
        let mut text = OsString::from(&self.path);
        text.push(": ");
        text.push(name);
        text.into()
    }
}

type Listed = (Members, Vec<(PathBuf, usize)>);

fn zip(path: &Path, file: File, length: u64, mut wanted: impl FnMut(&Path) -> bool) -> Result<Listed> {
    let malformed = |error: ::zip::result::ZipError| {
        Error::malformed(path, format!("is not a zip archive that can be read: {error}"))
    };
    let zip = ZipArchive::new(SharedFile { file: Arc::new(file), place: 0, length }).map_err(malformed)?;
    let mut names = Vec::new();
    for number in 0..zip.len() {
        let member = zip.by_index_data(number).map_err(malformed)?;
        let name = zip_name(&member);
        if is_regular(&member) && wanted(&name) {
            names.push((name, number));
        }
    }
    Ok((Members::Zip(zip), names))
}

/// Neither a folder nor a link nor a device, as far as the archive says.
fn is_regular(member: &ZipFileEntry<'_>) -> bool {
    const KIND: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    !member.is_dir() && member.unix_mode().is_none_or(|mode| matches!(mode & KIND, 0 | REGULAR))
}

fn zip_name(member: &ZipFileEntry<'_>) -> PathBuf {
    let name = member.name().unwrap_or_else(|_| String::from_utf8_lossy(member.name_raw()));
    let name = name.replace('\\', "/"); // some programs for Windows write it so
    within(Path::new(&tarball::printable(name.as_bytes())))
}

/// A name in an archive without what leads out of it: a root, `.` and `..`.
fn within(name: &Path) -> PathBuf {
    name.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn tar(path: &Path, file: File, length: u64, mut wanted: impl FnMut(&Path) -> bool) -> Result<Listed> {
    let (mut places, mut names) = (Vec::new(), Vec::new());
    tarball::visit_headers(path, &file, length, |member| {
        let name = within(&member.inside);
        if wanted(&name) {
            names.push((name, places.len()));
            places.push((member.start, member.size));
        }
        Ok(())
    })?;
    Ok((Members::Tar(file, places), names))
}

fn compressed_tar(
    path: &Path,
    file: File,
    length: u64,
    mut wanted: impl FnMut(&Path) -> bool,
    watch: &Watch,
) -> Result<Listed> {
    let what = format!("reading {}", path.display());
    let most = length.saturating_mul(MAX_RATIO).max(MAX_SMALL);
    let file = Counted { inner: file, done: 0, total: length, what: &what, watch };
    let (mut writer, mut names) = (SpoolWriter::new()?, Vec::new());
    let mut bytes = Vec::new();
    tarball::visit_compressed(path, file, most, |member| {
        let name = within(&member.inside);
        if wanted(&name) {
            bytes.clear();
            // What is too long for an image is cut here, and is an error when it is read.
            member
                .content
                .take(MAX_FILE + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| damaged(path, error))?;
            names.push((name, names.len()));
            writer.push(&bytes)?;
        }
        Ok(())
    })?;
    Ok((Members::Unpacked(writer.finish()?), names))
}

/// What a decompressor or an archive's reader says of the file.
fn damaged(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        _ if error.raw_os_error().is_some() => Error::reading(path)(error),
        io::ErrorKind::UnexpectedEof => Error::malformed(path, "is broken off"),
        _ => Error::malformed(path, format!("is damaged: {error}")),
    }
}

/// A file that many read from, each at a place of its own.
#[derive(Clone, Debug)]
struct SharedFile {
    file: Arc<File>,
    place: u64,
    length: u64,
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = spool::read_at(&self.file, buffer, self.place)?;
        self.place += count as u64;
        Ok(count)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(way) => self.place.checked_add_signed(way),
            SeekFrom::End(way) => self.length.checked_add_signed(way),
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}

/// Tells how much of a file has been read.
struct Counted<'a> {
    inner: File,
    done: u64,
    total: u64,
    what: &'a str,
    watch: &'a Watch,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        let Self { what, done, total, .. } = *self;
        self.watch.tell(Progress { what, done, total: Some(total), unit: Unit::Bytes });
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
