//! The same numbers as Pillow and torchvision. The expected images were made by `fixtures/make_transforms.py`.

#![allow(clippy::unwrap_used)] // as in every test

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use gan_data::{Filter, Image, Normalize, ResizeTo, Transform, Transforms, make_grid, save_image, to_tensor};
use gan_rng::Stream;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transforms").join(name)
}

fn read(path: &Path) -> Image {
    let read = image::open(path).unwrap();
    let channels = read.color().channel_count() as usize;
    Image {
        width: read.width() as usize,
        height: read.height() as usize,
        channels,
        pixels: read.into_bytes(),
    }
}

fn fixture(name: &str) -> Image {
    read(&path(&format!("{name}.png")))
}

fn apply(input: &str, transforms: &[Transform]) -> Image {
    let transforms = Transforms::new(transforms.to_vec());
    transforms.apply(fixture(input), &mut Stream::new(0, "test", 0)).unwrap()
}

/// The largest difference between two images of one shape.
fn difference(found: &Image, expected: &Image) -> u8 {
    let shape = |image: &Image| (image.width, image.height, image.channels);
    assert_eq!(shape(found), shape(expected));
    found.pixels.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

const FILTERS: [(Filter, &str); 2] = [(Filter::Bilinear, "bilinear"), (Filter::Bicubic, "bicubic")];

fn assert_one_level(input: &str, transform: Transform, expected: &str) {
    let difference = difference(&apply(input, &[transform]), &fixture(expected));
    assert!(difference <= 1, "{expected} differs by {difference}");
}

#[test]
fn resizing_agrees_to_one_level() {
    let shorter = |side| Transform::Resize { to: ResizeTo::Shorter(side), filter: Filter::default() };
    assert_one_level("input", shorter(24), "resize_24");
    assert_one_level("input", shorter(64), "resize_64");
    assert_one_level("gray", shorter(24), "resize_gray_24");
    for (filter, name) in FILTERS {
        for (height, width) in [(16, 40), (27, 23), (41, 91), (80, 20), (75, 64), (53, 50), (30, 37)] {
            let exact = Transform::Resize { to: ResizeTo::Exact { height, width }, filter };
            assert_one_level("input", exact, &format!("resize_{name}_{height}x{width}"));
        }
        for side in [15, 50] {
            let shorter = Transform::Resize { to: ResizeTo::Shorter(side), filter };
            assert_one_level("gray", shorter, &format!("resize_{name}_gray_{side}"));
        }
    }
}

#[test]
fn resizing_with_alpha_agrees_in_what_is_seen() {
    // The colour of what is nearly transparent is far off by the rounding of its alpha, and cannot be seen.
    let over_black = |mut image: Image| {
        for pixel in image.pixels.chunks_exact_mut(4) {
            let alpha = u32::from(pixel[3]);
            pixel[..3].iter_mut().for_each(|value| *value = ((u32::from(*value) * alpha + 127) / 255) as u8);
        }
        image
    };
    for (filter, expected) in
        [(Filter::Bilinear, "resize_alpha_12"), (Filter::Bicubic, "resize_bicubic_alpha_12")]
    {
        let resized = apply("input_alpha", &[Transform::Resize { to: ResizeTo::Shorter(12), filter }]);
        let difference = difference(&over_black(resized), &over_black(fixture(expected)));
        // One level each for resizing and for dividing by alpha.
        assert!(difference <= 2, "{expected} differs by {difference}");
    }
}

#[test]
fn center_crops_agree_exactly() {
    for (height, width) in [(20, 21), (21, 20), (53, 36), (60, 30), (30, 60), (80, 81)] {
        let crop = apply("input", &[Transform::CenterCrop { height, width }]);
        assert_eq!(crop, fixture(&format!("crop_{height}x{width}")), "{height}x{width}");
    }
}

#[test]
fn gray_agrees_exactly() {
    for transform in [Transform::Channels(1), Transform::Grayscale(1)] {
        assert_eq!(apply("input", &[transform]), fixture("gray"));
    }
    assert_eq!(apply("input", &[Transform::Grayscale(3)]), fixture("grayscale_3"));
    assert_eq!(apply("gray", &[Transform::Grayscale(3)]), fixture("grayscale_3"));
    assert_eq!(apply("input", &[Transform::Channels(3)]), fixture("input"));
}

fn little_endian(tensor: &Tensor) -> Vec<u8> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn normalized_values_agree_to_the_bit() {
    let gray = Image { width: 16, height: 16, channels: 1, pixels: (0..=255).collect() };
    let batch = to_tensor(&[gray], &Device::Cpu).unwrap();
    assert_eq!(little_endian(&batch), std::fs::read(path("normalized.f32")).unwrap());

    let pixels = (0..=255).flat_map(|value| [value; 3]).collect();
    let colours = Image { width: 16, height: 16, channels: 3, pixels };
    let imagenet = Normalize::new(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]).unwrap();
    let transforms = Transforms::default().with_normalize(imagenet);
    let batch = transforms.to_tensor(&[colours], &Device::Cpu).unwrap();
    assert_eq!(little_endian(&batch), std::fs::read(path("normalized_imagenet.f32")).unwrap());
}

/// The tensor that the script makes: some values lie outside [-1, 1].
fn values(count: usize, channels: usize) -> Tensor {
    let mut values = Vec::new();
    for n in 0..count {
        for c in 0..channels {
            for y in 0..6 {
                for x in 0..7 {
                    let steps = (n * 7 + c * 13 + y * 5 + x * 3) % 29;
                    values.push((steps as f64 / 29.0 * 2.4 - 1.2) as f32);
                }
            }
        }
    }
    Tensor::from_vec(values, (count, channels, 6, 7), &Device::Cpu).unwrap()
}

#[test]
fn grids_agree_exactly() {
    let folder = tempfile::tempdir().unwrap();
    for (count, channels, nrow) in [(5, 3, 3), (4, 1, 3), (2, 3, 8), (1, 3, 3), (1, 1, 3)] {
        let expected = fixture(&format!("grid_{count}_of_{channels}_nrow_{nrow}"));
        assert_eq!(make_grid(&values(count, channels), nrow).unwrap(), expected);

        let written = folder.path().join("grid.png");
        save_image(&values(count, channels), &written, nrow).unwrap();
        assert_eq!(read(&written), expected);
    }
}
