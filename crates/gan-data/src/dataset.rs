//! What a data set is.

use crate::{Image, Points, Result, digest};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// One image of a data set, with its class where the set has classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The image as the data set has it, before any transform.
    pub image: Image,
    /// The class, from 0.
    pub label: Option<u32>,
}

/// A fixed number of images, each reached by its index from whatever thread asks.
pub trait Dataset: Send + Sync {
    /// A short name for messages and records: `digits`, `mnist`, ...
    fn name(&self) -> &str;

    /// How many images there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values per pixel.
    fn channels(&self) -> usize;

    /// How many classes there are, if images have labels.
    fn classes(&self) -> Option<usize>;

    /// What the classes are called, in the order of their labels; empty where they have no names or there are none.
    fn class_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// The images that have no class although others have one, in order. In most sets there are none.
    fn unlabelled(&self) -> Vec<usize> {
        Vec::new()
    }

    /// How messages call image `index`: by the name of its file, if it has one of its own.
    fn describe(&self, index: usize) -> String {
        format!("image {index} of {}", self.name())
    }

    /// A line of text that says what image `index` shows, if the set has such.
    ///
    /// # Errors
    /// If there is no such image, or its text cannot be read.
    fn caption(&self, index: usize) -> Result<Option<String>> {
        let _ = index;
        Ok(None)
    }

    /// Image `index`, from 0. The same index gives the same sample every time.
    ///
    /// # Errors
    /// If there is no such image, or it cannot be read.
    fn get(&self, index: usize) -> Result<Sample>;

    /// The points of the plane that these images stand for, if they do.
    fn points(&self) -> Option<&Points> {
        None
    }

    /// A SHA-256 digest by which to tell whether these are the images that a run began with, in the same order. It does
    /// not depend on where they lie, and is found without decoding them all.
    ///
    /// Unless a set knows better: of what it says of itself, and of the pixels and labels of 16 images spread over it.
    fn digest(&self) -> [u8; 32] {
        digest::of_some_images(self)
    }
}

/// Which part of a published data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Split {
    /// The images to learn from.
    Train,
    /// The images held back.
    Test,
}
