//! Coloured shapes, each with a line of text that says what it shows, drawn by the program itself.
//!
//! A picture is made in two steps: what it shows is chosen ([`scene`], with the colours of [`paint`]), then drawn
//! ([`render`]) from the distance of each pixel to the shape's edge ([`distance`]).

mod distance;
mod paint;
mod render;
mod scene;

use gan_rng::Stream;

use self::distance::Shape;
use self::scene::Scene;
use crate::image::MAX_SIDE;
use crate::{Dataset, Error, Image, Result, Sample};

/// Below this many pixels a side, a small star and a small circle are hard to tell apart.
const MIN_SIDE: usize = 16;

/// Circles, squares, triangles and stars of many colours, sizes, places and turns, each on a ground it stands out
/// from: RGB, 60,000 for training, 10,000 for testing.
///
/// The class is the shape. The caption names what is there: "a large red star on a dark blue background, top left".
/// Its words are always the same few, so that a model can learn each of them.
///
/// Nothing is stored: image `i` is drawn when it is asked for, from (seed, split, `i`) alone, with the same bits on
/// every machine.
#[derive(Clone, Debug)]
pub struct Shapes {
    seed: u64,
    purpose: &'static str,
    len: usize,
    size: usize,
}

impl Shapes {
    /// The 60,000 training images of `size` x `size` pixels.
    ///
    /// # Errors
    /// If `size` is below 16 or above 16384.
    pub fn train(seed: u64, size: usize) -> Result<Self> {
        Self::new(seed, "shapes/train", 60_000, size)
    }

    /// The 10,000 test images of `size` x `size` pixels.
    ///
    /// # Errors
    /// If `size` is below 16 or above 16384.
    pub fn test(seed: u64, size: usize) -> Result<Self> {
        Self::new(seed, "shapes/test", 10_000, size)
    }

    fn new(seed: u64, purpose: &'static str, len: usize, size: usize) -> Result<Self> {
        if !(MIN_SIDE..=MAX_SIDE).contains(&size) {
            let reason = "cannot hold a drawn shape: a side has 16 to 16384 pixels";
            return Err(Error::ImageSize { width: size, height: size, channels: 3, reason });
        }
        Ok(Self { seed, purpose, len, size })
    }

    /// What image `index` shows. The size in pixels has no part in it.
    fn scene(&self, index: usize) -> Result<Scene> {
        if index >= self.len {
            return Err(Error::OutOfRange { dataset: self.name().to_owned(), index, len: self.len });
        }
        Ok(Scene::choose(&mut Stream::new(self.seed, self.purpose, index as u64)))
    }
}

impl Dataset for Shapes {
    fn name(&self) -> &str {
        "shapes"
    }

    fn len(&self) -> usize {
        self.len
    }

    fn channels(&self) -> usize {
        3
    }

    fn classes(&self) -> Option<usize> {
        Some(Shape::ALL.len())
    }

    fn class_names(&self) -> Vec<String> {
        Shape::ALL.iter().map(|shape| shape.name().to_owned()).collect()
    }

    fn caption(&self, index: usize) -> Result<Option<String>> {
        Ok(Some(self.scene(index)?.caption()))
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let scene = self.scene(index)?;
        let pixels = render::render(&scene, self.size);
        let image = Image { width: self.size, height: self.size, channels: 3, pixels };
        Ok(Sample { image, label: Some(scene.shape as u32) })
    }
}

#[cfg(test)]
mod tests;
