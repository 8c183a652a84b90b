//! What becomes of a run that has diverged.

use crate::checkpoint::Checkpoint;
use crate::config::OnDivergence;
use crate::error::{Error, Result};
use crate::finite;
use crate::position::Training;
use crate::run_dir::RunDir;
use crate::run_options::RunOptions;
use candle_core::Tensor;
use serde::Serialize;
use std::collections::BTreeMap;

/// The newest checkpoint of a run that is whole and finite, if there is a checkpoint at all; a warning names
/// those that are not.
///
/// # Errors
/// If there are checkpoints, but none that training can go on from.
pub fn newest_sound(run: &RunDir) -> Result<Option<Checkpoint>> {
    let Some(newest) = run.latest_checkpoint()? else { return Ok(None) };
    let Err(error) = expect_finite(run, &newest) else { return Ok(Some(newest)) };
    tracing::warn!("{error}; the one before it is taken instead");
    for (step, _) in Checkpoint::list(run.path())?.into_iter().rev() {
        if step < newest.metadata().step()
            && let Ok(checkpoint) = run.checkpoint(step)
            && expect_finite(run, &checkpoint).is_ok()
        {
            return Ok(Some(checkpoint));
        }
    }
    Err(Error::NoWholeCheckpoint { run: run.path().to_path_buf() })
}

/// Refuses a checkpoint that is not finite: one that an earlier version of the program has saved after it had
/// diverged.
///
/// # Errors
/// If it is not, or cannot be read.
pub fn expect_finite(run: &RunDir, checkpoint: &Checkpoint) -> Result<()> {
    let Some((name, value)) = finite::first(&checkpoint.tensors()?)? else { return Ok(()) };
    let path = Checkpoint::path(run.path(), checkpoint.metadata().step());
    let why = format!("{name} holds {value}, so training had diverged when it was saved");
    Err(Error::BrokenCheckpoint { path, why })
}

/// What a run goes back to while it has no checkpoint: the state that it began with.
pub(crate) struct Start(Option<(BTreeMap<String, Tensor>, BTreeMap<String, u64>)>);

impl Start {
    /// The state now, if the run may go back and begins anew.
    pub fn of(training: &mut Training<'_>, options: &RunOptions, from: Option<&Checkpoint>) -> Result<Self> {
        if options.on_divergence != OnDivergence::Rollback || from.is_some() {
            return Ok(Self(None));
        }
        let state = training.state();
        let copy = |(name, tensor): (String, Tensor)| Ok((name, tensor.copy()?));
        Ok(Self(Some((state.tensors().into_iter().map(copy).collect::<Result<_>>()?, state.counters()))))
    }

    /// Now there is a checkpoint.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

/// Goes back to the last checkpoint, or to the start where there is none yet, to go on at a lower learning rate and with
/// other batches and latents.
///
/// # Errors
/// The cause itself, if it is none to go back for or this was done too often. It says then whether there is a
/// checkpoint.
pub(crate) fn recover(
    cause: Error,
    training: &mut Training<'_>,
    options: &RunOptions,
    run: &RunDir,
    start: &mut Start,
) -> Result<()> {
    #[derive(Serialize)]
    struct Rollback {
        event: &'static str,
        cause: String,
        to_step: u64,
        times: u64,
        /// What learning rates are multiplied by from here on.
        lr_factor: f64,
    }
    if !cause.is_divergence() {
        return Err(cause);
    }
    let sound = match newest_sound(run) {
        Err(Error::NoWholeCheckpoint { .. }) => None,
        sound => sound?,
    };
    let rollbacks = training.position.rollbacks;
    if options.on_divergence != OnDivergence::Rollback || rollbacks >= options.max_rollbacks {
        return Err(with_checkpoint(cause, sound.map(|checkpoint| checkpoint.metadata().step())));
    }
    match (sound, &start.0) {
        (Some(checkpoint), _) => checkpoint.restore(training)?,
        (None, Some((tensors, counters))) => training.state().restore(tensors, counters)?,
        (None, None) => return Err(with_checkpoint(cause, None)),
    }
    let times = rollbacks + 1;
    training.position.rollbacks = times;
    let (to_step, lr_factor) = (training.position.step, options.moment(&training.position).rate);
    run.go_back_to(to_step)?;
    tracing::warn!(
        "{cause}; back to step {to_step} with learning rates times {lr_factor:.1e} ({times} of {})",
        options.max_rollbacks
    );
    run.note(&Rollback { event: "rollback", cause: cause.to_string(), to_step, times, lr_factor })
}

/// The same error, which knows of the checkpoint to go back to.
fn with_checkpoint(mut error: Error, step: Option<u64>) -> Error {
    if let Error::Diverged { checkpoint, .. } | Error::NotFinite { checkpoint, .. } = &mut error {
        *checkpoint = step;
    }
    error
}
