//! What a data set is.

use sha2::{Digest, Sha256};

use crate::{Image, Points, Result, digest};

/// Images whose pixels are in a digest, spread over the whole set: to decode all would take as long as an epoch.
const LOOKED_AT: usize = 16;

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
    fn classes(&self) -> Option<usize> {
        None
    }

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
        digest_of_some_images(self)
    }
}

/// Of what any data set says of itself, and of the pixels of some of its images.
pub(crate) fn digest_of_some_images<D: Dataset + ?Sized>(dataset: &D) -> [u8; 32] {
    let mut sha = Sha256::new();
    for number in [dataset.len(), dataset.channels(), dataset.classes().unwrap_or(0)] {
        sha.update((number as u64).to_le_bytes());
    }
    dataset.class_names().iter().for_each(|name| digest::add_text(&mut sha, name.as_bytes()));
    let count = dataset.len().min(LOOKED_AT);
    for index in (0..count).map(|i| i * dataset.len() / count) {
        // One that cannot be read is a part of the set too; whether that matters is the loader's to say.
        let Ok(sample) = dataset.get(index) else { continue };
        let label = sample.label.map_or(u64::MAX, u64::from);
        for number in [index as u64, sample.image.width as u64, sample.image.height as u64, label] {
            sha.update(number.to_le_bytes());
        }
        sha.update(&sample.image.pixels);
    }
    sha.finalize().into()
}
