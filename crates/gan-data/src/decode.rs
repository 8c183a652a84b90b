//! From the bytes of an image file to pixels: JPEG, PNG, WebP, BMP and GIF, told apart by their content.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::image::error::{DecodingError, ImageFormatHint, LimitError, LimitErrorKind};
use ::image::metadata::Orientation;
use ::image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits, RgbImage,
};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use crate::image::MAX_SIDE;
use crate::{Image, spare};

/// The most memory one image may take while it is decoded, bytes. A fuzzer would see little but the largest of images.
const MAX_IMAGE: u64 = if cfg!(fuzzing) { 1 << 24 } else { 1 << 30 };
/// JPEG takes a bit at least for a block of 8x8 values, and three for as many pixels: a header that promises more pixels
/// than this for each byte of the file lies.
const JPEG_PIXELS_A_BYTE: u64 = 1024;
/// Passes over a progressive JPEG. Ten are usual; each costs the time of a whole image.
const MAX_SCANS: usize = 256;

/// Decodes an image as RGB, whatever it is called.
///
/// Gray and palette become colour, 16 bits become 8, alpha is left out, of an animation the first frame counts, and a
/// photo stands upright as its EXIF orientation says. These are Pillow's pixels, but for 16 bits, which are scaled here:
/// of gray ones Pillow makes white whatever is above 255, which leaves nothing to see.
///
/// # Errors
/// If the bytes are no whole image of a kind that is known, or it is larger than 16384 pixels a side or 1 GiB.
pub(crate) fn decode(bytes: &[u8]) -> ImageResult<Image> {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) { jpeg(bytes) } else { any(bytes) }
    }));
    // Some damage is met by a decoder with a failed assertion where it should give an error.
    let damaged = |reason: &str| {
        let hint = ::image::guess_format(bytes).map_or(ImageFormatHint::Unknown, ImageFormatHint::Exact);
        ImageError::Decoding(DecodingError::new(hint, reason))
    };
    let image = decoded.unwrap_or_else(|_| Err(damaged("so damaged that its decoder gave up")))?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    if width == 0 || height == 0 {
        return Err(damaged("an image of no pixels")); // a GIF can be
    }
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
    let orientation =
        if lies_about_exif(bytes) { Orientation::NoTransforms } else { decoder.orientation()? };
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Whether the bytes are a WebP whose EXIF data go on behind its end. Its decoder takes as much memory for them as the
/// file promises, up to 4 GiB, whatever the limits say. Searched for anywhere, since damage can move any chunk.
fn lies_about_exif(bytes: &[u8]) -> bool {
    let lies = |(at, header): (usize, &[u8])| match *header {
        [b'E', b'X', b'I', b'F', a, b, c, d] => {
            u32::from_le_bytes([a, b, c, d]) as usize > bytes.len() - at - 8
        }
        _ => false,
    };
    bytes.starts_with(b"RIFF") && bytes.windows(8).enumerate().any(lies)
}

/// With a decoder of its own, which gives the pixels of libjpeg-turbo, and so of Pillow, to the bit.
fn jpeg(bytes: &[u8]) -> ImageResult<RgbImage> {
    let damaged = |error: JpegError| match error {
        JpegError::LimitExceeded { .. } => {
            ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError))
        }
        error => ImageError::Decoding(DecodingError::new(ImageFormatHint::Exact(ImageFormat::Jpeg), error)),
    };
    if !has_end(bytes) {
        return Err(damaged(JpegError::UnexpectedEof));
    }
    let limits = DecodeLimits {
        max_width: MAX_SIDE,
        max_height: MAX_SIDE,
        max_pixels: bytes.len() as u64 * JPEG_PIXELS_A_BYTE,
        max_scans: MAX_SCANS,
        max_memory: Some(MAX_IMAGE),
    };
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(damaged)?;
    decoder.set_output_format(PixelFormat::Rgb);
    let orientation = decoder.exif_orientation();
    let mut pixels = spare::take(decoder.output_buffer_size().map_err(damaged)?);
    let info = decoder.decode_image_into(&mut pixels).map_err(damaged)?;
    if info.width == 0 || info.height == 0 {
        return Err(damaged(JpegError::CorruptData("it has no pixels".to_owned())));
    }
    pixels.truncate(info.width * info.height * 3);
    let image = RgbImage::from_raw(info.width as u32, info.height as u32, pixels)
        .ok_or_else(|| damaged(JpegError::CorruptData("fewer pixels than its header says".to_owned())))?;
    match orientation.and_then(Orientation::from_exif) {
        None | Some(Orientation::NoTransforms) => Ok(image),
        Some(orientation) => {
            let mut image = DynamicImage::ImageRgb8(image);
            image.apply_orientation(orientation);
            Ok(image.into_rgb8())
        }
    }
}

/// Whether the end marker comes after the head of a JPEG. Of one that is cut off in its last blocks the decoder would
/// make them up; Pillow refuses it too.
fn has_end(bytes: &[u8]) -> bool {
    const END: [u8; 2] = [0xff, 0xd9];
    const SCAN: u8 = 0xda;
    if bytes.ends_with(&END) {
        return true;
    }
    // Something may follow the end. The small picture in the head of a photo has an end of its own: pass the head over.
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            SCAN => break,
            0xff => at += 1, // fills up
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    bytes.get(at..).is_some_and(|rest| rest.windows(2).any(|pair| pair == END))
}

#[cfg(test)]
mod tests;
