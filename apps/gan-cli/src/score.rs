//! `gan score`: what a discriminator says of images.

use crate::args::ScoreFlags;
use crate::as_trained::as_run;
use crate::configure;
use crate::device;
use crate::eval::tell;
use crate::failure::Failure;
use crate::generator_choice::discriminator;
use crate::progress::watch;
use crate::words::images;
use candle_core::Tensor;
use gan_data::{Dataset, Image, Split, make_grid};
use gan_models::{Context, Discriminator, probability};
use gan_ops::Precision;
use gan_rng::Stream;
use gan_train::{GanLoss, PartialConfig, RunDir, data};
use serde::Serialize;
use std::sync::Arc;

/// Images that are judged at once.
const BATCH: usize = 50;
/// Images of a sheet, and how many stand in a row.
const SHEET: usize = 64;
const COLUMNS: usize = 8;

/// What D says of an image.
#[derive(Serialize)]
struct ImageScore {
    image: String,
    /// Of being real, if D was trained to say one.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    logit: f64,
    #[serde(skip)]
    pixels: Tensor,
}

pub fn run(flags: &ScoreFlags) -> Result<(), Failure> {
    device::use_threads(flags.threads);
    let (device, _) = device::choose("cpu", Precision::F32)?;
    let discriminator = discriminator(&flags.run, flags.checkpoint, &device)?;
    let mut config = as_run(RunDir::of(&flags.run).0)?;
    config.data.channels = discriminator.model().map(|model| model.channels); // whatever the images have
    let source = configure::for_data(&flags.images, &PartialConfig::default())?;
    if config.is_of_points() {
        return Err(Failure::usage(
            format!("the discriminator of {} judges points of the plane, not images", flags.run.display()),
            "score images with a run that has learned from images",
        ));
    }
    let data = data::open(&source, Split::Train, &watch())?;
    let has_probabilities = config.objective.loss.has_probabilities();
    let count = data.len().min(flags.count as usize);
    let (transforms, watch) = (data::transforms(&config), watch());
    let (mut all, mut skipped) = (Vec::with_capacity(count), 0);
    for first in (0..count).step_by(BATCH) {
        let mut batch = Batch::default();
        for index in first..count.min(first + BATCH) {
            // Nothing of these transforms is random.
            let mut stream = Stream::new(0, "score", index as u64);
            let sample = data.get(index);
            match sample.and_then(|it| Ok((transforms.apply(it.image, &mut stream)?, it.label))) {
                Ok((image, label)) => batch.add(data.describe(index), image, label),
                Err(error) => {
                    skipped += 1;
                    tracing::warn!("{} is left out: {error}", data.describe(index));
                }
            }
        }
        if batch.names.is_empty() {
            continue;
        }
        let pixels = transforms.to_tensor(&batch.images, &device)?;
        let logits = logits(discriminator.as_ref(), &pixels, &batch.labels, &data)?;
        let probabilities = probability(&logits)?.to_vec1::<f32>()?;
        let logits = logits.to_vec1::<f32>()?;
        for (at, image) in batch.names.into_iter().enumerate() {
            let probability = has_probabilities.then(|| f64::from(probabilities[at]));
            let pixels = pixels.narrow(0, at, 1)?;
            all.push(ImageScore { image, probability, logit: f64::from(logits[at]), pixels });
        }
        tell(&watch, "scoring images", all.len() + skipped, count);
    }
    // From the most real one; equal ones as they came.
    all.sort_by(|a, b| b.logit.total_cmp(&a.logit));
    show(flags, &all, skipped, data.as_ref())
}

/// Images that are judged together.
#[derive(Default)]
struct Batch {
    names: Vec<String>,
    images: Vec<Image>,
    labels: Vec<Option<u32>>,
}

impl Batch {
    fn add(&mut self, name: String, image: Image, label: Option<u32>) {
        self.names.push(name);
        self.images.push(image);
        self.labels.push(label);
    }
}

/// images `[N, C, H, W]` -> logits `[N]`; of patches the mean.
fn logits(
    discriminator: &dyn Discriminator,
    images: &Tensor,
    labels: &[Option<u32>],
    data: &Arc<dyn Dataset>,
) -> Result<Tensor, Failure> {
    let is_conditional = discriminator.model().is_some_and(|model| model.conditional.is_some());
    let classes: Option<Vec<u32>> = labels.iter().copied().collect();
    let classes = match (is_conditional, classes) {
        (false, _) => None,
        (true, Some(classes)) => Some(classes),
        (true, None) => {
            return Err(Failure::usage(
                format!(
                    "this discriminator judges images of a class, and those of {} have none",
                    data.name()
                ),
                "put them into a folder for each class, in the order of the classes of the run",
            ));
        }
    };
    let output = discriminator.forward(images, &Context::eval().of_classes(classes.as_deref()))?;
    let count = images.dim(0)?;
    let mut sum = Tensor::zeros(count, candle_core::DType::F32, images.device())?;
    for logits in &output.logits {
        sum = (sum + logits.reshape((count, ()))?.mean(1)?)?;
    }
    Ok((sum / output.logits.len() as f64)?)
}

fn show(flags: &ScoreFlags, all: &[ImageScore], skipped: usize, data: &dyn Dataset) -> Result<(), Failure> {
    if all.is_empty() {
        return Err(Failure::other(
            format!("none of the {} could be read", images(skipped)),
            "gan data check names what is wrong with each",
        ));
    }
    let cannot_write = |path: &std::path::Path, error: &dyn std::fmt::Display| {
        Failure::other(
            format!("cannot write {}: {error}", path.display()),
            "choose a file that can be written",
        )
    };
    if flags.json {
        for judged in all {
            let line = serde_json::to_string(judged);
            println!("{}", line.map_err(|error| Failure::other(error, "please report it"))?);
        }
    } else if let Some(path) = &flags.csv {
        let write = || -> csv::Result<()> {
            let mut table = csv::Writer::from_path(path)?;
            table.write_record(["image", "probability", "logit"])?;
            for ImageScore { image, probability, logit, .. } in all {
                let probability = probability.map(|it| it.to_string()).unwrap_or_default();
                table.write_record([image, &probability, &logit.to_string()])?;
            }
            Ok(table.flush()?)
        };
        write().map_err(|error| cannot_write(path, &error))?;
        println!("{}", path.display());
    } else {
        println!("{}, from what D takes for most real:", data.name());
        for ImageScore { image, probability, logit, .. } in all {
            let probability = probability.map(|it| format!("{:>7.2} %", it * 100.0)).unwrap_or_default();
            println!("{probability}  {logit:>9.3}  {image}");
        }
    }
    if let Some(path) = &flags.sheet {
        // Where there are too many, what lies between is left out evenly.
        let shown = all.len().min(SHEET);
        let pick = |i: usize| all[i * (all.len() - 1) / (shown - 1).max(1)].pixels.clone();
        let sheet = make_grid(&Tensor::cat(&(0..shown).map(pick).collect::<Vec<_>>(), 0)?, COLUMNS)?;
        sheet.save_png(path).map_err(|error| cannot_write(path, &error))?;
        println!("{}", path.display());
    }
    Ok(())
}
