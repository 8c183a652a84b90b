//! JPEG, with a decoder of its own, which gives the pixels of libjpeg-turbo, and so of Pillow, to the bit.

use ::image::error::{DecodingError, ImageFormatHint};
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageError, ImageFormat, ImageResult, RgbImage};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use super::{MAX_IMAGE, too_large};
use crate::image::MAX_SIDE;
use crate::{Image, spare};

/// JPEG takes a bit at least for a block of 8x8 values, and three for as many pixels: a header that promises more pixels
/// than this for each byte of the file lies.
const PIXELS_A_BYTE: u64 = 1024;
/// Passes over a progressive JPEG. Ten are usual; each costs the time of a whole image ...
const MAX_SCANS: u64 = 256;
/// ... so of large images fewer are taken, down to this many: no more than [`MAX_SCANNED`] pixels in all.
const LEAST_SCANS: u64 = 16;
const MAX_SCANNED: u64 = 1 << 32;

pub(super) fn decode(bytes: &[u8]) -> ImageResult<Image> {
    let damaged = |error: JpegError| match error {
        JpegError::LimitExceeded { .. } => too_large(),
        error => ImageError::Decoding(DecodingError::new(ImageFormatHint::Exact(ImageFormat::Jpeg), error)),
    };
    if !has_end(bytes) {
        return Err(damaged(JpegError::UnexpectedEof));
    }
    let limits = DecodeLimits {
        max_width: MAX_SIDE,
        max_height: MAX_SIDE,
        max_pixels: bytes.len() as u64 * PIXELS_A_BYTE,
        max_scans: MAX_SCANS as usize,
        max_memory: Some(MAX_IMAGE),
    };
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(damaged)?;
    let header = decoder.header();
    decoder.set_scan_limit(most_scans(u64::from(header.width) * u64::from(header.height)));
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
    let image = match orientation.and_then(Orientation::from_exif) {
        None | Some(Orientation::NoTransforms) => image,
        Some(orientation) => {
            let mut image = DynamicImage::ImageRgb8(image);
            image.apply_orientation(orientation);
            image.into_rgb8()
        }
    };
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(Image { width, height, channels: 3, pixels: image.into_raw() })
}

fn most_scans(pixels: u64) -> u32 {
    (MAX_SCANNED / pixels.max(1)).clamp(LEAST_SCANS, MAX_SCANS) as u32
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
mod tests {
    use super::*;

    #[test]
    fn of_a_huge_image_fewer_scans_are_taken() {
        assert_eq!(most_scans(0), 256);
        assert_eq!(most_scans(16_000_000), 256);
        assert_eq!(most_scans(24_000_000), 178);
        assert_eq!(most_scans(16_384 * 16_384), 16);
    }
}
