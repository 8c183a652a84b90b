//! Which class each image is to be of.

use crate::args::SampleFlags;
use crate::failure::Failure;
use gan_models::ModelConfig;

/// Class names in an error message, at most.
const MOST_NAMES: usize = 20;

/// The class of each image.
#[derive(Clone, Copy)]
pub enum ClassChoice {
    /// The generator is not conditional.
    None,
    /// All of one class.
    Only(u32),
    /// One after the other of so many, over and over.
    InTurn(u32),
    /// So many of the first class, then as many of the next.
    Each(u32),
}

impl ClassChoice {
    /// What the flags ask for.
    pub fn wanted(flags: &SampleFlags, model: &ModelConfig) -> Result<Self, Failure> {
        let flag = if flags.class.is_some() { "--class" } else { "--per-class" };
        if model.classes.is_empty() && (flags.class.is_some() || flags.per_class.is_some()) {
            return Err(no_classes(flag));
        }
        match (&flags.class, flags.per_class) {
            (Some(class), _) => Ok(Self::Only(class_number(class, flag, model)?)),
            (None, Some(count)) => Ok(Self::Each(count)),
            (None, None) if model.classes.is_empty() => Ok(Self::None),
            (None, None) => Ok(Self::InTurn(model.classes.len() as u32)),
        }
    }

    /// The class of image number `index`; nothing if there are no classes.
    pub fn of(self, index: usize) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Only(class) => Some(class),
            Self::InTurn(known) => Some((index % known as usize) as u32),
            Self::Each(count) => Some((index / count as usize) as u32),
        }
    }
}

fn no_classes(flag: &str) -> Failure {
    Failure::usage(
        format!("{flag} is given, but this generator knows no classes"),
        "leave it out, or train one that does: gan train --recipe digits-cgan",
    )
}

/// The class of a name, or of a number, that a flag gives.
pub fn class_number(class: &str, flag: &str, model: &ModelConfig) -> Result<u32, Failure> {
    if model.classes.is_empty() {
        return Err(no_classes(flag));
    }
    model.class(class).ok_or_else(|| {
        let names = &model.classes;
        let some = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Failure::usage(format!("there is no class {class:?}"), format!("the classes are {some}{more}"))
    })
}
