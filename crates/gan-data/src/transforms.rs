//! What is done to an image between the data set and the batch, with torchvision's meaning.

use candle_core::{Device, Tensor};
use gan_rng::Stream;

use crate::image::MAX_SIDE;
use crate::resize::{resize, resize_window};
use crate::{Dataset, Error, Filter, Image, Normalize, ResizeTo, Result, Sample};

mod channels;
mod check;
mod color;
mod crop;
mod display;
mod jitter;

/// One step of preparing an image. `Display` says in a few words what it does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Transform {
    /// Resizes, antialiased: torchvision's `Resize` on a Pillow image, to one level of 255 (bicubic: to two, where
    /// strong contrasts are enlarged).
    Resize {
        /// The size.
        to: ResizeTo,
        /// How pixels are weighted together.
        filter: Filter,
    },
    /// The middle of the image. Where the image is smaller than the crop it is padded with zeros.
    CenterCrop {
        /// Height of the crop in pixels.
        height: usize,
        /// Width of the crop in pixels.
        width: usize,
    },
    /// The image in the middle of one of this size, this colour (red, green, blue) around it; what is larger is cut. Of gray
    /// images the colour is gray, and where there is alpha the margin is transparent.
    Pad {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Red, green and blue of the margin.
        color: [u8; 3],
    },
    /// A part of the image, every position as likely as every other: torchvision's `RandomCrop`.
    ///
    /// As there, an image that is smaller than the crop even with its padding is an error: resize first.
    RandomCrop {
        /// Height of the crop in pixels.
        height: usize,
        /// Width of the crop in pixels.
        width: usize,
        /// Rows and columns of zeros that are put on each of the four sides first.
        padding: usize,
    },
    /// A part of the image of random area and shape, brought to one size: torchvision's `RandomResizedCrop`.
    ///
    /// Where no such part fits into the image, after ten attempts, the middle is taken, as large as the aspect ratio
    /// allows.
    RandomResizedCrop {
        /// Height of the result in pixels.
        height: usize,
        /// Width of the result in pixels.
        width: usize,
        /// The least and the largest area, as a part of the image's: above 0. torchvision's default is (0.08, 1).
        scale: (f64, f64),
        /// The least and the largest width of the part for a height of 1: above 0. torchvision's default is
        /// (3/4, 4/3). Uniform in its logarithm: half and double are equally likely.
        ratio: (f64, f64),
        /// How pixels are weighted together.
        filter: Filter,
    },
    /// Swaps left and right.
    RandomHorizontalFlip {
        /// How likely, from 0 to 1.
        probability: f64,
    },
    /// Changes the colours at random, in random order: torchvision's `ColorJitter` on a Pillow image, to the bit for the
    /// same factors. What is 0 changes nothing. Alpha stays, and gray images have neither saturation nor hue.
    ColorJitter {
        /// Every value is multiplied by a factor from 1 - `brightness`, but not below 0, to 1 + `brightness`.
        brightness: f64,
        /// The distance of every value from the image's mean gray is multiplied by a factor, likewise.
        contrast: f64,
        /// The distance of every colour from its own gray is multiplied by a factor, likewise.
        saturation: f64,
        /// Hues are turned by up to so many turns of the colour circle either way, at most 0.5.
        hue: f64,
    },
    /// Converts to this many channels, 1 (gray), 3 (colour) or 4 (colour and alpha), as Pillow's modes `L`, `RGB` and
    /// `RGBA`: gray is the luma of ITU-R 601, colour made from gray repeats it, alpha is left out, or opaque where there
    /// is none. Colour stays colour: see [`Transform::Grayscale`].
    Channels(usize),
    /// Takes the colour out, and leaves 1 channel of gray or 3 equal ones: torchvision's `Grayscale`. The gray is that
    /// of [`Transform::Channels`].
    Grayscale(usize),
}

impl Transform {
    /// Whether it draws random numbers.
    fn is_random(&self) -> bool {
        match self {
            Self::Resize { .. }
            | Self::CenterCrop { .. }
            | Self::Pad { .. }
            | Self::Channels(_)
            | Self::Grayscale(_) => false,
            Self::RandomCrop { .. }
            | Self::RandomResizedCrop { .. }
            | Self::RandomHorizontalFlip { .. }
            | Self::ColorJitter { .. } => true,
        }
    }

    /// A resize and the centre crop after it, without computing what the crop throws away.
    fn resize_and_crop(&self, image: Image, height: usize, width: usize) -> Result<Image> {
        let (high, wide, _) = self.output_size(image.height, image.width, image.channels)?;
        match (*self, crop::centered_window((high, wide), height, width)) {
            (Self::Resize { filter, .. }, Some(window)) => resize_window(image, high, wide, filter, window),
            _ => {
                let none = &mut Stream::new(0, "none", 0); // nothing is drawn from it
                Self::CenterCrop { height, width }.apply(self.apply(image, none)?, none)
            }
        }
    }

    /// Applies it to an image whose fields have been checked.
    fn apply(&self, mut image: Image, rng: &mut Stream) -> Result<Image> {
        let (height, width, channels) = self.output_size(image.height, image.width, image.channels)?;
        match *self {
            Self::Resize { filter, .. } => resize(image, height, width, filter),
            Self::CenterCrop { .. } => Ok(crop::centered(image, height, width)),
            Self::Pad { color, .. } => Ok(crop::padded(image, height, width, color)),
            Self::RandomCrop { padding, .. } => Ok(crop::random(image, height, width, padding, rng)),
            Self::RandomResizedCrop { scale, ratio, filter, .. } => {
                let part = crop::random_part(image.height, image.width, scale, ratio, rng);
                resize(crop::crop(image, part), height, width, filter)
            }
            Self::RandomHorizontalFlip { probability } => {
                if rng.chance(probability) {
                    crop::flip(&mut image);
                }
                Ok(image)
            }
            Self::ColorJitter { brightness, contrast, saturation, hue } => {
                for adjustment in jitter::draw(brightness, contrast, saturation, hue, rng) {
                    adjustment.apply(&mut image);
                }
                Ok(image)
            }
            Self::Channels(_) => Ok(channels::convert(image, channels)),
            Self::Grayscale(_) => Ok(channels::convert(channels::convert(image, 1), channels)),
        }
    }
}

/// Transforms, one after the other, and how the outcome becomes numbers. The default is none, and [-1, 1].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transforms {
    steps: Vec<Transform>,
    normalize: Normalize,
}

impl Transforms {
    /// These transforms, applied in this order. Their parameters are checked where they are used, or by
    /// [`Transforms::check`].
    pub fn new(steps: Vec<Transform>) -> Self {
        Self { steps, normalize: Normalize::default() }
    }

    /// The same with other numbers than [-1, 1] in the batch.
    pub fn with_normalize(self, normalize: Normalize) -> Self {
        Self { normalize, ..self }
    }

    /// The transforms in the order in which they are applied.
    pub fn steps(&self) -> &[Transform] {
        &self.steps
    }

    /// Whether all parameters can be.
    ///
    /// # Errors
    /// [`Error::Transform`] names the first transform that cannot be.
    pub fn check(&self) -> Result<()> {
        self.steps.iter().try_for_each(Transform::check)
    }

    /// Applies them to an image. Random ones draw from `rng`, the others do not touch it.
    ///
    /// # Errors
    /// If the image's fields contradict each other, a transform's parameters cannot be, or it asks for a size or
    /// number of channels that cannot be.
    pub fn apply(&self, image: Image, rng: &mut Stream) -> Result<Image> {
        self.check()?;
        image.check()?;
        let mut image = image;
        let mut steps = self.steps.as_slice();
        while let [step, rest @ ..] = steps {
            (image, steps) = match (step, rest) {
                (Transform::Resize { .. }, [Transform::CenterCrop { height, width }, rest @ ..]) => {
                    (step.resize_and_crop(image, *height, *width)?, rest)
                }
                _ => (step.apply(image, rng)?, rest),
            };
        }
        Ok(image)
    }

    /// Applies transforms none of which is random, as the first part of [`Transforms::split_at_random`].
    fn apply_fixed(&self, image: Image) -> Result<Image> {
        self.apply(image, &mut Stream::new(0, "none", 0)) // nothing is drawn from it
    }

    /// Image `index` of a data set after these transforms, none of which is random. An error names the image.
    pub(crate) fn prepare(&self, dataset: &dyn Dataset, index: usize) -> Result<Sample> {
        let sample = dataset.get(index)?;
        let named = |error| Error::of_image(dataset.describe(index), error);
        Ok(Sample { image: self.apply_fixed(sample.image).map_err(named)?, ..sample })
    }

    /// Images that these transforms have been applied to as a batch: `[N, C, H, W]`, `f32`, normalized.
    ///
    /// # Errors
    /// If there are no images, their sizes or channels differ, the normalization is for another number of channels,
    /// or the device has no room.
    pub fn to_tensor(&self, images: &[Image], device: &Device) -> Result<Tensor> {
        self.normalize.to_tensor(images, device)
    }

    /// Those before the first random one, and the rest with the normalization. What the first part makes of an image
    /// is the same each time, and may be kept. It draws no random numbers: the one part and then the other, with the
    /// same stream, make what all together make, to the bit.
    pub(crate) fn split_at_random(&self) -> (Self, Self) {
        let first = self.steps.iter().position(Transform::is_random).unwrap_or(self.steps.len());
        let (fixed, rest) = self.steps.split_at(first);
        (Self::new(fixed.to_vec()), Self { steps: rest.to_vec(), normalize: self.normalize.clone() })
    }

    /// The (height, width, channels) that an image of this size gets. Random transforms draw the contents, never the
    /// size.
    ///
    /// # Errors
    /// What [`Transforms::apply`] and [`Transforms::to_tensor`] would say to such an image.
    pub fn output_size(&self, height: usize, width: usize, channels: usize) -> Result<(usize, usize, usize)> {
        self.check()?;
        check::image_size(height, width, channels)?;
        let size =
            self.steps.iter().try_fold((height, width, channels), |(height, width, channels), step| {
                step.output_size(height, width, channels)
            })?;
        self.normalize.check(size.2)?;
        Ok(size)
    }
}

#[cfg(test)]
mod tests;
