//! Parts of an image, and its mirror image.

use gan_rng::Stream;

use super::Image;
use super::channels::luma;
use crate::resize::Window;

/// Attempts at a part that fits, before the middle is taken.
const ATTEMPTS: usize = 10;

/// A part of an image. It may reach over the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Rows above it. Negative: above the image.
    pub top: isize,
    /// Columns to the left of it. Negative: to the left of the image.
    pub left: isize,
    pub height: usize,
    pub width: usize,
}

/// A part of the image, zeros where it reaches over the edges.
pub(super) fn crop(image: Image, part: Part) -> Image {
    crop_over(image, part, &[0; 4])
}

/// A part of the image, pixels of these values where it reaches over the edges.
fn crop_over(image: Image, part: Part, beyond: &[u8; 4]) -> Image {
    let Part { top, left, height, width } = part;
    if part == (Part { top: 0, left: 0, height: image.height, width: image.width }) {
        return image;
    }
    let channels = image.channels;
    let rows = Overlap::new(image.height, top, height);
    let columns = Overlap::new(image.width, left, width);
    let mut pixels = beyond[..channels].repeat(height * width);
    for row in 0..rows.length {
        let from = ((rows.source + row) * image.width + columns.source) * channels;
        let to = ((rows.target + row) * width + columns.target) * channels;
        let length = columns.length * channels;
        pixels[to..to + length].copy_from_slice(&image.pixels[from..from + length]);
    }
    Image { width, height, channels, pixels }
}

/// What an image and a part of it share along one axis: where it starts in the one and in the other.
struct Overlap {
    source: usize,
    target: usize,
    length: usize,
}

impl Overlap {
    /// `start` is where in the image the part starts.
    fn new(image: usize, start: isize, part: usize) -> Self {
        let source = (start.max(0) as usize).min(image);
        let target = ((-start).max(0) as usize).min(part);
        Self { source, target, length: (image - source).min(part - target) }
    }
}

/// The middle of an image, zeros around it where it is too small.
pub(super) fn centered(image: Image, height: usize, width: usize) -> Image {
    let (top, left) = (centered_start(image.height, height), centered_start(image.width, width));
    crop(image, Part { top, left, height, width })
}

/// The same with a colour around it; where there is alpha, with nothing.
pub(super) fn padded(image: Image, height: usize, width: usize, color: [u8; 3]) -> Image {
    let [red, green, blue] = color;
    let beyond = match image.channels {
        1 => [luma(&color), 0, 0, 0],
        3 => [red, green, blue, 0],
        _ => [0; 4],
    };
    let (top, left) = (centered_start(image.height, height), centered_start(image.width, width));
    crop_over(image, Part { top, left, height, width }, &beyond)
}

/// Where [`centered`] takes its part from, if it lies within an image of this size.
pub(super) fn centered_window(image: (usize, usize), height: usize, width: usize) -> Option<Window> {
    let top = usize::try_from(centered_start(image.0, height)).ok()?;
    let left = usize::try_from(centered_start(image.1, width)).ok()?;
    let within = (1..=image.0).contains(&height) && (1..=image.1).contains(&width);
    within.then_some(Window { top, left, height, width })
}

fn centered_start(image: usize, part: usize) -> isize {
    if image < part {
        return -(((part - image) / 2) as isize);
    }
    // Python's round(): a half goes to the even neighbour.
    ((image - part) as f64 / 2.0).round_ties_even() as isize
}

/// A part of an image with `padding` zeros on each side, which is as large as the part at least.
pub(super) fn random(image: Image, height: usize, width: usize, padding: usize, rng: &mut Stream) -> Image {
    let mut start = |image: usize, part: usize| {
        let positions = image + 2 * padding - part + 1;
        rng.below(positions as u64) as isize - padding as isize
    };
    let part = Part { top: start(image.height, height), left: start(image.width, width), height, width };
    crop(image, part)
}

/// A part of an image of this size with an area and an aspect ratio in these ranges: torchvision's
/// `RandomResizedCrop.get_params`.
pub(super) fn random_part(
    height: usize,
    width: usize,
    scale: (f64, f64),
    ratio: (f64, f64),
    rng: &mut Stream,
) -> Part {
    // libm's, not the platform's: the same part on every machine.
    let log_ratio = (libm::log(ratio.0), libm::log(ratio.1));
    for _ in 0..ATTEMPTS {
        let area = (height * width) as f64 * rng.uniform_in(scale.0, scale.1);
        let aspect = libm::exp(rng.uniform_in(log_ratio.0, log_ratio.1));
        let columns = rounded(libm::sqrt(area * aspect));
        let rows = rounded(libm::sqrt(area / aspect));
        if (1..=width).contains(&columns) && (1..=height).contains(&rows) {
            let top = rng.below((height - rows + 1) as u64) as isize;
            let left = rng.below((width - columns + 1) as u64) as isize;
            return Part { top, left, height: rows, width: columns };
        }
    }
    let aspect = width as f64 / height as f64;
    let (rows, columns) = if aspect < ratio.0 {
        (rounded(width as f64 / ratio.0).clamp(1, height), width)
    } else if aspect > ratio.1 {
        (height, rounded(height as f64 * ratio.1).clamp(1, width))
    } else {
        (height, width)
    };
    let (top, left) = ((height - rows) / 2, (width - columns) / 2);
    Part { top: top as isize, left: left as isize, height: rows, width: columns }
}

/// Python's round().
fn rounded(length: f64) -> usize {
    length.round_ties_even() as usize
}

/// Swaps left and right.
pub(super) fn flip(image: &mut Image) {
    let Image { width, channels, .. } = *image;
    for row in image.pixels.chunks_exact_mut(width * channels) {
        for left in 0..width / 2 {
            for channel in 0..channels {
                row.swap(left * channels + channel, (width - 1 - left) * channels + channel);
            }
        }
    }
}

#[cfg(test)]
mod tests;
