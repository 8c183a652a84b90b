#[cfg(unix)]
mod links;
mod places;
mod tables;

use super::*;
use crate::{DataLoader, Image, LoaderConfig, OnBadImage, Transforms};
use ::image::codecs::jpeg::JpegEncoder;
use ::image::{DynamicImage, GrayImage, ImageEncoder, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use candle_core::Device;
use std::ffi::OsStr;
use std::io::Cursor;
use std::sync::Arc;

fn open(path: &Path) -> Result<Folder> {
    Folder::open(path, Split::Train, &ProgressCallback::default())
}

fn decode(bytes: &[u8]) -> Result<Image> {
    Decoding::default().image(bytes, || "x".into())
}

/// Reads and decodes a file.
fn read_image(path: &Path) -> Result<Image> {
    Decoding::default().image(&read_file(path)?, || path.to_owned())
}

fn colour(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 40) as u8, (y * 40) as u8, 200]))
}

fn write(path: PathBuf, bytes: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn images_come_in_the_order_of_their_names_and_other_files_do_not() {
    let folder = tempfile::tempdir().unwrap();
    for (name, side) in [("b.PNG", 3), ("a.png", 2), ("c.jpeg", 4)] {
        write(folder.path().join(name), &png(colour(side, side)));
    }
    for name in ["notes.txt", ".hidden.png", "png"] {
        write(folder.path().join(name), b"no image");
    }
    let data = open(folder.path()).unwrap();
    assert_eq!((data.len(), data.channels(), data.classes()), (3, 3, None));
    let widths: Vec<usize> = (0..3).map(|i| data.get(i).unwrap().image.width).collect();
    assert_eq!(widths, [2, 3, 4], "c.jpeg is a PNG, whatever its name says");
    assert!(matches!(data.get(3), Err(Error::OutOfRange { len: 3, .. })));
    assert!(data.name().starts_with("folder:"));
}

#[test]
fn folders_are_classes_and_a_split_is_taken_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train/dog/x.png", "train/cat/deep/y.png", "train/cat/z.png", "test/cat/t.png"] {
        write(folder.path().join(name), &png(colour(2, 2)));
    }
    fs::create_dir(folder.path().join("train/none")).unwrap();
    let train = open(folder.path()).unwrap();
    assert_eq!(train.class_names(), ["cat", "dog"]);
    let labels: Vec<_> = (0..train.len()).map(|i| train.get(i).unwrap().label).collect();
    assert_eq!(labels, [Some(0), Some(0), Some(1)]);
    assert_eq!(Folder::open(folder.path(), Split::Test, &ProgressCallback::default()).unwrap().len(), 1);
}

#[test]
fn every_kind_of_image_becomes_rgb() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: &[u8]| read_image(&write(folder.path().join(name), bytes)).unwrap();
    let expected = colour(5, 3).into_raw();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let mut bytes = Cursor::new(Vec::new());
        colour(5, 3).write_to(&mut bytes, format).unwrap();
        let image = read("image", bytes.get_ref());
        assert_eq!((image.width, image.height, &image.pixels), (5, 3, &expected), "{format:?}");
    }
    let gray = GrayImage::from_pixel(2, 1, Luma([77]));
    assert_eq!(read("gray", &png(gray)).pixels, [77; 6]);
    let deep = ::image::ImageBuffer::from_pixel(1, 1, Luma([77u16 * 257]));
    assert_eq!(read("deep", &png(DynamicImage::ImageLuma16(deep))).pixels, [77; 3]);
    let clear = RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 0]));
    assert_eq!(read("clear", &png(clear)).pixels, [255; 3], "what alpha hides does not show");
}

#[test]
fn photos_stand_upright() {
    // EXIF, little-endian, with one entry: orientation (0x0112), a short, 6: turn it by 90 degrees, clockwise.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
    encoder.set_exif_metadata(exif).unwrap();
    // Bright on the left: turned, bright above.
    let photo = RgbImage::from_fn(32, 16, |x, _| if x < 16 { Rgb([250; 3]) } else { Rgb([5; 3]) });
    encoder.encode_image(&photo).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let image = read_image(&write(folder.path().join("photo.jpg"), &bytes)).unwrap();
    assert_eq!((image.width, image.height), (16, 32));
    assert!(image.pixels[0] > 200 && image.pixels[16 * 31 * 3] < 50);
}

#[test]
fn what_is_no_image_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let whole = png(colour(40, 40));
    let mut lying = whole.clone();
    lying[16..20].copy_from_slice(&u32::MAX.to_be_bytes()); // the width
    let text = b"this is text".to_vec();
    let cases = [("empty.png", Vec::new()), ("text.jpg", text), ("lying.png", lying)];
    let broken = (1..whole.len() - 20).step_by(7).map(|end| ("broken.png", whole[..end].to_vec()));
    for (name, bytes) in cases.into_iter().chain(broken) {
        let error = read_image(&write(folder.path().join(name), &bytes)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(matches!(error, Error::Malformed { .. } | Error::Decode { .. }), "{error}");
        assert!(!error.hint().is_empty() && !error.to_string().contains('\n'));
    }
}

/// Found by fuzzing: the decoder takes 4 GiB for what is not there, and then gives an error.
#[test]
fn exif_data_longer_than_the_file_are_not_asked_for() {
    let mut whole = Cursor::new(Vec::new());
    colour(4, 4).write_to(&mut whole, ImageFormat::WebP).unwrap();
    let pixels = &whole.get_ref()[12..];
    for length in [9u32, 11, u32::MAX - 1, u32::MAX] {
        let extended = [&b"WEBPVP8X\x0a\0\0\0"[..], &[8, 0, 0, 0, 3, 0, 0, 3, 0, 0]].concat();
        let exif = [&b"EXIF"[..], &length.to_le_bytes(), &[0; 10]].concat();
        let chunks = [&extended[..], pixels, &exif].concat();
        let file = [&b"RIFF"[..], &(chunks.len() as u32).to_le_bytes(), &chunks].concat();
        assert_eq!(decode(&file).unwrap().pixels, colour(4, 4).into_raw(), "{length}");
    }
}

/// Found by fuzzing: its decoder gives an image of 0x4.
#[test]
fn a_gif_without_pixels_is_an_error() {
    let mut gif = Cursor::new(Vec::new());
    colour(4, 4).write_to(&mut gif, ImageFormat::Gif).unwrap();
    let mut gif = gif.into_inner();
    assert!(decode(&gif).is_ok());
    gif[6..8].copy_from_slice(&[0, 0]); // the width
    let error = decode(&gif).unwrap_err().to_string();
    assert!(error.contains("no pixels"), "{error}");
}

#[test]
fn a_folder_without_images_and_what_is_no_folder_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path().join("notes.txt"), b"text");
    assert!(matches!(open(folder.path()), Err(Error::NoImages { .. })));
    assert!(matches!(open(&file), Err(Error::Malformed { .. })));
    assert!(matches!(open(&folder.path().join("none")), Err(Error::NoFolder { .. })));
}

#[cfg(unix)]
#[test]
fn pipes_circles_and_odd_names_do_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let class = folder.path().join("class");
    let odd = OsStr::from_bytes(b"\xff\xfe.png");
    write(class.join(odd), &png(colour(2, 2)));
    std::os::unix::fs::symlink(&class, class.join("circle")).unwrap();
    std::os::unix::fs::symlink(class.join("nowhere"), class.join("lost.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(class.join("pipe.png")).status().unwrap().success());
    let data = open(folder.path()).unwrap();
    assert_eq!(data.len(), 3, "the link and the pipe have the names of images");
    let errors: Vec<_> = (0..3).filter_map(|i| data.get(i).err()).map(|error| error.to_string()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("lost.png") && errors[1].contains("pipe.png"), "{errors:?}");
}

#[test]
fn a_folder_may_have_a_thousand_classes() {
    let folder = tempfile::tempdir().unwrap();
    let image = png(colour(1, 1));
    for class in 0..1_000 {
        write(folder.path().join(format!("train/n{class:03}/x.png")), &image);
    }
    let data = open(folder.path()).unwrap();
    assert_eq!((data.len(), data.classes()), (1_000, Some(1_000)));
    assert_eq!(data.class_names()[734], "n734");
    assert_eq!(data.get(734).unwrap().label, Some(734));
}

/// An error where they stop the run, and passed over with a count where they are skipped.
#[cfg(unix)]
#[test]
fn files_that_cannot_be_read_stop_a_run_or_are_skipped() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["1.png", "3.png", "6.png"] {
        write(path(name), &png(colour(2, 2)));
    }
    write(path("2 empty.png"), b"");
    assert!(std::process::Command::new("mkfifo").arg(path("4 pipe.png")).status().unwrap().success());
    let mut bad = vec!["2 empty.png", "4 pipe.png"];
    write(path("5 forbidden.png"), &png(colour(2, 2)));
    fs::set_permissions(path("5 forbidden.png"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(path("5 forbidden.png")).is_err() {
        bad.push("5 forbidden.png"); // nothing is forbidden to root
    }

    let data = Arc::new(open(folder.path()).unwrap());
    let errors: Vec<_> = (0..data.len()).filter_map(|index| data.get(index).err()).collect();
    assert_eq!(errors.len(), bad.len());
    for (error, name) in errors.iter().zip(&bad) {
        assert!(error.to_string().contains(name) && !error.hint().is_empty(), "{error}");
    }
    let loader = |on_bad_image| {
        let config = LoaderConfig { batch_size: 6, workers: 2, on_bad_image, ..LoaderConfig::default() };
        DataLoader::new(data.clone(), Transforms::default(), config, &Device::Cpu).unwrap()
    };
    let message = loader(OnBadImage::Stop).next_batch().unwrap_err().to_string();
    assert!(bad.iter().any(|name| message.contains(name)), "{message}");
    let mut skipping = loader(OnBadImage::Skip);
    for _ in 0..3 {
        assert_eq!(skipping.next_batch().unwrap().images.dims(), [6, 3, 2, 2]);
    }
    assert_eq!(skipping.bad_images(), bad.len());
}
