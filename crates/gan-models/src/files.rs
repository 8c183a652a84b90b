//! Opening files that others may have made, and writing files that are whole or absent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The ending of a name under which something is being written.
pub const PARTIAL: &str = "partial";

/// What to do about a link in place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Open what it points to.
    Follow,
    /// Refuse it.
    Refuse,
}

/// Opens a regular file as `options` say. Anything else is refused: a pipe would wait for a writer, a device may never
/// end. Of the path only the last name may be refused as a link, not the folders before it.
pub fn open_regular(path: &Path, options: &mut OpenOptions, links: Links) -> io::Result<File> {
    let refuse = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && links == Links::Refuse => return refuse("it is a link"),
        Ok(found) if !found.is_file() && !found.is_symlink() => return refuse("it is not a regular file"),
        _ => {} // if it is not there, `options` say whether that is an error
    }
    // It may have been replaced since.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let follow = if links == Links::Refuse { libc::O_NOFOLLOW } else { 0 };
        options.custom_flags(follow | libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { refuse("it is not a regular file") }
}

/// The bytes of a regular file of at most `most` bytes.
pub fn read_regular(path: &Path, most: u64, links: Links) -> io::Result<Vec<u8>> {
    let file = open_regular(path, OpenOptions::new().read(true), links)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("it is larger than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// Puts a file in place of the one that is there, if one is: whole or not at all, also after a power cut. It is written
/// under a temporary name, brought to the disk (fsync) and renamed; then its folder is brought to the disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |file| file.write_all(bytes))
}

/// The same, of what `write` writes.
pub fn write_whole_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let partial = partial(path);
    let written = create_new(&partial).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&partial); // gives room back; the error that led here says more than one of this
        return Err(error);
    }
    sync_folder(parent(path))
}

/// A new file in place of one that was left behind, or of a link.
pub fn create_new(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::create_new(path),
    }
}

/// The name under which something is written.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(PARTIAL);
    name.into()
}

/// Brings the names in a folder to the disk. Only Unix has a way to do so, and needs it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The folder of a file or folder.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path, links: Links) -> io::Result<Vec<u8>> {
        read_regular(path, 4, links)
    }

    #[test]
    fn no_more_is_read_than_is_allowed_and_what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, Links::Refuse).unwrap(), b"four");
        fs::write(&path, "five!").unwrap();
        assert_eq!(read(&path, Links::Refuse).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read(folder.path(), Links::Follow).unwrap_err().to_string().contains("not a regular file"));
        let missing = read(&folder.path().join("b"), Links::Refuse).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_devices_are_not_opened() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "text").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink("/dev/zero", path("zero")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        assert_eq!(read(&path("link"), Links::Follow).unwrap(), b"text");
        assert!(read(&path("link"), Links::Refuse).unwrap_err().to_string().contains("is a link"));
        for name in ["zero", "pipe"] {
            assert!(read(&path(name), Links::Follow).unwrap_err().to_string().contains("not a regular"));
        }
        // What lies under the temporary name is taken away, and not written through.
        symlink(path("file"), path("new.partial")).unwrap();
        write_whole(&path("new"), b"new").unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), b"text");
        assert_eq!(fs::read(path("new")).unwrap(), b"new");
        assert!(!path("new.partial").exists());
    }
}
