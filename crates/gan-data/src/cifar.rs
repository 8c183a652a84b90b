//! The binary files of CIFAR-10 and CIFAR-100: records of a label byte (two in CIFAR-100) and 3072 bytes of pixels, plane
//! by plane. The format is described at <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::published::{Found, Part, PublishedFiles, known, of_lines, read_records, warn_if_incomplete};
use crate::{LabelledImages, Result, Split, files};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// One of these sets.
pub(crate) struct CifarSet {
    name: &'static str,
    archive: &'static str,
    folder: &'static str,
    /// The files of the two splits, and how many images they have as published.
    train: (&'static str, usize),
    test: (&'static str, usize),
    /// How many classes each byte before the pixels tells apart, and which of them is the label.
    classes: &'static [u8],
    label: usize,
    /// The file with the names of the classes.
    names: &'static str,
}

pub(crate) const CIFAR10: CifarSet = CifarSet {
    name: "cifar10",
    archive: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    train: ("data_batch_*.bin", 50_000),
    test: ("test_batch.bin", 10_000),
    classes: &[10],
    label: 0,
    names: "batches.meta.txt",
};

pub(crate) const CIFAR100: CifarSet = CifarSet {
    name: "cifar100",
    archive: "cifar-100-binary.tar.gz",
    folder: "cifar-100-binary",
    train: ("train.bin", 50_000),
    test: ("test.bin", 10_000),
    classes: &[20, 100],
    label: 1,
    names: "fine_label_names.txt",
};

pub(crate) const CIFAR100_COARSE: CifarSet =
    CifarSet { name: "cifar100-coarse", label: 0, names: "coarse_label_names.txt", ..CIFAR100 };

/// Reads CIFAR-10 from its binary version, raw or `.gz`: every `data_batch_*.bin` for training, `test_batch.bin` for
/// testing, and the names of the classes from `batches.meta.txt`; without that file, they are the usual ten. Images are
/// 32x32 with three channels.
///
/// `path` is the folder they are in or the one around it, a folder with `cifar-10-binary.tar.gz` or a single other
/// `.tar.gz`, `.tgz` or `.tar` that holds them, or such an archive.
///
/// A set that is not complete is used as it is, and a warning says so.
///
/// # Errors
/// If there is no such file, or one cannot be read, is in the archive twice and not the same, is not a whole number of
/// records, or holds a label that is not below 10.
pub fn load_cifar10(path: &Path, split: Split) -> Result<LabelledImages> {
    load(&CIFAR10, path, split)
}

/// Reads a part of one of the sets from the folder or archive at `path`.
pub(crate) fn load(set: &CifarSet, path: &Path, split: Split) -> Result<LabelledImages> {
    let (batches, complete) = match split {
        Split::Train => set.train,
        Split::Test => set.test,
    };
    let files = PublishedFiles {
        set: set.name,
        archive: Some(set.archive),
        folders: &[set.folder],
        parts: vec![Part::required([batches]), Part::optional(set.names)],
    };
    let mut read = BTreeMap::new();
    let mut names = None;
    let mut room = files::MAX_BYTES;
    files.read(path, |Found { part, name, path, content }| {
        if part > 0 {
            names = of_lines(path, content, set.classes[set.label].into());
            return Ok(());
        }
        let batch = read_batch(path, content, set, room)?;
        room -= batch.pixels.len() as u64;
        read.insert(name.to_owned(), batch);
        Ok(())
    })?;
    let mut data = join(read.into_values().collect(), set);
    data.class_names = names.unwrap_or(data.class_names);
    warn_if_incomplete(&data, path, split, complete);
    Ok(data)
}

/// The images of one file.
#[derive(Default)]
pub(crate) struct Batch {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

/// Reads the records of one file, which may have `room` bytes of pixels. `path` is what messages call it.
pub(crate) fn read_batch(path: &Path, reader: impl Read, set: &CifarSet, room: u64) -> Result<Batch> {
    let mut batch = Batch::default();
    let before = set.classes.len();
    read_records(path, reader, before + 3 * PLANE, |record| {
        let (labels, planes) = record.split_at(before);
        let index = batch.labels.len();
        if let Some((label, classes)) =
            labels.iter().zip(set.classes).find(|(label, classes)| label >= classes)
        {
            return Err(format!("label {label} of record {index} is not below {classes}"));
        }
        if (batch.pixels.len() + 3 * PLANE) as u64 > room {
            return Err(format!("makes the data larger than {} bytes", files::MAX_BYTES));
        }
        batch.labels.push(labels[set.label]);
        // From a plane of red, one of green and one of blue to red, green, blue side by side.
        for pixel in 0..PLANE {
            batch.pixels.extend([planes[pixel], planes[PLANE + pixel], planes[2 * PLANE + pixel]]);
        }
        Ok(())
    })?;
    Ok(batch)
}

/// One data set of all batches. Each is let go as soon as it is copied.
pub(crate) fn join(batches: Vec<Batch>, set: &CifarSet) -> LabelledImages {
    let mut data = LabelledImages {
        name: set.name.to_owned(),
        width: SIDE,
        height: SIDE,
        channels: 3,
        pixels: Vec::with_capacity(batches.iter().map(|batch| batch.pixels.len()).sum()),
        labels: Vec::new(),
        classes: set.classes[set.label].into(),
        class_names: known(set.name).map(|(_, names)| names).unwrap_or_default(),
    };
    for batch in batches {
        data.pixels.extend(batch.pixels);
        data.labels.extend(batch.labels);
    }
    data
}

#[cfg(test)]
mod tests;
