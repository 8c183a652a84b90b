//! `gan resume`: going on with a run.

use crate::args::Settings;
use crate::configure::{self, quoted};
use crate::device;
use crate::failure::Failure;
use crate::job::Job;
use crate::words::program;
use gan_train::{Checkpoint, Metadata, RunDir, TrainConfig, rollback};
use std::path::Path;
use std::process::ExitCode;

/// Resumes a run from its newest whole checkpoint, or from the one that `path` names. `settings`
/// override those of the run; what would make another run of it is refused unless forced.
pub fn run(path: &Path, settings: &Settings, force: bool, dry_run: bool) -> Result<ExitCode, Failure> {
    let (run, step) = RunDir::of(path);
    let folder = RunDir::open(run)?;
    let config = configure::for_resuming(&folder.config_path(), settings)?;
    device::use_threads(config.machine.threads); // before the checkpoint is looked at, which takes tensors
    let checkpoint = match step {
        Some(step) => {
            let checkpoint = folder.checkpoint(step)?;
            rollback::expect_finite(&folder, &checkpoint)?;
            Some(checkpoint)
        }
        None => rollback::newest_sound(&folder)?,
    };
    expect_data(&config, run)?;
    let job = Job::prepare(config, &[])?;
    let now = job.about(None)?;
    if let Some(checkpoint) = &checkpoint {
        compare(checkpoint.metadata(), &now, run, force)?;
        check_schedule(checkpoint.metadata(), &job, run)?;
    }
    let step = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.metadata().step());
    println!("from:    {}", if step == 0 { "the start".to_owned() } else { format!("step {step}") });
    if dry_run {
        return job.describe_only();
    }
    if step >= job.steps {
        println!("\n{}", nothing_to_do(step, &job, run)?);
        return Ok(ExitCode::SUCCESS);
    }
    job.train(&folder, checkpoint.as_ref())
}

/// Refuses a run whose images are no longer where they were.
fn expect_data(config: &TrainConfig, run: &Path) -> Result<(), Failure> {
    let Some((flag, path)) = config.missing_path() else { return Ok(()) };
    let relative = if path.is_absolute() { "" } else { ", seen from the folder where you are" };
    Err(Failure::usage(
        format!(
            "there is nothing at {}{relative}, where {} has its data from",
            path.display(),
            run.display()
        ),
        format!("name the place where it lies now: {} resume {} {flag} PATH", program(), shown(run)),
    ))
}

/// Refuses to make another run of it, and warns of what may change its last bits.
fn compare(there: &Metadata, here: &Metadata, run: &Path, force: bool) -> Result<(), Failure> {
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

/// Where the learning rate of the run as it was goes down to 0, if it does.
fn learns_until(there: &Metadata) -> Option<u64> {
    there.config().and_then(|config| config.learns_until())
}

/// Refuses steps that would learn nothing because the learning rate is 0 by then, where more of them are
/// asked for than the run was to have; warns where they were planned, or some still learn. Says when the
/// schedule was changed.
fn check_schedule(there: &Metadata, job: &Job, run: &Path) -> Result<(), Failure> {
    let (until, now) = (learns_until(there), job.config.learns_until());
    if let (Some(until), Some(now)) = (until, now)
        && until != now
    {
        tracing::warn!("the learning rate now goes down to 0 at step {now}, not at step {until} as so far");
    }
    let (step, steps) = (there.step(), job.steps);
    let Some(end) = job.ends_early().filter(|_| step < steps) else { return Ok(()) };
    if end <= step && steps > there.steps {
        let (gan, run) = (program(), shown(run));
        return Err(Failure::usage(
            format!(
                "steps {} to {steps} would learn nothing: the learning rate went down to 0 at step {end}",
                step + 1
            ),
            format!(
                "change the schedule on purpose: {gan} resume {run} --steps {steps} --decay-steps {steps}; or \
                 begin a new run: {gan} train --config {run}/config.toml --steps {steps} --decay-steps {steps}"
            ),
        ));
    }
    let first = end.max(step) + 1;
    tracing::warn!(
        "steps {first} to {steps} will change no weights, as the learning rate is 0 after step {end}; \
         --decay-steps {steps} takes it down over the whole run"
    );
    Ok(())
}

/// What to say of a run that has done all its steps, and how to go on nevertheless.
fn nothing_to_do(step: u64, job: &Job, run: &Path) -> Result<String, Failure> {
    let (gan, shown, steps) = (program(), shown(run), job.steps);
    let longer = step.saturating_mul(2).min(u32::MAX.into());
    let stretched = match job.config.learns_until() {
        Some(end) if end < longer => format!(" --decay-steps {longer}"),
        _ => String::new(),
    };
    let train_longer = format!("To train longer:\n  {gan} resume {shown} --steps {longer}{stretched}");
    if step == steps {
        return Ok(format!("There is nothing to do: {step} of {steps} steps are done. {train_longer}"));
    }
    let what = format!("There is nothing to do: the run is at step {step}, past the {steps} asked for.");
    let earlier = Checkpoint::list(run)?.into_iter().rfind(|(at, _)| *at < steps);
    let earlier = earlier.map_or(String::new(), |(_, path)| {
        let path = quoted(&path.display().to_string());
        format!(
            "\nTo do the last of those steps again, and set the later checkpoints aside:\n  \
             {gan} resume {path} --steps {steps}"
        )
    });
    Ok(format!("{what} {train_longer}{earlier}"))
}

/// The folder of a run, as a shell takes it.
fn shown(run: &Path) -> String {
    quoted(&run.display().to_string())
}
