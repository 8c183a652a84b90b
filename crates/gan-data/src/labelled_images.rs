//! Labelled images of one size, all in memory.

use sha2::{Digest, Sha256};

use crate::fingerprint::{of_digests, record};
use crate::image::MAX_SIDE;
use crate::{Dataset, Error, Fingerprint, Image, Result, Sample};

/// Labels are kept as bytes.
pub(crate) const MAX_CLASSES: usize = 256;

/// Images of one size in up to 256 classes, all in memory. What the published sets are read into, and what arrays of
/// one's own become by [`LabelledImages::new`].
#[derive(Clone, Debug)]
pub struct LabelledImages {
    pub(crate) name: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    /// The images' values one after the other, each image HWC: `labels.len() * height * width * channels` of them.
    pub(crate) pixels: Vec<u8>,
    /// All below `classes`.
    pub(crate) labels: Vec<u8>,
    pub(crate) classes: usize,
    /// As many as there are classes, or none.
    pub(crate) class_names: Vec<String>,
}

impl LabelledImages {
    /// A data set of arrays: `pixels` holds one image after the other, each `height` rows of `width` pixels of `channels`
    /// values (HWC); `labels` the class of each image, from 0. Images without classes all get the label 0.
    ///
    /// There are as many classes as `class_names`; if it is empty, they have no names, and the largest label is the last.
    ///
    /// # Errors
    /// If there are no images, their size or channels (1 to 4) cannot be, the number of values is not that of the labels'
    /// images, a label is not below the number of classes, or there are more than 256 names or two that are the same.
    pub fn new(
        name: impl Into<String>,
        width: usize,
        height: usize,
        channels: usize,
        pixels: Vec<u8>,
        labels: Vec<u8>,
        class_names: Vec<String>,
    ) -> Result<Self> {
        let name = name.into();
        let refuse = |reason: String| Err(Error::Arrays { dataset: name.clone(), reason });
        if !(1..=MAX_SIDE).contains(&width)
            || !(1..=MAX_SIDE).contains(&height)
            || !(1..=4).contains(&channels)
        {
            let size = format!("{width}x{height} pixels with {channels} channels");
            return refuse(format!(
                "images of {size} cannot be: a side is 1 to {MAX_SIDE}, channels are 1 to 4"
            ));
        }
        let Some(largest) = labels.iter().copied().max() else {
            return refuse("it has no images".into());
        };
        let wanted = labels.len().saturating_mul(width * height * channels);
        if pixels.len() != wanted {
            let (images, found) = (labels.len(), pixels.len());
            let shape = format!("{images} images of {height}x{width}x{channels}");
            return refuse(format!("{shape} are {wanted} values, and there are {found}"));
        }
        let unnamed = usize::from(largest) + 1;
        let classes = if class_names.is_empty() { unnamed } else { class_names.len() };
        if classes < unnamed {
            let record = labels.iter().position(|&label| label == largest).unwrap_or(0);
            return refuse(format!("label {largest} of image {record} is not below the {classes} classes"));
        }
        if classes > MAX_CLASSES {
            return refuse(format!("{classes} class names are more than {MAX_CLASSES}"));
        }
        if let Some(again) = first_repeated(&class_names) {
            return refuse(format!("two classes are called {again:?}"));
        }
        Ok(Self { name, width, height, channels, pixels, labels, classes, class_names })
    }

    /// Width of every image in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height of every image in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// What identifies these images and labels, to compare with [`Fingerprint::canonical`].
    pub fn fingerprint(&self) -> Fingerprint {
        let size = self.height * self.width * self.channels;
        let records = self.pixels.chunks_exact(size).zip(&self.labels);
        of_digests(
            records.map(|(image, &label)| record(label, image, self.channels, self.channels)).collect(),
        )
    }
}

/// A name that is there before it.
pub(crate) fn first_repeated(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)).map(|(_, name)| name)
}

impl Dataset for LabelledImages {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }

    fn class_names(&self) -> Vec<String> {
        self.class_names.clone()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let Self { ref name, width, height, channels, .. } = *self;
        let Some(&label) = self.labels.get(index) else {
            return Err(Error::OutOfRange { dataset: name.clone(), index, len: self.len() });
        };
        let size = width * height * channels;
        let pixels = self.pixels[index * size..(index + 1) * size].to_vec();
        Ok(Sample { image: Image { width, height, channels, pixels }, label: Some(label.into()) })
    }

    /// Of every pixel and label. Names of classes do not count: runs of before they were known go on.
    fn digest(&self) -> [u8; 32] {
        let mut sha = Sha256::new();
        for number in [self.width, self.height, self.channels] {
            sha.update((number as u64).to_le_bytes());
        }
        sha.chain_update(&self.pixels).chain_update(&self.labels).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrays_become_a_data_set() {
        let pixels: Vec<u8> = (0..24).collect();
        let data = LabelledImages::new("mine", 2, 1, 3, pixels, vec![0, 200, 1, 0], Vec::new()).unwrap();
        assert_eq!((data.name(), data.len(), data.channels(), data.classes()), ("mine", 4, 3, Some(201)));
        assert!(data.class_names().is_empty());
        let sample = data.get(1).unwrap();
        assert_eq!((sample.image.pixels, sample.label), (vec![6, 7, 8, 9, 10, 11], Some(200)));

        let pets = names(&["cat", "dog", "cow"]);
        let named = LabelledImages::new("pets", 1, 1, 1, vec![7, 8], vec![0, 1], pets.clone()).unwrap();
        assert_eq!((named.classes(), named.class_names()), (Some(3), pets));
        let unnamed = LabelledImages::new("other", 1, 1, 1, vec![7, 8], vec![0, 1], Vec::new()).unwrap();
        assert_eq!(named.digest(), unnamed.digest(), "names do not count");
    }

    #[test]
    fn arrays_that_do_not_go_together_are_an_error() {
        let refused = |width, channels, values, labels: &[u8], names| {
            let made =
                LabelledImages::new("mine", width, 1, channels, vec![0; values], labels.to_vec(), names);
            let error = made.unwrap_err();
            assert!(matches!(error, Error::Arrays { .. }) && !error.hint().is_empty(), "{error:?}");
            error.to_string()
        };
        assert!(refused(0, 1, 0, &[0], Vec::new()).contains("0x1 pixels"));
        assert!(refused(usize::MAX, 1, 0, &[0], Vec::new()).contains("cannot be"));
        assert!(refused(1, 5, 5, &[0], Vec::new()).contains("5 channels"));
        assert!(refused(1, 1, 0, &[], Vec::new()).contains("no images"));
        let said = refused(2, 3, 11, &[0, 1], Vec::new());
        assert!(said.contains("2 images of 1x2x3 are 12 values, and there are 11"), "{said}");
        let said = refused(1, 1, 3, &[0, 2, 2], names(&["cat", "dog"]));
        assert!(said.contains("label 2 of image 1 is not below the 2 classes"), "{said}");
        assert!(refused(1, 1, 1, &[0], names(&["cat", "dog", "cat"])).contains("\"cat\""));
        assert!(refused(1, 1, 1, &[0], (0..257).map(|i| i.to_string()).collect()).contains("257"));
    }
}
