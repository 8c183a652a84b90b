//! `gan train`.

use crate::args::TrainFlags;
use crate::failure::Failure;
use crate::progress::{Steps, watch};
use crate::stop::Stop;
use crate::{configure, device, resume};
use candle_core::Device;
use gan_data::{Dataset, Split};
use gan_train::run::Summary;
use gan_train::{Checkpoint, RunDir, TrainConfig, data, run};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// A part of the time that is worth a word.
const LONG_WAIT: f64 = 0.1;

pub fn run(flags: &TrainFlags) -> Result<ExitCode, Failure> {
    if let Some(run) = &flags.resume {
        return resume::run(run, &flags.settings, flags.force, flags.dry_run);
    }
    let job = Job::prepare(configure::for_training(flags)?)?;
    if flags.dry_run {
        return job.describe_only();
    }
    let folder = RunDir::create(flags.out.as_deref(), &job.config)?;
    job.train(&folder, None)
}

/// A run with all that it needs, before its first step.
pub struct Job {
    pub config: TrainConfig,
    pub device: Device,
    pub dataset: Arc<dyn Dataset>,
    /// When the run is complete.
    pub steps: u64,
}

impl Job {
    /// Finds the device and the data, and says what there is.
    pub fn prepare(config: TrainConfig) -> Result<Self, Failure> {
        gan_ops::set_threads(config.threads.unwrap_or_else(cores));
        let (device, which) = device::choose(&config.device, config.precision)?;
        let dataset = data::open(&config, Split::Train, &watch())?;
        let model = config.model_config(dataset.channels(), &data::class_names(dataset.as_ref()));
        model.validate()?;
        let steps = config.total_steps(data::loader(&config, dataset.clone(), &device)?.batches_per_epoch());

        println!("device:  {which}");
        println!("data:    {}, {}", dataset.name(), images(dataset.len()));
        println!("model:   {model}");
        println!("run:     {steps} steps of {} images, seed {}", config.batch_size(), config.seed);
        Ok(Self { config, device, dataset, steps })
    }

    /// For a dry run.
    pub fn describe_only(&self) -> Result<ExitCode, Failure> {
        let config =
            toml::to_string(&self.config).map_err(|error| Failure::other(error, "please report it"))?;
        println!("\n{config}\nNothing was trained or written: this was a dry run.");
        Ok(ExitCode::SUCCESS)
    }

    /// Trains, from the start or on from a checkpoint, until the run is complete or somebody asks it to stop.
    pub fn train(self, folder: &RunDir, from: Option<&Checkpoint>) -> Result<ExitCode, Failure> {
        println!("results: {}\n", folder.path().display());
        let mut progress = Steps::new(self.steps, self.config.log_every);
        let stop = Stop::listen()?;
        let started = Instant::now();
        let summary =
            run::train(&self.config, self.dataset.clone(), folder, from, &self.device, &mut |stats| {
                progress.step(stats);
                match stop.asked() {
                    None => ControlFlow::Continue(()),
                    Some(_) => ControlFlow::Break(()),
                }
            })?;
        progress.finish();
        let seconds = started.elapsed().as_secs_f64();
        let first = from.map_or(0, |checkpoint| checkpoint.record().step());
        self.report(&summary, seconds, first, folder);
        match stop.asked() {
            Some(status) if !summary.complete => Ok(status.into()),
            _ => Ok(ExitCode::SUCCESS),
        }
    }

    /// What came of it, and what to do next.
    fn report(&self, summary: &Summary, seconds: f64, first: u64, folder: &RunDir) {
        println!(
            "\nTrained {} steps in {seconds:.0} s ({:.0} images/s, {:.1} % of the time waiting for images, {:.1} % for checkpoints).",
            summary.steps - first,
            summary.images_per_second,
            summary.waiting * 100.0,
            summary.checkpoint_time.as_secs_f64() / seconds.max(f64::MIN_POSITIVE) * 100.0
        );
        if summary.waiting > LONG_WAIT {
            println!(
                "  Images come too slowly: --cache ram or disk reads them once, --workers N with more threads."
            );
        }
        if let Some(modes) = summary.modes {
            let part = modes.near * 100.0;
            println!("Found {} of {} modes; {part:.1} % of the samples lie near one.", modes.found, modes.of);
        }
        if summary.bad_images > 0 {
            println!("Skipped {} that could not be read.", images(summary.bad_images));
        }
        let path = folder.path().display();
        if !summary.complete {
            println!(
                "Stopped at step {} of {}, as asked; everything is saved. Go on with it:\n  {} resume {path}",
                summary.steps,
                self.steps,
                program()
            );
            return;
        }
        println!("  samples:   {}", folder.sample_path(summary.steps).display());
        println!("  generator: {}", folder.generator_path(summary.steps).display());
        let of_each_class = if self.config.conditional.is_some() { " --per-class 10" } else { "" };
        println!("Next, make new images from it:\n  {} sample {path} --seed 1{of_each_class}", program());
    }
}

/// So many images, in words.
pub fn images(count: usize) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

/// One thread a core.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How the person called this program, to name the next command.
pub fn program() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo run -p gan-cli --" } else { "gan" }
}
