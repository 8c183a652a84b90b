//! What can go wrong, and what to do about it.

use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong while training.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that makes no sense.
    #[error("{what}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// A loss that is no longer a number; the update was not applied.
    #[error("{what} is {value} at step {step}: training has diverged, and this update was not applied")]
    Diverged {
        /// errD or errG.
        what: &'static str,
        /// NaN or infinity.
        value: f64,
        /// The step, from 1.
        step: u64,
    },
    /// A file or folder that cannot be used.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A data set that cannot be used.
    #[error(transparent)]
    Data(#[from] gan_data::Error),
    /// A model that cannot be used.
    #[error(transparent)]
    Model(#[from] gan_models::Error),
    /// A tensor operation that failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// What to do about it, in one line.
    pub fn hint(&self) -> String {
        match self {
            Error::Config { hint, .. } => hint.clone(),
            Error::Diverged { .. } => {
                "try a lower --lr or another --seed; the last checkpoint is intact".into()
            }
            Error::File { .. } => "check that the folder exists, can be written and has room".into(),
            Error::Data(error) => error.hint(),
            Error::Model(error) => error.hint(),
            Error::Tensor(_) => "this is a bug unless the device ran out of memory; please report it".into(),
        }
    }

    pub(crate) fn config(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Config { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Error::File { action, path, source }
    }
}
