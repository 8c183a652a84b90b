//! Resizing as torchvision does it to a Pillow image: antialiased where the image shrinks.
//!
//! Rows and columns are filtered one after the other, rounded and cut to 0..=255 in between. So the order shows: by a
//! level with a bilinear filter, by many with a bicubic one, which swings beyond the range at edges. There it is
//! Pillow's. What is left is one level, as the weights are rounded to fewer bits than Pillow's; where a bicubic filter
//! enlarges strong contrasts, the second pass can make two of it.

use std::mem;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use fast_image_resize::images::Image as Pixels;
use fast_image_resize::{FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::{Error, Image, Result, spare};

/// How the pixels of a resized image are weighted together. Where the image shrinks, the filter is widened by as much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Filter {
    /// A triangle: torchvision's default.
    #[default]
    Bilinear,
    /// The cubic convolution of Keys (1981) with a = -0.5, Pillow's `BICUBIC`: sharper.
    Bicubic,
}

/// The size to bring an image to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeTo {
    /// The shorter side gets this many pixels, the longer one as many as keep the aspect ratio (rounded down).
    Shorter(usize),
    /// The smallest size that covers this one and keeps the aspect ratio: one side is as asked for, the other is that long
    /// at least (rounded down). Of a square this is [`ResizeTo::Shorter`].
    Cover {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// The largest size that lies within this one and keeps the aspect ratio: one side is as asked for, the other is no
    /// longer than that (rounded to the nearest, but at least 1).
    Within {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
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
    pub(crate) fn size(self, height: usize, width: usize) -> (usize, usize) {
        match self {
            Self::Exact { height, width } => (height, width),
            Self::Shorter(side) => Self::Cover { height: side, width: side }.size(height, width),
            Self::Cover { height: rows, width: columns } => {
                // Whichever side has to grow more, or shrinks less, decides: rows / height against columns / width.
                if rows.saturating_mul(width) < columns.saturating_mul(height) {
                    (columns.saturating_mul(height) / width, columns)
                } else {
                    (rows, rows.saturating_mul(width) / height)
                }
            }
            Self::Within { height: rows, width: columns } => {
                let rounded = |side: usize, to: usize, from: usize| {
                    ((side.saturating_mul(to).saturating_mul(2).saturating_add(from))
                        / from.saturating_mul(2))
                    .max(1)
                };
                if rows.saturating_mul(width) < columns.saturating_mul(height) {
                    (rows, rounded(width, rows, height))
                } else {
                    (rounded(height, columns, width), columns)
                }
            }
        }
    }
}

/// A part of an image: the first row and column of it, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub top: usize,
    pub left: usize,
    pub height: usize,
    pub width: usize,
}

/// Resizes an image to a size that can be; fields and size have been checked. One that has the size already is given
/// back untouched.
pub(crate) fn resize(image: Image, height: usize, width: usize, filter: Filter) -> Result<Image> {
    resize_window(image, height, width, filter, Window { top: 0, left: 0, height, width })
}

/// A part of what [`resize`] would make, which must lie within it. What is outside is not computed.
pub(crate) fn resize_window(
    image: Image,
    height: usize,
    width: usize,
    filter: Filter,
    window: Window,
) -> Result<Image> {
    let whole = Window { top: 0, left: 0, height, width };
    if (height, width) == (image.height, image.width) && window == whole {
        return Ok(image);
    }
    let channels = image.channels;
    let fault = || Error::ImageSize { width, height, channels, reason: "cannot be resized to" };
    let kind = match channels {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let rows_first = rows_first(&image, height, width, filter);
    // What one row and one column of the result are of the source.
    let (row, column) = (image.height as f64 / height as f64, image.width as f64 / width as f64);
    let mut pixels = Pixels::from_vec_u8(image.width as u32, image.height as u32, image.pixels, kind)
        .map_err(|_| fault())?;

    // Colours are weighted by their alpha, as Pillow does: what cannot be seen must not bleed into what can.
    let alpha = matches!(channels, 2 | 4);
    if alpha {
        MulDiv::new().multiply_alpha_inplace(&mut pixels).map_err(|_| fault())?;
    }
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).use_alpha(false);
    let mut resizer = Resizer::new();
    for changes_rows in [rows_first, !rows_first] {
        let (wide, high) = (f64::from(pixels.width()), f64::from(pixels.height()));
        let (mut size, mut part) = ((pixels.width(), pixels.height()), (0.0, 0.0, wide, high));
        if changes_rows {
            size.1 = window.height as u32;
            (part.1, part.3) = (window.top as f64 * row, window.height as f64 * row);
        } else {
            size.0 = window.width as u32;
            (part.0, part.2) = (window.left as f64 * column, window.width as f64 * column);
        }
        if size != (pixels.width(), pixels.height()) || part != (0.0, 0.0, wide, high) {
            let mut resized = Pixels::new(size.0, size.1, kind);
            let options = options.crop(part.0, part.1, part.2.min(wide - part.0), part.3.min(high - part.1));
            resizer.resize(&pixels, &mut resized, &options).map_err(|_| fault())?;
            spare::give(mem::replace(&mut pixels, resized).into_vec());
        }
    }
    if alpha {
        MulDiv::new().divide_alpha_inplace(&mut pixels).map_err(|_| fault())?;
    }
    Ok(Image { width: window.width, height: window.height, channels, pixels: pixels.into_vec() })
}

/// Whether the height is changed before the width.
///
/// A bilinear filter rounds to one level of the same in either order, and rows are many times faster to weight together
/// than columns: the fewer are left of them the better. A bicubic one keeps Pillow's (13) order: the height first where
/// that takes away more than twice as many rows as the width takes away columns. Read off its results, of some 3000 sizes.
fn rows_first(image: &Image, height: usize, width: usize, filter: Filter) -> bool {
    match filter {
        Filter::Bilinear => height < image.height,
        Filter::Bicubic => image.height.saturating_sub(height) > 2 * image.width.saturating_sub(width),
    }
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

    #[test]
    fn a_covering_size_keeps_the_shape_and_of_a_square_is_that_of_the_shorter_side() {
        let cover = |height, width| ResizeTo::Cover { height, width };
        assert_eq!(cover(32, 64).size(64, 64), (64, 64));
        assert_eq!(cover(32, 64).size(100, 400), (32, 128));
        assert_eq!(cover(48, 64).size(53, 37), (91, 64)); // 64 * 53 / 37 = 91.7
        for height in 1..40 {
            for width in 1..40 {
                // As it was before there was another than the square.
                let shorter = match width <= height {
                    true => (24 * height / width, 24),
                    false => (24, 24 * width / height),
                };
                assert_eq!(cover(24, 24).size(height, width), shorter);
                assert_eq!(ResizeTo::Shorter(24).size(height, width), shorter);
                for (rows, columns) in [(7, 30), (30, 7), (1, 1)] {
                    let (high, wide) = cover(rows, columns).size(height, width);
                    assert!(high >= rows && wide >= columns && (high == rows || wide == columns));
                    let (high, wide) = ResizeTo::Within { height: rows, width: columns }.size(height, width);
                    assert!(high <= rows && wide <= columns && (high == rows || wide == columns));
                    assert!(high > 0 && wide > 0);
                }
            }
        }
        let within = |height, width| ResizeTo::Within { height, width };
        assert_eq!(within(32, 64).size(64, 64), (32, 32));
        assert_eq!(within(64, 64).size(480, 640), (48, 64));
        assert_eq!(within(64, 64).size(10_000, 3), (64, 1));
    }
}
