//! One writer a run.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

/// A lock on the folder of a run. The system gives it back when its holder ends, however that comes about: a lock file
/// that is left behind locks nothing.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Its name in the folder.
    pub const FILE: &str = "lock";

    /// Takes the lock of a folder, or says who has it.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(Self::FILE);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(Error::file("create", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(20).read_to_string(&mut holder); // who it is, is only for the message
                let holder = holder.lines().next().unwrap_or("unknown").to_owned();
                return Err(Error::Locked { run: folder.to_path_buf(), holder });
            }
            Err(TryLockError::Error(error)) => {
                // Some network file systems have no locks.
                tracing::warn!(
                    "{} cannot be locked ({error}): let no other process write there",
                    path.display()
                );
            }
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(Error::file("write", &path))?;
        Ok(Self { _file: file })
    }
}
