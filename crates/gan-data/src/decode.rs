//! From the bytes of an image file to pixels: JPEG, PNG, WebP, BMP, GIF, TIFF and PNM, told apart by their content.

mod jpeg;
mod unread;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ::image::codecs::tiff::TiffDecoder;
use ::image::error::{DecodingError, ImageFormatHint, LimitError, LimitErrorKind};
use ::image::metadata::Orientation;
use ::image::{
    ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
};

use crate::image::MAX_SIDE;
use crate::{Background, Error, Image, Result};

/// The most memory the pixels of one image may take, bytes. A fuzzer would see little but the largest of images.
const MAX_IMAGE: u64 = if cfg!(fuzzing) { 1 << 24 } else { 1 << 30 };
/// The most that may come of all else in an image file: colour profiles, texts, tables, bytes.
const MAX_BESIDE: u64 = if cfg!(fuzzing) { 1 << 22 } else { 64 << 20 };

/// How the images of a data set are decoded.
#[derive(Debug, Default)]
pub(crate) struct Decoding {
    background: Background,
    /// Whether it has been said that there are transparent images.
    said: AtomicBool,
}

impl Decoding {
    pub(crate) fn new(background: Background) -> Self {
        Self { background, said: AtomicBool::new(false) }
    }

    /// Values per pixel of all images.
    pub(crate) fn channels(&self) -> usize {
        self.background.channels()
    }

    /// Decodes an image file, whatever its ending says it is. `path` is what messages call it.
    pub(crate) fn image(&self, bytes: &[u8], path: impl Fn() -> PathBuf) -> Result<Image> {
        if bytes.is_empty() {
            return Err(Error::malformed(&path(), "is empty"));
        }
        self.decode(bytes, &path).map_err(|fault| fault.at(path()))
    }

    /// The same, and an error that does not name the file yet.
    pub(crate) fn decode(
        &self,
        bytes: &[u8],
        path: impl Fn() -> PathBuf,
    ) -> std::result::Result<Image, Fault> {
        let (image, transparent) = decode(bytes, self.background)?;
        if transparent && self.background != Background::Transparent && !self.said.swap(true, Relaxed) {
            let what = match self.background {
                Background::Color(_) => format!("it is put on {}", self.background),
                _ => "its alpha is left out, and hidden colours show".to_owned(),
            };
            tracing::info!(
                "{} is transparent: {what}, as are all such images (--background COLOUR chooses another \
                 colour, --channels 4 keeps them transparent)",
                path().display()
            );
        }
        Ok(image)
    }
}

/// Why bytes are no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// What the decoder says.
    #[error("{0}")]
    Decoder(#[from] ImageError),
    /// Of a format, or of a kind of it, that is not read.
    #[error("it is {what}, which is not read")]
    Unread { what: String, hint: &'static str },
}

impl Fault {
    /// The error of this file.
    pub(crate) fn at(self, path: PathBuf) -> Error {
        match self {
            Self::Decoder(source) => Error::Decode { path, source },
            Self::Unread { what, hint } => Error::UnreadFormat { path, what, hint },
        }
    }
}

/// Decodes an image, whatever it is called; says too whether any of it is transparent.
///
/// Gray and palette become colour, 16 bits become 8, what is transparent is put on the background, of an animation the
/// first frame counts, of many pages the first, and a photo stands upright as its EXIF orientation says. These are
/// Pillow's pixels, but for 16 bits, which are scaled here: of gray ones Pillow makes white whatever is above 255, which
/// leaves nothing to see.
///
/// # Errors
/// If the bytes are no whole image of a kind that is known, or it is larger than 16384 pixels a side or 1 GiB.
pub(crate) fn decode(bytes: &[u8], background: Background) -> std::result::Result<(Image, bool), Fault> {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) { Ok(jpeg::decode(bytes)?) } else { any(bytes) }
    }));
    // Some damage is met by a decoder with a failed assertion where it should give an error.
    let damaged = |reason: &str| {
        let hint = ::image::guess_format(bytes).map_or(ImageFormatHint::Unknown, ImageFormatHint::Exact);
        ImageError::Decoding(DecodingError::new(hint, reason))
    };
    let image = decoded.unwrap_or_else(|_| Err(damaged("so damaged that its decoder gave up").into()))?;
    if image.width == 0 || image.height == 0 {
        return Err(damaged("an image of no pixels").into()); // a GIF can be
    }
    Ok(background.put_behind(image))
}

fn any(bytes: &[u8]) -> std::result::Result<Image, Fault> {
    let Ok(format) = ::image::guess_format(bytes) else {
        return Err(unread::format(bytes).unwrap_or_else(|| {
            let reason = "it begins as no image does that is known";
            ImageError::Decoding(DecodingError::new(ImageFormatHint::Unknown, reason)).into()
        }));
    };
    if format == ImageFormat::Tiff {
        return tiff(bytes);
    }
    // What is not compiled in.
    if !matches!(
        format,
        ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp | ImageFormat::Gif | ImageFormat::Pnm
    ) {
        return Err(unread::format(bytes).unwrap_or_else(|| unread::named(format)));
    }
    let mut decoder = decoder(bytes, format)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > pixels_a_byte(format).saturating_mul(bytes.len() as u64) {
        return Err(too_large().into());
    }
    let orientation =
        if lies_about_exif(bytes) { Orientation::NoTransforms } else { decoder.orientation()? };
    let mut image = pixels(decoder, orientation)?;
    // Many programs write 32 bits a pixel with an alpha of 0 everywhere, and mean an image.
    let alphas = || image.pixels.chunks_exact(4).map(|pixel| pixel[3]);
    if format == ImageFormat::Bmp && image.channels == 4 && alphas().all(|alpha| alpha == 0) {
        image.pixels.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 255);
    }
    Ok(image)
}

fn decoder(bytes: &[u8], format: ImageFormat) -> ImageResult<impl ImageDecoder> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // The decoder of PNG takes the limit for what is beside the pixels, the others for the pixels.
    reader.limits(limits(if format == ImageFormat::Png { MAX_BESIDE } else { MAX_IMAGE }));
    reader.into_decoder()
}

/// The first page of a TIFF.
fn tiff(bytes: &[u8]) -> std::result::Result<Image, Fault> {
    let unread = |error| match error {
        ImageError::Unsupported(_) => unread::tiff(),
        error => error.into(),
    };
    let mut decoder = TiffDecoder::new(Cursor::new(bytes)).map_err(unread)?;
    let orientation = decoder.orientation()?; // first, while a tag may take a megabyte at most
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        return Err(unread::tiff());
    }
    let size = decoder.total_bytes();
    decoder.set_limits(limits(size.min(MAX_IMAGE) + size.clamp(MAX_BESIDE, MAX_IMAGE)))?;
    pixels(decoder, orientation).map_err(|fault| match fault {
        Fault::Decoder(error) => unread(error),
        fault => fault,
    })
}

/// What a decoder makes of its file: RGB, or RGBA if it has alpha.
fn pixels(decoder: impl ImageDecoder, orientation: Orientation) -> std::result::Result<Image, Fault> {
    if decoder.total_bytes() > MAX_IMAGE {
        return Err(too_large().into());
    }
    let has_alpha = decoder.color_type().has_alpha();
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (channels, pixels) = match has_alpha {
        true => (4, image.into_rgba8().into_raw()),
        false => (3, image.into_rgb8().into_raw()),
    };
    Ok(Image { width, height, channels, pixels })
}

fn limits(memory: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE as u32);
    limits.max_image_height = Some(MAX_SIDE as u32);
    limits.max_alloc = Some(memory);
    limits
}

fn too_large() -> ImageError {
    ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError))
}

/// More pixels than these cannot come of a byte: a header that promises more lies. Of some formats any number can.
fn pixels_a_byte(format: ImageFormat) -> u64 {
    match format {
        ImageFormat::Png => 8 * 1040, // deflate makes up to 1032 bytes of one, each of 8 pixels
        ImageFormat::Gif | ImageFormat::Bmp => 4096,
        ImageFormat::Pnm => 8,
        _ => u64::MAX,
    }
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

#[cfg(test)]
mod tests;
