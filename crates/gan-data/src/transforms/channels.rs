//! Between gray and colour, as Pillow converts.

use super::Image;

/// Converts to 1, 3 or 4 channels. An image that has as many already is given back untouched.
pub(super) fn convert(image: Image, channels: usize) -> Image {
    let pixels = match (image.channels, channels) {
        (from, to) if from == to => return image,
        (2, 1) => image.pixels.chunks_exact(2).map(|pixel| pixel[0]).collect(),
        (from, 1) => image.pixels.chunks_exact(from).map(luma).collect(),
        (1, 4) => image.pixels.iter().flat_map(|&gray| [gray, gray, gray, 255]).collect(),
        (2, 4) => image.pixels.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect(),
        (3, 4) => image.pixels.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect(),
        (from @ (1 | 2), _) => image.pixels.chunks_exact(from).flat_map(|pixel| [pixel[0]; 3]).collect(),
        (from, _) => image.pixels.chunks_exact(from).flat_map(|p| [p[0], p[1], p[2]]).collect(),
    };
    Image { channels, pixels, ..image }
}

/// The gray of a colour: ITU-R 601 in 16-bit fixed point, as Pillow computes it.
pub(super) fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as u8
}
