//! Checkpoints written while training goes on.

use crate::best::Best;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::run_dir::Keeper;
use std::thread::{self, JoinHandle};

/// Writes one checkpoint at a time on a thread of its own: hashing it and waiting for the disk (fsync) does not hold up
/// training.
pub(crate) struct Saver {
    keeper: Keeper,
    writing: Option<JoinHandle<Result<()>>>,
}

impl Saver {
    /// Into the folder that `keeper` looks after.
    pub fn new(keeper: Keeper) -> Self {
        Self { keeper, writing: None }
    }

    /// Begins to write a checkpoint, once the one before it is written; the best one is spared.
    pub fn save(&mut self, checkpoint: Checkpoint, best: Option<Best>) -> Result<()> {
        self.finish()?;
        let keeper = self.keeper.clone();
        let writing = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || keeper.save(&checkpoint, best.as_ref()));
        self.writing = Some(writing.map_err(Error::file("start a thread for", &self.keeper.path()))?);
        Ok(())
    }

    /// What became of the checkpoint that was being written, if that is known by now.
    pub fn check(&mut self) -> Result<()> {
        if self.writing.as_ref().is_some_and(JoinHandle::is_finished) { self.finish() } else { Ok(()) }
    }

    /// Waits for the checkpoint that is being written, if one is.
    pub fn finish(&mut self) -> Result<()> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Where training ends with an error, the checkpoint that was being written is still finished.
impl Drop for Saver {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.writing.take().and_then(|writing| writing.join().ok()) {
            tracing::warn!("{error}");
        }
    }
}
