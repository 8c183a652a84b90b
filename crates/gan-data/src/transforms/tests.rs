//! What a user of the transforms relies on, and the fixtures of the modules' own tests.

use std::path::{Path, PathBuf};

use super::*;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transforms").join(name)
}

/// An image that `make_transforms.py` made.
pub(super) fn fixture(name: &str) -> Image {
    let read = ::image::open(path(&format!("{name}.png"))).unwrap();
    let channels = read.color().channel_count() as usize;
    Image {
        width: read.width() as usize,
        height: read.height() as usize,
        channels,
        pixels: read.into_bytes(),
    }
}

/// A text that `make_transforms.py` wrote.
pub(super) fn fixture_text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// The largest difference between two images of one shape.
pub(super) fn difference(found: &Image, expected: &Image) -> u8 {
    assert_eq!(size(found), size(expected));
    found.pixels.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

fn size(image: &Image) -> (usize, usize, usize) {
    (image.height, image.width, image.channels)
}

fn gray(width: usize, height: usize) -> Image {
    Image { width, height, channels: 1, pixels: (0..(width * height) as u8).collect() }
}

fn rng() -> Stream {
    Stream::new(0, "test", 0)
}

fn apply(image: Image, step: Transform) -> Result<Image> {
    Transforms::new(vec![step]).apply(image, &mut rng())
}

const FILTER: Filter = Filter::Bilinear;
const FLIP: Transform = Transform::RandomHorizontalFlip { probability: 0.5 };
const JITTER: Transform =
    Transform::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 };
const RESIZED_CROP: Transform = Transform::RandomResizedCrop {
    height: 24,
    width: 20,
    scale: (0.2, 1.0),
    ratio: (0.75, 1.5),
    filter: Filter::Bicubic,
};

/// Every kind of transform, in an order in which all can work.
fn every_kind() -> Vec<Transform> {
    vec![
        Transform::Resize { to: ResizeTo::Shorter(32), filter: FILTER },
        Transform::CenterCrop { height: 36, width: 30 },
        Transform::Channels(3),
        RESIZED_CROP,
        FLIP,
        Transform::RandomCrop { height: 22, width: 21, padding: 2 },
        JITTER,
        Transform::Grayscale(1),
    ]
}

#[test]
fn an_image_of_the_right_size_is_not_touched() {
    for to in [ResizeTo::Shorter(3), ResizeTo::Exact { height: 3, width: 5 }] {
        assert_eq!(apply(gray(5, 3), Transform::Resize { to, filter: FILTER }).unwrap(), gray(5, 3));
    }
}

#[test]
fn the_kept_part_and_the_rest_make_what_all_make() {
    for start in 0..=every_kind().len() {
        let all = Transforms::new(every_kind()[start..].to_vec());
        let (fixed, rest) = all.split_at_random();
        assert!(!fixed.steps.iter().any(Transform::is_random));
        assert!(rest.steps.first().is_none_or(Transform::is_random));

        // The kept part is applied with another stream: it must not matter.
        let kept = fixed.apply(fixture("input"), &mut Stream::new(9, "other", 9)).unwrap();
        for position in 0..5 {
            let (mut one, mut other) = (Stream::new(0, "test", position), Stream::new(0, "test", position));
            let whole = all.apply(fixture("input"), &mut one).unwrap();
            assert_eq!(rest.apply(kept.clone(), &mut other).unwrap(), whole);
            assert_eq!(one.next_u64(), other.next_u64(), "another number of draws");
        }
    }
}

#[test]
fn the_rest_keeps_the_normalization() {
    let normalize = Normalize::new(&[0.0], &[1.0]).unwrap();
    let (_, rest) = Transforms::new(every_kind()).with_normalize(normalize).split_at_random();
    let batch = rest.to_tensor(&[gray(1, 2)], &Device::Cpu).unwrap();
    assert_eq!(batch.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.0, 1.0 / 255.0]);
}

#[test]
fn the_size_is_known_before_any_image_is_read() {
    for count in 0..=every_kind().len() {
        let transforms = Transforms::new(every_kind()[..count].to_vec());
        for input in ["input", "gray", "input_alpha"] {
            let image = fixture(input);
            let said = transforms.output_size(image.height, image.width, image.channels).unwrap();
            assert_eq!(size(&transforms.apply(image, &mut rng()).unwrap()), said, "{count} of {input}");
        }
    }
    assert!(Transforms::default().output_size(0, 4, 1).is_err());
    assert!(Transforms::default().output_size(4, 4, 5).is_err());
    let colour = Transforms::default().with_normalize(Normalize::new(&[0.5; 3], &[0.5; 3]).unwrap());
    assert!(matches!(colour.output_size(4, 4, 1), Err(Error::Transform { .. })));
}

#[test]
fn as_many_images_are_mirrored_as_asked_for() {
    let mirrored = |probability| {
        let flip = Transforms::new(vec![Transform::RandomHorizontalFlip { probability }]);
        let mut rng = rng();
        (0..10_000).filter(|_| flip.apply(gray(2, 1), &mut rng).unwrap().pixels == [1, 0]).count()
    };
    assert_eq!((mirrored(0.0), mirrored(1.0)), (0, 10_000));
    assert!((2_770..3_230).contains(&mirrored(0.3)), "{}", mirrored(0.3)); // five standard deviations
}

#[test]
fn a_jitter_of_0_is_the_image_and_others_are_not() {
    let none = Transform::ColorJitter { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0 };
    assert_eq!(apply(fixture("input"), none).unwrap(), fixture("input"));
    assert_ne!(apply(fixture("input"), JITTER).unwrap(), fixture("input"));
}

#[test]
fn channels_convert_as_in_pillow() {
    let colour = Image { width: 2, height: 1, channels: 3, pixels: vec![255, 0, 0, 10, 200, 30] };
    let as_gray = apply(colour.clone(), Transform::Channels(1)).unwrap();
    assert_eq!((as_gray.channels, as_gray.pixels), (1, vec![76, 124])); // PIL: convert("L")
    let repeated = apply(gray(2, 1), Transform::Channels(3)).unwrap();
    assert_eq!((repeated.channels, repeated.pixels), (3, vec![0, 0, 0, 1, 1, 1]));

    let transparent = Image { width: 1, height: 1, channels: 4, pixels: vec![10, 200, 30, 7] };
    assert_eq!(apply(transparent.clone(), Transform::Channels(3)).unwrap().pixels, [10, 200, 30]);
    assert_eq!(apply(transparent.clone(), Transform::Channels(1)).unwrap().pixels, [124]);
    assert_eq!(apply(transparent, Transform::Grayscale(3)).unwrap().pixels, [124; 3]);
    let with_alpha = Image { width: 2, height: 1, channels: 2, pixels: vec![9, 255, 8, 0] };
    assert_eq!(apply(with_alpha.clone(), Transform::Channels(1)).unwrap().pixels, [9, 8]);
    assert_eq!(apply(with_alpha, Transform::Grayscale(3)).unwrap().pixels, [9, 9, 9, 8, 8, 8]);
    assert!(apply(colour, Transform::Channels(2)).is_err());
}

#[test]
fn a_size_that_cannot_be_is_an_error_and_not_an_allocation() {
    for side in [0, MAX_SIDE + 1, usize::MAX] {
        let resized = Transform::RandomResizedCrop {
            height: side,
            width: 4,
            scale: (0.5, 1.0),
            ratio: (1.0, 1.0),
            filter: FILTER,
        };
        let steps = [
            Transform::Resize { to: ResizeTo::Shorter(side), filter: FILTER },
            Transform::Resize { to: ResizeTo::Exact { height: 4, width: side }, filter: FILTER },
            Transform::CenterCrop { height: side, width: 4 },
            Transform::RandomCrop { height: side, width: 4, padding: 2 },
            resized,
        ];
        for step in steps {
            assert!(matches!(apply(gray(5, 3), step), Err(Error::ImageSize { .. })), "{step}");
        }
    }
    let broken = Image { width: 9, ..gray(5, 3) };
    assert!(Transforms::default().apply(broken, &mut rng()).is_err());
}

#[test]
fn a_random_crop_of_too_small_an_image_says_so() {
    let crop = |padding| apply(gray(5, 3), Transform::RandomCrop { height: 6, width: 5, padding });
    let error = crop(1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an image of 5x3 pixels with 1 channels is smaller than its random crop: resize it first, or give the crop \
         padding"
    );
    assert_eq!(size(&crop(2).unwrap()), (6, 5, 1));
}

#[test]
fn parameters_that_cannot_be_are_an_error_that_names_the_transform() {
    let resized =
        |scale, ratio| Transform::RandomResizedCrop { height: 4, width: 4, scale, ratio, filter: FILTER };
    let jitter = |brightness, hue| Transform::ColorJitter { brightness, contrast: 0.0, saturation: 0.0, hue };
    for step in [
        Transform::RandomHorizontalFlip { probability: 1.1 },
        Transform::RandomHorizontalFlip { probability: f64::NAN },
        Transform::RandomCrop { height: 4, width: 4, padding: usize::MAX },
        resized((0.0, 1.0), (1.0, 1.0)),
        resized((1.0, 0.5), (1.0, 1.0)),
        resized((0.5, 1.0), (-1.0, 1.0)),
        resized((0.5, 1.0), (1.0, f64::INFINITY)),
        resized((f64::NAN, 1.0), (1.0, 1.0)),
        jitter(-0.1, 0.0),
        jitter(f64::INFINITY, 0.0),
        jitter(0.0, 0.6),
        jitter(0.0, f64::NAN),
        Transform::Grayscale(2),
    ] {
        let transforms = Transforms::new(vec![FLIP, step]);
        let error = transforms.check().unwrap_err();
        assert!(matches!(error, Error::Transform { .. }), "{error}");
        assert!(error.to_string().contains(&step.to_string()), "{error}");
        assert!(transforms.apply(gray(5, 3), &mut rng()).is_err());
        assert!(transforms.output_size(5, 3, 1).is_err());
    }
    assert!(Transforms::new(every_kind()).check().is_ok());
}

#[test]
fn a_crop_after_a_resize_takes_the_same_pixels_as_both_apart() {
    let image = |height: usize, width: usize| {
        let pixels = (0..height * width * 3).map(|i| (i * i / 7 % 256) as u8).collect();
        Image { width, height, channels: 3, pixels }
    };
    for (height, width) in [(240, 320), (320, 240), (37, 53), (500, 331), (64, 90), (20, 200)] {
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for crop in [(64, 64), (63, 40), (80, 64), (9, 64), (80, 80)] {
                let resize = Transform::Resize { to: ResizeTo::Shorter(64), filter };
                let crop = Transform::CenterCrop { height: crop.0, width: crop.1 };
                let together = Transforms::new(vec![resize, crop]).apply(image(height, width), &mut rng());
                let apart = apply(apply(image(height, width), resize).unwrap(), crop);
                // The place of a window is rounded on the way, in the sixteenth digit.
                assert!(
                    difference(&together.unwrap(), &apart.unwrap()) <= 1,
                    "{height}x{width}, {resize}, {crop}"
                );
            }
        }
    }
}
