//! MNIST and CIFAR-10 in every form they are read from, whole and damaged.

#![allow(clippy::unwrap_used)] // as in every test

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use gan_data::{Dataset, Error, LabelledImages, Result, Split, load_cifar10, load_mnist};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use tempfile::TempDir;

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// How the files of a set lie on the disk.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Raw,
    Gz,
    /// A folder with an archive of raw files.
    Tar,
    /// A folder with a compressed archive of raw files.
    TarGz,
    /// The path of a compressed archive of compressed files.
    TgzOfGz,
}

const FORMS: [Form; 5] = [Form::Raw, Form::Gz, Form::Tar, Form::TarGz, Form::TgzOfGz];

impl Form {
    /// The files as they lie on the disk.
    fn pack(self, files: &Files) -> Files {
        let compressed = || files.iter().map(|(name, bytes)| (format!("{name}.gz"), gz(bytes))).collect();
        match self {
            Self::Raw => files.clone(),
            Self::Gz => compressed(),
            Self::Tar => vec![("set.tar".to_owned(), tar(files))],
            Self::TarGz => vec![("set.tar.gz".to_owned(), gz(&tar(files)))],
            Self::TgzOfGz => vec![("set.tgz".to_owned(), gz(&tar(&compressed())))],
        }
    }

    /// Whether a checksum covers everything, so that no damage goes unseen.
    fn is_checked(self) -> bool {
        matches!(self, Self::Gz | Self::TarGz | Self::TgzOfGz)
    }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, format!("some/folder/{name}"), &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Writes the files; gives the path to load from too.
fn write(form: Form, files: &Files) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = if form == Form::TgzOfGz { folder.path().join(&files[0].0) } else { folder.path().to_owned() };
    (folder, path)
}

/// What is done to a file.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Vec<u8>),
    Flip(Index, u32),
    Cut(Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Replace(other) => bytes.clone_from(other),
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..2_000).prop_map(Damage::Replace),
        (any::<Index>(), 0..8u32).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<Index>().prop_map(Damage::Cut),
    ]
}

/// Everything there is to know of a set.
fn samples(data: &LabelledImages) -> Vec<gan_data::Sample> {
    (0..data.len()).map(|index| data.get(index).unwrap()).collect()
}

type Load = fn(&Path) -> Result<LabelledImages>;

/// Loads a set with one of its files damaged: an error that names the file, or the data it was made from.
fn check_damaged(load: Load, form: Form, files: &Files, victim: &Index, damage: &Damage) -> TestCaseResult {
    let mut packed = form.pack(files);
    let (_folder, path) = write(form, &packed);
    let whole = samples(&load(&path).unwrap());

    let (name, bytes) = victim.get_mut(&mut packed);
    damage.apply(bytes);
    let name = name.clone();
    let (_folder, path) = write(form, &packed);
    match load(&path) {
        Err(error) => {
            let message = error.to_string();
            // Where images and labels do not go together, either file may be the damaged one.
            let named = message.contains(&name) || (form == Form::Raw && message.contains("labels for"));
            prop_assert!(named, "{} is not named: {}", name, message);
            prop_assert!(message.lines().count() == 1 && !error.hint().is_empty(), "{}", message);
            let expected = matches!(error, Error::Malformed { .. } | Error::MissingFile { .. });
            prop_assert!(expected, "{:?}", error);
        }
        Ok(data) if form.is_checked() => prop_assert_eq!(samples(&data), whole),
        // Without a checksum, a bit of a pixel or label may differ, or whole records may be cut off.
        Ok(data) => {
            let data = samples(&data);
            prop_assert!(data.len() <= whole.len());
            let differing = data.iter().zip(&whole).filter(|(a, b)| a != b).count();
            prop_assert!(differing <= 1, "{} images differ", differing);
        }
    }
    Ok(())
}

fn idx(magic: u32, dims: &[usize], bytes: &[u8]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
    magic.to_be_bytes().into_iter().chain(dims).chain(bytes.iter().copied()).collect()
}

/// Width, height, and for each image its label and pixels.
fn mnist() -> impl Strategy<Value = (usize, usize, Vec<(u8, Vec<u8>)>)> {
    (1..7usize, 1..7usize).prop_flat_map(|(width, height)| {
        let image = (0..10u8, proptest::collection::vec(any::<u8>(), width * height));
        (Just(width), Just(height), proptest::collection::vec(image, 1..6))
    })
}

fn mnist_files(width: usize, height: usize, images: &[(u8, Vec<u8>)]) -> Files {
    let pixels: Vec<u8> = images.iter().flat_map(|(_, pixels)| pixels.iter().copied()).collect();
    let labels: Vec<u8> = images.iter().map(|(label, _)| *label).collect();
    vec![
        ("t10k-labels-idx1-ubyte".to_owned(), idx(0x801, &[images.len()], &labels)),
        ("t10k-images-idx3-ubyte".to_owned(), idx(0x803, &[images.len(), height, width], &pixels)),
    ]
}

fn load_mnist_test(path: &Path) -> Result<LabelledImages> {
    load_mnist(path, Split::Test, "mnist")
}

/// Batches of records: a label, and one value for each of red, green and blue.
fn cifar() -> impl Strategy<Value = Vec<Vec<(u8, [u8; 3])>>> {
    let record = (0..10u8, any::<[u8; 3]>());
    proptest::collection::vec(proptest::collection::vec(record, 1..4), 1..4)
}

/// The files in an order that is not that of their names.
fn cifar_files(batches: &[Vec<(u8, [u8; 3])>]) -> Files {
    let file = |(number, batch): (usize, &Vec<(u8, [u8; 3])>)| {
        let record = |(label, color): &(u8, [u8; 3])| {
            [vec![*label], color.iter().flat_map(|&value| [value; 1_024]).collect()].concat()
        };
        (format!("data_batch_{number}.bin"), batch.iter().flat_map(record).collect())
    };
    batches.iter().enumerate().map(file).rev().collect()
}

fn load_cifar_train(path: &Path) -> Result<LabelledImages> {
    load_cifar10(path, Split::Train)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_set_in_the_form_of_mnist_is_read_as_it_was_written((width, height, images) in mnist()) {
        for form in FORMS {
            let (_folder, path) = write(form, &form.pack(&mnist_files(width, height, &images)));
            let data = load_mnist_test(&path).unwrap();
            prop_assert_eq!((data.width(), data.height(), data.len()), (width, height, images.len()));
            for (sample, (label, pixels)) in samples(&data).iter().zip(&images) {
                prop_assert_eq!((sample.label, &sample.image.pixels), (Some((*label).into()), pixels));
            }
        }
    }

    #[test]
    fn any_set_in_the_form_of_cifar_is_read_as_it_was_written(batches in cifar()) {
        for form in FORMS {
            let (_folder, path) = write(form, &form.pack(&cifar_files(&batches)));
            let data = load_cifar_train(&path).unwrap();
            let records = batches.concat();
            prop_assert_eq!(data.len(), records.len());
            for (sample, (label, color)) in samples(&data).iter().zip(records) {
                prop_assert_eq!(sample.label, Some(label.into()));
                prop_assert_eq!(&sample.image.pixels, &color.repeat(1_024));
            }
        }
    }

    #[test]
    fn damaged_mnist_is_an_error_or_unchanged(
        (width, height, images) in mnist(),
        form in select(&FORMS[..]),
        victim in any::<Index>(),
        damage in damage(),
    ) {
        let files = mnist_files(width, height, &images);
        check_damaged(load_mnist_test, form, &files, &victim, &damage)?;
    }

    #[test]
    fn damaged_cifar_is_an_error_or_unchanged(
        batches in cifar(),
        form in select(&FORMS[..]),
        victim in any::<Index>(),
        damage in damage(),
    ) {
        check_damaged(load_cifar_train, form, &cifar_files(&batches), &victim, &damage)?;
    }
}

fn small_mnist() -> Files {
    mnist_files(2, 2, &[(7, vec![1, 2, 3, 4]), (0, vec![5, 6, 7, 8])])
}

#[test]
fn files_of_the_folder_come_before_the_archive_in_it() {
    let mut files = small_mnist();
    files.push(("set.tar".to_owned(), b"no archive".to_vec()));
    let (_folder, path) = write(Form::Raw, &files);
    assert_eq!(load_mnist_test(&path).unwrap().len(), 2);

    files.remove(0);
    let (_folder, path) = write(Form::Raw, &files);
    let error = load_mnist_test(&path).unwrap_err().to_string();
    assert!(error.contains("set.tar: is not a whole tar archive"), "{error}");
}

#[test]
fn of_several_archives_the_published_one_is_taken() {
    let files = cifar_files(&[vec![(3, [0; 3])]]);
    let archive = |name: &str| (name.to_owned(), gz(&tar(&files)));
    let (_folder, path) = write(Form::TarGz, &vec![archive("a.tar.gz"), archive("b.tar.gz")]);
    let error = load_cifar_train(&path).unwrap_err().to_string();
    assert!(error.contains("a single .tar.gz"), "{error}");
    let (_folder, path) = write(Form::TarGz, &vec![archive("a.tar.gz"), archive("cifar-10-binary.tar.gz")]);
    assert_eq!(load_cifar_train(&path).unwrap().len(), 1);
}

/// As in an archive that has each file raw and in a folder of its own name.
#[test]
fn a_member_may_be_there_twice_if_it_is_the_same() {
    for (load, files) in [
        (load_mnist_test as Load, small_mnist()),
        (load_cifar_train, cifar_files(&[vec![(0, [0; 3])], vec![(1, [0; 3])]])),
    ] {
        let (_folder, path) = write(Form::Tar, &Form::Tar.pack(&files));
        let once = samples(&load(&path).unwrap());
        let copy = (format!("{}/{}.gz", files[0].0, files[0].0), gz(&files[0].1));
        let (_folder, path) =
            write(Form::Tar, &Form::Tar.pack(&[files.clone(), vec![copy.clone()]].concat()));
        assert_eq!(samples(&load(&path).unwrap()), once);

        let mut other = files[0].1.clone();
        *other.last_mut().unwrap() ^= 1;
        let other = (copy.0, gz(&other));
        let (_folder, path) =
            write(Form::Tar, &Form::Tar.pack(&[files.clone(), vec![other.clone()]].concat()));
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("set.tar: some/folder/{}: is the second", other.0)), "{error}");
        assert!(error.ends_with(&format!("set.tar: some/folder/{}", files[0].0)), "{error}");
    }
}

#[test]
fn an_error_in_a_member_names_archive_and_member() {
    let mut files = small_mnist();
    files[0].1[9] = 10;
    let (_folder, path) = write(Form::TarGz, &Form::TarGz.pack(&files));
    let error = load_mnist_test(&path).unwrap_err().to_string();
    let expected = "set.tar.gz: some/folder/t10k-labels-idx1-ubyte: label 10 of record 1 is not below 10";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn an_archive_without_the_files_is_named() {
    let (_folder, path) = write(Form::TarGz, &Form::TarGz.pack(&small_mnist()));
    let error = load_cifar_train(&path).unwrap_err().to_string();
    assert!(error.contains("set.tar.gz holds none of data_batch_*.bin"), "{error}");
    let error = load_mnist(&path, Split::Train, "mnist").unwrap_err().to_string();
    assert!(error.contains("set.tar.gz holds none of train-images-idx3-ubyte"), "{error}");
}

#[test]
fn an_archive_that_is_not_there_is_named() {
    let error = load_cifar_train(Path::new("missing/cifar-10-binary.tar.gz")).unwrap_err();
    assert!(
        matches!(error, Error::Read { .. }) && error.to_string().contains("cifar-10-binary.tar.gz"),
        "{error}"
    );
}

/// 64 MB of zeros in 64 kB, behind a header that promises one image: the header decides what is read.
#[test]
fn a_file_that_unpacks_to_more_than_it_says_is_refused() {
    let mut files = small_mnist();
    files[1].1.resize(64 << 20, 0);
    for form in [Form::Gz, Form::TarGz, Form::TgzOfGz] {
        let (_folder, path) = write(form, &form.pack(&files));
        let error = load_mnist_test(&path).unwrap_err().to_string();
        assert!(error.contains("goes on after the 8 bytes of images"), "{error}");
    }
}
