use super::*;
use crate::{Digits, Folder, Shapes, Transform, load_mnist};

fn options(format: ExportFormat) -> ExportOptions {
    ExportOptions {
        format,
        split: Split::Train,
        count: Some(40),
        transforms: Transforms::default(),
        on_bad_image: OnBadImage::Stop,
        watch: ProgressCallback::default(),
    }
}

#[test]
fn idx_files_read_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/out");
    let digits = Digits::train(0, 28).unwrap();
    assert_eq!(export(&digits, &out, &options(ExportFormat::Idx)).unwrap(), 40);
    let read = load_mnist(&out, Split::Train, "mnist").unwrap();
    assert_eq!(read.len(), 40);
    for index in 0..40 {
        assert_eq!(read.get(index).unwrap(), digits.get(index).unwrap());
    }
}

#[test]
fn a_folder_reads_back_with_its_classes_and_captions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap(); // an empty folder is taken
    let shapes = Shapes::train(0, 16).unwrap();
    export(&shapes, &out, &options(ExportFormat::Folder)).unwrap();
    let read = Folder::open(&out, Split::Train, &ProgressCallback::default()).unwrap();
    assert_eq!(read.len(), 40);
    let mut names = shapes.class_names();
    names.sort();
    assert_eq!(read.class_names(), names);
    for index in 0..40 {
        let name = read.describe(index);
        let number: usize = name[name.len() - 10..name.len() - 4].parse().unwrap();
        let original = shapes.get(number).unwrap();
        let found = read.get(index).unwrap();
        assert_eq!(found.image, original.image);
        let class =
            |set: &dyn Dataset, label: Option<u32>| set.class_names()[label.unwrap() as usize].clone();
        assert_eq!(class(&read, found.label), class(&shapes, original.label));
    }
    let lines = fs::read_to_string(out.join("metadata.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 40);
    let caption = shapes.caption(3).unwrap().unwrap();
    assert!(
        lines.lines().nth(3).unwrap().ends_with(&format!("/000003.png\", \"text\": \"{caption}\"}}")),
        "{lines}"
    );
}

/// What a killed export leaves, and what a user may have put there.
#[test]
fn what_a_broken_off_export_left_is_in_nobody_s_way() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let left = parent.path().join("out.partial");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("mine.txt"), "text").unwrap();
    let digits = Digits::train(0, 28).unwrap();
    for format in [ExportFormat::Folder, ExportFormat::Idx] {
        assert_eq!(export(&digits, &out, &options(format)).unwrap(), 40);
        fs::remove_dir_all(&out).unwrap();
    }
    let colour = Shapes::train(0, 16).unwrap();
    assert!(export(&colour, &out, &options(ExportFormat::Idx)).is_err());
    assert_eq!(fs::read_to_string(left.join("mine.txt")).unwrap(), "text");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "nothing else is left");
}

/// Gray images of one pixel, of so many classes; `names` of the first of them.
struct Classes {
    count: usize,
    names: Vec<String>,
}

impl Dataset for Classes {
    fn name(&self) -> &str {
        "classes"
    }
    fn len(&self) -> usize {
        self.count.min(300)
    }
    fn channels(&self) -> usize {
        1
    }
    fn classes(&self) -> Option<usize> {
        Some(self.count)
    }
    fn class_names(&self) -> Vec<String> {
        self.names.clone()
    }
    fn get(&self, index: usize) -> Result<Sample> {
        let image = Image { width: 1, height: 1, channels: 1, pixels: vec![index as u8] };
        Ok(Sample { image, label: Some((self.count - 1 - index) as u32) })
    }
}

#[test]
fn more_classes_than_a_byte_can_tell_apart_are_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let of = |count| Classes { count, names: Vec::new() };
    let error = export(&of(257), &out, &options(ExportFormat::Idx)).unwrap_err();
    assert!(error.to_string().contains("has 257 classes, and IDX files hold at most 256"), "{error}");
    assert_eq!(error.hint(), "export a folder");
    let all = ExportOptions { count: None, ..options(ExportFormat::Idx) };
    assert_eq!(export(&of(256), &out, &all).unwrap(), 256);
    let labels = fs::read(out.join("train-labels-idx1-ubyte")).unwrap();
    assert_eq!((labels.len(), labels[8], labels[8 + 255]), (8 + 256, 255, 0));
}

/// Folders are made for classes that have images: a label can be four thousand million.
#[test]
fn classes_without_images_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let data = Classes { count: u32::MAX as usize, names: vec!["first".to_owned()] };
    assert_eq!(export(&data, &out, &options(ExportFormat::Folder)).unwrap(), 40);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 40);
    assert!(out.join("4294967294/000000.png").exists());
}

#[test]
fn every_class_has_a_folder_of_its_own_whatever_the_system_takes_for_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let names = ["a", "A", "b/c", "b:c", "", "5-"].map(str::to_owned).to_vec();
    let data = Classes { count: 7, names };
    export(&data, &out, &options(ExportFormat::Folder)).unwrap();
    let mut found: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, ["1-A", "3-b_c", "4-", "5-", "6", "a", "b_c"]);
}

#[test]
fn a_set_of_which_no_image_can_be_read_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let images = parent.path().join("images");
    fs::create_dir(&images).unwrap();
    fs::write(images.join("a.png"), "no image").unwrap();
    let data = Folder::open(&images, Split::Train, &ProgressCallback::default()).unwrap();
    for format in [ExportFormat::Folder, ExportFormat::Idx] {
        let options = ExportOptions { on_bad_image: OnBadImage::Skip, ..options(format) };
        let error = export(&data, &parent.path().join("out"), &options).unwrap_err();
        assert!(matches!(error, Error::Empty { .. }), "{error:?}");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}

#[test]
fn what_does_not_suit_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let shapes = Shapes::train(0, 16).unwrap();
    let error = export(&shapes, &out, &options(ExportFormat::Idx)).unwrap_err();
    assert!(error.to_string().contains("gray"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let gray = Transforms::new(vec![Transform::Channels(1)]);
    export(&shapes, &out, &ExportOptions { transforms: gray, ..options(ExportFormat::Idx) }).unwrap();
    let again = export(&shapes, &out, &options(ExportFormat::Folder)).unwrap_err();
    assert!(matches!(again, Error::NotEmpty { .. }), "{again}");
    assert_eq!(load_mnist(&out, Split::Train, "mnist").unwrap().len(), 40);
}
