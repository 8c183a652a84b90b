//! Every file of a run is opened here: only regular files inside its folder, no links, no pipes, and no more of them
//! than there can be. The run folder itself may be reached through a link.

use crate::durable;
use crate::error::{Error, Result};
use gan_models::files::{Links, open_regular, parent, read_regular};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The longest `config.toml`.
pub(crate) const MOST_OF_CONFIG: u64 = 1 << 20;

/// Opens a file to read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_regular(path, OpenOptions::new().read(true), Links::Refuse)
}

/// Opens a file to read and write.
pub(crate) fn open_to_change(path: &Path) -> io::Result<File> {
    open_regular(path, OpenOptions::new().read(true).write(true), Links::Refuse)
}

/// The bytes of a file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_regular(path, most, Links::Refuse)
}

/// Adds a line to a file; after one that a kill broke off it begins a new one. A new file's name is brought to the disk.
pub(crate) fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let is_new = fs::symlink_metadata(path).is_err();
    let mut options = OpenOptions::new();
    let mut file = open_regular(path, options.read(true).append(true).create(true), Links::Refuse)?;
    let mut whole = Vec::with_capacity(line.len() + 2);
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        whole.extend((last != *b"\n").then_some(b'\n'));
    }
    whole.extend_from_slice(line);
    whole.push(b'\n');
    file.write_all(&whole)?; // at once: a kill between two writes would leave half a line
    if is_new { durable::sync_folder(parent(path)) } else { Ok(()) }
}

/// Writes a file anew that need not survive anything.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open_regular(path, OpenOptions::new().write(true).create(true), Links::Refuse)?;
    file.set_len(0)?;
    file.write_all(bytes)
}

/// Makes sure that a file of a run is one, if it is there.
pub(crate) fn expect_file(path: &Path) -> Result<()> {
    match open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("use", path)(error)),
        _ => Ok(()),
    }
}

/// Whether there is such a folder in a run.
///
/// # Errors
/// If a link or a file has its name.
pub(crate) fn has_folder(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(Error::Link { path: path.to_path_buf() }),
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(Error::file("use", path)(io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::file("use", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_after_one_that_was_broken_off_begins_a_new_one_and_a_new_name_is_brought_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        durable::synced::take();
        append_line(&path, b"1").unwrap();
        assert_eq!(durable::synced::take(), [folder.path()]);
        append_line(&path, b"2").unwrap();
        assert_eq!(durable::synced::take(), [""; 0].map(Path::new));
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n");
        fs::write(&path, "1\n2").unwrap();
        append_line(&path, b"3").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n3\n");
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (mine, link) = (folder.path().join("mine"), folder.path().join("link"));
        fs::write(&mine, "text").unwrap();
        symlink(&mine, &link).unwrap();
        assert!(append_line(&link, b"1").is_err() && overwrite(&link, b"1").is_err());
        assert!(open_to_change(&link).is_err() && read(&link, 9).is_err());
        assert_eq!(fs::read(&mine).unwrap(), b"text");
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        assert!(append_line(&folder.path().join("dangling"), b"1").is_err());
        assert!(!folder.path().join("nowhere").exists());
        let error = has_folder(&link).unwrap_err();
        assert!(error.to_string().contains("link is a link") && error.hint().contains("whole run folder"));
    }
}
