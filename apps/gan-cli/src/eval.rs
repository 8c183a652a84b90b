//! `gan eval`: how good are these images?

use crate::args::EvalFlags;
use crate::as_trained::as_trained;
use crate::configure;
use crate::device;
use crate::failure::Failure;
use crate::generator_choice::{Chosen, choose};
use crate::progress::watch;
use candle_core::Device;
use gan_data::{Dataset, Progress, ProgressCallback, Unit};
use gan_eval::metrics::{Gaussian, Moments, frechet_distance};
use gan_eval::{Cache, Extracted, FeatureExtractor, FeatureKind, Protocol, Reference, Score, ScoreKind};
use gan_models::{Context, Generator};
use gan_ops::Precision;
use gan_train::{PartialConfig, RunDir, TrainConfig, data, real_features};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Images that are made at once.
const BATCH: usize = 100;

pub fn run(flags: &EvalFlags) -> Result<(), Failure> {
    if flags.count == 0 {
        return Err(Failure::usage("--count is 0", "measure at least a few hundred images"));
    }
    device::use_threads(flags.threads);
    let (device, _) = device::choose(&flags.device, Precision::F32)?;
    let subjects: Result<Vec<Subject>, Failure> =
        flags.subjects.iter().map(|path| Subject::open(path, flags, &device)).collect();
    let subjects = subjects?;
    let watch = watch();
    if let Some(statistics) = flags.against.as_deref().filter(|source| source.ends_with(".npz")) {
        return against_statistics(Path::new(statistics), &subjects, flags, &device);
    }
    let real = Real::open(&subjects, flags)?;
    let kind = flags.features.unwrap_or(FeatureKind::for_dataset(real.data.name()));
    let extractor = kind.open_for(flags.feature_weights.as_deref(), &real.data, &watch)?;
    let extractor = extractor.as_ref();

    let features = if kind.takes_weights() {
        real.extract_once(extractor, flags, &watch)? // slow networks
    } else {
        real.extract(extractor, flags, &watch)?
    };
    let reference = Reference::new(features, &flags.split.to_string())?;
    let mut rows = Vec::new();
    for subject in &subjects {
        let fake = subject.extract(extractor, flags, &device, &watch)?;
        rows.push(Row {
            subject: &subject.name,
            scores: reference.measure(extractor, &fake, flags.metrics.list())?,
        });
    }
    match flags.json {
        true => rows.iter().try_for_each(|row| print_json(row)),
        false => {
            print_table(&rows, real.data.as_ref());
            Ok(())
        }
    }
}

/// Fréchet distances to statistics that somebody else has made of the real images, which are all that there
/// is of them.
fn against_statistics(
    path: &Path,
    subjects: &[Subject],
    flags: &EvalFlags,
    device: &Device,
) -> Result<(), Failure> {
    let statistics = Gaussian::of_npz(path)?;
    let kind = flags.features.unwrap_or(FeatureKind::Inception);
    let extractor = kind.open(flags.feature_weights.as_deref())?;
    if extractor.dim() != statistics.mean.len() {
        return Err(Failure::usage(
            format!(
                "{} is of features of {} numbers, and those of {} have {}",
                path.display(),
                statistics.mean.len(),
                extractor.name(),
                extractor.dim()
            ),
            "choose the --features that it was made with: inception has 2048, lite0 1280",
        ));
    }
    let mut rows = Vec::new();
    for subject in subjects {
        let fake = subject.extract(extractor.as_ref(), flags, device, &watch())?;
        let value = frechet_distance(&statistics, &Moments::of(&fake.features)?.gaussian()?)?;
        let protocol = Protocol::of(extractor.as_ref(), 0, fake.features.len(), &path.display().to_string());
        let score = Score { kind: ScoreKind::Fd, value, deviation: None, protocol, warning: None };
        rows.push(Row { subject: &subject.name, scores: vec![score] });
    }
    match flags.json {
        true => rows.iter().try_for_each(|row| print_json(row)),
        false => {
            println!(
                "real:     the statistics {} (only the Fréchet distance can be measured by them)",
                path.display()
            );
            rows.iter().for_each(print_row);
            Ok(())
        }
    }
}

/// What is measured.
struct Subject {
    name: String,
    what: What,
}

enum What {
    /// A generator, and the run that it is of.
    Generator(Box<Chosen>),
    Images(Arc<dyn Dataset>),
}

impl Subject {
    fn open(path: &Path, flags: &EvalFlags, device: &Device) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let is_file = path.extension().is_some_and(|extension| extension == "safetensors");
        if is_file || RunDir::expect_run(RunDir::of(path).0).is_ok() {
            let chosen = choose(path, flags.checkpoint, flags.weights, device)?;
            let name = chosen.because.as_ref().map_or(name.clone(), |because| format!("{name} ({because})"));
            return Ok(Self { name, what: What::Generator(Box::new(chosen)) });
        }
        let config = configure::for_data(&name, &PartialConfig::default())?;
        let data = data::open(&config, flags.split, &watch())?;
        Ok(Self { name, what: What::Images(data) })
    }

    fn extract(
        &self,
        extractor: &dyn FeatureExtractor,
        flags: &EvalFlags,
        device: &Device,
        watch: &ProgressCallback,
    ) -> Result<Extracted, Failure> {
        match &self.what {
            What::Images(data) => of_images(data.as_ref(), extractor, flags.count as usize, watch),
            What::Generator(chosen) => {
                generated(chosen, extractor, flags.seed, flags.count as usize, device, watch)
            }
        }
    }
}

/// Features of what a generator makes.
pub fn generated(
    chosen: &Chosen,
    extractor: &dyn FeatureExtractor,
    seed: u64,
    count: usize,
    device: &Device,
    watch: &ProgressCallback,
) -> Result<Extracted, Failure> {
    let mut found = Extracted::new(extractor);
    while found.features.len() < count {
        let first = found.features.len();
        found.push(extractor, &samples(chosen, seed, first, BATCH.min(count - first), device)?)?;
        tell(watch, "measuring generated images", found.features.len(), count);
    }
    Ok(found)
}

/// Images number `first`, `first + 1`, ... of a seed; of a conditional generator one class after the other,
/// over and over.
fn samples(
    chosen: &Chosen,
    seed: u64,
    first: usize,
    count: usize,
    device: &Device,
) -> Result<candle_core::Tensor, Failure> {
    let generator: &dyn Generator = chosen.generator.as_ref();
    let known = generator.class_names().len();
    let classes: Vec<u32> = (first..first + count).map(|number| (number % known.max(1)) as u32).collect();
    let classes = (known > 0).then_some(classes);
    let latents = generator.latent_space().sample_from(seed, first as u64, count, device)?;
    Ok(generator.forward(&latents, &Context::eval().of_classes(classes.as_deref()))?)
}

/// The real images, and how they are brought to what a generator makes, if there is one.
struct Real {
    data: Arc<dyn Dataset>,
    as_trained: Option<TrainConfig>,
}

impl Real {
    fn open(subjects: &[Subject], flags: &EvalFlags) -> Result<Self, Failure> {
        let generator = subjects.iter().find_map(|subject| match &subject.what {
            What::Generator(chosen) => Some(chosen.as_ref()),
            What::Images(_) => None,
        });
        let source = flags.against.as_deref().unwrap_or("digits");
        let as_trained = generator.map(|generator| as_trained(generator, source)).transpose()?;
        let against = match (&flags.against, generator) {
            (Some(source), _) => source.clone(),
            (None, Some(Chosen { run: Some(_), .. })) => {
                as_trained.as_ref().map(|config| config.data.dataset.clone()).unwrap_or_default()
            }
            (None, _) => {
                return Err(Failure::usage(
                    "there is nothing to compare these images with",
                    "name the real ones: --against digits, --against PATH",
                ));
            }
        };
        let config = match (&as_trained, &flags.against) {
            (Some(config), None) => config.clone().with_short_paths(),
            _ => configure::for_data(&against, &PartialConfig::default())?,
        };
        Ok(Self { data: data::open(&config, flags.split, &watch())?, as_trained })
    }

    fn extract(
        &self,
        extractor: &dyn FeatureExtractor,
        flags: &EvalFlags,
        watch: &ProgressCallback,
    ) -> Result<Extracted, Failure> {
        let Some(config) = &self.as_trained else {
            return of_images(self.data.as_ref(), extractor, flags.count as usize, watch);
        };
        let (count, total) = (flags.count as usize, self.data.len().min(flags.count as usize));
        let done = |done| tell(watch, "measuring real images", done, total);
        Ok(real_features(config, &self.data, extractor, count, done)?)
    }
}

impl Real {
    /// The same, or what was kept of an earlier measurement of the same images by the same network.
    fn extract_once(
        &self,
        extractor: &dyn FeatureExtractor,
        flags: &EvalFlags,
        watch: &ProgressCallback,
    ) -> Result<Extracted, Failure> {
        let Some(content) = Cache::content(self.data.as_ref()) else {
            return self.extract(extractor, flags, watch); // which says what is wrong
        };
        let count = self.data.len().min(flags.count as usize);
        let prepared = self.as_trained.as_ref().map(|config| {
            format!("{:?}, seed {}", data::transforms(config), config.run.seed) // the order is the seed's
        });
        let follows_from = format!("{count} {} {} {prepared:?}", extractor.digest(), extractor.resizer());
        let (cache, name) = (Cache::of_user(), Cache::name("features", &[&content, follows_from.as_bytes()]));
        let kept =
            cache.read(&name).and_then(|bytes| Extracted::of_bytes(&bytes, count, extractor.dim()).ok());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let found = self.extract(extractor, flags, watch)?;
        cache.keep(&name, &found.to_bytes()?);
        Ok(found)
    }
}

/// Features of images as they are, spread over a set that has more of them than are wanted.
fn of_images(
    data: &dyn Dataset,
    extractor: &dyn FeatureExtractor,
    count: usize,
    watch: &ProgressCallback,
) -> Result<Extracted, Failure> {
    let count = count.min(data.len());
    let mut found = Extracted::new(extractor);
    for first in (0..count).step_by(BATCH) {
        let part = first..count.min(first + BATCH);
        let images: gan_data::Result<Vec<_>> =
            part.map(|i| Ok(data.get(i * data.len() / count)?.image)).collect();
        found.push_images(extractor, &images?)?;
        tell(watch, "measuring images", found.features.len(), count);
    }
    Ok(found)
}

/// Tells how far such work is.
pub fn tell(watch: &ProgressCallback, what: &str, done: usize, total: usize) {
    watch.tell(Progress { what, done: done as u64, total: Some(total as u64), unit: Unit::Images });
}

#[derive(Serialize)]
struct Row<'a> {
    subject: &'a str,
    scores: Vec<Score>,
}

fn print_json(row: &Row<'_>) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(row).map_err(|error| Failure::other(error, "please report it"))?);
    Ok(())
}

fn print_table(rows: &[Row<'_>], real: &dyn Dataset) {
    let Some(Score { protocol, .. }) = rows.iter().find_map(|row| row.scores.first()) else { return };
    let Protocol { features, digest, resizer, n_real, split, .. } = protocol;
    println!("real:     {n_real} images of {} ({split})", real.name());
    println!("features: {features} (weights {}), images {resizer}", &digest[..digest.len().min(12)]);
    rows.iter().for_each(print_row);
}

fn print_row(row: &Row<'_>) {
    println!("\n{}, {} images", row.subject, row.scores[0].protocol.n_fake);
    for score in &row.scores {
        let Score { value, deviation, warning, .. } = score;
        let deviation = deviation.map(|deviation| format!(" ± {deviation:.4}")).unwrap_or_default();
        let warning = warning.as_ref().map(|warning| format!("   ({warning})")).unwrap_or_default();
        println!("  {:<17} {value:.4}{deviation}{warning}", score.title());
    }
}
