//! Data sets made of others: the first images of each class, and several sets as one.

use std::sync::Arc;

use gan_data::{Dataset, Sample};

use crate::classes::ClassMap;
use crate::error::{Error, Result};

/// Some images of a data set.
pub struct Subset {
    data: Arc<dyn Dataset>,
    name: String,
    indices: Vec<usize>,
}

impl Subset {
    /// The first `count` images of each class, in the order of the data set. Images are read until all are found.
    ///
    /// # Errors
    /// If the set has no classes or fewer images of one of them, `count` is 0, or an image cannot be read.
    pub fn first_of_each_class(data: Arc<dyn Dataset>, count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::config("a subset of 0 images of each class is empty", "ask for 1 or more"));
        }
        let data = gan_data::labelled(data);
        let classes = ClassMap::of(data.as_ref())?;
        let dataset = || data.name().to_owned();
        let mut found = vec![0; classes.count()];
        let (mut indices, mut complete) = (Vec::new(), 0);
        for index in 0..data.len() {
            let label = data.get(index)?.label.map(|label| label as usize);
            let Some(of_class) = label.and_then(|label| found.get_mut(label)) else {
                return Err(Error::Unlabelled { dataset: dataset() });
            };
            if *of_class == count {
                continue;
            }
            *of_class += 1;
            complete += usize::from(*of_class == count);
            indices.push(index);
            if complete == found.len() {
                break;
            }
        }
        if let Some(label) = found.iter().position(|&found| found < count) {
            let (class, found, wanted) = (classes.name(label), found[label], count);
            return Err(Error::TooFew { dataset: dataset(), class, found, wanted });
        }
        Ok(Self { name: format!("{} ({count} of each class)", data.name()), data, indices })
    }

    /// Where image `index` stands in the whole set. A number past the end is kept, for the whole set to refuse.
    fn of_whole(&self, index: usize) -> usize {
        self.indices.get(index).copied().unwrap_or(usize::MAX)
    }
}

impl Dataset for Subset {
    fn name(&self) -> &str {
        &self.name
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

    fn caption(&self, index: usize) -> gan_data::Result<Option<String>> {
        self.data.caption(self.of_whole(index))
    }

    fn get(&self, index: usize) -> gan_data::Result<Sample> {
        self.data.get(self.of_whole(index))
    }
}

/// Several data sets one after the other, with the labels of one list of classes.
pub struct Concat {
    name: String,
    classes: ClassMap,
    /// With the label in `classes` of each class of the set.
    sets: Vec<(Arc<dyn Dataset>, Vec<u32>)>,
    /// How many images there are up to the end of each set.
    ends: Vec<usize>,
}

impl Concat {
    /// These sets. A class of theirs is the one of the same name in `classes`. Where one side has no names, a name that is
    /// a number stands for that number; where the names are no numbers, the order of the classes counts. Images without a
    /// class are left out.
    ///
    /// # Errors
    /// If there are no sets, or one has no classes or a class that is not among `classes`.
    pub fn new(classes: &ClassMap, sets: Vec<Arc<dyn Dataset>>) -> Result<Self> {
        if sets.is_empty() {
            return Err(Error::config("there are no data sets to put together", "give one or more"));
        }
        let name = sets.iter().map(|set| set.name()).collect::<Vec<_>>().join(" + ");
        let labelled = |set: Arc<dyn Dataset>| {
            let labels = classes.labels_of(set.as_ref())?;
            Ok((gan_data::labelled(set), labels))
        };
        let sets = sets.into_iter().map(labelled).collect::<Result<Vec<_>>>()?;
        let ends = sets.iter().scan(0, |end, (set, _)| {
            *end += set.len();
            Some(*end)
        });
        Ok(Self { name, classes: classes.clone(), ends: ends.collect(), sets })
    }

    /// The set that holds image `index`, with its labels, and where the image stands in it.
    fn locate(&self, index: usize) -> gan_data::Result<(&dyn Dataset, &[u32], usize)> {
        let number = self.ends.partition_point(|&end| end <= index);
        let Some((set, labels)) = self.sets.get(number) else {
            return Err(gan_data::Error::OutOfRange { dataset: self.name.clone(), index, len: self.len() });
        };
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        Ok((set.as_ref(), labels, index - start))
    }
}

impl Dataset for Concat {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The most that one of the sets has; images keep their own.
    fn channels(&self) -> usize {
        self.sets.iter().map(|(set, _)| set.channels()).max().unwrap_or(0)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes.count())
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.names().to_vec()
    }

    fn describe(&self, index: usize) -> String {
        match self.locate(index) {
            Ok((set, _, index)) => set.describe(index),
            Err(_) => format!("image {index} of {}", self.name),
        }
    }

    fn caption(&self, index: usize) -> gan_data::Result<Option<String>> {
        let (set, _, index) = self.locate(index)?;
        set.caption(index)
    }

    /// A label that is none of the set's own classes is left out.
    fn get(&self, index: usize) -> gan_data::Result<Sample> {
        let (set, labels, index) = self.locate(index)?;
        let sample = set.get(index)?;
        let label = sample.label.and_then(|label| labels.get(label as usize).copied());
        Ok(Sample { label, ..sample })
    }
}
