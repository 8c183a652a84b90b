//! `gan train`.

use crate::args::{Settings, TrainFlags};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{device, recipes};
use gan_train::{RunDir, TrainConfig, data, run};
use std::path::Path;
use std::time::Instant;

pub fn run(flags: &TrainFlags) -> Result<(), Failure> {
    let config = configure(flags)?;
    gan_ops::set_threads(config.threads.unwrap_or_else(cores));
    let (device, which) = device::choose(&config.device, config.precision)?;
    let dataset = data::open(&config)?;
    let model = config.model_config(dataset.channels());
    model.validate()?;
    let steps = config.total_steps(data::loader(&config, dataset.clone(), &device)?.batches_per_epoch());

    println!("device:  {which}");
    println!("data:    {}, {} images", dataset.name(), dataset.len());
    println!(
        "model:   {:?}, {}x{}x{} images, base width {}, latent {}",
        model.family, model.channels, model.height, model.width, model.base_width, model.latent_dim
    );
    println!("run:     {steps} steps of {} images, seed {}", config.batch_size(), config.seed);
    if flags.dry_run {
        let config = toml::to_string(&config).map_err(|error| Failure::other(error, "please report it"))?;
        println!("\n{config}\nNothing was trained or written: this was a dry run.");
        return Ok(());
    }

    let folder = RunDir::create(flags.out.as_deref(), &config)?;
    println!("results: {}\n", folder.path().display());
    let mut progress = Progress::new(steps, config.log_every);
    let started = Instant::now();
    let summary = run::train(&config, dataset, &folder, &device, &mut |stats| progress.step(stats))?;
    progress.finish();

    let seconds = started.elapsed().as_secs_f64();
    println!(
        "\nTrained {} steps in {seconds:.0} s ({:.0} images/s).",
        summary.steps, summary.images_per_second
    );
    println!("  samples:   {}", folder.sample_path(summary.steps).display());
    println!("  generator: {}", folder.generator_path(summary.steps).display());
    println!("Next, make new images from it:\n  {} sample {} --seed 1", program(), folder.path().display());
    Ok(())
}

/// The recipe or config file, overridden by the flags, with all that was left open filled in.
fn configure(flags: &TrainFlags) -> Result<TrainConfig, Failure> {
    let mut settings = match (&flags.recipe, &flags.config) {
        (Some(name), _) => parse(recipes::find(name)?, name)?,
        (None, Some(path)) => parse(&read(path)?, &path.display().to_string())?,
        (None, None) => match flags.settings.default_recipe() {
            Some((name, text)) => parse(text, name)?,
            None => toml::Table::new(),
        },
    };
    let overrides = as_table(&flags.settings)?;
    // Whichever of the two lengths a flag gives replaces both.
    if overrides.contains_key("steps") || overrides.contains_key("epochs") {
        settings.remove("steps");
        settings.remove("epochs");
    }
    settings.extend(overrides);
    let config: TrainConfig = settings.try_into().map_err(|error: toml::de::Error| {
        Failure::usage(error.message(), "see `gan train --help` for the settings")
    })?;
    Ok(config.resolve()?)
}

fn parse(text: &str, name: &str) -> Result<toml::Table, Failure> {
    let complain = |error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        Failure::usage(
            format!("{name}, line {line}: {message}"),
            "correct the config; each setting is a flag of `gan train --help`",
        )
    };
    TrainConfig::from_toml(text).map_err(complain)?; // here a wrong key or value still has its line
    text.parse().map_err(complain)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("cannot read the config {}: {error}", path.display()),
            "give a TOML file, such as the config.toml of a run folder",
        )
    })
}

fn as_table(settings: &Settings) -> Result<toml::Table, Failure> {
    toml::Table::try_from(settings).map_err(|error| Failure::usage(error, "see `gan train --help`"))
}

/// One thread a core.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How the person called this program, to name the next command.
pub fn program() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo run -p gan-cli --" } else { "gan" }
}
