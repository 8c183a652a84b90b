//! From the bytes of an image file to pixels: JPEG, PNG, WebP, BMP and GIF, told apart by their content.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::image::error::{DecodingError, ImageFormatHint, LimitError, LimitErrorKind};
use ::image::metadata::Orientation;
use ::image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits, RgbImage,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::Image;
use crate::image::MAX_SIDE;

/// The most memory one image may take while it is decoded, bytes.
const MAX_IMAGE: u64 = 1 << 30;
/// JPEG takes a bit at least for a block of 8x8 values, and three for as many pixels: a header that promises more pixels
/// than this for each byte of the file lies.
const JPEG_PIXELS_A_BYTE: usize = 1024;

/// Decodes an image as RGB, whatever it is called.
///
/// Gray and palette become colour, 16 bits become 8, alpha is left out, of an animation the first frame counts, and a
/// photo stands upright as its EXIF orientation says.
///
/// # Errors
/// If the bytes are no whole image of a kind that is known, or it is larger than 16384 pixels a side or 1 GiB.
pub(crate) fn decode(bytes: &[u8]) -> ImageResult<Image> {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) { jpeg(bytes) } else { any(bytes) }
    }));
    // Some damage is met by a decoder with a failed assertion where it should give an error.
    let image = decoded.unwrap_or_else(|_| {
        let hint = ::image::guess_format(bytes).map_or(ImageFormatHint::Unknown, ImageFormatHint::Exact);
        Err(ImageError::Decoding(DecodingError::new(hint, "so damaged that its decoder gave up")))
    })?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(Image { width, height, channels: 3, pixels: image.into_raw() })
}

fn any(bytes: &[u8]) -> ImageResult<RgbImage> {
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
    Ok(image.into_rgb8())
}

/// As `any` would, with the same decoder: but the headers are read once, not three times.
fn jpeg(bytes: &[u8]) -> ImageResult<RgbImage> {
    let kind = ImageFormatHint::Exact(ImageFormat::Jpeg);
    let damaged = |error| ImageError::Decoding(DecodingError::new(kind.clone(), error));
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    if width * height > bytes.len().saturating_mul(JPEG_PIXELS_A_BYTE) {
        return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)));
    }
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = decoder.decode().map_err(damaged)?;
    let image = RgbImage::from_raw(width as u32, height as u32, pixels)
        .ok_or_else(|| damaged(DecodeErrors::FormatStatic("fewer pixels than its header says")))?;
    match orientation {
        None | Some(Orientation::NoTransforms) => Ok(image),
        Some(orientation) => {
            let mut image = DynamicImage::ImageRgb8(image);
            image.apply_orientation(orientation);
            Ok(image.into_rgb8())
        }
    }
}
