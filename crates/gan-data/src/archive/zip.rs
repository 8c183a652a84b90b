//! The files of a zip archive.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ::zip::read::ZipFileEntry;
use ::zip::result::ZipError;
use ::zip::{SUPPORTED_COMPRESSION_METHODS, ZipArchive};

use super::listing::{Listing, MAX_LINK};
use super::{Listed, MAX_FILE, Members, damaged, within};
use crate::{Error, Result, names, spool};

/// What may be read to find and read the list of the files, bytes.
pub(super) const MAX_LIST: u64 = if cfg!(test) { 1 << 20 } else { 512 << 20 };

/// What to do with an archive that is not read.
const ADVICE: &str = "unpack it, and give the folder; or pack that folder anew, without a password";

pub(super) fn list(
    path: &Path,
    file: File,
    length: u64,
    mut wanted: impl FnMut(&Path) -> bool,
) -> Result<Listed> {
    let left = Arc::new(AtomicU64::new(MAX_LIST));
    let shared = SharedFile { file: Arc::new(file), place: 0, length, left: left.clone() };
    let mut zip = ZipArchive::new(shared).map_err(|error| match error {
        _ if left.load(Relaxed) == 0 => {
            Error::malformed(path, format!("has a list of its files of more than {MAX_LIST} bytes"))
        }
        ZipError::Io(error) if error.raw_os_error().is_some() => Error::reading(path)(error),
        error if error.to_string().contains("ulti-disk") => {
            let reason = "is a zip archive in parts, which is not read";
            Error::unsupported(path, reason, "join the parts, as `zip -s 0` does")
        }
        error => Error::malformed(path, format!("is not a zip archive that can be read: {error}")),
    })?;
    left.store(u64::MAX, Relaxed);
    if zip.has_duplicate_names() {
        tracing::warn!("{}: of files of one name in it the last counts", path.display());
    }
    let mut listing = Listing::new(path);
    for number in 0..zip.len() {
        let malformed = |error: ZipError| Error::malformed(path, format!("is damaged: {error}"));
        let member = zip.by_index_data(number).map_err(malformed)?;
        let name = name(&member);
        match member.unix_mode().map_or(0, |mode| mode & KIND) {
            _ if member.is_dir() => {}
            0 | REGULAR => {
                let is_wanted = wanted(&name);
                listing.add_file(name, number, is_wanted)?;
            }
            // A link that cannot be read leads nowhere.
            SYMLINK => listing.add_symlink(name, target(&mut zip, number).unwrap_or_default())?,
            _ => {}
        }
    }
    let files = listing.finish(wanted)?;
    check_methods(path, &zip, &files)?;
    Ok((Members::Zip(zip), files))
}

/// What kind of file it is, in the mode of Unix.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

fn name(member: &ZipFileEntry<'_>) -> PathBuf {
    let name = match member.name() {
        Ok(name) => name.as_bytes().to_vec(),
        Err(_) => member.name_raw().to_vec(), // neither UTF-8 nor of the code page of DOS
    };
    let name = name.strip_suffix(b"\0").unwrap_or(&name);
    // Some programs for Windows write it so.
    let name: Vec<u8> = name.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    within(&names::path(&name))
}

/// What a symbolic link names.
fn target(zip: &mut ZipArchive<SharedFile>, number: usize) -> Option<PathBuf> {
    let mut way = Vec::new();
    zip.by_index(number).ok()?.take(MAX_LINK as u64 + 1).read_to_end(&mut way).ok()?;
    Some(names::path(&way))
}

/// Says once what many images have in common: that none of them is read is an error.
fn check_methods(path: &Path, zip: &ZipArchive<SharedFile>, files: &[(PathBuf, usize)]) -> Result<()> {
    let reasons = files.iter().filter_map(|&(_, number)| unread(&zip.by_index_data(number).ok()?));
    let mut reasons = reasons.peekable();
    let Some(first) = reasons.peek().cloned() else { return Ok(()) };
    let count = reasons.count();
    if count == files.len() {
        return Err(Error::unsupported(path, format!("is not read: its images are {first}"), ADVICE));
    }
    tracing::warn!("{}: {count} of its {} images are not read: {first}", path.display(), files.len());
    Ok(())
}

/// Why a member is not read, whatever is in it.
pub(super) fn unread(member: &ZipFileEntry<'_>) -> Option<String> {
    let method = member.compression();
    if member.encrypted() {
        Some("encrypted with a password".to_owned())
    } else if SUPPORTED_COMPRESSION_METHODS.contains(&method) {
        None
    } else {
        Some(format!("compressed by the method {method}"))
    }
}

/// The content of a member; `path` is what messages call it.
pub(super) fn read(zip: &ZipArchive<SharedFile>, number: usize, path: &Path) -> Result<Vec<u8>> {
    let mut zip = zip.clone(); // a place in the file of its own; what it knows of the archive is shared
    if let Some(reason) = zip.by_index_data(number).ok().and_then(|member| unread(&member)) {
        return Err(Error::unsupported(path, format!("is {reason}, which is not read"), ADVICE));
    }
    let member = zip.by_index(number).map_err(|error| match error {
        ZipError::Io(error) => damaged(path, error), // it may be the disk's fault
        error => Error::malformed(path, error.to_string()),
    })?;
    // What the header says of the length may be a lie.
    let mut bytes = Vec::with_capacity(member.size().min(1 << 20) as usize);
    member.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| damaged(path, error))?;
    Ok(bytes)
}

/// A file that many read from, each at a place of its own.
#[derive(Clone, Debug)]
pub(super) struct SharedFile {
    file: Arc<File>,
    place: u64,
    length: u64,
    /// How much may still be read by all of them.
    left: Arc<AtomicU64>,
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = spool::read_at(&self.file, buffer, self.place)?;
        self.place += count as u64;
        let left = self.left.load(Relaxed);
        if left < u64::MAX {
            self.left.store(left.saturating_sub(count as u64), Relaxed);
            if left <= count as u64 {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
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
