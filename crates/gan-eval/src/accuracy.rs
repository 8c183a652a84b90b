//! How often a classifier is right.

/// How many images were given the class that their data set says they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Images given their class.
    pub correct: usize,
    /// All images.
    pub total: usize,
    /// The same two numbers for the images of each class of the classifier.
    pub per_class: Vec<(usize, usize)>,
}

impl Accuracy {
    /// Nothing counted, of so many classes.
    pub(crate) fn new(classes: usize) -> Self {
        Self { correct: 0, total: 0, per_class: vec![(0, 0); classes] }
    }

    /// Counts an image of class `label`, which must be one of the classes.
    pub(crate) fn count(&mut self, label: u32, predicted: u32) {
        let (correct, total) = &mut self.per_class[label as usize];
        for (correct, total) in [(correct, total), (&mut self.correct, &mut self.total)] {
            *correct += usize::from(label == predicted);
            *total += 1;
        }
    }

    /// The share of images given their class, in percent; not a number if there are none.
    pub fn percent(&self) -> f64 {
        100.0 * self.correct as f64 / self.total as f64
    }
}
