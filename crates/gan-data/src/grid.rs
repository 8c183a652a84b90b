//! Many images in one, laid out as torchvision's `make_grid` and `save_image` do.

use std::path::Path;

use candle_core::Tensor;

use crate::image::MAX_SIDE;
use crate::{Error, Image, Result, to_images};

const PADDING: usize = 2;

/// Width and height in pixels of the grid that [`make_grid`] makes of `count` images of this width and height, `nrow` in a
/// row: to ask before such images are made.
///
/// # Errors
/// If there are no images, `nrow` is 0, or the grid would be too large.
pub fn grid_size(count: usize, width: usize, height: usize, nrow: usize) -> Result<(usize, usize)> {
    if nrow == 0 {
        return Err(Error::NoColumns);
    }
    if count == 0 {
        return Err(Error::Empty { what: "a grid of images".to_owned() });
    }
    let (mut grid_width, mut grid_height) = (width, height);
    if count > 1 {
        let columns = nrow.min(count);
        let rows = count.div_ceil(columns);
        let side = |images: usize, side: usize| {
            images.saturating_mul(side.saturating_add(PADDING)).saturating_add(PADDING)
        };
        (grid_width, grid_height) = (side(columns, width), side(rows, height));
    }
    if grid_width > MAX_SIDE || grid_height > MAX_SIDE {
        return Err(Error::GridSize { width: grid_width, height: grid_height });
    }
    Ok((grid_width, grid_height))
}

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
    let (width, height) = images.first().map_or((0, 0), |image| (image.width, image.height));
    let (grid_width, grid_height) = grid_size(images.len(), width, height, nrow)?;
    for image in images.iter_mut().filter(|image| image.channels == 1) {
        image.pixels = image.pixels.iter().flat_map(|&value| [value; 3]).collect();
        image.channels = 3;
    }
    if images.len() == 1 {
        return images.pop().ok_or_else(|| Error::Empty { what: "a grid of images".to_owned() });
    }
    let (columns, channels) = (nrow.min(images.len()), images[0].channels);
    let pixels = vec![0; grid_width * grid_height * channels];
    let mut grid = Image { width: grid_width, height: grid_height, channels, pixels };
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
        assert!(matches!(make_grid(&white(6000, 1), 1), Err(Error::GridSize { .. })));
    }

    #[test]
    fn how_large_a_grid_will_be_is_known_before() {
        for (count, nrow) in [(1, 8), (2, 8), (4, 3), (9, 3)] {
            let grid = make_grid(&white(count, 1), nrow).unwrap();
            assert_eq!(grid_size(count, 5, 3, nrow).unwrap(), (grid.width, grid.height));
        }
        assert_eq!(grid_size(8 * 31, 510, 510, 8).unwrap(), (4_098, 15_874));
        let error = grid_size(1024, 512, 512, 8).unwrap_err();
        assert!(matches!(error, Error::GridSize { width: 4_114, height: 65_794 }), "{error}");
        assert!(error.hint().contains("fewer images"), "{}", error.hint());
        for (count, side, nrow) in [(1, MAX_SIDE + 1, 1), (usize::MAX, usize::MAX, usize::MAX)] {
            assert!(matches!(grid_size(count, side, side, nrow), Err(Error::GridSize { .. })));
        }
        assert!(matches!(grid_size(0, 5, 3, 8), Err(Error::Empty { .. })));
        assert!(matches!(grid_size(2, 5, 3, 0), Err(Error::NoColumns)));
    }
}
