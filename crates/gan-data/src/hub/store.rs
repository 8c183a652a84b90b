//! Where fetched files are kept: in the hub's usual cache, laid out as everybody lays it out, under names that we make.
//! `datasets--OWNER--NAME/blobs/SHA256` is a file, and `snapshots/COMMIT/PATH` a link to it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// The folder of a repository in the cache.
pub(super) struct Store {
    folder: PathBuf,
}

/// A file on its way into the cache. Nothing of it stays unless it is kept.
pub(super) struct Incoming {
    file: NamedTempFile,
    sha: Sha256,
    pub(super) length: u64,
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.sha.update(&bytes[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Store {
    /// Of a repository; owner and name have been checked.
    pub(super) fn of(cache: &Path, owner: &str, name: &str) -> Self {
        Self { folder: cache.join(format!("datasets--{owner}--{name}")) }
    }

    /// Of a model; owner and name have been checked.
    pub(super) fn of_model(cache: &Path, owner: &str, name: &str) -> Self {
        Self { folder: cache.join(format!("models--{owner}--{name}")) }
    }

    pub(super) fn begin(&self) -> Result<Incoming> {
        let blobs = self.folder.join("blobs");
        fs::create_dir_all(&blobs).map_err(Error::writing(&blobs))?;
        let file = fresh_file(&blobs).map_err(Error::writing(&blobs))?;
        Ok(Incoming { file, sha: Sha256::new(), length: 0 })
    }

    /// Keeps a file under its path at a commit, both of which have been checked.
    pub(super) fn keep(&self, incoming: Incoming, commit: &str, path: &str) -> Result<PathBuf> {
        let sha: String = incoming.sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let blob = self.folder.join("blobs").join(&sha);
        incoming.file.persist(&blob).map_err(|error| Error::writing(&blob)(error.error))?;
        let snapshot = self.folder.join("snapshots").join(commit).join(path);
        link(&blob, &sha, &snapshot, path.split('/').count()).map_err(Error::writing(&snapshot))?;
        Ok(snapshot)
    }

    /// Notes which commit a branch names, so that its files are found without asking.
    pub(super) fn note(&self, revision: &str, commit: &str) -> Result<()> {
        let file = self.folder.join("refs").join(revision);
        let folder = file.parent().unwrap_or(&self.folder);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, commit));
        written.map_err(Error::writing(&file))
    }
}

/// A file without a name of its own yet, which others may read where the user lets them, as files of a cache are.
#[cfg(unix)]
fn fresh_file(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let readable = fs::Permissions::from_mode(0o666); // less what the umask takes
    tempfile::Builder::new().permissions(readable).tempfile_in(folder)
}

#[cfg(not(unix))]
fn fresh_file(folder: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

/// Makes `snapshot`, whose path within the commit has so many parts, the blob's other name, in place of what is there.
#[cfg(unix)]
fn link(_blob: &Path, sha: &str, snapshot: &Path, parts: usize) -> io::Result<()> {
    let mut fresh = snapshot.as_os_str().to_owned();
    fresh.push(format!(".{}.tmp", std::process::id()));
    fs::create_dir_all(snapshot.parent().unwrap_or(snapshot))?;
    _ = fs::remove_file(&fresh); // of a process of this number that was killed
    std::os::unix::fs::symlink(format!("{}blobs/{sha}", "../".repeat(parts + 1)), &fresh)?;
    fs::rename(&fresh, snapshot)
}

#[cfg(not(unix))]
fn link(blob: &Path, _sha: &str, snapshot: &Path, _parts: usize) -> io::Result<()> {
    fs::create_dir_all(snapshot.parent().unwrap_or(snapshot))?;
    fs::copy(blob, snapshot).map(|_| ())
}
