//! From the bytes of an image file to pixels: JPEG, PNG, WebP, BMP and GIF, told apart by their content.

use std::io::Cursor;

use ::image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, Limits};

use crate::Image;
use crate::image::MAX_SIDE;

/// The most memory one image may take while it is decoded, bytes.
const MAX_IMAGE: u64 = 1 << 30;

/// Decodes an image as RGB, whatever it is called.
///
/// Gray and palette become colour, 16 bits become 8, alpha is left out, of an animation the first frame counts, and a
/// photo stands upright as its EXIF orientation says.
pub(crate) fn decode(bytes: &[u8]) -> ImageResult<Image> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE as u32);
    limits.max_image_height = Some(MAX_SIDE as u32);
    limits.max_alloc = Some(MAX_IMAGE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(Image { width, height, channels: 3, pixels: image.into_rgb8().into_raw() })
}
