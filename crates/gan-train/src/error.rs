//! What can go wrong, and what to do about it.

use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong while training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that makes no sense.
    #[error("{what}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// A loss or gradient that is no longer a number; the update was not applied.
    #[error("{what} is {value} at step {step}: training has diverged, and this update was not applied")]
    Diverged {
        /// errD, errG, or a gradient.
        what: String,
        /// NaN or infinity.
        value: f64,
        /// The step, from 1.
        step: u64,
        /// The step of the checkpoint to go back to, if the run has one.
        checkpoint: Option<u64>,
    },
    /// What was to be saved is no longer finite; nothing was saved.
    #[error("{tensor} holds {value} after step {step}: training has diverged, and this state was not saved")]
    NotFinite {
        /// The name of the tensor.
        tensor: String,
        /// NaN or infinity.
        value: f64,
        /// Steps done.
        step: u64,
        /// The step of the checkpoint to go back to, if the run has one.
        checkpoint: Option<u64>,
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
    /// A folder that no run was written to.
    #[error("{path} is not the folder of a run: {why}", path = path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A link in a run folder, where a folder of the run should be.
    #[error("{path} is a link, and what a link points to is not touched", path = path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A checkpoint that is not what was written.
    #[error("the checkpoint {path} is not whole: {why}", path = path.display())]
    BrokenCheckpoint {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A run of which every checkpoint is broken.
    #[error("none of the checkpoints in {run} is whole", run = run.display())]
    NoWholeCheckpoint {
        /// The run.
        run: PathBuf,
    },
    /// A state that does not belong to this trainer.
    #[error("the saved state is not that of this run: {differences}")]
    StateDiffers {
        /// What is missing, too much or of another shape.
        differences: String,
    },
    /// A loss that reaches weights which it is not for.
    #[error("the loss reaches the weights of {player}, who is not among those it is for")]
    Untracked {
        /// Whose weights.
        player: &'static str,
    },
    /// A run that another process is writing.
    #[error("another process ({holder}) is writing to {run}", run = run.display())]
    Locked {
        /// The run.
        run: PathBuf,
        /// The number of the process.
        holder: String,
    },
    /// A data set that cannot be used.
    #[error(transparent)]
    Data(#[from] gan_data::Error),
    /// Samples that cannot be measured.
    #[error(transparent)]
    Eval(#[from] gan_eval::Error),
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
            Error::Diverged { checkpoint: Some(step), .. } | Error::NotFinite { checkpoint: Some(step), .. } => {
                format!(
                    "the last checkpoint is intact, that of step {step}; `gan resume RUN --on-divergence \
                     rollback` resumes from it with half the learning rate and other batches"
                )
            }
            Error::Diverged { checkpoint: None, .. } | Error::NotFinite { checkpoint: None, .. } => {
                "there is no checkpoint yet: begin anew with a lower --lr or with --clip-grad 1; `gan resume RUN \
                 --on-divergence rollback` begins anew too, and halves the learning rate if it diverges again"
                    .into()
            }
            Error::File { .. } => {
                "check that the folder exists, can be written and has room; what was saved before is intact".into()
            }
            Error::NotARun { .. } => "give a folder that `gan train` has written, such as runs/0001".into(),
            Error::Link { .. } => {
                "put the folder itself in its place; to keep a run elsewhere, make the whole run folder a link".into()
            }
            Error::BrokenCheckpoint { path, .. } => match path.parent().and_then(Path::parent) {
                Some(run) => format!("go on from its newest whole checkpoint: gan resume {}", run.display()),
                None => "give the folder of the run, to go on from its newest whole checkpoint".into(),
            },
            Error::NoWholeCheckpoint { .. } => "start the run anew: gan train --config RUN/config.toml".into(),
            Error::StateDiffers { .. } => "go on with the settings that the run began with".into(),
            Error::Untracked { .. } => "forward networks that do not learn with Context::untracked".into(),
            Error::Locked { .. } => "wait for it, or stop it; then try again".into(),
            Error::Data(error) => error.hint(),
            Error::Eval(error) => error.hint(),
            Error::Model(error) => error.hint(),
            Error::Tensor(_) => "this is a bug unless the device ran out of memory; please report it".into(),
        }
    }

    /// Whether training has diverged.
    pub fn is_divergence(&self) -> bool {
        matches!(self, Error::Diverged { .. } | Error::NotFinite { .. })
    }

    /// A number that is no longer finite at a step.
    pub fn diverged(what: impl Into<String>, value: f64, step: u64) -> Self {
        Error::Diverged { what: what.into(), value, step, checkpoint: None }
    }

    /// The same of a state after so many steps.
    pub(crate) fn at_step(mut self, after: u64) -> Self {
        if let Error::NotFinite { step, .. } = &mut self {
            *step = after;
        }
        self
    }

    pub(crate) fn config(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Config { what: what.into(), hint: hint.into() }
    }

    /// The same, with the line of the file where it is.
    pub(crate) fn at_line(self, line: usize) -> Self {
        match self {
            Error::Config { what, hint } => Error::Config { what: format!("line {line}: {what}"), hint },
            other => other,
        }
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Error::File { action, path, source }
    }

    /// What cannot be turned into text or bytes; it would be a bug of ours.
    pub(crate) fn serializing(error: impl std::fmt::Display) -> Self {
        Error::Tensor(candle_core::Error::Msg(error.to_string()))
    }
}

impl From<gan_nn::Error> for Error {
    fn from(error: gan_nn::Error) -> Self {
        match error {
            gan_nn::Error::OtherState(differences) => Error::StateDiffers { differences },
            gan_nn::Error::Tensor(error) => Error::Tensor(error),
            other => Error::Model(other.into()),
        }
    }
}
