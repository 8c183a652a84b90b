//! Parquet files on disk: `parquet:PATH`.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use gan_data::{Dataset, Error, Parquet, Result, Split, Unit, Watch};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, RgbaImage};

use crate::sets::{Column, Row, color, image_column, parquet, png, table};
use crate::{assert_readable, notes};

fn open(path: &Path, split: Split) -> Result<Parquet> {
    Parquet::open(path, split, &Watch::default())
}

/// The set in a file of these bytes.
fn read(bytes: &[u8]) -> Result<Parquet> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.parquet");
    fs::write(&path, bytes).unwrap();
    open(&path, Split::Train) // what is read waits elsewhere
}

/// What is wrong with a file of these bytes.
fn fault(bytes: &[u8]) -> String {
    let error = read(bytes).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains("some.parquet: "), "the file is not named: {error}");
    assert_readable(&error);
    error.to_string().split_once("some.parquet: ").unwrap().1.to_owned()
}

fn dot(i: u8) -> Vec<u8> {
    png(RgbImage::from_pixel(2, 2, Rgb([i, i, i])).into())
}

/// Three images with labels of this column.
fn labelled(schema: &str, labels: Column, notes: Option<&str>) -> Vec<u8> {
    let images = Column::Image((0..3).map(|i| Some(dot(i))).collect());
    table(&format!("{} {schema}", image_column("image")), vec![images, Column::Path(3), labels], notes)
}

fn int64(labels: [Option<i64>; 3]) -> Vec<u8> {
    labelled("optional int64 label;", Column::Int64(labels.into()), None)
}

#[test]
fn images_of_every_size_and_kind_come_as_rgb() {
    let mut jpeg = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::from_pixel(33, 17, Rgb([200, 100, 50])))
        .write_to(&mut jpeg, ImageFormat::Jpeg)
        .unwrap();
    let images = [
        jpeg.into_inner(),
        png(GrayImage::from_pixel(5, 7, image::Luma([9])).into()),
        png(RgbaImage::from_pixel(1, 300, image::Rgba([1, 2, 3, 4])).into()),
    ];
    let columns = vec![Column::Image(images.into_iter().map(Some).collect()), Column::Path(3)];
    let set = read(&table(&image_column("picture"), columns, None)).unwrap();
    assert_eq!((set.len(), set.channels(), set.classes()), (3, 3, None));
    let [photo, gray, alpha] = [0, 1, 2].map(|index| set.get(index).unwrap());
    assert_eq!((photo.image.width, photo.image.height, photo.label), (33, 17, None));
    assert!(photo.image.pixels[0].abs_diff(200) < 5, "{:?}", &photo.image.pixels[..3]);
    assert_eq!((gray.image.width, gray.image.height), (5, 7));
    assert_eq!(gray.image.pixels, [9; 5 * 7 * 3]);
    assert_eq!((alpha.image.width, alpha.image.height), (1, 300));
    assert_eq!(alpha.image.pixels[..3], [1, 2, 3]);
    assert_eq!(set.caption(0).unwrap(), None);
    assert!(set.class_names().is_empty());
}

#[test]
fn cifar_has_the_pixels_of_the_published_files() {
    let (rows, published) = color(400); // more than a row group
    let set = read(&parquet(&rows, "img")).unwrap();
    assert_eq!((set.len(), set.classes()), (400, Some(10)));
    for index in 0..400 {
        assert_eq!(set.get(index).unwrap(), published.get(index).unwrap());
    }
}

#[test]
fn labels_are_integers_of_either_size_under_their_usual_names() {
    let labels = |bytes: &[u8]| {
        let set = read(bytes).unwrap();
        ([0, 1, 2].map(|index| set.get(index).unwrap().label), set.classes(), set.class_names())
    };
    let some = ([Some(0), Some(4), Some(2)], Some(5), Vec::new());
    for name in ["label", "labels", "class", "fine_label"] {
        let column = Column::Int64(vec![Some(0), Some(4), Some(2)]);
        assert_eq!(labels(&labelled(&format!("optional int64 {name};"), column, None)), some);
    }
    let column = Column::Int32(vec![Some(0), Some(4), Some(2)]);
    assert_eq!(labels(&labelled("optional int32 label;", column, None)), some);

    let none = ([None, None, None], None, Vec::new());
    assert_eq!(labels(&int64([Some(-1), Some(-1), Some(-1)])), none);
    assert_eq!(labels(&int64([None, Some(-1), None])), none);
    let text = Column::Text(vec![Some("cat".to_owned()); 3]);
    assert_eq!(labels(&labelled("optional binary label (UTF8);", text, None)), none);
    let large = [Some(0), Some(1), Some(i64::from(u32::MAX))];
    assert_eq!(labels(&int64(large)).1, Some(1 << 32));
}

#[test]
fn labels_that_cannot_be_are_named_with_their_row() {
    assert_eq!(
        fault(&int64([Some(0), Some(-2), Some(1)])),
        "row 1: its label -2 is not one of 0 to 4294967295"
    );
    assert_eq!(
        fault(&int64([Some(0), Some(1), Some(1 << 32)])),
        "row 2: its label 4294967296 is not one of 0 to 4294967295"
    );
    for gap in [Some(-1), None] {
        assert_eq!(
            fault(&int64([Some(0), gap, Some(1)])),
            "row 1: its label is missing, and others have one"
        );
    }
}

#[test]
fn classes_are_called_what_the_file_says() {
    let notes = |names: &str| format!(r#"{{"info": {{"features": {{"label": {{"names": {names}}}}}}}}}"#);
    let file = |notes: &str| {
        let column = Column::Int64(vec![Some(0), Some(1), Some(0)]);
        labelled("optional int64 label;", column, Some(notes))
    };
    let set = read(&file(&notes(r#"["cat", "dog", "a\nhorse\u001b"]"#))).unwrap();
    assert_eq!(
        (set.classes(), set.class_names()),
        (Some(3), ["cat", "dog", "a horse"].map(str::to_owned).into())
    );
    assert_eq!(fault(&file(&notes(r#"["cat"]"#))), "row 1: its label 1 is none of the named classes");
    for odd in ["", "{", "[]", "null", &notes("7"), &notes("[7]"), &"[".repeat(100_000)] {
        let set = read(&file(odd)).unwrap();
        assert_eq!(
            (set.classes(), set.class_names()),
            (Some(2), Vec::new()),
            "{}",
            &odd[..odd.len().min(50)]
        );
    }
}

#[test]
fn a_row_without_an_image_is_named_at_once_and_a_broken_one_when_it_is_asked_for() {
    let rows = |image: Option<Vec<u8>>| {
        let mut rows: Vec<Row> =
            (0..400).map(|i| Row { image: Some(dot(i as u8)), label: Some(1) }).collect();
        rows[350].image = image;
        parquet(&rows, "image")
    };
    assert_eq!(fault(&rows(None)), "row 350: its image is missing");
    assert_eq!(fault(&rows(Some(Vec::new()))), "row 350: its image is missing");

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    write("a.parquet", parquet(&[Row { image: Some(dot(1)), label: Some(1) }], "image"));
    let mut cut = dot(2);
    cut.truncate(50);
    write("b.parquet", rows(Some(cut)));
    let set = open(folder.path(), Split::Train).unwrap();
    assert_eq!(set.len(), 401);
    let error = set.get(351).unwrap_err();
    let path = folder.path().join("b.parquet");
    assert!(
        error.to_string().starts_with(&format!("{}: row 350: its image does not decode: ", path.display()))
    );
    assert_readable(&error);
    assert!(set.get(350).is_ok() && set.get(352).is_ok());
}

#[test]
fn of_several_columns_of_images_the_one_called_image_counts() {
    let file = |names: [&str; 2]| {
        let columns = (0..2).flat_map(|i| [Column::Image(vec![Some(dot(i))]), Column::Path(1)]);
        table(&names.map(image_column).concat(), columns.collect(), None)
    };
    let first = |bytes: &[u8]| read(bytes).unwrap().get(0).unwrap().image.pixels[0];
    assert_eq!(first(&file(["depth", "image"])), 1);
    assert_eq!(first(&file(["image", "depth"])), 0);
    assert_eq!(
        fault(&file(["left", "right"])),
        "has several columns of images, none of them called image: left, right"
    );
    let numbers = table("optional int64 label;", vec![Column::Int64(vec![Some(1)])], None);
    assert_eq!(fault(&numbers), "has no column of images (a struct with the field bytes)");
}

#[test]
fn a_folder_gives_the_files_of_a_split_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, i: u8, label: i64| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, parquet(&[Row { image: Some(dot(i)), label: Some(label) }], "image")).unwrap();
    };
    let pixels = |split| {
        let set = open(folder.path(), split).unwrap();
        (0..set.len()).map(|index| set.get(index).unwrap().image.pixels[0]).collect::<Vec<_>>()
    };
    write("data/b.parquet", 1, 0);
    write("data/a.PARQUET", 2, 0);
    write(".cache/c.parquet", 3, 0);
    assert_eq!(pixels(Split::Train), [2, 1]);
    assert!(matches!(open(folder.path(), Split::Test), Err(Error::NoSplit { .. })));
    write("data/validation-00000-of-00001.parquet", 4, 0);
    assert_eq!(pixels(Split::Test), [4]);
    let error = open(folder.path(), Split::Train).unwrap_err();
    assert!(error.to_string().ends_with("but some of Validation"), "{error}");
    assert_readable(&error);
    write("data/train-00001-of-00002.parquet", 6, 1);
    write("data/train-00000-of-00002.parquet", 5, 0);
    write("test/0000.parquet", 7, 0);
    assert_eq!(pixels(Split::Train), [5, 6]);
    assert_eq!(pixels(Split::Test), [7]);

    write("data/train-00002-of-00002.parquet", 6, -1);
    let error = open(folder.path(), Split::Train).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("train-00002-of-00002.parquet: row 0: its label is missing, and others have one")
    );
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let failure = |path: &Path| {
        let error = open(path, Split::Train).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert_readable(&error);
        error
    };
    assert!(matches!(failure(folder.path()), Error::NoSplit { .. }));
    assert!(matches!(failure(&folder.path().join("nowhere")), Error::Read { .. }));
    fs::create_dir(folder.path().join("x.parquet")).unwrap();
    assert!(matches!(failure(folder.path()), Error::NoSplit { .. }));
    let text = folder.path().join("y.parquet");
    fs::write(&text, "not parquet").unwrap();
    assert!(matches!(failure(folder.path()), Error::Malformed { .. }));
    assert!(matches!(failure(&text), Error::Malformed { .. }));
    fs::write(&text, "").unwrap();
    assert!(matches!(failure(&text), Error::Malformed { .. }));
    fs::write(&text, parquet(&[], "image")).unwrap();
    assert!(matches!(failure(&text), Error::Empty { .. }));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nothing", folder.path().join("z.parquet")).unwrap();
        fs::write(&text, parquet(&[Row { image: Some(dot(1)), label: None }], "image")).unwrap();
        let error = open(folder.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error:?}");
    }
}

#[test]
fn a_compression_that_is_not_known_is_named() {
    let mut file = parquet(&[Row { image: Some(dot(1)), label: None }], "image");
    // In the description of a column, in Thrift's compact form: the field of the codec, its value, the next field.
    let (snappy, zstd) = ([0x15, 2, 0x16], [0x15, 12, 0x16]);
    for at in 0..file.len() - 3 {
        if file[at..at + 3] == snappy {
            file[at..at + 3].copy_from_slice(&zstd);
        }
    }
    let error = read(&file).unwrap_err();
    assert!(
        error.to_string().ends_with("some.parquet is compressed with ZSTD, which cannot be read"),
        "{error}"
    );
    assert!(error.hint().contains("snappy"), "{}", error.hint());
    assert_readable(&error);
}

#[test]
fn images_read_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.parquet", "b.parquet"] {
        let rows: Vec<Row> = (0..3).map(|i| Row { image: Some(dot(i)), label: None }).collect();
        fs::write(folder.path().join(name), parquet(&rows, "image")).unwrap();
    }
    let (watch, notes) = notes();
    let set = Parquet::open(folder.path(), Split::Train, &watch).unwrap();
    let notes = notes.lock().unwrap();
    let expected: Vec<_> =
        (1..=6).map(|done| (format!("reading {}", set.name()), done, Some(6), Unit::Images)).collect();
    assert_eq!(*notes, expected);
}
