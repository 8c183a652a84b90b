//! Parquet files on disk: `parquet:PATH`.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use gan_data::{
    DataLoader, Dataset, Error, LoaderConfig, OnBadImage, Parquet, ProgressCallback, Result, Split,
    Transforms, Unit,
};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, RgbaImage};
use parquet::basic::Compression;

use crate::sets::{Column, Row, color, compressed_table, image_column, parquet, png, table};
use crate::{assert_readable, notes};

fn open(path: &Path, split: Split) -> Result<Parquet> {
    Parquet::open(path, split, &ProgressCallback::default())
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

pub fn dot(i: u8) -> Vec<u8> {
    png(RgbImage::from_pixel(2, 2, Rgb([i, i, i])).into())
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
    assert_eq!(alpha.image.pixels[..3], [251; 3], "on white"); // (1 * 4 + 255 * 251) / 255
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

/// The same whether it is missing or broken: the others can be used.
#[test]
fn a_row_without_a_sound_image_is_named_when_it_is_asked_for() {
    let rows = |image: Option<Vec<u8>>| {
        let mut rows: Vec<Row> =
            (0..400).map(|i| Row { image: Some(dot(i as u8)), label: Some(1) }).collect();
        rows[350].image = image;
        parquet(&rows, "image")
    };
    for missing in [None, Some(Vec::new())] {
        let set = read(&rows(missing)).unwrap();
        assert_eq!((set.len(), set.get(349).unwrap().image.pixels[0]), (400, 93));
        let error = set.get(350).unwrap_err().to_string();
        assert!(error.ends_with("some.parquet: row 350: its image is missing"), "{error}");
        let set: Arc<dyn Dataset> = Arc::new(set);
        let load = |on_bad_image| {
            let config = LoaderConfig { batch_size: 400, on_bad_image, ..LoaderConfig::default() };
            DataLoader::new(set.clone(), Transforms::default(), config, &Device::Cpu).unwrap().next_batch()
        };
        assert!(load(OnBadImage::Stop).unwrap_err().to_string().contains("row 350"));
        assert_eq!(load(OnBadImage::Skip).unwrap().labels, Some(vec![1; 400]));
    }
    let nothing = [Row { image: None, label: Some(0) }, Row { image: None, label: Some(1) }];
    assert_eq!(fault(&parquet(&nothing, "image")), "has no image in any of its rows");

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
    let refused = |bytes: &[u8]| {
        let error = read(bytes).unwrap_err();
        assert!(
            matches!(error, Error::Column { .. }) && error.hint().contains("--image-column"),
            "{error:?}"
        );
        assert_readable(&error);
        error.to_string().split_once("some.parquet ").unwrap().1.to_owned()
    };
    assert_eq!(
        refused(&file(["left", "right"])),
        "has several columns of images, none of them called image: left, right"
    );
    let plain = table("optional binary jpg;", vec![Column::Text(vec![None])], None);
    assert_eq!(
        refused(&plain),
        "has no column of images (a struct with the field bytes), but some of bytes: jpg"
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
    let set = open(folder.path(), Split::Train).unwrap();
    assert_eq!((set.classes(), set.unlabelled()), (Some(2), vec![2]));
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
fn files_may_be_compressed_in_several_ways() {
    let schema = format!("{} optional int64 label;", image_column("image"));
    let (zstd, lz4) = (Compression::ZSTD(Default::default()), Compression::LZ4_RAW);
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd, lz4] {
        let images = Column::Image((0..3).map(|i| Some(dot(i))).collect());
        let columns = vec![images, Column::Path(3), Column::Int64(vec![Some(0), Some(1), Some(2)])];
        let set = read(&compressed_table(&schema, columns, None, compression)).unwrap();
        assert_eq!(set.get(2).unwrap().image.pixels, [2; 12], "{compression}");
        assert_eq!(set.get(1).unwrap().label, Some(1), "{compression}");
    }
}

#[test]
fn a_compression_that_is_not_known_is_named() {
    let mut file = parquet(&[Row { image: Some(dot(1)), label: None }], "image");
    // In the description of a column, in Thrift's compact form: the field of the codec, its value, the next field.
    let (snappy, lzo) = ([0x15, 2, 0x16], [0x15, 6, 0x16]);
    for at in 0..file.len() - 3 {
        if file[at..at + 3] == snappy {
            file[at..at + 3].copy_from_slice(&lzo);
        }
    }
    let error = read(&file).unwrap_err();
    assert!(
        error.to_string().ends_with("some.parquet is compressed with LZO, which cannot be read"),
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
