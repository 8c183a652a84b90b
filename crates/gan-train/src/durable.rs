//! Folders that are whole or absent, also after a kill or a power cut.
//!
//! What is written gets a temporary name in the same folder, is brought to the disk (fsync), and only then renamed;
//! then the folder is brought to the disk too, without which the new name could be lost.

use crate::failpoint;
use gan_models::files::{PARTIAL, create_new, parent, partial};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

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
    sync_folder(parent(path))
}

/// Removes a folder: at once as far as others can see.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    let partial = partial(path);
    fs::rename(path, &partial)?;
    failpoint::before("save-remove")?;
    fs::remove_dir_all(partial)
}

/// Makes a folder and those above it that are missing, and brings the new names to the disk.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    create_folder(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(above)),
    }
}

/// Removes from a folder what a kill left unfinished there: everything of which `is_ours` knows the name. Links are
/// removed, not followed.
pub(crate) fn remove_unfinished(folder: &Path, is_ours: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&is_ours) {
            let path = entry.path();
            if entry.file_type()?.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    Ok(())
}

/// The name of what was being written under this name, if it is such a name.
pub(crate) fn finished_name(name: &str) -> Option<&str> {
    let path = Path::new(name);
    path.extension().filter(|extension| *extension == OsStr::new(PARTIAL))?;
    path.file_stem()?.to_str()
}

/// Brings the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(test)]
    synced::note(folder);
    gan_models::files::sync_folder(folder)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path)?;
    let (start, end) = bytes.split_at(bytes.len() / 2);
    file.write_all(start)?;
    failpoint::before("save-write")?;
    file.write_all(end)?;
    failpoint::before("save-sync-file")?;
    file.sync_all()
}

/// Which folders were brought to the disk, for tests.
#[cfg(test)]
pub(crate) mod synced {
    use std::cell::RefCell;
    use std::path::{Path, PathBuf};

    thread_local!(static FOLDERS: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) });

    pub fn note(folder: &Path) {
        FOLDERS.with_borrow_mut(|folders| folders.push(folder.to_path_buf()));
    }

    /// Those since the last call.
    pub fn take() -> Vec<PathBuf> {
        FOLDERS.take()
    }
}
