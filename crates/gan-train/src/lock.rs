//! One writer a run.

use crate::error::{Error, Result};
use crate::file_names::MARKER;
use crate::files;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// A lock on the folder of a run, which cannot be taken away as a file in it can. The system gives it back when its
/// holder ends, however that comes about. Taking it writes nothing.
pub(crate) struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// The file that says which process holds the lock, for messages alone.
    pub const HOLDER: &str = "lock";

    /// Takes the lock of a folder, or says who has it.
    pub fn take(folder: &Path) -> Result<Self> {
        // Not every system can lock a folder (Windows; NFS, which locks only what can be written).
        let lockable = [open_folder, |folder: &Path| files::open_to_change(&folder.join(MARKER))];
        let mut why = None;
        for open in lockable {
            let locked =
                open(folder).map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
            match locked {
                Ok(file) => return Ok(Self { _file: Some(file) }),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Locked { run: folder.to_path_buf(), holder: holder(folder) });
                }
                Err(TryLockError::Error(error)) => why = why.or(Some(error)),
            }
        }
        if let Some(error) = why {
            tracing::warn!(
                "{} cannot be locked ({error}): let no other process write there",
                folder.display()
            );
        }
        Ok(Self { _file: None })
    }

    /// Writes down who holds it.
    pub fn sign(&self, folder: &Path) -> Result<()> {
        let path = folder.join(Self::HOLDER);
        files::overwrite(&path, format!("{}\n", std::process::id()).as_bytes())
            .map_err(Error::file("write", &path))
    }
}

/// Who holds the lock, as far as is written down.
fn holder(folder: &Path) -> String {
    let text = files::read(&folder.join(Lock::HOLDER), 64).unwrap_or_default();
    let number = str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse::<u32>().ok());
    number.map_or_else(|| "unknown".to_owned(), |number| number.to_string())
}

fn open_folder(folder: &Path) -> io::Result<File> {
    if cfg!(unix) { File::open(folder) } else { Err(io::ErrorKind::Unsupported.into()) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn whoever_removes_files_of_a_run_that_is_written_to_does_not_get_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "taking it writes nothing");
        first.sign(folder.path()).unwrap();
        let error = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(error.contains(&format!("another process ({})", std::process::id())), "{error}");
        fs::remove_file(folder.path().join(Lock::HOLDER)).unwrap();
        let error = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(error.contains("another process (unknown)"), "{error}");
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
