//! Pictures inside of a page: as small as they can be without being changed, or as JPEG where they are large.

use crate::error::{Error, Result};
use crate::files;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use std::io::Cursor;
use std::path::Path;

/// The longest side of a picture that is read, and of one that is shown.
const LONGEST_READ: u32 = 16_384;
const LONGEST_SHOWN: u32 = 1024;
/// A PNG of more bytes becomes a JPEG.
const MOST_OF_PNG: usize = 100 << 10;

/// A picture as an address that holds it whole.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub url: String,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    /// Reads a picture of a run.
    pub(crate) fn read(path: &Path) -> Result<Picture> {
        Self::read_at_most(path, LONGEST_SHOWN)
    }

    /// The same, made smaller if a side has more pixels than that.
    pub(crate) fn read_at_most(path: &Path, longest: u32) -> Result<Picture> {
        let image = decode(path)?;
        let image = if image.width().max(image.height()) > longest {
            image.thumbnail(longest, longest)
        } else {
            image
        };
        let (width, height) = (image.width(), image.height());
        let (kind, bytes) = encode(&image).map_err(|what| Error::picture(path, what))?;
        let url = format!("data:image/{kind};base64,{}", BASE64_STANDARD.encode(bytes));
        Ok(Picture { url, width, height })
    }
}

/// Reads the pixels of a picture of a run: in gray where it has no colour.
pub(crate) fn decode(path: &Path) -> Result<DynamicImage> {
    let bytes = files::read(path, files::MOST_OF_PICTURE).map_err(Error::file("read", path))?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_READ);
    limits.max_image_height = Some(LONGEST_READ);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| Error::picture(path, error))?.into_rgb8();
    let is_gray = image.pixels().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let image = DynamicImage::ImageRgb8(image);
    Ok(if is_gray { image.into_luma8().into() } else { image })
}

/// The bytes of a picture and their type.
fn encode(image: &DynamicImage) -> std::result::Result<(&'static str, Vec<u8>), String> {
    let (color, format) = match image {
        DynamicImage::ImageLuma8(_) => (png::ColorType::Grayscale, PixelFormat::Grayscale),
        _ => (png::ColorType::Rgb, PixelFormat::Rgb),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(color);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(image.as_bytes()).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    if bytes.len() <= MOST_OF_PNG {
        return Ok(("png", bytes));
    }
    let jpeg = Encoder::new(image.as_bytes(), image.width() as usize, image.height() as usize, format)
        .quality(88)
        .subsampling(Subsampling::S444)
        .optimize_huffman(true)
        .encode()
        .map_err(|error| error.to_string())?;
    Ok(if jpeg.len() < bytes.len() { ("jpeg", jpeg) } else { ("png", bytes) })
}

/// At most so many of some places, evenly spaced: the first, the last and a wanted one among them, in order.
pub(crate) fn spread(count: usize, most: usize, wanted: Option<usize>) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    if most < 2 {
        return (count - most..count).collect();
    }
    let mut places: Vec<usize> = (0..most).map(|i| i * (count - 1) / (most - 1)).collect();
    if let Some(wanted) = wanted.filter(|wanted| !places.contains(wanted)) {
        let inner = places.iter_mut().take(most - 1).skip(1);
        if let Some(nearest) = inner.min_by_key(|place| place.abs_diff(wanted)) {
            *nearest = wanted;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_last_and_the_best_are_among_what_is_shown() {
        assert_eq!(spread(3, 40, None), [0, 1, 2]);
        assert_eq!(spread(200, 1, None), [199]);
        assert_eq!(spread(0, 5, None), [0usize; 0]);
        let places = spread(200, 40, Some(83));
        assert_eq!((places.len(), places[0], places[39]), (40, 0, 199));
        assert!(places.contains(&83) && places.is_sorted_by(|a, b| a < b));
    }
}
