//! The same pixels as Pillow. The files and what is expected of them were made by `fixtures/make_images.py`.

#![allow(clippy::unwrap_used)] // as in every test

use std::path::{Path, PathBuf};

use gan_data::{Background, Dataset, Error, Folder, Image, ProgressCallback, Split};

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images").join(name)
}

/// The files by name, with their pixels; alpha is left out, as Pillow's `convert("RGB")` does.
fn files() -> impl Iterator<Item = (String, Image)> {
    let folder = Folder::open(&fixtures("files"), Split::Train, &ProgressCallback::default()).unwrap();
    let folder = folder.with_background(Background::None);
    (0..folder.len()).map(move |index| {
        let path = folder.describe(index);
        let name = path.rsplit(['/', '\\']).next().unwrap().to_owned();
        (name, folder.get(index).unwrap().image)
    })
}

fn expected(name: &str) -> Image {
    let read = image::open(fixtures("expected").join(format!("{name}.png"))).unwrap().into_rgb8();
    let (width, height) = (read.width() as usize, read.height() as usize);
    Image { width, height, channels: 3, pixels: read.into_raw() }
}

/// The largest difference between two images of one shape.
fn difference(found: &Image, expected: &Image) -> u8 {
    let shape = |image: &Image| (image.width, image.height, image.channels);
    assert_eq!(shape(found), shape(expected));
    found.pixels.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn every_kind_of_file_has_the_pixels_that_pillow_gives_it() {
    let differing: Vec<String> = files()
        .filter(|(name, image)| difference(image, &expected(name)) > 0)
        .map(|(name, _)| name)
        .collect();
    // Of 16 bits of gray Pillow makes white whatever is above 255. Here they are scaled to 8, like 16 bits of colour.
    assert_eq!(differing, ["gray_16.png"]);
}

#[test]
fn sixteen_bits_of_gray_are_scaled_to_eight() {
    let (_, image) = files().find(|(name, _)| name == "gray_16.png").unwrap();
    // What the script writes, scaled and rounded.
    let scaled = (0..256u32).map(|i| ((i * 256 + i * 7 % 256 + 128) / 257) as u8);
    assert_eq!(image.pixels, scaled.flat_map(|value| [value; 3]).collect::<Vec<u8>>());
}

/// A file that came through only in part is seen in no batch as if it were whole.
#[test]
fn a_jpeg_that_is_cut_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.jpg");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Folder::open(folder.path(), Split::Train, &ProgressCallback::default()).unwrap().get(0)
    };
    for name in
        ["baseline_444_37x53", "baseline_420_17x8", "progressive_420_37x53", "restarts", "gray", "cmyk"]
    {
        let whole = std::fs::read(fixtures("files").join(format!("{name}.jpg"))).unwrap();
        for length in (1..whole.len()).rev().take(40).chain((1..whole.len()).step_by(31)) {
            let error = read(&whole[..length]).expect_err(&format!("{name}: {length} of {}", whole.len()));
            assert!(matches!(error, Error::Decode { .. }), "{error:?}");
            assert!(error.to_string().contains("cut.jpg"), "{error}");
        }
        let longer = [&whole[..], b"and what a camera adds"].concat();
        assert_eq!(read(&longer).unwrap().image, expected(&format!("{name}.jpg")), "{name}");
    }
}
