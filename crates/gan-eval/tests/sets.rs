//! Subsets and unions of data sets, and which of their classes are the same.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::sync::Arc;

use common::Plain;
use gan_data::{
    Dataset, Digits, ExportFormat, ExportOptions, Folder, OnBadImage, ProgressCallback, Split, Transforms,
    export,
};
use gan_eval::{ClassMap, Concat, Error, Result, Subset};

fn labels(set: &dyn Dataset) -> Vec<Option<u32>> {
    (0..set.len()).map(|index| set.get(index).unwrap().label).collect()
}

/// The labels of one set by the classes of another.
fn matched(classes: &ClassMap, set: Plain) -> Result<Vec<u32>> {
    let set = Concat::new(classes, vec![Arc::new(set)])?;
    Ok(labels(&set).into_iter().map(Option::unwrap).collect())
}

fn named(names: &[&str]) -> ClassMap {
    ClassMap::of(&Plain::named(&[], names)).unwrap()
}

#[test]
fn a_subset_holds_the_first_images_of_each_class() {
    let whole = Arc::new(Plain::numbered(&[2, 0, 0, 1, 0, 2, 2, 1, 0], 3));
    let subset = Subset::first_of_each_class(whole.clone(), 2).unwrap();
    assert_eq!(labels(&subset), [2, 0, 0, 1, 2, 1].map(Some));
    let places: Vec<u8> = (0..6).map(|index| subset.get(index).unwrap().image.pixels[0]).collect();
    assert_eq!(places, [0, 1, 2, 3, 5, 7]);
    assert_eq!(subset.name(), "plain (2 of each class)");
    assert_eq!(subset.describe(4), "image 5 of plain");
    assert!(subset.get(6).is_err());

    let error = Subset::first_of_each_class(whole.clone(), 3).err().unwrap();
    assert_eq!(error.to_string(), "plain has 2 images of the class 1, and 3 of each are asked for");
    assert!(matches!(Subset::first_of_each_class(whole, 0), Err(Error::Config { .. })));
    let none = Arc::new(Plain::numbered(&[0], 0));
    assert!(matches!(Subset::first_of_each_class(none, 1), Err(Error::NoClasses { .. })));
    let digits = Subset::first_of_each_class(Arc::new(Digits::train(0, 16).unwrap()), 7).unwrap();
    for class in 0..10 {
        assert_eq!(labels(&digits).iter().filter(|&&label| label == Some(class)).count(), 7);
    }
}

#[test]
fn classes_are_the_same_if_their_names_are() {
    let animals = named(&["cat", "cow", "dog"]);
    assert_eq!(matched(&animals, Plain::named(&[0, 1, 0], &["dog", "cat"])).unwrap(), [2, 0, 2]);
    // Names that are numbers stand for them, in whatever order they are.
    let ten = ClassMap::numbered(10);
    assert_eq!(matched(&ten, Plain::named(&[0, 1, 2], &["0", "7", "3"])).unwrap(), [0, 7, 3]);
    assert_eq!(matched(&ten, Plain::named(&[0, 1], &["04", "09"])).unwrap(), [4, 9]);
    assert_eq!(matched(&named(&["2", "1", "0"]), Plain::numbered(&[0, 1, 2], 3)).unwrap(), [2, 1, 0]);
    // Where one side has no names, and those of the other are no numbers, the order counts.
    assert_eq!(matched(&animals, Plain::numbered(&[2, 0], 3)).unwrap(), [2, 0]);
    assert_eq!(matched(&ClassMap::numbered(2), Plain::named(&[1, 0], &["no", "yes"])).unwrap(), [1, 0]);
    assert_eq!(matched(&ten, Plain::numbered(&[1, 0], 2)).unwrap(), [1, 0]);
    // Names that are just the numbers of the classes are as good as none, on either side.
    assert_eq!(matched(&named(&["0", "1"]), Plain::named(&[1, 0], &["no", "yes"])).unwrap(), [1, 0]);
    assert_eq!(matched(&named(&["no", "yes"]), Plain::named(&[1, 0], &["0", "1"])).unwrap(), [1, 0]);
}

#[test]
fn a_class_that_the_other_set_does_not_have_is_refused() {
    let animals = named(&["cat", "cow", "dog"]);
    let error = matched(&animals, Plain::named(&[0], &["cat", "horse"])).unwrap_err();
    assert_eq!(error.to_string(), "the class horse of plain is not among cat, cow, dog");
    assert!(error.hint().contains("rename"));
    for (classes, set) in [
        (ClassMap::numbered(2), Plain::numbered(&[0], 3)),
        (ClassMap::numbered(10), Plain::named(&[0], &["0", "10"])),
        (ClassMap::numbered(10), Plain::named(&[0], &["cat", "dog"])),
        (named(&["0", "1"]), Plain::named(&[0], &["0", "one"])),
    ] {
        assert!(matches!(matched(&classes, set), Err(Error::UnknownClass { .. })), "{classes}");
    }
    assert!(matches!(matched(&animals, Plain::numbered(&[0], 0)), Err(Error::NoClasses { .. })));
}

#[test]
fn a_union_holds_its_sets_one_after_the_other() {
    let animals = named(&["cat", "dog"]);
    let sets: Vec<Arc<dyn Dataset>> = vec![
        Arc::new(Plain::named(&[0, 1], &["dog", "cat"])),
        Arc::new(Plain::named(&[], &["cat"])),
        Arc::new(Plain::named(&[0, 9, 0], &["cat"])),
    ];
    let union = Concat::new(&animals, sets).unwrap();
    // A label that is no class of its own set is left out.
    assert_eq!(labels(&union), [Some(1), Some(0), Some(0), None, Some(0)]);
    assert_eq!((union.len(), union.classes(), union.channels()), (5, Some(2), 1));
    assert_eq!(union.class_names(), ["cat", "dog"]);
    assert_eq!(union.get(4).unwrap().image.pixels, [2]);
    assert_eq!(union.describe(4), "image 2 of plain");
    assert!(matches!(union.get(5), Err(gan_data::Error::OutOfRange { len: 5, .. })));
    assert!(matches!(Concat::new(&animals, Vec::new()), Err(Error::Config { .. })));
}

#[test]
fn a_subset_written_to_a_folder_has_the_same_classes() {
    let folder = tempfile::tempdir().unwrap();
    let digits = Arc::new(Digits::train(0, 16).unwrap());
    let subset = Subset::first_of_each_class(digits.clone(), 2).unwrap();
    let options = ExportOptions {
        format: ExportFormat::Folder,
        split: Split::Train,
        count: None,
        transforms: Transforms::default(),
        on_bad_image: OnBadImage::Stop,
        watch: ProgressCallback::default(),
    };
    let out = folder.path().join("few");
    assert_eq!(export(&subset, &out, &options).unwrap(), 20);
    let read = Arc::new(Folder::open(&out, Split::Train, &ProgressCallback::default()).unwrap());
    let read = Concat::new(&ClassMap::of(digits.as_ref()).unwrap(), vec![read]).unwrap();
    // The folder's order is that of the classes.
    let mut expected = labels(&subset);
    expected.sort();
    assert_eq!(labels(&read), expected);
}
