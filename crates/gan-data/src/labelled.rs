//! The images of a data set that have a class.

use std::sync::Arc;

use crate::{Dataset, Points, Result, Sample};

/// The images that have a class, for whoever learns classes. A warning says how many are left out; a set in which every
/// image has one, or none, comes back as it is.
pub fn labelled(data: Arc<dyn Dataset>) -> Arc<dyn Dataset> {
    let without = data.unlabelled();
    let Some(&first) = without.first() else { return data };
    tracing::warn!(
        "{}: {} of {} images are left out, as they have no class, such as {}",
        data.name(),
        without.len(),
        data.len(),
        data.describe(first)
    );
    let mut without = without.into_iter().peekable();
    let indices = (0..data.len()).filter(|index| without.next_if_eq(index).is_none()).collect();
    Arc::new(Labelled { data, indices })
}

struct Labelled {
    data: Arc<dyn Dataset>,
    /// The places of its images in the whole set.
    indices: Vec<usize>,
}

impl Labelled {
    /// A number past the end is kept, for the whole set to refuse.
    fn of_whole(&self, index: usize) -> usize {
        self.indices.get(index).copied().unwrap_or(usize::MAX)
    }
}

impl Dataset for Labelled {
    fn name(&self) -> &str {
        self.data.name()
    }

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn channels(&self) -> usize {
        self.data.channels()
    }

    fn classes(&self) -> Option<usize> {
        self.data.classes()
    }

    fn class_names(&self) -> Vec<String> {
        self.data.class_names()
    }

    fn describe(&self, index: usize) -> String {
        self.data.describe(self.of_whole(index))
    }

    fn caption(&self, index: usize) -> Result<Option<String>> {
        self.data.caption(self.of_whole(index))
    }

    fn get(&self, index: usize) -> Result<Sample> {
        self.data.get(self.of_whole(index))
    }

    fn points(&self) -> Option<&Points> {
        self.data.points()
    }

    /// That of the whole set, from which these images follow.
    fn digest(&self) -> [u8; 32] {
        self.data.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digits, Error, Image};

    /// Six images, of which some have a class.
    struct Six(Vec<usize>);

    impl Dataset for Six {
        fn name(&self) -> &str {
            "six"
        }
        fn len(&self) -> usize {
            6
        }
        fn channels(&self) -> usize {
            1
        }
        fn classes(&self) -> Option<usize> {
            Some(6)
        }
        fn unlabelled(&self) -> Vec<usize> {
            self.0.clone()
        }
        fn get(&self, index: usize) -> Result<Sample> {
            if index >= 6 {
                return Err(Error::OutOfRange { dataset: "six".to_owned(), index, len: 6 });
            }
            let image = Image { width: 1, height: 1, channels: 1, pixels: vec![index as u8] };
            Ok(Sample { image, label: (!self.0.contains(&index)).then_some(index as u32) })
        }
    }

    #[test]
    fn images_without_a_class_are_left_out() {
        let data = labelled(Arc::new(Six(vec![0, 3, 5])));
        let labels: Vec<_> = (0..data.len()).map(|index| data.get(index).unwrap().label).collect();
        assert_eq!(labels, [Some(1), Some(2), Some(4)]);
        assert_eq!(data.describe(1), "image 2 of six");
        assert!(data.get(3).is_err());
        assert_eq!(data.digest(), Six(vec![0, 3, 5]).digest());
    }

    #[test]
    fn where_every_image_has_one_nothing_changes() {
        let digits: Arc<dyn Dataset> = Arc::new(Digits::train(0, 28).unwrap());
        assert!(Arc::ptr_eq(&labelled(digits.clone()), &digits));
    }
}
