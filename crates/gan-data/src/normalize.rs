//! How bytes become the networks' numbers.

use candle_core::{Device, Tensor};

use crate::{Error, Image, Result};

/// The mean that is taken from each channel, and the standard deviation that it is divided by, once its bytes are
/// numbers from 0 to 1: torchvision's `ToTensor` and `Normalize`, to the bit.
///
/// The default is 0.5 and 0.5 for every channel: [-1, 1], the range of a generator's tanh, and the one that
/// [`to_images`](crate::to_images) undoes. Others are for networks that were trained with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    /// One for each channel, or one for all; as many as there are standard deviations.
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Default for Normalize {
    fn default() -> Self {
        Self { mean: vec![0.5], std: vec![0.5] }
    }
}

impl Normalize {
    /// One mean and one standard deviation for each channel, or one of each for all channels. In units of the full
    /// range: 0.5 is half way between black and white.
    ///
    /// # Errors
    /// If there are none, more of the one than of the other, a number is not finite, or a standard deviation is 0.
    pub fn new(mean: &[f32], std: &[f32]) -> Result<Self> {
        let fault = |reason| Err(Error::Transform { transform: describe(mean, std), reason });
        if mean.is_empty() || mean.len() != std.len() {
            return fault("there is one mean and one standard deviation for each channel");
        }
        if !mean.iter().chain(std).all(|number| number.is_finite()) {
            return fault("means and standard deviations are finite numbers");
        }
        if std.contains(&0.0) {
            return fault("a standard deviation of 0 would divide by it");
        }
        Ok(Self { mean: mean.to_vec(), std: std.to_vec() })
    }

    /// Whether it is meant for images with this many channels.
    ///
    /// # Errors
    /// If it has means for another number of channels.
    pub(crate) fn check(&self, channels: usize) -> Result<()> {
        if self.mean.len() != 1 && self.mean.len() != channels {
            let reason = "the images have another number of channels";
            return Err(Error::Transform { transform: describe(&self.mean, &self.std), reason });
        }
        Ok(())
    }

    /// Images of one size as a batch: `[N, C, H, W]`, `f32`, normalized.
    ///
    /// # Errors
    /// If there are no images, their sizes or channels differ, the means are for another number of channels, or the
    /// device has no room.
    pub fn to_tensor(&self, images: &[Image], device: &Device) -> Result<Tensor> {
        let Some(first) = images.first() else {
            return Err(Error::Empty { what: "a batch of images".to_owned() });
        };
        let Image { width, height, channels, .. } = *first;
        self.check(channels)?;
        let tables: Vec<[f32; 256]> = self.mean.iter().zip(&self.std).map(|(&m, &s)| table(m, s)).collect();

        let mut values = Vec::with_capacity(images.len() * first.pixels.len());
        for (index, image) in images.iter().enumerate() {
            image.check()?;
            if (image.width, image.height, image.channels) != (width, height, channels) {
                return Err(Error::MixedSizes { index, found: size_of(image), first: size_of(first) });
            }
            for (channel, table) in (0..channels).zip(tables.iter().cycle()) {
                let pixels = image.pixels.chunks_exact(channels);
                values.extend(pixels.map(|pixel| table[pixel[channel] as usize]));
            }
        }
        Ok(Tensor::from_vec(values, (images.len(), channels, height, width), device)?)
    }
}

/// What the 256 bytes become.
fn table(mean: f32, std: f32) -> [f32; 256] {
    std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std)
}

fn describe(mean: &[f32], std: &[f32]) -> String {
    format!("normalize with mean {mean:?} and standard deviation {std:?}")
}

fn size_of(image: &Image) -> String {
    format!("{}x{}, {} channels", image.width, image.height, image.channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_its_own_mean_and_deviation() {
        let image = Image { width: 2, height: 1, channels: 3, pixels: vec![255, 0, 51, 0, 255, 51] };
        let normalize = Normalize::new(&[0.0, 0.5, 0.2], &[1.0, 0.5, 2.0]).unwrap();
        let batch = normalize.to_tensor(&[image.clone(), image], &Device::Cpu).unwrap();
        assert_eq!(batch.dims(), [2, 3, 1, 2]);
        let one = vec![vec![vec![1.0, 0.0]], vec![vec![-1.0, 1.0]], vec![vec![0.0, 0.0]]];
        assert_eq!(batch.get(1).unwrap().to_vec3::<f32>().unwrap(), one);
    }

    #[test]
    fn numbers_that_cannot_normalize_are_an_error() {
        let broken: [(&[f32], &[f32]); 5] = [
            (&[], &[]),
            (&[0.5, 0.5], &[0.5]),
            (&[f32::NAN], &[0.5]),
            (&[0.5], &[f32::INFINITY]),
            (&[0.5, 0.5], &[0.5, 0.0]),
        ];
        for (mean, std) in broken {
            assert!(matches!(Normalize::new(mean, std), Err(Error::Transform { .. })), "{mean:?} {std:?}");
        }
        let gray = Image { width: 1, height: 1, channels: 1, pixels: vec![0] };
        let colour = Normalize::new(&[0.5; 3], &[0.5; 3]).unwrap();
        assert!(matches!(colour.to_tensor(&[gray], &Device::Cpu), Err(Error::Transform { .. })));
    }
}
