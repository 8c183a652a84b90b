//! Many images in one, laid out as torchvision's `make_grid` and `save_image` do.

use std::path::Path;

use candle_core::Tensor;

use crate::image::MAX_SIDE;
use crate::{Error, Image, Result, to_images};

const PADDING: usize = 2;

/// The images of `[N, C, H, W]` (values in [-1, 1], 1 to 4 channels) as one, `nrow` in a row, with 2 black pixels
/// around each. Gray images become colour; a single image gets no border.
///
/// As `torchvision.utils.make_grid(images, nrow, normalize=True, value_range=(-1, 1))`, rounded as `save_image` does.
/// Contrast is never stretched to what one grid happens to hold, so grids can be compared.
///
/// # Errors
/// If the tensor is not a batch of images or holds none, `nrow` is 0, or the grid would be too large.
pub fn make_grid(images: &Tensor, nrow: usize) -> Result<Image> {
    let mut images = to_images(images)?;
    if nrow == 0 {
        return Err(Error::NoColumns);
    }
    for image in images.iter_mut().filter(|image| image.channels == 1) {
        image.pixels = image.pixels.iter().flat_map(|&value| [value; 3]).collect();
        image.channels = 3;
    }
    if images.len() <= 1 {
        return images.pop().ok_or_else(|| Error::Empty { what: "a grid of images".to_owned() });
    }
    let Image { width, height, channels, .. } = images[0];
    let columns = nrow.min(images.len());
    let rows = images.len().div_ceil(columns);
    let mut grid = Image {
        width: columns.saturating_mul(width + PADDING) + PADDING,
        height: rows.saturating_mul(height + PADDING) + PADDING,
        channels,
        pixels: Vec::new(),
    };
    if grid.width > MAX_SIDE || grid.height > MAX_SIDE {
        let reason = "is too large for a grid: a side has at most 16384 pixels";
        return Err(Error::ImageSize { width: grid.width, height: grid.height, channels, reason });
    }
    grid.pixels = vec![0; grid.width * grid.height * channels];
    for (index, image) in images.iter().enumerate() {
        let left = PADDING + index % columns * (width + PADDING);
        let top = PADDING + index / columns * (height + PADDING);
        for (row, values) in image.pixels.chunks_exact(width * channels).enumerate() {
            let start = ((top + row) * grid.width + left) * channels;
            grid.pixels[start..start + values.len()].copy_from_slice(values);
        }
    }
    Ok(grid)
}

/// Writes [`make_grid`] of the images as a PNG file.
///
/// # Errors
/// As [`make_grid`], and if the file cannot be written.
pub fn save_image(images: &Tensor, path: &Path, nrow: usize) -> Result<()> {
    make_grid(images, nrow)?.save_png(path)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn white(count: usize, channels: usize) -> Tensor {
        Tensor::ones((count, channels, 3, 5), DType::F32, &Device::Cpu).unwrap()
    }

    #[test]
    fn images_stand_row_by_row_with_a_border_and_black_where_none_is_left() {
        let grid = make_grid(&white(4, 1), 3).unwrap();
        assert_eq!((grid.width, grid.height, grid.channels), (2 + 3 * 7, 2 + 2 * 5, 3));
        let at = |x: usize, y: usize| grid.pixels[(y * grid.width + x) * 3];
        assert_eq!([at(1, 2), at(2, 1), at(2, 2), at(6, 4), at(7, 4), at(9, 2)], [0, 0, 255, 255, 0, 255]);
        assert_eq!([at(2, 7), at(9, 7)], [255, 0], "the second row holds one image");
    }

    #[test]
    fn a_row_is_no_longer_than_the_images_and_one_image_has_no_border() {
        let grid = make_grid(&white(2, 3), 8).unwrap();
        assert_eq!((grid.width, grid.height), (2 + 2 * 7, 2 + 5));
        let single = make_grid(&white(1, 1), 8).unwrap();
        assert_eq!((single.width, single.height, single.channels), (5, 3, 3));
    }

    #[test]
    fn what_cannot_be_a_grid_is_an_error() {
        assert!(matches!(make_grid(&white(0, 1), 8), Err(Error::Empty { .. })));
        assert!(matches!(make_grid(&white(2, 1), 0), Err(Error::NoColumns)));
        assert!(matches!(make_grid(&white(6000, 1), 1), Err(Error::ImageSize { .. })));
    }
}
