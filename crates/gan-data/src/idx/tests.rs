use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::Dataset;

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

fn idx(magic: u32, dims: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = magic.to_be_bytes().to_vec();
    dims.iter().for_each(|dim| file.extend(dim.to_be_bytes()));
    file.extend(bytes);
    file
}

/// Three images of 4x2 pixels (width x height) holding 0, 1, 2, ...
fn images() -> Vec<u8> {
    idx(IMAGES_MAGIC, &[3, 2, 4], &(0..24).collect::<Vec<u8>>())
}

fn labels() -> Vec<u8> {
    idx(LABELS_MAGIC, &[3], &[7, 0, 9])
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn load(folder: &TempDir) -> Result<LabelledImages> {
    load_mnist(folder.path(), Split::Train, "mnist")
}

/// The message of loading these bytes as the images, beside good labels.
fn images_fault(name: &str, bytes: &[u8]) -> String {
    let error = load(&folder(&[(name, bytes), (LABELS, &labels())])).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains(name), "the file is not named: {error}");
    error.to_string()
}

#[test]
fn raw_and_compressed_files_under_either_name_give_the_same_images() {
    let layouts = [
        folder(&[(IMAGES, &images()), (LABELS, &labels())]),
        folder(&[
            ("train-images-idx3-ubyte.gz", &gz(&images())),
            ("train-labels-idx1-ubyte.gz", &gz(&labels())),
        ]),
        folder(&[("train-images.idx3-ubyte", &images()), ("train-labels.idx1-ubyte.gz", &gz(&labels()))]),
    ];
    for layout in layouts {
        let data = load(&layout).unwrap();
        assert_eq!((data.len(), data.channels(), data.classes(), data.name()), (3, 1, Some(10), "mnist"));
        let sample = data.get(1).unwrap();
        assert_eq!((sample.image.width, sample.image.height, sample.label), (4, 2, Some(0)));
        assert_eq!(sample.image.pixels, (8..16).collect::<Vec<u8>>());
        assert!(matches!(data.get(3), Err(Error::OutOfRange { index: 3, len: 3, .. })));
    }
}

#[test]
fn the_test_split_has_its_own_files() {
    let only_train = folder(&[(IMAGES, &images()), (LABELS, &labels())]);
    let error = load_mnist(only_train.path(), Split::Test, "mnist").unwrap_err().to_string();
    assert!(error.contains("t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz"), "{error}");
}

#[test]
fn a_file_of_another_kind_is_an_error() {
    assert!(images_fault(IMAGES, &labels()).contains("not an IDX file of images"));
    assert!(images_fault("train-images-idx3-ubyte.gz", &images()).contains("does not decompress"));
}

#[test]
fn a_file_cut_at_any_length_is_an_error() {
    for length in 0..images().len() {
        images_fault(IMAGES, &images()[..length]);
    }
    let compressed = gz(&images());
    for length in 0..compressed.len() {
        images_fault("train-images-idx3-ubyte.gz", &compressed[..length]);
    }
}

#[test]
fn bytes_after_the_last_image_are_an_error() {
    let long = [images(), vec![0]].concat();
    assert!(images_fault(IMAGES, &long).contains("goes on"));
    assert!(images_fault("train-images-idx3-ubyte.gz", &gz(&long)).contains("goes on"));
}

#[test]
fn a_header_that_promises_more_than_there_is_is_an_error() {
    for dims in [[u32::MAX; 3], [1 << 31, 1, 1], [60_000, 28, 28], [1, 1 << 16, 1 << 16]] {
        let lying = idx(IMAGES_MAGIC, &dims, &[0; 24]);
        images_fault(IMAGES, &lying);
        images_fault("train-images-idx3-ubyte.gz", &gz(&lying));
    }
    assert!(images_fault(IMAGES, &idx(IMAGES_MAGIC, &[0, 28, 28], &[])).contains("dimension of 0"));
    let wide = idx(IMAGES_MAGIC, &[1, 1, 20_000], &[0; 20_000]);
    assert!(images_fault(IMAGES, &wide).contains("too large"));
}

/// A small gzip file can stand for any number of bytes: no more are taken than the header says, and one.
#[test]
fn bytes_without_end_are_an_error() {
    let images = images();
    let endless = images.chain(std::io::repeat(0));
    let error = read_images(Path::new(IMAGES), endless).err().unwrap().to_string();
    assert!(error.contains("goes on after the 24 bytes of images"), "{error}");
}

#[test]
fn labels_that_do_not_fit_are_an_error() {
    let two = idx(LABELS_MAGIC, &[2], &[1, 2]);
    let error = load(&folder(&[(IMAGES, &images()), (LABELS, &two)])).unwrap_err().to_string();
    assert!(error.contains("2 labels for 3 images"), "{error}");

    let eleven = idx(LABELS_MAGIC, &[3], &[1, 10, 2]);
    let error = load(&folder(&[(IMAGES, &images()), (LABELS, &eleven)])).unwrap_err().to_string();
    assert!(error.contains("label 10 of record 1"), "{error}");
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let empty = folder(&[]);
    assert!(matches!(load(&empty), Err(Error::MissingFile { .. })));

    let gone = empty.path().join("gone");
    let error = load_mnist(&gone, Split::Train, "mnist").unwrap_err();
    assert!(matches!(error, Error::NoFolder { .. }) && error.to_string().contains("gone"), "{error}");

    let no_labels = folder(&[(IMAGES, &images())]);
    assert!(load(&no_labels).unwrap_err().to_string().contains(LABELS));

    let file = no_labels.path().join(IMAGES);
    assert!(matches!(load_mnist(&file, Split::Train, "mnist"), Err(Error::NotAFolder { .. })));
}

#[test]
fn only_regular_files_are_opened() {
    let folder = folder(&[(LABELS, &labels())]);
    fs::create_dir(folder.path().join(IMAGES)).unwrap();
    assert!(matches!(load(&folder), Err(Error::NotAFile { .. })));
}

/// Opening a pipe waits until somebody writes to it.
#[cfg(unix)]
#[test]
fn a_pipe_does_not_hang() {
    let folder = folder(&[(LABELS, &labels())]);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join(IMAGES)).status().unwrap();
    assert!(made.success());
    assert!(matches!(load(&folder), Err(Error::NotAFile { .. })));
}

/// Each file in a folder of its own name, as an archive of MNIST that many have unpacks; there is a folder for labels of
/// which only the file beside is left.
#[test]
fn files_in_folders_of_their_own_names_are_found() {
    let folder = folder(&[("train-images.idx3-ubyte", &images()), ("train-labels.idx1-ubyte", &labels())]);
    let beside = samples(&load(&folder).unwrap());
    for name in [IMAGES, LABELS] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    assert_eq!(samples(&load(&folder).unwrap()), beside);
    fs::write(folder.path().join(IMAGES).join(IMAGES), images()).unwrap();
    assert_eq!(samples(&load(&folder).unwrap()), beside);
    for (file, own) in [("train-images.idx3-ubyte", IMAGES), ("train-labels.idx1-ubyte", LABELS)] {
        fs::rename(folder.path().join(file), folder.path().join(own).join(own)).unwrap();
        assert_eq!(samples(&load(&folder).unwrap()), beside);
    }
    assert_eq!(samples(&load_mnist(folder.path(), Split::Train, "some/path").unwrap()), beside);
}

fn samples(data: &LabelledImages) -> Vec<crate::Sample> {
    (0..data.len()).map(|index| data.get(index).unwrap()).collect()
}

#[test]
fn the_folders_of_torchvision_are_found() {
    let around = tempfile::tempdir().unwrap();
    let raw = around.path().join("FashionMNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    fs::write(raw.join(IMAGES), images()).unwrap();
    fs::write(raw.join(LABELS), labels()).unwrap();
    for path in [around.path(), &around.path().join("FashionMNIST"), &raw] {
        let data = load_mnist(path, Split::Train, "fashion-mnist").unwrap();
        assert_eq!((data.len(), data.class_names()[9].as_str()), (3, "ankle boot"));
    }
    assert!(matches!(load_mnist(around.path(), Split::Train, "mnist"), Err(Error::MissingFile { .. })));
}

/// Sets that are known by name have their classes; others as many as their labels say.
#[test]
fn any_number_of_classes_is_read_where_none_is_known() {
    let many = idx(LABELS_MAGIC, &[3], &[0, 255, 17]);
    let folder = folder(&[(IMAGES, &images()), (LABELS, &many)]);
    let data = load_mnist(folder.path(), Split::Train, "some/path").unwrap();
    assert_eq!((data.classes(), data.get(1).unwrap().label), (Some(256), Some(255)));
    for known in ["mnist", "fashion-mnist", "kmnist"] {
        let error = load_mnist(folder.path(), Split::Train, known).unwrap_err().to_string();
        assert!(error.contains("label 255 of record 1 is not below 10"), "{error}");
    }
}

fn load_named(folder: &Path, name: &str, split: Split) -> Result<LabelledImages> {
    super::load(&IdxSet::named(name), folder, split)
}

#[test]
fn emnist_stands_upright_and_its_classes_have_names() {
    // Two images that are 2 wide and 4 high, as a file of 2 rows of 4 has them: columns.
    let lying = idx(IMAGES_MAGIC, &[2, 2, 4], &(0..16).collect::<Vec<u8>>());
    let two = idx(LABELS_MAGIC, &[2], &[26, 1]);
    let folder = folder(&[
        ("emnist-letters-train-images-idx3-ubyte.gz", &gz(&lying)),
        ("emnist-letters-train-labels-idx1-ubyte.gz", &gz(&two)),
        ("emnist-letters-test-images-idx3-ubyte", &lying),
        ("emnist-letters-test-labels-idx1-ubyte", &idx(LABELS_MAGIC, &[2], &[1, 27])),
    ]);
    let load = || load_named(folder.path(), "emnist-letters", Split::Train).unwrap();
    let first = load().get(0).unwrap();
    assert_eq!((first.image.width, first.image.height, first.label), (2, 4, Some(25)));
    assert_eq!(first.image.pixels, [0, 4, 1, 5, 2, 6, 3, 7]);
    assert_eq!(load().get(1).unwrap().image.pixels, [8, 12, 9, 13, 10, 14, 11, 15]);
    assert_eq!((load().classes(), load().class_names()[25].as_str()), (Some(26), "Z"));
    let mapping: String = (1..=26).map(|i| format!("{i} {} {}\n", 96 + i, 64 + i)).collect();
    fs::write(folder.path().join("emnist-letters-mapping.txt"), mapping).unwrap();
    assert_eq!(load().class_names()[25], "z");

    let error = load_named(folder.path(), "emnist-letters", Split::Test).unwrap_err().to_string();
    assert!(error.contains("label 27 of record 1 is not one of 1 to 26"), "{error}");
    let error = load_named(folder.path(), "emnist-digits", Split::Train).unwrap_err().to_string();
    assert!(error.contains("emnist-digits-train-images-idx3-ubyte"), "{error}");
}

#[test]
fn of_qmnists_rows_the_first_number_is_the_class() {
    let row = |label: i32| [label, 3, 9, -1, 0, 0, 0, 0].map(i32::to_be_bytes).concat();
    let file = |rows: &[Vec<u8>]| idx(ROWS_MAGIC, &[rows.len() as u32, 8], &rows.concat());
    let read = |bytes: &[u8]| {
        let folder =
            folder(&[("qmnist-test-images-idx3-ubyte", &images()), ("qmnist-test-labels-idx2-int", bytes)]);
        load_named(folder.path(), "qmnist", Split::Test)
    };
    let good = file(&[row(7), row(0), row(9)]);
    let data = read(&good).unwrap();
    assert_eq!((data.get(0).unwrap().label, data.get(2).unwrap().label), (Some(7), Some(9)));
    for (bytes, said) in [
        (good[..good.len() - 1].to_vec(), "is broken off"),
        ([&good[..], &[0]].concat(), "goes on"),
        (file(&[row(0), row(-1), row(0)]), "label 4294967295 of record 1"),
        (file(&[row(0), row(0), row(10)]), "label 10 of record 2 is not below 10"),
        (idx(ROWS_MAGIC, &[3, 65], &[]), "more than there can be"),
        (idx(ROWS_MAGIC, &[u32::MAX, 8], &[]), "more than there can be"),
        (labels(), "not an IDX file of rows of labels"),
    ] {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("qmnist-test-labels-idx2-int") && error.contains(said), "{error}");
    }
}

/// A header that promises labels without end is refused before they are read.
#[test]
fn labels_without_end_are_an_error() {
    let header = idx(LABELS_MAGIC, &[u32::MAX], &[]);
    let error = read_labels(Path::new(LABELS), header.chain(std::io::repeat(0))).err().unwrap().to_string();
    assert!(error.contains("more than 67108864 bytes"), "{error}");
}
