//! What is done to an image between the data set and the batch, with torchvision's meaning.

use gan_rng::Stream;

use crate::image::MAX_SIDE;
use crate::resize::resize;
use crate::{Error, Image, ResizeTo, Result};

/// One step of preparing an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transform {
    /// Bilinear resize, antialiased: torchvision's on a Pillow image, to one level of 255.
    Resize(ResizeTo),
    /// The middle of the image. Where the image is smaller than the crop it is padded with zeros.
    CenterCrop {
        /// Height of the crop in pixels.
        height: usize,
        /// Width of the crop in pixels.
        width: usize,
    },
    /// Swaps left and right.
    RandomHorizontalFlip {
        /// How likely, from 0 to 1.
        probability: f64,
    },
    /// Converts to this many channels, 1 (gray) or 3 (colour), as Pillow's modes `L` and `RGB`: gray is the luma of
    /// ITU-R 601, colour made from gray repeats it, alpha is left out.
    Channels(usize),
}

/// Transforms, one after the other. The default is none.
///
/// Turning bytes into numbers from -1 to 1 is not among them: that is how images become a batch,
/// see [`to_tensor`](crate::to_tensor).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transforms {
    steps: Vec<Transform>,
}

impl Transforms {
    /// These transforms, applied in this order.
    pub fn new(steps: Vec<Transform>) -> Self {
        Self { steps }
    }

    // STUB until the branch of transforms is merged.
    pub(crate) fn split_at_random(&self) -> (Self, Self) {
        let is_random = |step: &Transform| matches!(step, Transform::RandomHorizontalFlip { .. });
        let at = self.steps.iter().position(is_random).unwrap_or(self.steps.len());
        (Self::new(self.steps[..at].to_vec()), Self::new(self.steps[at..].to_vec()))
    }
    pub(crate) fn apply_fixed(&self, image: Image) -> Result<Image> {
        self.apply(image, &mut Stream::new(0, "none", 0))
    }
    pub(crate) fn to_tensor(&self, images: &[Image]) -> Result<candle_core::Tensor> {
        crate::to_tensor(images, &candle_core::Device::Cpu)
    }

    /// Applies them to an image. Random ones draw from `rng`, always the same number of draws.
    ///
    /// # Errors
    /// If the image's fields contradict each other, or a transform asks for a size or number of channels that
    /// cannot be.
    pub fn apply(&self, image: Image, rng: &mut Stream) -> Result<Image> {
        image.check()?;
        self.steps.iter().try_fold(image, |image, &step| match step {
            Transform::Resize(to) => resize(image, to),
            Transform::CenterCrop { height, width } => center_crop(image, height, width),
            Transform::RandomHorizontalFlip { probability } => {
                Ok(if rng.chance(probability) { flip(image) } else { image })
            }
            Transform::Channels(channels) => convert(image, channels),
        })
    }
}

fn center_crop(image: Image, height: usize, width: usize) -> Result<Image> {
    let channels = image.channels;
    if (height, width) == (image.height, image.width) {
        return Ok(image);
    }
    if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
        let reason = "cannot be cropped to: a side has 1 to 16384 pixels";
        return Err(Error::ImageSize { width, height, channels, reason });
    }
    let rows = Overlap::centered(image.height, height);
    let columns = Overlap::centered(image.width, width);
    let mut pixels = vec![0; height * width * channels];
    for row in 0..rows.length {
        let from = ((rows.source + row) * image.width + columns.source) * channels;
        let to = ((rows.target + row) * width + columns.target) * channels;
        let length = columns.length * channels;
        pixels[to..to + length].copy_from_slice(&image.pixels[from..from + length]);
    }
    Ok(Image { width, height, channels, pixels })
}

/// The part of one axis that an image and its crop share.
struct Overlap {
    source: usize,
    target: usize,
    length: usize,
}

impl Overlap {
    fn centered(image: usize, crop: usize) -> Self {
        if image >= crop {
            // Python's round(): a half goes to the even neighbour.
            let half = (image - crop) / 2;
            let source = if (image - crop) % 2 == 1 { half + half % 2 } else { half };
            Self { source, target: 0, length: crop }
        } else {
            Self { source: 0, target: (crop - image) / 2, length: image }
        }
    }
}

fn flip(mut image: Image) -> Image {
    let Image { width, channels, .. } = image;
    for row in image.pixels.chunks_exact_mut(width * channels) {
        for left in 0..width / 2 {
            for channel in 0..channels {
                row.swap(left * channels + channel, (width - 1 - left) * channels + channel);
            }
        }
    }
    image
}

fn convert(image: Image, channels: usize) -> Result<Image> {
    let pixels = match (image.channels, channels) {
        (from, to) if from == to => return Ok(image),
        (2, 1) => image.pixels.chunks_exact(2).map(|pixel| pixel[0]).collect(),
        (3 | 4, 1) => image.pixels.chunks_exact(image.channels).map(luma).collect(),
        (1 | 2, 3) => image.pixels.chunks_exact(image.channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
        (4, 3) => image.pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        _ => {
            let reason = "can be converted to 1 or 3 channels only";
            return Err(Error::ImageSize {
                width: image.width,
                height: image.height,
                channels: image.channels,
                reason,
            });
        }
    };
    Ok(Image { channels, pixels, ..image })
}

/// ITU-R 601 in 16-bit fixed point, as Pillow computes it.
fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: usize, height: usize) -> Image {
        Image { width, height, channels: 1, pixels: (0..(width * height) as u8).collect() }
    }

    fn apply(image: Image, step: Transform) -> Result<Image> {
        Transforms::new(vec![step]).apply(image, &mut Stream::new(0, "test", 0))
    }

    #[test]
    fn an_image_of_the_right_size_is_not_touched() {
        for to in [ResizeTo::Shorter(3), ResizeTo::Exact { height: 3, width: 5 }] {
            assert_eq!(apply(gray(5, 3), Transform::Resize(to)).unwrap(), gray(5, 3));
        }
    }

    #[test]
    fn a_crop_takes_the_middle_and_pads_what_is_missing() {
        let crop = |height, width| apply(gray(5, 3), Transform::CenterCrop { height, width }).unwrap().pixels;
        assert_eq!(crop(1, 3), [6, 7, 8]);
        // 5 - 2 = 3 spare columns: 1.5 rounds to the even 2.
        assert_eq!(crop(3, 2), [2, 3, 7, 8, 12, 13]);
        // 5 - 4 = 1 spare column: 0.5 rounds to the even 0.
        assert_eq!(crop(1, 4), [5, 6, 7, 8]);
        // One row missing: it goes below.
        assert_eq!(crop(4, 1), [2, 7, 12, 0]);
    }

    #[test]
    fn a_flip_keeps_the_channels_of_a_pixel_together() {
        let image = Image { width: 3, height: 1, channels: 3, pixels: vec![1, 2, 3, 4, 5, 6, 7, 8, 9] };
        let flipped = apply(image.clone(), Transform::RandomHorizontalFlip { probability: 1.0 }).unwrap();
        assert_eq!(flipped.pixels, [7, 8, 9, 4, 5, 6, 1, 2, 3]);
        assert_eq!(
            apply(image.clone(), Transform::RandomHorizontalFlip { probability: 0.0 }).unwrap(),
            image
        );
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
        assert_eq!(apply(transparent, Transform::Channels(1)).unwrap().pixels, [124]);
        assert!(apply(colour, Transform::Channels(2)).is_err());
    }

    #[test]
    fn a_size_that_cannot_be_is_an_error_and_not_an_allocation() {
        for side in [0, MAX_SIDE + 1, usize::MAX] {
            let steps = [
                Transform::Resize(ResizeTo::Shorter(side)),
                Transform::Resize(ResizeTo::Exact { height: 4, width: side }),
                Transform::CenterCrop { height: side, width: 4 },
            ];
            for step in steps {
                assert!(matches!(apply(gray(5, 3), step), Err(Error::ImageSize { .. })), "{step:?}");
            }
        }
        let broken = Image { width: 9, ..gray(5, 3) };
        assert!(Transforms::default().apply(broken, &mut Stream::new(0, "test", 0)).is_err());
    }
}
