//! Files in a zip or tar archive, read in place: nothing is unpacked to a path that the archive names.

mod listing;
mod tar;
mod zip;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use ::zip::ZipArchive;

use crate::compression::{self, Codec};
use crate::progress_callback::ProgressCallback;
use crate::spool::{self, Spool};
use crate::{Error, Result, files, names, tarball};

/// What the files of an archive may come to together, at least; a larger archive may hold more, see [`MAX_RATIO`].
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
    Zip(ZipArchive<zip::SharedFile>),
    /// Where each file begins, and its length.
    Tar(File, Vec<(u64, u64)>),
    /// Of a compressed tar archive, which cannot be read from the middle.
    Unpacked(Spool),
}

type Listed = (Members, Vec<(PathBuf, usize)>);

impl Archive {
    /// Lists the archive at `path`, which is told by its content: zip, tar, or tar compressed with gzip, xz or Zstandard.
    /// With it come the names of those files that are `wanted`, in their order, each once, with the number to
    /// [`read`](Self::read) it by. A link counts as the file that it leads to. What is said of the way to a file from
    /// outside the archive is left out of its name, as are `.` and `..`.
    pub(crate) fn open(
        path: &Path,
        wanted: impl FnMut(&Path) -> bool,
        watch: &ProgressCallback,
    ) -> Result<(Self, Vec<(PathBuf, usize)>)> {
        let (file, length) = files::open(path)?;
        let mut start = [0; tarball::BLOCK as usize];
        let found = spool::read_up_to(&file, &mut start, 0).map_err(Error::reading(path))?;
        let start = &start[..found];
        let (members, files) = if let Some(foreign) = compression::foreign(start) {
            let reason = format!("is {}, which is not read", foreign.name);
            return Err(Error::unsupported(path, reason, foreign.advice));
        } else if start.starts_with(b"PK") {
            zip::list(path, file, length, wanted)?
        } else if let Some(codec) = Codec::of(start) {
            tar::list_compressed(path, codec, file, length, wanted, watch)?
        } else if start.get(257..262) == Some(b"ustar") || tarball::is_header(start) {
            tar::list(path, file, length, wanted)?
        } else {
            return Err(Error::malformed(path, "is neither a folder nor a zip or tar archive"));
        };
        let archive = Self { path: path.to_owned(), members };
        // Members of a zip archive can share their bytes, and links are members.
        let all = files.iter().fold(0, |sum: u64, (_, number)| sum.saturating_add(archive.length(*number)));
        if all > most(length) {
            let reason = format!("its images come to {all} bytes, too many for an archive of {length}");
            return Err(Error::malformed(path, reason));
        }
        Ok((archive, files))
    }

    /// The bytes of a file; one that is too long for an image is an error. `name` is for messages.
    pub(crate) fn read(&self, number: usize, name: &Path) -> Result<Vec<u8>> {
        let path = self.describe(name);
        let too_long = |length| Error::malformed(&path, format!("{length} bytes are too many for an image"));
        let bytes = match &self.members {
            Members::Zip(archive) => zip::read(archive, number, &path)?,
            Members::Tar(file, places) => {
                let (start, length) = places[number];
                if length > MAX_FILE {
                    return Err(too_long(length));
                }
                let mut bytes = vec![0; length as usize];
                spool::read_exact_at(file, &mut bytes, start).map_err(|error| damaged(&path, error))?;
                bytes
            }
            Members::Unpacked(spool) => spool.get(number)?,
        };
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

    /// Where the archive lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How messages call a file of the archive.
    pub(crate) fn describe(&self, name: &Path) -> PathBuf {
        let mut text = OsString::from(&self.path);
        text.push(": ");
        text.push(names::shown(name.as_os_str()));
        text.into()
    }
}

/// What may come out of an archive of `length` bytes.
fn most(length: u64) -> u64 {
    length.saturating_mul(MAX_RATIO).max(MAX_SMALL)
}

/// A name in an archive without what leads out of it: a root, `.` and `..`.
fn within(name: &Path) -> PathBuf {
    name.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// What a decompressor or an archive's reader says of the file.
fn damaged(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        _ if error.raw_os_error().is_some() => Error::reading(path)(error),
        io::ErrorKind::UnexpectedEof => Error::malformed(path, "is broken off"),
        _ => Error::malformed(path, format!("is damaged: {error}")),
    }
}

#[cfg(test)]
mod tests;
