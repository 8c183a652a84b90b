//! Finding the archive that a published data set was fetched in.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{BLOCK, is_header};
use crate::compression::Codec;
use crate::{Error, Result, files, spool};

const ENDINGS: [&str; 7] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst"];

/// How a message about missing files asks for an archive.
pub(crate) const LOOKED_FOR: &str = "a single .tar.gz, .tgz or .tar (or .tar.xz, .tar.zst)";

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
    let found = files::metadata(path)?;
    let is_file = found.as_ref().is_some_and(|found| found.is_file());
    if is_archive(path) && found.is_none_or(|found| !found.is_dir()) || is_file && holds_a_tar(path)? {
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
pub(super) fn find(folder: &Path, published: Option<&str>) -> Result<Option<PathBuf>> {
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

/// Whether the file is a tar archive, raw or compressed, whatever it is called.
fn holds_a_tar(path: &Path) -> Result<bool> {
    let (file, _) = files::open(path)?;
    let mut start = [0; BLOCK as usize];
    let found = spool::read_up_to(&file, &mut start, 0).map_err(Error::reading(path))?;
    let Some(codec) = Codec::of(&start[..found]) else { return Ok(is_header(&start[..found])) };
    // What does not decompress is no archive.
    let inside = codec.reader(&file).and_then(|mut reader| reader.read_exact(&mut start));
    Ok(inside.is_ok() && is_header(&start))
}
