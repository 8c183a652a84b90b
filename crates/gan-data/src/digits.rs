//! Handwritten-looking digits, drawn by the program itself.
//!
//! A digit is written in four steps, each a file: a class and a writing style give the control points of its strokes
//! ([`glyphs`]), the writer's hand bends, slants and scales them onto the page ([`page`]), the pen's path through them
//! is smoothed and drawn ([`render`]).

mod glyphs;
mod hand;
mod page;
mod render;

use gan_rng::Stream;

use self::hand::Hand;
use crate::image::MAX_SIDE;
use crate::{Dataset, Error, Image, Result, Sample};

/// Below this many pixels a side, an 8 and a 0 are hard to tell apart.
const MIN_SIDE: usize = 16;

/// Ten classes of handwritten-looking digits, white on black like MNIST: 60,000 for training, 10,000 for testing.
///
/// Nothing is stored: image `i` is drawn when it is asked for, from (seed, split, `i`) alone, with the same bits on
/// every machine.
#[derive(Clone, Debug)]
pub struct Digits {
    seed: u64,
    purpose: &'static str,
    len: usize,
    size: usize,
}

impl Digits {
    /// The 60,000 training images of `size` x `size` pixels.
    ///
    /// # Errors
    /// If `size` is below 16 or above 16384.
    pub fn train(seed: u64, size: usize) -> Result<Self> {
        Self::new(seed, "digits/train", 60_000, size)
    }

    /// The 10,000 test images of `size` x `size` pixels.
    ///
    /// # Errors
    /// If `size` is below 16 or above 16384.
    pub fn test(seed: u64, size: usize) -> Result<Self> {
        Self::new(seed, "digits/test", 10_000, size)
    }

    fn new(seed: u64, purpose: &'static str, len: usize, size: usize) -> Result<Self> {
        if !(MIN_SIDE..=MAX_SIDE).contains(&size) {
            let reason = "cannot hold a drawn digit: a side has 16 to 16384 pixels";
            return Err(Error::ImageSize { width: size, height: size, channels: 1, reason });
        }
        Ok(Self { seed, purpose, len, size })
    }
}

impl Dataset for Digits {
    fn name(&self) -> &str {
        "digits"
    }

    fn len(&self) -> usize {
        self.len
    }

    fn channels(&self) -> usize {
        1
    }

    fn classes(&self) -> Option<usize> {
        Some(10)
    }

    fn get(&self, index: usize) -> Result<Sample> {
        if index >= self.len {
            return Err(Error::OutOfRange { dataset: self.name().to_owned(), index, len: self.len });
        }
        let mut hand = Hand::new(Stream::new(self.seed, self.purpose, index as u64));
        let digit = hand.below(10);
        let strokes = page::place(glyphs::write(digit, &mut hand), self.size as f32, &mut hand);
        let pixels = render::render(&strokes, self.size);
        let image = Image { width: self.size, height: self.size, channels: 1, pixels };
        Ok(Sample { image, label: Some(digit as u32) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn image(index: usize, size: usize) -> Vec<u8> {
        Digits::train(0, size).unwrap().get(index).unwrap().image.pixels
    }

    /// FNV-1a.
    fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes
            .into_iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }

    /// A change here changes the data of every run on the default data set.
    #[test]
    fn the_digits_never_change() {
        let hashes = [16, 28, 64].map(|size| hash((0..100).flat_map(|index| image(index, size))));
        assert_eq!(hashes, [16205976460974672842, 13535113364052723160, 5128351854886578932]);
    }

    #[test]
    fn an_image_follows_from_seed_split_and_index() {
        let pixels = |digits: Result<Digits>, index| digits.unwrap().get(index).unwrap().image.pixels;
        let reference = pixels(Digits::train(0, 28), 5);
        assert_eq!(reference, pixels(Digits::train(0, 28), 5));
        assert_ne!(reference, pixels(Digits::train(1, 28), 5));
        assert_ne!(reference, pixels(Digits::train(0, 28), 6));
        assert_ne!(reference, pixels(Digits::test(0, 28), 5));
    }

    #[test]
    fn the_size_changes_the_pixels_and_not_the_digit() {
        // Averaged over blocks of 2x2, the digit at 64 pixels is nearly the digit at 32.
        let (large, small) = (image(3, 64), image(3, 32));
        let mut difference = 0;
        for (i, &value) in small.iter().enumerate() {
            let corner = i / 32 * 128 + i % 32 * 2;
            let block = [0, 1, 64, 65].map(|offset| i32::from(large[corner + offset]));
            difference += (block.iter().sum::<i32>() / 4 - i32::from(value)).abs();
        }
        assert!(difference / (32 * 32) < 5, "the mean difference is {} levels", difference / (32 * 32));
    }

    #[test]
    fn every_digit_is_as_frequent_as_the_others() {
        let digits = Digits::test(0, 16).unwrap();
        let mut counts = [0; 10];
        for index in 0..5_000 {
            counts[digits.get(index).unwrap().label.unwrap() as usize] += 1;
        }
        assert!(counts.iter().all(|count| (420..580).contains(count)), "{counts:?}");
    }

    #[test]
    fn each_digit_is_written_in_several_styles() {
        for digit in 0..10 {
            // The number of points of each stroke tells most styles apart.
            let style = |i| {
                let mut hand = Hand::new(Stream::new(0, "styles", i));
                glyphs::write(digit, &mut hand).iter().map(Vec::len).collect::<Vec<_>>()
            };
            let styles: HashSet<_> = (0..100).map(style).collect();
            assert!(styles.len() >= 2, "{digit} is always written as {styles:?}");
        }
    }

    #[test]
    fn digits_stand_inside_the_frame_and_fill_it() {
        for (index, size) in (0..500).map(|index| (index, [16, 28, 45][index % 3])) {
            let pixels = image(index, size);
            let inked: Vec<_> = (0..size * size).filter(|&i| pixels[i] > 127).map(|i| i / size).collect();
            let height = (inked[inked.len() - 1] - inked[0] + 1) as f64 / size as f64;
            assert!((0.35..0.9).contains(&height), "image {index} at {size} takes {height:.2} of the height");
            let border = (0..size).flat_map(|i| [i, size * (size - 1) + i, size * i, size * i + size - 1]);
            assert!(border.into_iter().all(|i| pixels[i] < 64), "image {index} at {size} is cut off");
        }
    }

    /// Looks up each image's most similar one among others: a stand-in for a person who reads it.
    #[test]
    fn digits_can_be_told_apart() {
        let digits = Digits::train(0, 16).unwrap();
        let samples: Vec<_> = (0..1_600).map(|index| digits.get(index).unwrap()).collect();
        let (known, asked) = samples.split_at(1_400);
        let distance = |a: &Sample, b: &Sample| -> u32 {
            a.image.pixels.iter().zip(&b.image.pixels).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
        };
        let nearest = |one: &Sample| known.iter().min_by_key(|other| distance(one, other)).unwrap().label;
        let right = asked.iter().filter(|one| nearest(one) == one.label).count();
        assert!(right >= 170, "{right} of 200");
    }

    #[test]
    fn a_size_too_small_to_read_or_too_large_to_hold_is_an_error() {
        for size in [0, 15, MAX_SIDE + 1, usize::MAX] {
            assert!(matches!(Digits::train(0, size), Err(Error::ImageSize { .. })));
        }
        assert!(matches!(Digits::test(0, 16).unwrap().get(10_000), Err(Error::OutOfRange { .. })));
    }
}
