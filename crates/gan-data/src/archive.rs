//! Files in a zip or tar archive, read in place: nothing is unpacked to a path that the archive names.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::zip::ZipArchive;

use crate::spool::{self, Spool, SpoolWriter};
use crate::watch::{Progress, Unit, Watch};
use crate::{Error, Result, files, tarball};

/// What may come out of a compressed tar archive, at least; a larger archive may hold more, see [`MAX_RATIO`].
const MAX_SMALL: u64 = 2 << 30;
/// Images are compressed already: what grows more than this is a bomb.
const MAX_RATIO: u64 = 16;
/// The largest image file that is read, bytes.
pub(crate) const MAX_FILE: u64 = 256 << 20;

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
    /// the names of those files that are `wanted`, each with the number to [`read`](Self::read) it by.
    pub(crate) fn open(
        path: &Path,
        wanted: impl Fn(&Path) -> bool,
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

    /// How messages call a file of the archive.
    pub(crate) fn describe(&self, name: &Path) -> PathBuf {
        let mut text = OsString::from(&self.path);
        text.push(": ");
        text.push(name);
        text.into()
    }
}

type Listed = (Members, Vec<(PathBuf, usize)>);

fn zip(path: &Path, file: File, length: u64, wanted: impl Fn(&Path) -> bool) -> Result<Listed> {
    let malformed = |error: ::zip::result::ZipError| {
        Error::malformed(path, format!("is not a zip archive that can be read: {error}"))
    };
    let zip = ZipArchive::new(SharedFile { file: Arc::new(file), place: 0, length }).map_err(malformed)?;
    let mut names = Vec::new();
    for number in 0..zip.len() {
        let name = match zip.name_for_index(number) {
            Some(name) => PathBuf::from(tarball::printable(name.map_err(malformed)?.as_bytes())),
            None => continue,
        };
        if wanted(&name) {
            names.push((name, number));
        }
    }
    Ok((Members::Zip(zip), names))
}

fn tar(path: &Path, file: File, length: u64, wanted: impl Fn(&Path) -> bool) -> Result<Listed> {
    let (mut places, mut names) = (Vec::new(), Vec::new());
    tarball::visit_headers(path, &file, length, |member| {
        if wanted(&member.inside) {
            names.push((member.inside, places.len()));
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
    wanted: impl Fn(&Path) -> bool,
    watch: &Watch,
) -> Result<Listed> {
    let what = format!("reading {}", path.display());
    let most = length.saturating_mul(MAX_RATIO).max(MAX_SMALL);
    let file = Counted { inner: file, done: 0, total: length, what: &what, watch };
    let (mut writer, mut names) = (SpoolWriter::new()?, Vec::new());
    let mut bytes = Vec::new();
    tarball::visit_compressed(path, file, most, |member| {
        if wanted(&member.inside) {
            bytes.clear();
            // What is too long for an image is cut here, and is an error when it is read.
            member
                .content
                .take(MAX_FILE + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| damaged(path, error))?;
            names.push((member.inside, names.len()));
            writer.push(&bytes)?;
        }
        Ok(())
    })?;
    Ok((Members::Unpacked(writer.finish()?), names))
}

/// What a decompressor or an archive's reader says of the file.
fn damaged(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Error::reading(path)(error),
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
