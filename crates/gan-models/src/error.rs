//! What can go wrong, and what to do about it.

use std::path::PathBuf;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that no network can be built from.
    #[error("{what}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// A file that is not what it should be.
    #[error("{path} is not a generator file of gan: {why}", path = path.display())]
    NotAGenerator {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that is not even safetensors.
    #[error("{path} is not a safetensors file that can be read: {why}", path = path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that cannot be read or written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A device that is not there.
    #[error("the device {name} is not there: {why}")]
    NoDevice {
        /// What it was called.
        name: String,
        /// Why not.
        why: String,
    },
    /// A tensor operation that failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// What to do about it, in one line.
    pub fn hint(&self) -> String {
        match self {
            Error::Config { hint, .. } => hint.clone(),
            Error::NotAGenerator { .. } => {
                "give a run folder, or the generator.safetensors in one of its checkpoints".into()
            }
            Error::NotSafetensors { .. } => {
                "give a run folder, a checkpoint in it, or a file that ends in .safetensors".into()
            }
            Error::File { action: "read", .. } => "check that the file exists and can be read".into(),
            Error::File { .. } => "check that the folder exists, can be written and has room".into(),
            Error::NoDevice { .. } => "use the device auto or cpu".into(),
            Error::Tensor(_) => "this is a bug unless the device ran out of memory; please report it".into(),
        }
    }

    pub(crate) fn config(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Config { what: what.into(), hint: hint.into() }
    }
}

impl From<gan_nn::Error> for Error {
    fn from(error: gan_nn::Error) -> Self {
        match error {
            gan_nn::Error::Tensor(error) => Error::Tensor(error),
            other => Error::config(other.to_string(), ""),
        }
    }
}
