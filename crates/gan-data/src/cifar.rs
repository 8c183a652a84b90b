//! CIFAR-10's binary files: records of one label byte and 3072 bytes of pixels, plane by plane.
//! The format is described at <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::CLASSES;
use crate::{Dataset, Error, LabelledImages, Result, Split, files};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;

/// Reads CIFAR-10 from a folder of its binary version: every `data_batch_*.bin` for training, `test_batch.bin` for
/// testing, in `dir` or in its sub-folder `cifar-10-batches-bin`. Images are 32x32 with three channels.
///
/// A set that is not complete is used as it is, and a warning says so.
///
/// # Errors
/// If there is no such file, or one cannot be read, is not a whole number of records, or holds a label that is not
/// below 10.
pub fn load_cifar10(dir: &Path, split: Split) -> Result<LabelledImages> {
    files::require_folder(dir)?;
    let mut data = LabelledImages {
        name: "cifar10".to_owned(),
        width: SIDE,
        height: SIDE,
        channels: 3,
        pixels: Vec::new(),
        labels: Vec::new(),
    };
    for path in find(dir, split)? {
        append(&path, &mut data)?;
    }
    let complete = match split {
        Split::Train => 50_000,
        Split::Test => 10_000,
    };
    if data.len() != complete {
        tracing::warn!(
            "{} holds {} {split:?} images of CIFAR-10, not the {complete} of the complete set: using what is there",
            dir.display(),
            data.len()
        );
    }
    Ok(data)
}

/// The files of the split, sorted by name.
fn find(dir: &Path, split: Split) -> Result<Vec<PathBuf>> {
    let wanted = |name: &str| match split {
        Split::Train => name.starts_with("data_batch_") && name.ends_with(".bin"),
        Split::Test => name == "test_batch.bin",
    };
    for folder in [dir.to_owned(), dir.join("cifar-10-batches-bin")] {
        if !files::metadata(&folder)?.is_some_and(|found| found.is_dir()) {
            continue;
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::reading(&folder))? {
            let entry = entry.map_err(Error::reading(&folder))?;
            if entry.file_name().to_str().is_some_and(wanted) {
                paths.push(entry.path());
            }
        }
        if !paths.is_empty() {
            paths.sort();
            return Ok(paths);
        }
    }
    let name = match split {
        Split::Train => "data_batch_*.bin",
        Split::Test => "test_batch.bin",
    };
    let looked_for = vec![name.to_owned(), format!("cifar-10-batches-bin/{name}")];
    Err(Error::MissingFile { folder: dir.to_owned(), looked_for })
}

/// Adds the records of one file.
fn append(path: &Path, data: &mut LabelledImages) -> Result<()> {
    let (file, length) = files::open(path)?;
    if length == 0 || length % RECORD as u64 != 0 {
        let reason = format!("has {length} bytes, which is not a whole number of records of {RECORD} bytes");
        return Err(Error::malformed(path, reason));
    }
    if length + data.pixels.len() as u64 > files::MAX_BYTES {
        let reason = format!("makes the data larger than {} bytes", files::MAX_BYTES);
        return Err(Error::malformed(path, reason));
    }
    let bytes = files::read_exactly(path, file, length, "records")?;
    data.pixels.reserve(bytes.len());
    for (index, record) in bytes.chunks_exact(RECORD).enumerate() {
        let (label, planes) = (record[0], &record[1..]);
        if label >= CLASSES {
            let reason = format!("label {label} of record {index} is not below {CLASSES}");
            return Err(Error::malformed(path, reason));
        }
        data.labels.push(label);
        // From a plane of red, one of green and one of blue to red, green, blue side by side.
        for pixel in 0..PLANE {
            data.pixels.extend([planes[pixel], planes[PLANE + pixel], planes[2 * PLANE + pixel]]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::Sample;

    /// A record whose red counts columns, whose green counts rows and whose blue is `blue` everywhere.
    fn record(label: u8, blue: u8) -> Vec<u8> {
        let mut bytes = vec![label];
        bytes.extend((0..PLANE).map(|i| (i % SIDE) as u8));
        bytes.extend((0..PLANE).map(|i| (i / SIDE) as u8));
        bytes.extend([blue; PLANE]);
        bytes
    }

    fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn fault(bytes: Vec<u8>) -> String {
        let folder = folder(&[("data_batch_1.bin", record(0, 0)), ("data_batch_2.bin", bytes)]);
        let error = load_cifar10(folder.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert!(error.to_string().contains("data_batch_2.bin"), "the file is not named: {error}");
        error.to_string()
    }

    #[test]
    fn each_value_lands_at_its_row_column_and_channel() {
        let data = load_cifar10(folder(&[("test_batch.bin", record(3, 99))]).path(), Split::Test).unwrap();
        let Sample { image, label } = data.get(0).unwrap();
        assert_eq!((image.width, image.height, image.channels, label), (32, 32, 3, Some(3)));
        for (row, column) in [(0, 0), (0, 31), (31, 0), (5, 17)] {
            let at = (row * 32 + column) * 3;
            assert_eq!(image.pixels[at..at + 3], [column as u8, row as u8, 99]);
        }
    }

    #[test]
    fn every_training_file_is_read_in_the_order_of_the_names() {
        let folder = folder(&[
            ("data_batch_7.bin", record(7, 0)),
            ("data_batch_2.bin", [record(2, 0), record(3, 0)].concat()),
            ("test_batch.bin", record(9, 0)),
            ("batches.meta.txt", b"airplane".to_vec()),
        ]);
        let data = load_cifar10(folder.path(), Split::Train).unwrap();
        let labels: Vec<_> = (0..data.len()).map(|i| data.get(i).unwrap().label).collect();
        assert_eq!(labels, [Some(2), Some(3), Some(7)]);
    }

    #[test]
    fn the_folder_inside_the_archive_is_found() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("cifar-10-batches-bin");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("data_batch_1.bin"), record(1, 0)).unwrap();
        assert_eq!(load_cifar10(outer.path(), Split::Train).unwrap().len(), 1);
    }

    #[test]
    fn a_file_of_another_length_is_an_error() {
        for length in [0, 1, RECORD - 1] {
            assert!(fault(record(0, 0)[..length].to_vec()).contains(&format!("has {length} bytes")));
        }
        fault([record(0, 0), vec![0]].concat());
    }

    #[test]
    fn a_label_past_the_classes_is_named_with_its_record() {
        assert!(fault([record(9, 0), record(10, 0)].concat()).contains("label 10 of record 1"));
    }

    #[test]
    fn missing_files_and_folders_are_named() {
        let empty = folder(&[]);
        let error = load_cifar10(empty.path(), Split::Train).unwrap_err().to_string();
        assert!(error.contains("data_batch_*.bin"), "{error}");
        assert!(matches!(
            load_cifar10(&empty.path().join("gone"), Split::Train),
            Err(Error::NoFolder { .. })
        ));

        fs::create_dir(empty.path().join("test_batch.bin")).unwrap();
        assert!(matches!(load_cifar10(empty.path(), Split::Test), Err(Error::NotAFile { .. })));
    }
}
