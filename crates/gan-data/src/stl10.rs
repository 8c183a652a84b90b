//! STL-10's binary files: images of 3 * 96 * 96 bytes, plane by plane, each column by column; and a label byte each in a
//! file of their own. The format is described at <https://cs.stanford.edu/~acoates/stl10/>.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::published::{Found, Part, PublishedFiles, of_lines, read_records, warn_if_incomplete};
use crate::{Error, LabelledImages, Result, Split, files};

const SIDE: usize = 96;
const PLANE: usize = SIDE * SIDE;
const CLASSES: u8 = 10;

/// Reads a part of STL-10 from the folder or archive at `path`: `train_X.bin` and `train_y.bin`, or `test_...`, and the
/// names of the classes from `class_names.txt`. The 100,000 images without labels are in neither part, and left alone.
pub(crate) fn load(path: &Path, split: Split) -> Result<LabelledImages> {
    let (start, complete) = match split {
        Split::Train => ("train", 5_000),
        Split::Test => ("test", 8_000),
    };
    let files = PublishedFiles {
        set: "stl10",
        archive: Some("stl10_binary.tar.gz"),
        folders: &["stl10_binary"],
        parts: vec![
            Part::required([format!("{start}_X.bin")]),
            Part::required([format!("{start}_y.bin")]),
            Part::optional("class_names.txt"),
            Part::optional("unlabeled_X.bin"),
        ],
    };
    let (mut pixels, mut labels, mut class_names) = (Vec::new(), None, Vec::new());
    files.read(path, |Found { part, path, content, .. }| {
        match part {
            0 => pixels = read_images(path, content, files::MAX_BYTES)?,
            1 => labels = Some((path.to_owned(), read_labels(path, content)?)),
            2 => class_names = of_lines(path, content, CLASSES.into()).unwrap_or_default(),
            _ => tracing::info!("{}: images without labels are not read", path.display()),
        }
        Ok(())
    })?;
    let (labels_path, labels): (PathBuf, Vec<u8>) = labels.unwrap_or_default();
    let count = pixels.len() / (3 * PLANE);
    if labels.len() != count {
        return Err(Error::malformed(
            &labels_path,
            format!("has {} labels for {count} images", labels.len()),
        ));
    }
    let data = LabelledImages {
        name: "stl10".to_owned(),
        width: SIDE,
        height: SIDE,
        channels: 3,
        pixels,
        labels,
        classes: CLASSES.into(),
        class_names,
    };
    warn_if_incomplete(&data, path, split, complete);
    Ok(data)
}

/// The pixels of a file, whose images may take `room` bytes, red, green and blue side by side, row by row.
fn read_images(path: &Path, reader: impl Read, room: u64) -> Result<Vec<u8>> {
    let mut pixels = Vec::new();
    read_records(path, reader, 3 * PLANE, |planes| {
        if (pixels.len() + planes.len()) as u64 > room {
            return Err(format!("makes the data larger than {room} bytes"));
        }
        for place in 0..PLANE {
            let (row, column) = (place / SIDE, place % SIDE);
            let there = column * SIDE + row;
            pixels.extend([planes[there], planes[PLANE + there], planes[2 * PLANE + there]]);
        }
        Ok(())
    })?;
    Ok(pixels)
}

/// Labels from 0, where the file has them from 1.
fn read_labels(path: &Path, reader: impl Read) -> Result<Vec<u8>> {
    let mut labels = Vec::new();
    read_records(path, reader, 1, |label| {
        match label[0].checked_sub(1) {
            Some(label) if label < CLASSES => labels.push(label),
            _ => {
                let record = labels.len();
                return Err(format!("label {} of record {record} is not one of 1 to {CLASSES}", label[0]));
            }
        }
        if labels.len() as u64 > files::MAX_BYTES / PLANE as u64 {
            return Err("has more labels than there can be images".to_owned());
        }
        Ok(())
    })?;
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Dataset;

    /// An image whose red counts columns, whose green counts rows and whose blue is `blue` everywhere.
    fn image(blue: u8) -> Vec<u8> {
        let columns = (0..PLANE).map(|place| (place / SIDE) as u8);
        let rows = (0..PLANE).map(|place| (place % SIDE) as u8);
        columns.chain(rows).chain([blue; PLANE]).collect()
    }

    fn write(folder: &Path, start: &str, images: &[u8], labels: &[u8]) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(format!("{start}_X.bin")), images).unwrap();
        fs::write(folder.join(format!("{start}_y.bin")), labels).unwrap();
    }

    #[test]
    fn columns_become_rows_and_labels_begin_at_0() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("stl10_binary");
        write(&folder, "test", &[image(7), image(9)].concat(), &[1, 10]);
        fs::write(folder.join("unlabeled_X.bin"), "never read").unwrap();
        let names = "airplane\nbird\ncar\ncat\ndeer\ndog\nhorse\nmonkey\nship\ntruck\n";
        for path in [around.path(), &folder] {
            let data = load(path, Split::Test).unwrap();
            assert_eq!((data.len(), data.width(), data.height(), data.classes()), (2, 96, 96, Some(10)));
            assert!(data.class_names().is_empty());
            let sample = data.get(1).unwrap();
            assert_eq!((sample.label, data.get(0).unwrap().label), (Some(9), Some(0)));
            for (row, column) in [(0, 0), (0, 95), (95, 0), (5, 17)] {
                let at = (row * 96 + column) * 3;
                assert_eq!(sample.image.pixels[at..at + 3], [column as u8, row as u8, 9]);
            }
        }
        fs::write(folder.join("class_names.txt"), names).unwrap();
        assert_eq!(load(&folder, Split::Test).unwrap().class_names()[3], "cat");
        let error = load(&folder, Split::Train).unwrap_err().to_string();
        assert!(error.contains("train_X.bin"), "{error}");
    }

    #[test]
    fn what_does_not_go_together_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let fault = |images: &[u8], labels: &[u8]| {
            write(folder.path(), "train", images, labels);
            let error = load(folder.path(), Split::Train).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
            error.to_string()
        };
        assert!(fault(&image(0), &[1, 2]).contains("train_y.bin: has 2 labels for 1 images"));
        assert!(fault(&image(0), &[0]).contains("train_y.bin: label 0 of record 0 is not one of 1 to 10"));
        assert!(fault(&[image(0), image(0)].concat(), &[10, 11]).contains("label 11 of record 1"));
        assert!(fault(&image(0)[1..], &[1]).contains("train_X.bin: has 27647 bytes"));
        assert!(fault(&[], &[1]).contains("train_X.bin: has 0 bytes"));
    }

    /// A small gzip file can stand for any number of bytes.
    #[test]
    fn bytes_without_end_are_an_error() {
        let path = Path::new("train_X.bin.gz");
        let error = read_images(path, std::io::repeat(0), 10 * 3 * PLANE as u64).unwrap_err().to_string();
        assert!(error.contains("makes the data larger"), "{error}");
        let error = read_labels(path, std::io::repeat(1)).unwrap_err().to_string();
        assert!(error.contains("more labels"), "{error}");
    }
}
