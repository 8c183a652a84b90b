//! Resizing as torchvision does it to a Pillow image: bilinear, with antialiasing where the image shrinks.
//!
//! The filter and its fixed-point arithmetic are Pillow's. But rows and columns are filtered one after the other and
//! rounded in between. Pillow takes now the one first and now the other, fast_image_resize always the columns: hence
//! up to one level of difference.

use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::image::MAX_SIDE;
use crate::{Error, Image, Result};

/// The size to bring an image to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeTo {
    /// The shorter side gets this many pixels, the longer one as many as keep the aspect ratio (rounded down).
    Shorter(usize),
    /// Exactly this size, whatever that does to the aspect ratio.
    Exact {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
}

impl ResizeTo {
    /// The (height, width) an image of this size will get.
    fn size(self, height: usize, width: usize) -> (usize, usize) {
        match self {
            Self::Exact { height, width } => (height, width),
            Self::Shorter(shorter) if width <= height => (shorter.saturating_mul(height) / width, shorter),
            Self::Shorter(shorter) => (shorter, shorter.saturating_mul(width) / height),
        }
    }
}

/// Resizes an image whose fields have been checked. One that has the right size already is given back untouched.
pub(crate) fn resize(image: Image, to: ResizeTo) -> Result<Image> {
    let (height, width) = to.size(image.height, image.width);
    if (height, width) == (image.height, image.width) {
        return Ok(image);
    }
    let channels = image.channels;
    let fault = |reason| Error::ImageSize { width, height, channels, reason };
    if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
        return Err(fault("cannot be resized to: a side has 1 to 16384 pixels"));
    }
    // With alpha the colours are weighted by it, as Pillow does.
    let kind = match channels {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let source = ImageRef::new(image.width as u32, image.height as u32, &image.pixels, kind)
        .map_err(|_| fault("cannot be resized to"))?;
    let mut target = Target::new(width as u32, height as u32, kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options).map_err(|_| fault("cannot be resized to"))?;
    Ok(Image { width, height, channels, pixels: target.into_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_side_decides_and_the_longer_is_rounded_down() {
        assert_eq!(ResizeTo::Shorter(24).size(53, 37), (34, 24)); // 24 * 53 / 37 = 34.4
        assert_eq!(ResizeTo::Shorter(24).size(37, 53), (24, 34));
        assert_eq!(ResizeTo::Shorter(8).size(5, 5), (8, 8));
    }
}
