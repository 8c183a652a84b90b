//! Files that are whole or absent, also after a kill or a power cut.
//!
//! What is written gets a temporary name in the same folder, is brought to the disk (fsync), and only then renamed;
//! then the folder is brought to the disk too, without which the new name could be lost.

use crate::failpoint;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What ends in this was not finished.
pub(crate) const PARTIAL: &str = "partial";

/// Puts a file in place of the one that is there, if one is.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial(path);
    write_new(&partial, bytes)?;
    fs::rename(&partial, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Writes a folder of files, which must not be there.
pub(crate) fn write_folder<'a>(
    path: &Path,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> io::Result<()> {
    let partial = partial(path);
    failpoint::before("save-begin")?;
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(&partial)?,
    }
    let written = files.into_iter().try_for_each(|(name, bytes)| write_new(&partial.join(name), bytes));
    let written = written.and_then(|()| {
        failpoint::before("save-sync-partial")?;
        sync_folder(&partial)?;
        failpoint::before("save-rename")?;
        fs::rename(&partial, path)
    });
    if let Err(error) = written {
        let _ = fs::remove_dir_all(&partial); // gives room back; the error that led here says more than one of this
        return Err(error);
    }
    failpoint::before("save-sync-folder")?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Removes a folder: at once as far as others can see.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    let partial = partial(path);
    fs::rename(path, &partial)?;
    failpoint::before("save-remove")?;
    fs::remove_dir_all(partial)
}

/// Removes from a folder what a kill left unfinished: all that ends in `extension`.
pub(crate) fn remove_unfinished(folder: &Path, extension: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    Ok(())
}

/// Brings what was written to a file to the disk, if the file is there.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    let (start, end) = bytes.split_at(bytes.len() / 2);
    file.write_all(start)?;
    failpoint::before("save-write")?;
    file.write_all(end)?;
    failpoint::before("save-sync-file")?;
    file.sync_all()
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(PARTIAL);
    name.into()
}

/// Names in a folder. Only Unix has a way to bring them to the disk, and needs it.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
