//! What becomes of a run that has diverged.

use crate::checkpoint::Checkpoint;
use crate::config::{OnDivergence, TrainConfig};
use crate::error::{Error, Result};
use crate::finite;
use crate::metadata::Metadata;
use crate::run_dir::RunDir;
use crate::trainer::Trainer;
use candle_core::Device;
use serde::Serialize;

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
    let Some((name, value)) = finite::first_of(checkpoint)? else { return Ok(()) };
    let path = Checkpoint::path(run.path(), checkpoint.metadata().step());
    let why = format!("{name} holds {value}, so training had diverged when it was saved");
    Err(Error::BrokenCheckpoint { path, why })
}

/// Goes back to the last checkpoint, or to the start where there is none yet, to go on at a lower learning
/// rate and with other batches and latents.
///
/// # Errors
/// The cause itself, if it is none to go back for or this was done too often. It says then whether there is a
/// checkpoint.
pub(crate) fn recover(
    cause: Error,
    trainer: &mut Trainer,
    config: &TrainConfig,
    about: &Metadata,
    run: &RunDir,
    device: &Device,
) -> Result<()> {
    #[derive(Serialize)]
    struct Rollback {
        event: &'static str,
        cause: String,
        to_step: u64,
        times: u64,
        lr: f64,
    }
    if !cause.is_divergence() {
        return Err(cause);
    }
    let sound = match newest_sound(run) {
        Err(Error::NoWholeCheckpoint { .. }) => None,
        sound => sound?,
    };
    if config.run.on_divergence != OnDivergence::Rollback || trainer.rollbacks() >= config.run.max_rollbacks {
        return Err(with_checkpoint(cause, sound.map(|checkpoint| checkpoint.metadata().step())));
    }
    let times = trainer.rollbacks() + 1;
    match sound {
        Some(checkpoint) => checkpoint.restore(trainer)?,
        None => {
            *trainer = Trainer::new(config, &about.model, device)?.for_images(about.data.images);
        }
    }
    trainer.set_rollbacks(times);
    let (to_step, lr) = (trainer.step(), trainer.lr());
    run.go_back_to(to_step)?;
    tracing::warn!(
        "{cause}; back to step {to_step} with learning rate {lr:.1e} ({times} of {})",
        config.run.max_rollbacks
    );
    run.note(&Rollback { event: "rollback", cause: cause.to_string(), to_step, times, lr })
}

/// The same error, which knows of the checkpoint to go back to.
fn with_checkpoint(mut error: Error, step: Option<u64>) -> Error {
    if let Error::Diverged { checkpoint, .. } | Error::NotFinite { checkpoint, .. } = &mut error {
        *checkpoint = step;
    }
    error
}
