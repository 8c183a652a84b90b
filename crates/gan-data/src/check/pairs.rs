//! Images that are two side by side, as pix2pix and its kin store their pairs.

use crate::Image;

/// The step from one half to the other is so many times what neighbouring columns differ by on average.
const SEAM: f64 = 2.0;

/// Whether an image is exactly twice as wide as high, or as high as wide, and there is an edge all along its middle.
pub(super) fn looks_like_a_pair(image: &Image) -> bool {
    let Image { width, height, channels, ref pixels } = *image;
    let (along, across) = match () {
        () if width == 2 * height && height > 2 => (width, height),
        () if height == 2 * width && width > 2 => (height, width),
        () => return false,
    };
    let value = |position: usize, line: usize, channel: usize| {
        let (x, y) = if width > height { (position, line) } else { (line, position) };
        f64::from(pixels[(y * width + x) * channels + channel])
    };
    // The mean difference of a column (or row) from the next.
    let step = |position: usize| {
        let differences = (0..across).flat_map(|line| {
            (0..channels).map(move |c| (value(position, line, c) - value(position + 1, line, c)).abs())
        });
        differences.sum::<f64>() / (across * channels) as f64
    };
    let mean = (0..along - 1).map(step).sum::<f64>() / (along - 1) as f64;
    step(along / 2 - 1) > SEAM * mean && mean > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth picture on one side, and a darker one on the other.
    fn pair(width: usize, height: usize, step: u8) -> Image {
        let pixels = (0..width * height).map(|i| {
            let (x, y) = (i % width, i / width);
            let second = if width > height { x >= width / 2 } else { y >= height / 2 };
            (x * 2 + y) as u8 % 100 / 2 + if second { step } else { 0 }
        });
        Image { width, height, channels: 1, pixels: pixels.collect() }
    }

    #[test]
    fn an_edge_all_along_the_middle_makes_a_pair() {
        assert!(looks_like_a_pair(&pair(64, 32, 60)));
        assert!(looks_like_a_pair(&pair(16, 32, 60)), "one above the other");
        assert!(!looks_like_a_pair(&pair(64, 32, 0)), "a panorama");
        assert!(!looks_like_a_pair(&pair(66, 32, 60)), "not exactly 2:1");
        let even = Image { width: 8, height: 4, channels: 1, pixels: vec![9; 32] };
        assert!(!looks_like_a_pair(&even));
    }
}
