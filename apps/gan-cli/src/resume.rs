//! `gan resume`: going on with a run.

use crate::args::Settings;
use crate::configure;
use crate::failure::Failure;
use crate::train::{Job, program};
use gan_train::{Record, RunDir};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Goes on with a run from its newest whole checkpoint, or from the one that `path` names. `settings` override those of
/// the run; what would make another run of it is refused unless forced.
pub fn run(path: &Path, settings: &Settings, force: bool, dry_run: bool) -> Result<ExitCode, Failure> {
    let (run, step) = RunDir::of(path);
    let folder = RunDir::open(run)?;
    let checkpoint = match step {
        Some(step) => Some(folder.checkpoint(step)?),
        None => folder.latest_checkpoint()?,
    };
    let job = Job::prepare(configure::for_resuming(&folder.config_path(), settings)?)?;
    let now = Record::new(&job.config, job.dataset.as_ref(), &job.device);
    if let Some(checkpoint) = &checkpoint {
        compare(checkpoint.record(), &now, run, force)?;
    }
    let step = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.record().step());
    println!("from:    {}", if step == 0 { "the start".to_owned() } else { format!("step {step}") });
    if dry_run {
        return job.describe_only();
    }
    if step >= job.steps {
        println!(
            "\nThere is nothing to do: {step} of {} steps are done. To train longer:\n  {} resume {} --steps {}",
            job.steps,
            program(),
            run.display(),
            2 * step
        );
        return Ok(ExitCode::SUCCESS);
    }
    folder.save_config(&job.config)?;
    note(&folder, step, &now)?;
    job.train(&folder, checkpoint.as_ref())
}

/// Refuses to make another run of it, and warns of what may change its last bits.
fn compare(there: &Record, here: &Record, run: &Path, force: bool) -> Result<(), Failure> {
    let changes = there.changes(here).join("; ");
    if !changes.is_empty() && !force {
        return Err(Failure::usage(
            format!("{} would not be the same run any more: {changes}", run.display()),
            "leave that as it was; or --force it, or start a new run with `gan train`",
        ));
    }
    if !changes.is_empty() {
        tracing::warn!("forced to go on, though {changes}");
    }
    if let Some(why) = there.other_program(here) {
        tracing::warn!("{why}");
    }
    Ok(())
}

/// Leaves a line in `events.jsonl`.
fn note(folder: &RunDir, step: u64, now: &Record) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Resumed<'a> {
        event: &'static str,
        step: u64,
        /// Seconds since 1970.
        time: u64,
        program: &'a gan_train::Program,
    }
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    Ok(folder.note(&Resumed { event: "resume", step, time, program: &now.program })?)
}
