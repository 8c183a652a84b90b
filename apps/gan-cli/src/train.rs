//! `gan train`.

use crate::args::TrainFlags;
use crate::failure::Failure;
use crate::progress::{Steps, watch};
use crate::{configure, device};
use gan_data::Split;
use gan_train::{RunDir, data, run};
use std::time::Instant;

/// A part of the time that is worth a word.
const LONG_WAIT: f64 = 0.1;

pub fn run(flags: &TrainFlags) -> Result<(), Failure> {
    let config = configure::for_training(flags)?;
    gan_ops::set_threads(config.threads.unwrap_or_else(cores));
    let (device, which) = device::choose(&config.device, config.precision)?;
    let dataset = data::open(&config, Split::Train, &watch())?;
    let model = config.model_config(dataset.channels());
    model.validate()?;
    let steps = config.total_steps(data::loader(&config, dataset.clone(), &device)?.batches_per_epoch());

    println!("device:  {which}");
    println!("data:    {}, {}", dataset.name(), images(dataset.len()));
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
    let mut progress = Steps::new(steps, config.log_every);
    let started = Instant::now();
    let summary = run::train(&config, dataset, &folder, &device, &mut |stats| progress.step(stats))?;
    progress.finish();

    let seconds = started.elapsed().as_secs_f64();
    println!(
        "\nTrained {} steps in {seconds:.0} s ({:.0} images/s, {:.1} % of the time waiting for images).",
        summary.steps,
        summary.images_per_second,
        summary.waiting * 100.0
    );
    if summary.waiting > LONG_WAIT {
        println!(
            "  Images come too slowly: --cache ram or disk reads them once, --workers N with more threads."
        );
    }
    if summary.bad_images > 0 {
        println!("Skipped {} that could not be read.", images(summary.bad_images));
    }
    println!("  samples:   {}", folder.sample_path(summary.steps).display());
    println!("  generator: {}", folder.generator_path(summary.steps).display());
    println!("Next, make new images from it:\n  {} sample {} --seed 1", program(), folder.path().display());
    Ok(())
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
