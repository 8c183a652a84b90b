//! A run: what it is said to be, how it is trained, and what came of it.

use crate::configure::quoted;
use crate::failure::Failure;
use crate::health::{Diagnosis, Health, lines};
use crate::page::Page;
use crate::progress::{Steps, watch};
use crate::stop::Stop;
use crate::words::{images, program};
use crate::{device, out};
use candle_core::Device;
use gan_data::{Dataset, Split};
use gan_models::ModelConfig;
use gan_train::{
    Best, Checkpoint, Evaluation, FeatureMetric, Gan, Kind, Metadata, Number, PartialConfig, RunDir,
    StepStats, Summary, TrainConfig, data, run,
};
use std::fmt::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A part of the time that is worth a word.
const LONG_WAIT: f64 = 0.1;
/// In fewer seconds or steps the first batches, which nothing was prepared for, count too much.
const ENOUGH_SECONDS: f64 = 10.0;
const ENOUGH_STEPS: u64 = 50;

/// A run with all that it needs, before its first step.
pub struct Job {
    pub config: TrainConfig,
    pub device: Device,
    pub dataset: Arc<dyn Dataset>,
    /// When the run is complete.
    pub steps: u64,
}

impl Job {
    /// Finds the device and the data, and says what there is, after the lines of where the settings come from.
    pub fn prepare(config: TrainConfig, said: &[String]) -> Result<Self, Failure> {
        let (device, which) = device::choose(&config.machine.device, config.machine.precision)?;
        let dataset = data::open(&config.clone().with_short_paths(), Split::Train, &watch())?;
        let model = config.model_config(dataset.channels(), &data::class_names(dataset.as_ref()));
        model.validate()?;
        let steps = config.total_steps(data::loader(&config, dataset.clone(), &device)?.batches_per_epoch());

        for line in said {
            println!("{line}");
        }
        println!("device:  {which}");
        println!("data:    {}, {}", dataset.name(), images(dataset.len()));
        println!("model:   {model}");
        println!("run:     {steps} steps of {} images, seed {}", config.batch_size(), config.run.seed);
        if let Some(class) = only_class(&model) {
            tracing::warn!(
                "the data set has one class only, {class}: there is nothing for conditional networks to tell \
                 apart, and --conditional changes nothing for the better"
            );
        }
        Ok(Self { config, device, dataset, steps })
    }

    /// The step after which no more is learned, if some steps come after it.
    pub fn ends_early(&self) -> Option<u64> {
        self.config.learns_until().filter(|&end| end < self.steps)
    }

    /// What its checkpoints say of it; of a run that began `before`, with the names that its classes had then.
    pub fn about(&self, before: Option<&Metadata>) -> Result<Metadata, Failure> {
        let mut about = self.config.metadata(self.dataset.as_ref(), &self.device)?.with_steps(self.steps);
        if let Some(before) = before {
            about.keep_class_names(before)?;
        }
        Ok(about)
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
        let about = self.about(from.map(Checkpoint::metadata))?;
        let model =
            about.model().ok_or_else(|| Failure::other("a run without networks", "please report it"))?;
        let mut gan = Gan::from_config(&self.config, &model, self.dataset.clone(), &self.device)?;
        let options = self.config.run_options(self.steps);
        let mut metric = FeatureMetric::from_config(&self.config, &self.dataset, &watch())?;
        let evaluation = metric.as_mut().map(|metric| Evaluation {
            metric,
            every: self.config.eval_every(),
            patience: self.config.evaluation.patience,
        });
        let mut health = Health::of_run(folder.path());
        let mut page = Page::new(self.dataset.as_ref(), &model, command(&self.config), self.steps);
        let mut progress = Steps::new(self.steps, self.config.run.log_every);
        let stop = Stop::listen()?;
        let started = Instant::now();
        let mut on_step = |stats: &StepStats| {
            progress.step(stats);
            if stats.step.is_multiple_of(self.config.run.log_every) || !stats.measures.is_empty() {
                health.see(stats);
            }
            // The pictures of a step are there when the next one has been done.
            if stats.step > 1 && (stats.step - 1).is_multiple_of(self.config.run.sample_every) {
                let diagnoses = health.diagnoses();
                progress.warn(diagnoses.first().map(|diagnosis| diagnosis.verdict));
                page.rewrite(folder.path(), diagnoses);
            }
            match stop.asked() {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            }
        };
        let summary = run::train(&mut gan, &options, &about, folder, from, evaluation, &mut on_step)?;
        progress.finish();
        let health = Health::of_run(folder.path()).diagnoses();
        page.finish(folder.path(), summary.complete, health.clone());
        let seconds = started.elapsed().as_secs_f64();
        let first = from.map_or(0, |checkpoint| checkpoint.metadata().step());
        let told = out::try_line(format_args!("{}", self.report(&summary, seconds, first, folder, &health)));
        match (stop.asked(), told) {
            // The terminal may be what is gone.
            (Some(status), _) if !summary.complete => Ok(status.into()),
            (_, Err(error)) if !out::reader_has_left(&error) => Err(out::failure(&error)),
            (_, Err(_)) => Ok(ExitCode::FAILURE),
            (_, Ok(())) => Ok(ExitCode::SUCCESS),
        }
    }

    /// What came of it, and what to do next.
    fn report(
        &self,
        summary: &Summary,
        seconds: f64,
        first: u64,
        folder: &RunDir,
        health: &[Diagnosis],
    ) -> String {
        let mut text = String::new();
        let mut say = |line: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{line}"); // into a string nothing can fail
        };
        let part = |time: Duration| time.as_secs_f64() / seconds.max(f64::MIN_POSITIVE) * 100.0;
        let scores = match part(summary.evaluation_time) {
            0.0 => String::new(),
            part => format!(", {part:.1} % for scores"),
        };
        let steps = summary.steps.saturating_sub(first); // a rollback may lead to before the first
        say(format_args!(
            "\nTrained {steps} steps in {seconds:.0} s ({:.0} images/s, {:.1} % of the time waiting \
             for images, {:.1} % for checkpoints{scores}).",
            summary.images_per_second,
            summary.waiting * 100.0,
            part(summary.checkpoint_time)
        ));
        if images_are_slow(summary.waiting, steps, seconds) {
            say(format_args!(
                "  Images come too slowly: --cache ram or disk reads them once, \
                 --workers N with more threads."
            ));
        }
        for measure in summary.measures.iter().filter(|measure| measure.kind.better().is_none()) {
            say(format_args!("{}", measured(measure)));
        }
        if let Some(Best { step, metric, score, protocol }) = &summary.best {
            let features = protocol.as_ref().map(|it| format!(" ({})", it.features)).unwrap_or_default();
            say(format_args!(
                "Best: {metric}{features} {score:.4} at step {step}; its checkpoint is kept, and `gan sample` takes it."
            ));
        }
        if summary.bad_images > 0 {
            say(format_args!("Skipped {} that could not be read.", images(summary.bad_images)));
        }
        if summary.out_of_patience {
            let patience = self.config.evaluation.patience.unwrap_or(0);
            say(format_args!(
                "Ended at step {} of {}: no better score in the last {patience} measurements (--patience).",
                summary.steps, self.steps
            ));
        }
        if !summary.complete {
            say(format_args!(
                "Stopped at step {} of {}, as asked; everything is saved.",
                summary.steps, self.steps
            ));
        }
        if !health.is_empty() {
            say(format_args!("Something is wrong with this run (`gan doctor` looks closer):"));
            health.iter().for_each(|diagnosis| say(format_args!("{}", lines(diagnosis))));
        }
        say(format_args!("  report:    {}", folder.path().join("report.html").display()));
        say(format_args!("  samples:   {}", folder.sample_path(summary.steps).display()));
        for model in &summary.models {
            let name = model.trim_end_matches(".safetensors");
            say(format_args!(
                "  {:<10} {}",
                format!("{name}:"),
                folder.model_path(summary.steps, model).display()
            ));
        }
        let path = quoted(&folder.path().display().to_string());
        let of_each_class = if self.config.model.conditional.is_some() { " --per-class 10" } else { "" };
        let gan = program();
        if summary.complete {
            say(format_args!(
                "Next, make new images from it:\n  {gan} sample {path} --seed 1{of_each_class}"
            ));
        } else {
            say(format_args!(
                "Make new images from what it has learned:\n  {gan} sample {path} --seed 1{of_each_class}"
            ));
            say(format_args!("Go on with it:\n  {gan} resume {path}"));
        }
        text.trim_end().to_owned()
    }
}

/// What trains such a run again, from its own config.
fn command(config: &TrainConfig) -> String {
    let defaults = PartialConfig::of(&TrainConfig::default());
    let differs = |(key, value): &(&'static str, &toml::Value)| defaults.get(key) != Some(*value);
    let settings = PartialConfig::of(config);
    let flags = settings.iter().filter(differs).map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), quoted);
        format!(" --{} {value}", key.replace('_', "-"))
    });
    format!("gan train --recipe none{}", flags.collect::<String>())
}

/// The class of conditional networks that know only one.
fn only_class(model: &ModelConfig) -> Option<&str> {
    match model.classes.as_slice() {
        [class] if model.conditional.is_some() => Some(class),
        _ => None,
    }
}

/// What was counted in the last samples.
fn measured(measure: &Number) -> String {
    let Number { name, kind, value, .. } = measure;
    match kind {
        Kind::Count { of } => format!("Last samples: {name} {value:.0} of {of}."),
        Kind::Share => format!("Last samples: {name} {:.1} %.", value * 100.0),
        _ => format!("Last samples: {name} {value:.4}."),
    }
}

/// Whether training waits for images so much that it is worth a word, and went on for long enough to say so.
fn images_are_slow(waiting: f64, steps: u64, seconds: f64) -> bool {
    waiting > LONG_WAIT && steps >= ENOUGH_STEPS && seconds >= ENOUGH_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_models::{Architecture, Conditional};

    #[test]
    fn a_wait_for_images_is_told_only_of_a_run_that_was_long_enough() {
        assert!(images_are_slow(0.3, 500, 60.0));
        assert!(!images_are_slow(0.05, 500, 60.0), "it hardly waits");
        assert!(!images_are_slow(0.6, 12, 60.0), "the first batches");
        assert!(!images_are_slow(0.6, 500, 1.0), "the first second");
    }

    #[test]
    fn conditional_networks_of_one_class_are_found() {
        let model = |conditional, classes: &[&str]| ModelConfig {
            conditional,
            classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            ..ModelConfig::new(Architecture::Dcgan, 3, 32, 32)
        };
        assert_eq!(only_class(&model(Some(Conditional::Concat), &["cats"])), Some("cats"));
        assert_eq!(only_class(&model(Some(Conditional::Concat), &["cats", "dogs"])), None);
        assert_eq!(only_class(&model(None, &[])), None);
    }
}
