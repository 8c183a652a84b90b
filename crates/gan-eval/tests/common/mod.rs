//! A data set of given images.

use gan_data::{Dataset, Error, Image, Result, Sample};

/// These images; what their classes are called, if they are called anything.
pub struct Plain {
    samples: Vec<Sample>,
    classes: usize,
    names: Vec<String>,
}

#[allow(dead_code, reason = "not every test needs all of it")]
impl Plain {
    pub fn new(samples: Vec<Sample>, classes: usize) -> Self {
        Self { samples, classes, names: Vec::new() }
    }

    /// One gray pixel for each label, as bright as its place in the set, of classes of these names.
    pub fn named(labels: &[u32], names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let classes = names.len();
        Self { names, ..Self::numbered(labels, classes) }
    }

    /// The same of so many classes without names.
    pub fn numbered(labels: &[u32], classes: usize) -> Self {
        let sample = |(index, &label): (usize, &u32)| Sample {
            image: Image { width: 1, height: 1, channels: 1, pixels: vec![index as u8] },
            label: Some(label),
        };
        Self::new(labels.iter().enumerate().map(sample).collect(), classes)
    }
}

impl Dataset for Plain {
    fn name(&self) -> &str {
        "plain"
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn channels(&self) -> usize {
        1
    }

    fn classes(&self) -> Option<usize> {
        (self.classes > 0).then_some(self.classes)
    }

    fn class_names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let out_of_range = || Error::OutOfRange { dataset: "plain".into(), index, len: self.len() };
        self.samples.get(index).cloned().ok_or_else(out_of_range)
    }
}
