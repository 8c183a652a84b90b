//! Which images show nearly the same: a photo saved twice at other sizes, or frames of one film.

use std::collections::HashMap;

use gan_rng::Stream;

use crate::{Filter, Image, ResizeTo, Result, Transform, Transforms};

/// Side of a thumbnail, px, and its values (RGB).
const SIDE: usize = 9;
const VALUES: usize = SIDE * SIDE * 3;
/// The mean difference of two thumbnails of the same picture, levels, at most. Saving a photo anew as JPEG or at
/// another size costs about one.
const MOST_LEVELS: u32 = 3;
/// Bits of two hashes that may differ. Of four parts of a hash one is then the same.
const MOST_BITS: u32 = 3;
const PARTS: u32 = 4;
/// The last so many images with the same part of a hash are compared: bounds the work where all images are alike.
const MOST_COMPARED: usize = 32;
/// Of thumbnails with less contrast (standard deviation, levels) nobody can say whether they show the same.
const LEAST_CONTRAST: f64 = 8.0;

/// What is kept of an image to compare it by.
pub(super) struct Thumbnail {
    values: [u8; VALUES],
    /// Whether each value is darker than its neighbour on the right ("dHash").
    hash: u64,
}

impl Thumbnail {
    /// `None` of images too small or too even to be compared.
    pub(super) fn of(image: Image) -> Result<Option<Self>> {
        // Smaller images are drawings in a few pixels (digits, sprites): like each other without being the same.
        const LEAST_SIDE: usize = 48;
        if image.width.min(image.height) < LEAST_SIDE {
            return Ok(None);
        }
        let to = ResizeTo::Exact { height: SIDE, width: SIDE };
        let transforms = vec![Transform::Channels(3), Transform::Resize { to, filter: Filter::Bilinear }];
        let small = Transforms::new(transforms).apply(image, &mut Stream::new(0, "none", 0))?;
        let Ok(values) = <[u8; VALUES]>::try_from(small.pixels) else { return Ok(None) };
        let gray: Vec<u32> = values.chunks_exact(3).map(|p| p.iter().map(|&v| u32::from(v)).sum()).collect();
        let mean = f64::from(gray.iter().sum::<u32>()) / gray.len() as f64;
        let variance = gray.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / gray.len() as f64;
        if variance.sqrt() / 3.0 < LEAST_CONTRAST {
            return Ok(None);
        }
        let rows = gray.chunks_exact(SIDE).take(SIDE - 1);
        let darker = rows.flat_map(|row| row.array_windows().map(|[left, right]| left < right));
        let hash = darker.fold(0, |hash, bit| hash << 1 | u64::from(bit));
        Ok(Some(Self { values, hash }))
    }

    fn is_like(&self, other: &Self) -> bool {
        let levels = |(a, b): (&u8, &u8)| u32::from(a.abs_diff(*b));
        (self.hash ^ other.hash).count_ones() <= MOST_BITS
            && self.values.iter().zip(&other.values).map(levels).sum::<u32>() <= MOST_LEVELS * VALUES as u32
    }
}

/// Finds the images that are nearly the same as earlier ones.
#[derive(Default)]
pub(super) struct Alike {
    seen: Vec<(usize, Thumbnail)>,
    by_part: HashMap<(u32, u16), Vec<usize>>,
}

impl Alike {
    /// The number of an earlier image that this one is nearly the same as, if there is one.
    pub(super) fn find(&mut self, index: usize, thumbnail: Thumbnail) -> Option<usize> {
        let part = |part: u32| (part, (thumbnail.hash >> (16 * part)) as u16);
        let mut found: Option<usize> = None;
        for key in (0..PARTS).map(part) {
            let places = self.by_part.entry(key).or_default();
            for &place in places.iter().rev().take(MOST_COMPARED) {
                let (earlier, other) = &self.seen[place];
                if thumbnail.is_like(other) {
                    found = Some(found.map_or(*earlier, |found| found.min(*earlier)));
                }
            }
            places.push(self.seen.len());
        }
        self.seen.push((index, thumbnail));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waves whose form follows from `seed`.
    fn photo(seed: usize, width: usize, height: usize, lighter: u8) -> Image {
        let wave = |x: usize, y: usize, c: usize| {
            let (x, y) = (x as f64 / width as f64, y as f64 / height as f64);
            let phase = (seed * 7 + c) as f64;
            100.0 + 40.0 * (9.0 * x + phase).sin() + 40.0 * ((5.0 + seed as f64) * y + phase).cos()
        };
        let pixels = (0..width * height * 3).map(|i| {
            let (x, y, c) = (i / 3 % width, i / 3 / width, i % 3);
            wave(x, y, c) as u8 + lighter
        });
        Image { width, height, channels: 3, pixels: pixels.collect() }
    }

    #[test]
    fn the_same_picture_at_another_size_is_found_and_another_picture_is_not() {
        let mut alike = Alike::default();
        let mut find = |index, image: Image| alike.find(index, Thumbnail::of(image).unwrap().unwrap());
        assert_eq!(find(0, photo(1, 200, 150, 0)), None);
        assert_eq!(find(1, photo(2, 200, 150, 0)), None);
        assert_eq!(find(2, photo(1, 131, 90, 1)), Some(0), "smaller, and a level lighter");
        assert_eq!(find(3, photo(3, 200, 150, 0)), None);
        assert_eq!(find(4, photo(1, 200, 150, 40)), None, "much lighter: another photo of the same");
    }

    #[test]
    fn what_is_too_small_or_too_even_is_not_compared() {
        assert!(Thumbnail::of(photo(1, 32, 32, 0)).unwrap().is_none());
        let even = Image { width: 64, height: 64, channels: 1, pixels: vec![7; 64 * 64] };
        assert!(Thumbnail::of(even).unwrap().is_none());
    }
}
