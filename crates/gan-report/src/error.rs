//! What can go wrong, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run could not be read or shown. `Display` says in one line what is wrong, [`Error::hint`] what to do
/// about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder that holds no run.
    #[error("{} is no run folder", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
    },

    /// A file or folder that could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was to be done with it.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },

    /// Nothing to compare.
    #[error("there is no run to compare")]
    NothingToCompare,

    /// A run without sample grids of a name.
    #[error("{} holds no sample grids{}", folder.display(), of(name))]
    NoSamples {
        /// The run folder.
        folder: PathBuf,
        /// The name of the pictures; empty for those without a name.
        name: String,
    },

    /// A picture that cannot be read or written.
    #[error("{}: {what}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },

    /// A film whose file name asks for no format we know.
    #[error("{} is no film's name", path.display())]
    FilmFormat {
        /// The file that was asked for.
        path: PathBuf,
    },

    /// An address that others could reach.
    #[error("{addr} can be reached from other computers")]
    NotLoopback {
        /// The address.
        addr: SocketAddr,
    },

    /// An address that the server cannot listen on.
    #[error("cannot listen on {addr}: {what}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        what: String,
    },

    /// A table that could not be written.
    #[error("cannot write the table: {0}")]
    Csv(#[from] csv::Error),
}

impl Error {
    /// What to do about it, in one line.
    pub fn hint(&self) -> String {
        let hint = match self {
            Error::NotARun { .. } => {
                "give the folder of one run, such as runs/0001: it holds a config.toml or a metrics.jsonl"
            }
            Error::File { .. } => {
                "see that the path is right, that you may use it, and that the disk has room"
            }
            Error::NothingToCompare => "give the folders of two runs or more",
            Error::NoSamples { .. } => {
                "give a name that pictures in the run's samples folder have, or none for those without"
            }
            Error::Picture { .. } => "move that picture away, or draw it anew",
            Error::FilmFormat { .. } => "end the name in .gif, .png, .apng or .webp",
            Error::NotLoopback { .. } => {
                "listen on 127.0.0.1; from another computer use a tunnel: ssh -L 8000:127.0.0.1:8000 HOST"
            }
            Error::Listen { .. } => "choose another port, or 0 for any that is free",
            Error::Csv(_) => "see that the disk has room",
        };
        hint.to_owned()
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::File { action, path, source }
    }

    pub(crate) fn picture(path: &Path, what: impl ToString) -> Error {
        Error::Picture { path: path.to_path_buf(), what: what.to_string() }
    }
}

fn of(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" called {name}") }
}
