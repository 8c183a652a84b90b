//! What the classes of a data set are called, and which class of another data set is the same.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use gan_data::Dataset;

use crate::error::{Error, Result};

/// The classes of a data set, in the order of their labels: by name, or by number where they have no names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap {
    count: usize,
    /// As many as there are classes, or none.
    names: Vec<String>,
}

/// How many classes `Display` lists.
const SHOWN: usize = 12;

impl ClassMap {
    /// So many classes without names.
    pub fn numbered(count: usize) -> Self {
        Self { count, names: Vec::new() }
    }

    /// So many classes with these names, or with none.
    pub(crate) fn named(count: usize, names: Vec<String>) -> Option<Self> {
        (names.is_empty() || names.len() == count).then_some(Self { count, names })
    }

    /// Those of a data set.
    ///
    /// # Errors
    /// If it has none.
    pub fn of(dataset: &dyn Dataset) -> Result<Self> {
        match dataset.classes() {
            Some(count @ 1..) => {
                let names = dataset.class_names();
                Ok(Self { count, names: if names.len() == count { names } else { Vec::new() } })
            }
            _ => Err(Error::NoClasses { dataset: dataset.name().to_owned() }),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What they are called; empty where they have no names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What class `label` is called: its number where it has no name.
    pub fn name(&self, label: usize) -> String {
        self.names.get(label).cloned().unwrap_or_else(|| label.to_string())
    }

    /// The label here of each class of `dataset`, whose classes are `other`.
    ///
    /// ClassMap are the same if their names are. Where one side has no names, a name that is a number stands for that
    /// number, as in a folder whose classes are `0` to `9` or `00` to `11`; and where the names are no numbers, the order
    /// counts, if there are as many here as there. Names that are just the numbers of the classes are none where the other
    /// side has words: a generator may have learned the classes before they had names.
    pub(crate) fn labels_of(&self, dataset: &dyn Dataset) -> Result<Vec<u32>> {
        let other = Self::of(dataset)?;
        let unknown = |label| Error::UnknownClass {
            dataset: dataset.name().to_owned(),
            class: other.name(label),
            known: self.to_string(),
        };
        if !self.names.is_empty() && !other.names.is_empty() {
            let in_order = self.count == other.count
                && (self.is_numbered() && other.is_worded() || self.is_worded() && other.is_numbered());
            match in_order {
                true => Ok((0..self.count as u32).collect()),
                false => find_all(&other.names, &self.names).map_err(unknown),
            }
        } else if let (Some(wanted), Some(known)) = (other.numbers(), self.numbers()) {
            find_all(&wanted, &known).map_err(unknown)
        } else if other.count == self.count {
            Ok((0..self.count as u32).collect())
        } else {
            Err(unknown(0))
        }
    }

    /// Whether each name is the number of its class.
    fn is_numbered(&self) -> bool {
        self.names.iter().enumerate().all(|(label, name)| *name == label.to_string())
    }

    /// Whether no name is a number.
    fn is_worded(&self) -> bool {
        self.names.iter().all(|name| name.parse::<u64>().is_err())
    }

    /// The numbers that the names are, or that stand in their place; none if a name is no number.
    fn numbers(&self) -> Option<Vec<u64>> {
        if self.names.is_empty() {
            return Some((0..self.count as u64).collect());
        }
        self.names.iter().map(|name| name.parse().ok()).collect()
    }
}

/// Where each of `wanted` stands among `known`; if one is missing, which.
fn find_all<T: Eq + Hash>(wanted: &[T], known: &[T]) -> std::result::Result<Vec<u32>, usize> {
    let mut places = HashMap::with_capacity(known.len());
    for (label, known) in (0u32..).zip(known) {
        places.entry(known).or_insert(label); // of classes of one name the first counts
    }
    let find = |(label, wanted)| places.get(wanted).copied().ok_or(label);
    wanted.iter().enumerate().map(find).collect()
}

/// As in "0, 1, 2": the first of them where they are many.
impl fmt::Display for ClassMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = (0..self.count.min(SHOWN)).map(|label| self.name(label)).collect();
        f.write_str(&names.join(", "))?;
        if self.count > SHOWN {
            write!(f, " and {} more", self.count - SHOWN)?;
        }
        Ok(())
    }
}
