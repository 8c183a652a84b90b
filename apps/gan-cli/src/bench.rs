//! `gan bench`: how fast this machine trains, samples and loads data.

mod profile;
mod random_images;
mod report;

pub use profile::Profile;

use crate::args::{Bench, BenchDataFlags, BenchFlags};
use crate::failure::Failure;
use crate::progress::watch;
use crate::{configure, device};
use candle_core::Device;
use gan_data::{Dataset, Split};
use gan_models::{Context, ModelConfig};
use gan_train::config::NO_RECIPE;
use gan_train::{Gan, ImageSize, Moment, System, TrainConfig, data};
use random_images::RandomImages;
use report::{BenchReport, Work};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::trace_span;

/// Batches of random images: the loader shuffles, and so must not have to hand out the same one each time.
const RANDOM_BATCHES: usize = 4;
/// The most values in one tensor, 1 GiB of them. A step keeps dozens such tensors.
const LARGEST_TENSOR: f64 = (1u64 << 28) as f64;
/// Classes of random images, for networks that are told them.
const CLASSES: usize = 10;
/// Steps to time, unless `--steps` says how many.
const STEPS: usize = 7;
/// The longest time to ask for.
const MOST_SECONDS: f64 = 86_400.0;

pub fn run(what: &Bench, profile: Option<&Profile>) -> Result<(), Failure> {
    match what {
        Bench::Train(flags) => train(flags, profile),
        Bench::Sample(flags) => sample(flags, profile),
        Bench::Data(flags) => load(flags),
    }
}

/// The steps of `gan train`, from a loader and all.
fn train(flags: &BenchFlags, profile: Option<&Profile>) -> Result<(), Failure> {
    let job = Workload::new(flags)?;
    let mut gan = Gan::from_config(&job.config, &job.model, job.data.clone(), &job.device)?;
    let multiply_adds = gan.multiply_adds();

    let mut at = Moment { step: 0, rate: 1.0, seed: job.config.run.seed };
    let times = measure(flags, job.steps, profile, || {
        at.step += 1;
        gan.step(&at)?;
        Ok(())
    })?;
    // As `gan train` counts them: all that D learns from.
    let batches = job.config.objective.n_critic.saturating_mul(job.config.optimizers.accumulate);
    job.report("train", flags, profile, (&times, batches), multiply_adds)
}

/// The batches of `gan sample`, without the files.
fn sample(flags: &BenchFlags, profile: Option<&Profile>) -> Result<(), Failure> {
    let job = Workload::new(flags)?;
    let Workload { config, model, device, .. } = &job;
    let (seed, count) = (config.run.seed, config.batch_size());
    let generator = model.generator(seed, device)?;
    generator.params().freeze();
    let labels: Vec<u32> = (0..count as u32).map(|i| i % model.classes.len().max(1) as u32).collect();
    let classes = model.conditional.map(|_| labels.as_slice());
    let context = Context::eval().with_precision(config.machine.precision).of_classes(classes);
    let multiply_adds = generator.multiply_adds().iter().sum();

    let mut first = 0;
    let times = measure(flags, job.steps, profile, || {
        let draw = || model.latent_space().sample_from(seed, first, count, device);
        let latents = trace_span!("latents").in_scope(draw)?;
        let images = trace_span!("G forward").in_scope(|| generator.forward(&latents, &context))?;
        images.sum_all()?.to_scalar::<f32>()?; // waits for the device
        first += count as u64;
        Ok(())
    })?;
    job.report("sample", flags, profile, (&times, 1), multiply_adds)
}

/// Whole epochs, as a training run would load them. Here a step is a batch, and the first one counts.
fn load(flags: &BenchDataFlags) -> Result<(), Failure> {
    check_seconds(flags.min_seconds)?;
    let side = ImageSize { height: 64, width: 64 };
    let mut images = flags.images.given().clone();
    if !images.contains("image_size") {
        images.set("image_size", side)?;
    }
    let mut config = configure::for_data(flags.dataset.as_ref().unwrap_or(&flags.source), &images)?;
    config.data.batch_size = Some(flags.batch_size as usize);
    config.data.drop_last = Some(false);
    let config = config.resolve()?;
    let ImageSize { height, width } = config.image_size();
    let dataset = data::open(&config, Split::Train, &watch())?;
    let batch = config.batch_size().min(dataset.len());
    check_memory(batch, height as f64 * width as f64 * dataset.channels() as f64)?;
    let images = dataset.len() as f64;
    let mut loader = data::loader(&config, dataset, &Device::Cpu)?;

    let mut times = Vec::new();
    let mut epochs = 0.0;
    let started = Instant::now();
    while epochs == 0.0 || started.elapsed().as_secs_f64() < flags.min_seconds {
        for _ in 0..loader.batches_per_epoch() {
            let asked = Instant::now();
            loader.next_batch()?;
            times.push(asked.elapsed());
        }
        epochs += 1.0;
    }
    let seconds = started.elapsed().as_secs_f64();
    // The last batch of an epoch may be smaller, and some wait for others: whole epochs are what counts.
    BenchReport {
        images_per_second: epochs * images / seconds,
        threads: config.workers(),
        ..BenchReport::new("data", batch, &times)
    }
    .print(flags.json)
}

/// What `train` and `sample` are to compute, and where.
struct Workload {
    config: TrainConfig,
    model: ModelConfig,
    data: Arc<dyn Dataset>,
    /// To time.
    steps: usize,
    device: Device,
    which: String,
    threads: usize,
}

impl Workload {
    /// Refuses what makes no sense, and sets the number of threads.
    fn new(flags: &BenchFlags) -> Result<Self, Failure> {
        check_seconds(flags.min_seconds)?;
        let mut given = flags.settings.given().clone();
        let steps =
            given.get("steps").and_then(toml::Value::as_integer).map_or(STEPS, |steps| steps as usize);
        let chosen = flags.recipe.is_some() || flags.config.is_some();
        let names_data = chosen || given.contains("dataset");
        if !chosen {
            // What is left out is as in PyTorch's example: Adam with 2e-4, one update of D for one of G, no
            // average.
            let example = [("image_size", 64), ("base_width", 64), ("batch_size", 64)];
            for (key, value) in example {
                if !given.contains(key) {
                    given.set(key, value)?;
                }
            }
        }
        let recipe = if chosen { flags.recipe.as_deref() } else { Some(NO_RECIPE) };
        let (config, _) = configure::for_training(recipe, flags.config.as_deref(), &given)?;
        let (size, name) = (config.image_size(), config.data.dataset.as_str());
        let is_gray = config.is_of_points() || names_data && (name == "digits" || name.contains("mnist"));
        let channels = config.data.channels.unwrap_or(if is_gray { 1 } else { 3 });
        let classes = config.model.conditional.map(|_| CLASSES);
        let names: Vec<String> = (0..classes.unwrap_or(0)).map(|class| class.to_string()).collect();
        let model = config.model_config(channels, &names);
        model.validate()?;
        // The largest activations are those of the layers next to the image, at half its size, or the image itself.
        let values_a_pixel = (model.base_width as f64 / 4.0).max(channels as f64);
        check_memory(config.batch_size(), values_a_pixel * size.height as f64 * size.width as f64)?;

        let data: Arc<dyn Dataset> = match config.is_of_points() {
            true => data::open(&config, Split::Train, &watch())?, // drawing them costs nothing either
            false => {
                Arc::new(RandomImages::new(RANDOM_BATCHES * config.batch_size(), size, channels, classes))
            }
        };
        let threads = device::use_threads(config.machine.threads);
        let (device, which) = device::choose(&config.machine.device, config.machine.precision)?;
        Ok(Self { config, model, data, steps, device, which, threads })
    }

    /// Of steps that took so long, and as many batches each.
    fn report(
        self,
        what: &'static str,
        flags: &BenchFlags,
        profile: Option<&Profile>,
        (times, batches): (&[Duration], u64),
        multiply_adds: u64,
    ) -> Result<(), Failure> {
        // The peak of memory first: to find the ceiling takes memory of its own.
        let report = BenchReport::new(what, self.config.batch_size(), times);
        let operations = 2.0 * multiply_adds as f64 * self.config.batch_size() as f64;
        let cpu_threads = self.device.is_cpu().then_some(self.threads);
        let work = Some(Work::new(operations, report.step_ms_median, cpu_threads));
        let profile = profile.map(|profile| profile.rows(times));
        let images_per_second = report.images_per_second * batches as f64;
        let (device, threads) = (self.which, self.threads);
        BenchReport { images_per_second, device, threads, work, profile, ..report }.print(flags.json)
    }
}

/// How long each step took, the steps of the warm-up left out: `--steps` of them, and more until `--min-seconds`.
fn measure(
    flags: &BenchFlags,
    steps: usize,
    profile: Option<&Profile>,
    mut step: impl FnMut() -> Result<(), Failure>,
) -> Result<Vec<Duration>, Failure> {
    for _ in 0..flags.warmup {
        step()?;
    }
    if let Some(profile) = profile {
        profile.reset();
    }
    let mut times = Vec::new();
    let mut total = Duration::ZERO;
    while times.len() < steps || total.as_secs_f64() < flags.min_seconds {
        let started = Instant::now();
        step()?;
        let time = started.elapsed();
        times.push(time);
        total += time;
    }
    Ok(times)
}

fn check_seconds(seconds: f64) -> Result<(), Failure> {
    if (0.0..=MOST_SECONDS).contains(&seconds) {
        return Ok(());
    }
    Err(Failure::usage(format!("--min-seconds is {seconds}"), format!("use 0 to {MOST_SECONDS}")))
}

fn check_memory(batch: usize, values_an_image: f64) -> Result<(), Failure> {
    let most = (LARGEST_TENSOR / values_an_image).floor();
    if batch as f64 <= most {
        return Ok(());
    }
    Err(Failure::usage(
        format!("a batch of {batch} such images takes more memory than a benchmark should"),
        if most < 1.0 { "use smaller images".into() } else { format!("use --batch-size {most} or less") },
    ))
}
