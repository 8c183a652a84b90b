//! Folders of images in every kind of archive.

mod damage;
mod links;
mod methods;

use std::fs;
use std::io::{Cursor, Write};

use ::image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::{Dataset, Folder, Split};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Stored,
    Deflated,
    Tar,
    TarGz,
    TarXz,
    TarZst,
}

const KINDS: [Kind; 6] = [Kind::Stored, Kind::Deflated, Kind::Tar, Kind::TarGz, Kind::TarXz, Kind::TarZst];
/// Those that are tar archives.
const TARS: [Kind; 4] = [Kind::Tar, Kind::TarGz, Kind::TarXz, Kind::TarZst];

impl Kind {
    /// An archive of these files, under the names as they are, whatever they say.
    fn pack(self, files: &[(&str, &[u8])]) -> Vec<u8> {
        match self {
            Self::Stored => zip_of(files, CompressionMethod::Stored),
            Self::Deflated => zip_of(files, CompressionMethod::Deflated),
            tar => tar.compress(&tar_of(files)),
        }
    }

    /// The bytes of a tar archive as this kind has them.
    fn compress(self, tar: &[u8]) -> Vec<u8> {
        match self {
            Self::TarGz => gz(tar),
            Self::TarXz => {
                let options = lzma_rust2::XzOptions::with_preset(1);
                let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
                encoder.write_all(tar).unwrap();
                encoder.finish().unwrap()
            }
            Self::TarZst => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(tar).unwrap();
                encoder.finish().unwrap()
            }
            _ => tar.to_vec(),
        }
    }
}

fn zip_of(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn header(kind: ::tar::EntryType, name: &[u8], length: u64) -> ::tar::Header {
    let mut header = ::tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name); // the crate writes no `..` itself
    header.set_entry_type(kind);
    header.set_size(length);
    header.set_cksum();
    header
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let header = header(::tar::EntryType::Regular, name.as_bytes(), bytes.len() as u64);
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An image that is told from others by its first value.
fn dot(value: u8) -> Vec<u8> {
    let image = RgbImage::from_fn(9, 7, |x, y| Rgb([value, (x * y) as u8, 9]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The archive alone in a folder, and its path there. Its name says nothing of its kind.
fn write(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.archive");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn open(bytes: &[u8], split: Split) -> Result<Folder> {
    let (_folder, path) = write(bytes);
    Folder::open(&path, split, &ProgressCallback::default()) // goes on reading the file though its name is gone
}

/// The classes, and the label and first value of every image.
fn content(bytes: &[u8], split: Split) -> (Vec<String>, Vec<(Option<u32>, u8)>) {
    let data = open(bytes, split).unwrap();
    let samples = (0..data.len()).map(|index| data.get(index).unwrap());
    (data.class_names(), samples.map(|sample| (sample.label, sample.image.pixels[0])).collect())
}

fn fault(bytes: &[u8]) -> String {
    let error = open(bytes, Split::Train).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    readable(&error)
}

/// The message, which names the archive in one line.
fn readable(error: &Error) -> String {
    let message = error.to_string();
    assert!(message.contains("set.archive") && !message.contains(['\n', '\r']), "{message}");
    assert!(!error.hint().is_empty());
    message
}

#[test]
fn an_archive_of_any_kind_is_read_like_the_folder_in_it() {
    let images = [1, 2, 3, 4].map(dot);
    let names = ["dog/b.png", "cat/a.PNG", "cat/deep/c.jpg"];
    for kind in KINDS {
        for top in ["", "photos/", "./", "./photos/"] {
            let names = names.map(|name| format!("{top}{name}"));
            let files: Vec<_> =
                names.iter().zip(&images).map(|(name, bytes)| (&name[..], &bytes[..])).collect();
            let expected =
                (vec!["cat".to_owned(), "dog".to_owned()], vec![(Some(0), 2), (Some(0), 3), (Some(1), 1)]);
            assert_eq!(content(&kind.pack(&files), Split::Train), expected, "{kind:?} {top:?}");
        }
        let (one, other) = (&images[0][..], &images[1][..]);
        let splits = [
            ("x/train/a/1.png", one),
            ("x/train/b/2.png", other),
            ("x/test/b/2.png", other),
            ("x/readme", b""),
        ];
        let archive = kind.pack(&splits);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(content(&archive, Split::Train), (classes, vec![(Some(0), 1), (Some(1), 2)]), "{kind:?}");
        assert_eq!(content(&archive, Split::Test).1, [(Some(1), 2)], "{kind:?}");
        assert_eq!(open(&archive, Split::Train).unwrap().other_files(), 1);
        let train = kind.pack(&[("train/a/1.png", &images[0]), ("train/b/2.png", &images[1])]);
        assert_eq!(content(&train, Split::Train).0, ["a", "b"], "{kind:?}");
        assert!(
            matches!(open(&train, Split::Test), Err(Error::MissingSplit { .. })),
            "no test images: {kind:?}"
        );
        let loose = kind.pack(&[("2.png", &images[1]), ("1.png", &images[0])]);
        assert_eq!(content(&loose, Split::Train), (vec![], vec![(None, 1), (None, 2)]), "{kind:?}");
    }
}

#[test]
fn what_is_no_file_or_hidden_is_passed_over() {
    let good = dot(7);
    let hidden = ["__MACOSX/a/._1.png", "a/.1.png", ".git/x.png", "__MACOSX/x.png"];
    for kind in KINDS {
        let files: Vec<_> = hidden.into_iter().chain(["a/1.png"]).map(|name| (name, &good[..])).collect();
        assert_eq!(content(&kind.pack(&files), Split::Train).1, [(None, 7)], "{kind:?}");
    }

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.add_directory("a.png", options).unwrap();
    zip.add_symlink("link.png", "/etc/passwd", options).unwrap();
    zip.start_file("good.png", options).unwrap();
    zip.write_all(&good).unwrap();
    assert_eq!(content(&zip.finish().unwrap().into_inner(), Split::Train).1, [(None, 7)]);

    let mut tar = ::tar::Builder::new(Vec::new());
    use ::tar::EntryType::{Block, Char, Directory, Fifo, Link, Symlink};
    for kind in [Directory, Symlink, Link, Char, Block, Fifo] {
        tar.append(&header(kind, b"odd.png", 0), io::empty()).unwrap();
    }
    tar.append(&header(::tar::EntryType::Regular, b"good.png", good.len() as u64), &good[..]).unwrap();
    assert_eq!(content(&tar.into_inner().unwrap(), Split::Train).1, [(None, 7)]);
}

#[test]
fn of_files_of_one_name_the_last_counts() {
    let images = [1, 2, 3].map(dot);
    for kind in TARS {
        let files = [("a/x.png", &images[0][..]), ("b/y.png", &images[1]), ("./a/x.png", &images[2])];
        assert_eq!(content(&kind.pack(&files), Split::Train).1, [(Some(0), 3), (Some(1), 2)], "{kind:?}");
    }
    // The crate writes no name twice.
    let mut zip = Kind::Stored.pack(&[("a/x.png", &images[0]), ("a/z.png", &images[2])]);
    for at in 0..zip.len() - 7 {
        if &zip[at..at + 7] == b"a/z.png" {
            zip[at + 2] = b'x';
        }
    }
    assert_eq!(content(&zip, Split::Train).1, [(None, 3)]);
}

#[test]
fn names_that_lead_out_of_the_archive_lead_nowhere() {
    let names = ["../../b/1.png", "/a/2.png", "b/../../b/3.png", "./a/4.png", "a/5.png"];
    let images = [1, 2, 3, 4, 5].map(dot);
    let files: Vec<_> = names.into_iter().zip(&images).map(|(name, bytes)| (name, &bytes[..])).collect();
    for kind in KINDS {
        let (folder, path) = write(&kind.pack(&files));
        let data = Folder::open(&path, Split::Train, &ProgressCallback::default()).unwrap();
        assert_eq!(data.class_names(), ["a", "b"], "{kind:?}");
        let labels: Vec<_> = (0..data.len()).map(|index| data.get(index).unwrap().label.unwrap()).collect();
        assert_eq!(labels, [0, 0, 0, 1, 1], "{kind:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was written");
    }
}

#[test]
fn odd_names_are_made_readable() {
    let mut tar = ::tar::Builder::new(Vec::new());
    tar.append(&header(::tar::EntryType::Regular, b"a\xff\n\x1b/\xfe.png", 4), &b"text"[..]).unwrap();
    let data = open(&tar.into_inner().unwrap(), Split::Train).unwrap();
    readable(&data.get(0).unwrap_err());

    let data = open(&Kind::Stored.pack(&[("a\n/1.png", b"text"), ("b/2.png", b"")]), Split::Train).unwrap();
    assert_eq!(data.class_names(), ["a\\x0a", "b"]);
    assert!(readable(&data.get(0).unwrap_err()).contains("a\\x0a/1.png: "));
    assert!(readable(&data.get(1).unwrap_err()).ends_with("b/2.png: is empty"));

    let image = dot(1);
    let windows = Kind::Deflated.pack(&[("photos\\dog\\1.png", &image), ("photos\\cat\\2.png", &image)]);
    assert_eq!(content(&windows, Split::Train).0, ["cat", "dog"]);
}

/// Latin-1, as old programs write it: each of these bytes is a mistake in UTF-8.
#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_stay_apart() {
    let names: [&[u8]; 5] =
        [b"\xe4/\xe4.png", b"\xe4/\xf6.png", b"\xf6/\xe4.png", b"\xf6/\x01.png", b"\xf6/\x02.png"];
    let images = [1, 2, 3, 4, 5].map(dot);
    let mut tar = ::tar::Builder::new(Vec::new());
    for (name, image) in names.iter().zip(&images) {
        tar.append(&header(::tar::EntryType::Regular, name, image.len() as u64), &image[..]).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let expected = vec![(Some(0), 1), (Some(0), 2), (Some(1), 4), (Some(1), 5), (Some(1), 3)];
    for kind in TARS {
        let (classes, images) = content(&kind.compress(&tar), Split::Train);
        assert_eq!(classes, ["\\xe4", "\\xf6"], "{kind:?}");
        assert_eq!(images, expected, "{kind:?}");
    }
    // In a zip such names are those of the code page that DOS had.
    let mut zip = Kind::Stored.pack(&[("äa.png", &images[0]), ("äb.png", &images[1])]);
    for at in 0..zip.len() - 1 {
        if zip[at..].starts_with("ä".as_bytes()) {
            let byte = if zip[at + 2] == b'a' { 0x84 } else { 0x94 };
            zip[at..at + 3].copy_from_slice(&[byte, byte, b'x']);
        }
    }
    assert_eq!(content(&zip, Split::Train).1, [(None, 1), (None, 2)]);
    let described = open(&zip, Split::Train).unwrap().describe(0);
    assert!(described.ends_with(": ääx.png"), "{described}");
}

#[test]
fn an_archive_may_have_thousands_of_members() {
    let images = [0, 1, 2].map(dot);
    let names: Vec<String> = (0..5_000).map(|i| format!("{}/{i:04}.png", i / 1_000)).collect();
    let files: Vec<_> = names.iter().enumerate().map(|(i, name)| (&name[..], &images[i % 3][..])).collect();
    for kind in KINDS {
        let data = open(&kind.pack(&files), Split::Train).unwrap();
        assert_eq!((data.len(), data.classes()), (5_000, Some(5)), "{kind:?}");
        for index in (0..5_000).step_by(499) {
            let sample = data.get(index).unwrap();
            assert_eq!(
                (sample.label, sample.image.pixels[0]),
                (Some(index as u32 / 1_000), (index % 3) as u8)
            );
        }
    }
}

#[test]
fn an_archive_without_images_and_what_is_no_archive_are_errors() {
    for kind in KINDS {
        for files in [&[][..], &[("a/readme.txt", &b"text"[..])]] {
            // A tar archive of nothing is a block of zeros, as is many another file.
            if (kind, files.len()) != (Kind::Tar, 0) {
                let error = open(&kind.pack(files), Split::Train).unwrap_err();
                assert!(matches!(error, Error::NoImages { .. }), "{kind:?}: {error}");
                readable(&error);
            }
        }
    }
    for other in [&b"some text"[..], b"", b"P", &[0; 10_240]] {
        assert!(fault(other).ends_with("is neither a folder nor a zip or tar archive"));
    }
    assert!(fault(b"PK is not what this is").contains("is not a zip archive"));
    fault(&gz(b"some text"));
    fault(b"\x1f\x8b");
}
