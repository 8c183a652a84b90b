//! Images in archives that somebody else has packed.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::io::Write;
use std::path::PathBuf;

use gan_data::{Dataset, Folder, ProgressCallback, Split};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An archive of these files in a folder of its own.
fn zip(files: &[(&str, &[u8])]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photos.zip");
    let mut writer = ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
    (folder, path)
}

/// Names in an archive are anything; messages with them go to a terminal.
#[test]
fn names_in_a_zip_archive_do_not_move_the_cursor() {
    let (_folder, path) = zip(&[("cats\x1b[2J/a\nb.png", b"no image"), ("dogs/c.png", b"no image")]);
    let folder = Folder::open(&path, Split::Train, &ProgressCallback::default()).unwrap();
    assert_eq!(folder.class_names(), ["cats\\x1b[2J", "dogs"]);
    for text in [folder.describe(0), folder.get(0).unwrap_err().to_string()] {
        assert!(text.contains("photos.zip: cats") && !text.contains(char::is_control), "{text:?}");
    }
}
