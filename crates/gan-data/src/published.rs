//! Data sets that are known by name and read from files of one's own.

mod class_names;
mod files;
mod other_forms;
mod pattern;
mod records;

use std::path::Path;

pub(crate) use self::class_names::{Symbols, known, of_lines};
pub(crate) use self::files::{Found, Part, PublishedFiles};
pub(crate) use self::other_forms::{instead_of, other_form};
pub(crate) use self::records::{read_records, warn_if_incomplete};
use crate::{LabelledImages, Result, Split, cifar, idx, stl10};

/// A published data set beside MNIST, Fashion-MNIST and CIFAR-10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Published {
    /// Kuzushiji-MNIST: ten characters of old Japanese, 28x28.
    Kmnist,
    /// QMNIST: MNIST with a test split of 60,000.
    Qmnist,
    /// EMNIST's 47 classes of digits and letters, as many images of each.
    EmnistBalanced,
    /// EMNIST's 62 classes: digits, large and small letters.
    EmnistByclass,
    /// EMNIST's 47 classes: small letters that look like large ones are one class with them.
    EmnistBymerge,
    /// EMNIST's digits.
    EmnistDigits,
    /// EMNIST's letters, large and small as one: 26 classes.
    EmnistLetters,
    /// MNIST as EMNIST has it.
    EmnistMnist,
    /// CIFAR-100 with its 100 classes, 32x32 in colour.
    Cifar100,
    /// CIFAR-100 with the 20 groups of its classes.
    Cifar100Coarse,
    /// STL-10's labelled images, 96x96 in colour.
    Stl10,
}

impl Published {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 11] = [
        ("kmnist", Self::Kmnist),
        ("qmnist", Self::Qmnist),
        ("emnist-balanced", Self::EmnistBalanced),
        ("emnist-byclass", Self::EmnistByclass),
        ("emnist-bymerge", Self::EmnistBymerge),
        ("emnist-digits", Self::EmnistDigits),
        ("emnist-letters", Self::EmnistLetters),
        ("emnist-mnist", Self::EmnistMnist),
        ("cifar100", Self::Cifar100),
        ("cifar100-coarse", Self::Cifar100Coarse),
        ("stl10", Self::Stl10),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, set)| *set == self).map_or("", |(name, _)| name)
    }

    /// The set of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, set)| set)
    }
}

/// Reads a published set from its files: the folder that they are in, or one around it, or the archive that it comes in.
/// docs/data.md says which files these are.
///
/// # Errors
/// If a file is missing or in a form that is not read, is damaged or not what its name says, or if a label is not one of
/// the set's classes.
pub fn load_published(set: Published, path: &Path, split: Split) -> Result<LabelledImages> {
    match set {
        Published::Cifar100 => cifar::load(&cifar::CIFAR100, path, split),
        Published::Cifar100Coarse => cifar::load(&cifar::CIFAR100_COARSE, path, split),
        Published::Stl10 => stl10::load(path, split),
        _ => idx::load(&idx::IdxSet::named(set.name()), path, split),
    }
}
