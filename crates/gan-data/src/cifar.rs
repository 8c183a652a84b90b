//! CIFAR-10's binary files: records of one label byte and 3072 bytes of pixels, plane by plane.
//! The format is described at <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::dataset::CLASSES;
use crate::{Dataset, Error, LabelledImages, Result, Split, files, tarball};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;

/// The archive as it is published, and the folder in it.
const ARCHIVE: &str = "cifar-10-binary.tar.gz";
const FOLDER: &str = "cifar-10-batches-bin";

/// Reads CIFAR-10 from its binary version, raw or `.gz`: every `data_batch_*.bin` for training, `test_batch.bin` for
/// testing. Images are 32x32 with three channels.
///
/// `path` is the folder they are in or the one around it, a folder with `cifar-10-binary.tar.gz` or a single other
/// `.tar.gz`, `.tgz` or `.tar` that holds them, or such an archive.
///
/// A set that is not complete is used as it is, and a warning says so.
///
/// # Errors
/// If there is no such file, or one cannot be read, is twice in the archive, is not a whole number of records, or
/// holds a label that is not below 10.
pub fn load_cifar10(path: &Path, split: Split) -> Result<LabelledImages> {
    let batches = tarball::folder_or_archive(
        path,
        Some(ARCHIVE),
        |folder| from_folder(folder, split),
        |archive| from_archive(archive, split),
    )?;
    let data = join(batches);
    let complete = match split {
        Split::Train => 50_000,
        Split::Test => 10_000,
    };
    if data.len() != complete {
        tracing::warn!(
            "{} holds {} {split:?} images of CIFAR-10, not the {complete} of the complete set: using what is there",
            path.display(),
            data.len()
        );
    }
    Ok(data)
}

/// The batch that a file of this name holds, if it holds one of this split: the name without `.gz`.
fn batch_name(name: &str, split: Split) -> Option<&str> {
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    let wanted = match split {
        Split::Train => stem.starts_with("data_batch_") && stem.ends_with(".bin"),
        Split::Test => stem == "test_batch.bin",
    };
    wanted.then_some(stem)
}

/// What a message about missing files asks for.
fn looked_for(split: Split) -> String {
    let name = match split {
        Split::Train => "data_batch_*.bin",
        Split::Test => "test_batch.bin",
    };
    name.to_owned()
}

fn from_folder(folder: &Path, split: Split) -> Result<Vec<Batch>> {
    let mut batches = Vec::new();
    let mut room = files::MAX_BYTES;
    for (name, path) in find(folder, split)? {
        let (file, _) = files::open(&path)?;
        let batch = read_batch(&path, files::unpacked(&name, file), room)?;
        room -= batch.pixels.len() as u64;
        batches.push(batch);
    }
    Ok(batches)
}

/// The files of the split with their names, sorted by these.
fn find(dir: &Path, split: Split) -> Result<Vec<(String, PathBuf)>> {
    for folder in [dir.to_owned(), dir.join(FOLDER)] {
        if !files::metadata(&folder)?.is_some_and(|found| found.is_dir()) {
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::reading(&folder))? {
            let entry = entry.map_err(Error::reading(&folder))?;
            if let Ok(name) = entry.file_name().into_string()
                && batch_name(&name, split).is_some()
            {
                found.push((name, entry.path()));
            }
        }
        if !found.is_empty() {
            found.sort();
            // A file that lies beside its compressed form comes before it, and is taken.
            found.dedup_by(|(next, _), (one, _)| batch_name(next, split) == batch_name(one, split));
            return Ok(found);
        }
    }
    let name = looked_for(split);
    let looked_for = vec![name.clone(), format!("{FOLDER}/{name}"), tarball::LOOKED_FOR.to_owned()];
    Err(Error::MissingFile { folder: dir.to_owned(), looked_for })
}

/// Reads the batches of the split from an archive, whatever folders of it they are in. Sorted by name.
fn from_archive(archive: &Path, split: Split) -> Result<Vec<Batch>> {
    let mut batches = BTreeMap::<String, Batch>::new();
    let mut room = files::MAX_BYTES;
    tarball::visit(archive, |member| {
        let Some(name) = batch_name(&member.name, split) else { return Ok(()) };
        if let Some(first) = batches.get(name) {
            return Err(tarball::second(&member.path, &first.path));
        }
        let batch = read_batch(&member.path, files::unpacked(&member.name, member.content), room)?;
        room -= batch.pixels.len() as u64;
        batches.insert(name.to_owned(), batch);
        Ok(())
    })?;
    if batches.is_empty() {
        return Err(Error::MissingFile { folder: archive.to_owned(), looked_for: vec![looked_for(split)] });
    }
    Ok(batches.into_values().collect())
}

/// The images of one file.
pub(crate) struct Batch {
    path: PathBuf,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

/// Reads the records of one file, whose pixels may take `room` bytes. `path` is what messages call it.
pub(crate) fn read_batch(path: &Path, mut reader: impl Read, room: u64) -> Result<Batch> {
    let mut batch = Batch { path: path.to_owned(), pixels: Vec::new(), labels: Vec::new() };
    let mut record = Vec::with_capacity(RECORD);
    loop {
        record.clear();
        let one = reader.by_ref().take(RECORD as u64).read_to_end(&mut record);
        one.map_err(|error| files::read_fault(path, error))?;
        let index = batch.labels.len();
        if record.is_empty() && index > 0 {
            return Ok(batch);
        }
        if record.len() < RECORD {
            let length = index * RECORD + record.len();
            let reason =
                format!("has {length} bytes, which is not a whole number of records of {RECORD} bytes");
            return Err(Error::malformed(path, reason));
        }
        let (label, planes) = (record[0], &record[1..]);
        if label >= CLASSES {
            let reason = format!("label {label} of record {index} is not below {CLASSES}");
            return Err(Error::malformed(path, reason));
        }
        if (batch.pixels.len() + 3 * PLANE) as u64 > room {
            let reason = format!("makes the data larger than {} bytes", files::MAX_BYTES);
            return Err(Error::malformed(path, reason));
        }
        batch.labels.push(label);
        // From a plane of red, one of green and one of blue to red, green, blue side by side.
        for pixel in 0..PLANE {
            batch.pixels.extend([planes[pixel], planes[PLANE + pixel], planes[2 * PLANE + pixel]]);
        }
    }
}

/// One data set of all batches. Each is let go as soon as it is copied.
pub(crate) fn join(batches: Vec<Batch>) -> LabelledImages {
    let mut data = LabelledImages {
        name: "cifar10".to_owned(),
        width: SIDE,
        height: SIDE,
        channels: 3,
        pixels: Vec::with_capacity(batches.iter().map(|batch| batch.pixels.len()).sum()),
        labels: Vec::new(),
    };
    for batch in batches {
        data.pixels.extend(batch.pixels);
        data.labels.extend(batch.labels);
    }
    data
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
    fn a_file_beside_its_compressed_form_is_read_once() {
        let name = "data_batch_1.bin".to_owned();
        let folder = folder(&[(&name, record(1, 0)), (&format!("{name}.gz"), b"never read".to_vec())]);
        assert_eq!(load_cifar10(folder.path(), Split::Train).unwrap().len(), 1);
    }

    /// A small gzip file can stand for any number of zeros, and zeros are black airplanes.
    #[test]
    fn records_without_end_are_an_error() {
        let room = 10 * (RECORD as u64 - 1);
        let endless = std::io::repeat(0);
        let error = read_batch(Path::new("data_batch_1.bin.gz"), endless, room).err().unwrap().to_string();
        assert!(error.starts_with("data_batch_1.bin.gz: makes the data larger"), "{error}");
        let ten = std::io::repeat(0).take(10 * RECORD as u64);
        assert!(read_batch(Path::new("ten.bin"), ten, room).is_ok());
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
