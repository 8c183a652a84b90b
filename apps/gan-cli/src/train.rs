//! `gan train`.

use crate::args::TrainFlags;
use crate::failure::Failure;
use crate::job::Job;
use crate::page::TENSORBOARD;
use crate::{configure, device, resume};
use gan_train::RunDir;
use std::process::ExitCode;

pub fn run(flags: &TrainFlags) -> Result<ExitCode, Failure> {
    if let Some(run) = &flags.resume {
        return resume::run(run, &flags.settings, flags.force, flags.dry_run);
    }
    let (config, said) =
        configure::for_training(flags.recipe.as_deref(), flags.config.as_deref(), flags.settings.given())?;
    device::use_threads(config.machine.threads);
    let job = Job::prepare(config, &said)?;
    if let Some(end) = job.ends_early() {
        tracing::warn!(
            "the learning rate is 0 after step {end}: the last {} of {} steps will change no weights; \
             --decay-steps {} takes it down over all of them",
            job.steps - end,
            job.steps,
            job.steps
        );
    }
    if flags.dry_run {
        return job.describe_only();
    }
    let is_new = flags.out.as_ref().is_none_or(|out| !out.exists());
    let folder = RunDir::create(flags.out.as_deref(), &job.config)?;
    if flags.tensorboard {
        let into = folder.path().join(TENSORBOARD);
        std::fs::create_dir(&into).map_err(|error| {
            Failure::other(
                format!("cannot make {}: {error}", into.display()),
                "choose another folder with --out",
            )
        })?;
    }
    let result = job.train(&folder, None);
    if result.as_ref().is_err_and(|failure| !failure.is_divergence()) {
        folder.discard_if_untrained(is_new);
    }
    result
}
