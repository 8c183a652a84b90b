use std::fs;

use tempfile::TempDir;

use super::*;
use crate::{Dataset, Error, Sample};

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
    // One name is not enough for ten classes.
    assert_eq!(data.class_names()[3], "cat");
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
    let room = 10 * ((1 + 3 * PLANE) as u64 - 1);
    let endless = std::io::repeat(0);
    let error =
        read_batch(Path::new("data_batch_1.bin.gz"), endless, &CIFAR10, room).err().unwrap().to_string();
    assert!(error.starts_with("data_batch_1.bin.gz: makes the data larger"), "{error}");
    let ten = std::io::repeat(0).take(10 * (1 + 3 * PLANE) as u64);
    assert!(read_batch(Path::new("ten.bin"), ten, &CIFAR10, room).is_ok());
}

#[test]
fn a_file_of_another_length_is_an_error() {
    for length in [0, 1, (1 + 3 * PLANE) - 1] {
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
    assert!(matches!(load_cifar10(&empty.path().join("gone"), Split::Train), Err(Error::NoFolder { .. })));

    fs::create_dir(empty.path().join("test_batch.bin")).unwrap();
    assert!(matches!(load_cifar10(empty.path(), Split::Test), Err(Error::NotAFile { .. })));
}

#[test]
fn classes_are_called_as_the_file_beside_says_or_by_the_usual_names() {
    let named = folder(&[("test_batch.bin", record(3, 0))]);
    let load = || load_cifar10(named.path(), Split::Test).unwrap();
    let usual = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    assert_eq!((load().class_names(), load().classes()), (usual.map(String::from).to_vec(), Some(10)));
    let digest = load().digest();
    let other = usual.map(|name| format!("{name}s"));
    fs::write(named.path().join("batches.meta.txt"), other.join("\n") + "\n\n").unwrap();
    assert_eq!(load().class_names(), other);
    assert_eq!(load().digest(), digest, "names do not count");
}

/// A record of CIFAR-100.
fn record_of_100(coarse: u8, fine: u8) -> Vec<u8> {
    [vec![coarse], record(fine, 7)].concat()
}

#[test]
fn cifar100_has_fine_and_coarse_classes() {
    let around = tempfile::tempdir().unwrap();
    let inner = around.path().join("cifar-100-binary");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("train.bin"), [record_of_100(19, 99), record_of_100(0, 41)].concat()).unwrap();
    let names = |count: u32, of: &str| (0..count).map(|i| format!("{of} {i}\n")).collect::<String>();
    fs::write(inner.join("fine_label_names.txt"), names(100, "fine")).unwrap();
    fs::write(inner.join("coarse_label_names.txt"), names(20, "coarse")).unwrap();
    for (set, classes, labels, last) in
        [(&CIFAR100, 100, [99, 41], "fine 99"), (&CIFAR100_COARSE, 20, [19, 0], "coarse 19")]
    {
        let data = load(set, around.path(), Split::Train).unwrap();
        assert_eq!((data.name(), data.classes()), (set.name, Some(classes)));
        assert_eq!(data.class_names().last().unwrap(), last);
        for (index, label) in labels.into_iter().enumerate() {
            let sample = data.get(index).unwrap();
            assert_eq!((sample.label, sample.image.channels), (Some(label), 3));
            assert_eq!(sample.image.pixels[(5 * 32 + 17) * 3..][..3], [17, 5, 7]);
        }
    }
    fs::remove_file(inner.join("fine_label_names.txt")).unwrap();
    assert!(load(&CIFAR100, around.path(), Split::Train).unwrap().class_names().is_empty());
    // Either byte may be the damaged one.
    for (coarse, fine, said) in
        [(20, 0, "label 20 of record 1 is not below 20"), (0, 100, "label 100 of record 1")]
    {
        fs::write(inner.join("train.bin"), [record_of_100(0, 0), record_of_100(coarse, fine)].concat())
            .unwrap();
        let error = load(&CIFAR100, around.path(), Split::Train).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn pickles_are_named_with_the_form_that_is_read() {
    let around = tempfile::tempdir().unwrap();
    let inner = around.path().join("cifar-10-batches-py");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("data_batch_1"), "pickle").unwrap();
    for path in [around.path(), &inner] {
        let error = load_cifar10(path, Split::Train).unwrap_err();
        assert!(error.to_string().contains("cifar-10-batches-py is CIFAR-10 as Python pickles"), "{error}");
        assert!(error.hint().contains("cifar-10-binary.tar.gz"), "{}", error.hint());
    }
}
