//! Trains a classifier on one data set and says how well it reads others: whether the images of a conditional GAN are of
//! the class asked for, or what they are worth as training data.
//!
//! ```text
//! # How well does a classifier of real images read generated ones (CLASS/NUMBER.png)?
//! cargo run -p gan-eval --example classify -- --train mnist --data-dir DIR --test generated --test mnist
//! # Do generated images help where only 20 real ones of each class are known?
//! cargo run -p gan-eval --example classify -- --train mnist --data-dir DIR --per-class 20 --test mnist
//! cargo run -p gan-eval --example classify -- --train mnist --data-dir DIR --per-class 20 --also generated --test mnist
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;
use clap::{Parser, ValueEnum};
use gan_data::{
    Dataset, ExportFormat, ExportOptions, OnBadImage, OpenOptions, ProgressCallback, Source, Split,
    Transforms, export,
};
use gan_eval::{
    Accuracy, ClassMap, Classifier, ClassifierConfig, Concat, Part, Result, Subset, TrainOptions,
};

/// Trains a classifier on one data set, and prints how many images of others it reads right, in percent.
#[derive(Parser)]
struct Args {
    /// What to learn from: the training images of a data set, by name or path, as `gan train --dataset` takes them.
    #[arg(long)]
    train: String,
    /// What to read, by name or path. May be given more than once.
    #[arg(long, required_unless_present = "write_subset")]
    test: Vec<String>,
    /// Which part of the data sets to read; where a folder is not divided, it is all of it.
    #[arg(long, value_enum, default_value = "test")]
    test_split: Images,
    /// Where the files of data sets that are known by name are.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Learn from the first so many images of each class only.
    #[arg(long)]
    per_class: Option<usize>,
    /// Write the images to learn from into this folder, CLASS/NUMBER.png, and end.
    #[arg(long)]
    write_subset: Option<PathBuf>,
    /// Also learn from the training images of this data set, by name or path. May be given more than once.
    #[arg(long)]
    also: Vec<String>,
    /// The share of each batch that comes from --also, 0 to 1.
    #[arg(long, default_value_t = 0.5)]
    also_weight: f64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// How many classifiers to train, each from another seed.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Batches of 64 images that each learns from.
    #[arg(long, default_value_t = 2000)]
    steps: u64,
    /// Height and width to which images are brought, pixels.
    #[arg(long, default_value_t = 32)]
    image_size: usize,
}

/// A part of a data set.
#[derive(Clone, Copy, ValueEnum)]
enum Images {
    /// The images to learn from.
    Train,
    /// The images held back.
    Test,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\nhelp: {}", error.hint());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]
fn run(args: &Args) -> Result<()> {
    let known = args.open(&args.train, Split::Train)?;
    let known: Arc<dyn Dataset> = match args.per_class {
        Some(count) => Arc::new(Subset::first_of_each_class(known, count)?),
        None => known,
    };
    if let Some(folder) = &args.write_subset {
        let written = write(known.as_ref(), folder)?;
        println!("{written} images of {} written to {}", known.name(), folder.display());
        return Ok(());
    }
    let classes = ClassMap::of(known.as_ref())?;
    let mut config = ClassifierConfig::new(known.channels(), classes.clone());
    config.side = args.image_size;
    println!("learning from {}: {} images of {} classes", known.name(), known.len(), classes.count());
    let parts = args.parts(known, &classes)?;
    let split = match args.test_split {
        Images::Train => Split::Train,
        Images::Test => Split::Test,
    };
    // With the classes of what is learned from: what does not fit is refused before anything is learned.
    let open_test = |name: &String| Ok(Arc::new(Concat::new(&classes, vec![args.open(name, split)?])?));
    let tests = args.test.iter().map(open_test).collect::<Result<Vec<_>>>()?;

    let mut read = vec![Vec::new(); tests.len()];
    for seed in (0..args.seeds).map(|number| args.first_seed.wrapping_add(number)) {
        let start = Instant::now();
        let mut classifier = Classifier::new(config.clone(), seed, &Device::Cpu)?;
        classifier.train(&parts, &TrainOptions { steps: args.steps, seed, ..TrainOptions::default() })?;
        println!("seed {seed}: {} steps in {:.0} s", args.steps, start.elapsed().as_secs_f64());
        for (test, read) in tests.iter().zip(&mut read) {
            let accuracy = classifier.accuracy(test.clone())?;
            let Accuracy { correct, total, .. } = accuracy;
            println!("  {}: {:.2} % ({correct} of {total})", test.name(), accuracy.percent());
            read.push(accuracy);
        }
    }
    for (test, read) in tests.iter().zip(&read) {
        report(test.name(), read, &classes);
    }
    Ok(())
}

impl Args {
    fn open(&self, name: &str, split: Split) -> Result<Arc<dyn Dataset>> {
        let size = self.image_size.max(16); // nothing can be drawn on fewer pixels
        let options = OpenOptions { split, size, ..OpenOptions::default() };
        Ok(Source::find(name, self.data_dir.as_deref())?.open(&options)?)
    }

    /// What a classifier learns from, with shares.
    #[expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]
    fn parts(&self, known: Arc<dyn Dataset>, classes: &ClassMap) -> Result<Vec<Part>> {
        if self.also.is_empty() {
            return Ok(vec![Part::whole(known)]);
        }
        let sets = self.also.iter().map(|name| self.open(name, Split::Train)).collect::<Result<Vec<_>>>()?;
        let more = Arc::new(Concat::new(classes, sets)?);
        let (name, count, percent) = (more.name(), more.len(), 100.0 * self.also_weight);
        println!("and from {name}: {count} images, {percent:.0} % of each batch");
        let part = |data, share| Part { data, share };
        Ok(vec![part(known, 1.0 - self.also_weight), part(more, self.also_weight)])
    }
}

fn write(dataset: &dyn Dataset, folder: &Path) -> Result<usize> {
    let options = ExportOptions {
        format: ExportFormat::Folder,
        split: Split::Train,
        count: None,
        transforms: Transforms::default(),
        on_bad_image: OnBadImage::Stop,
        watch: ProgressCallback::default(),
    };
    Ok(export(dataset, folder, &options)?)
}

/// Mean and spread over the seeds, and the classes of the last one.
#[expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]
fn report(name: &str, read: &[Accuracy], classes: &ClassMap) {
    let Some(last) = read.last() else { return };
    let count = read.len() as f64;
    let mean = read.iter().map(Accuracy::percent).sum::<f64>() / count;
    let squares: f64 = read.iter().map(|accuracy| (accuracy.percent() - mean).powi(2)).sum();
    let spread = match read.len() {
        1 => String::new(),
        _ => format!(", standard deviation {:.2}", (squares / (count - 1.0)).sqrt()),
    };
    println!("{name}: {mean:.2} % on average of {count}{spread}");
    let of_class = |(label, &(correct, total)): (usize, &(usize, usize))| match total {
        0 => format!("{} -", classes.name(label)),
        _ => format!("{} {:.1}", classes.name(label), 100.0 * correct as f64 / total as f64),
    };
    let of_classes: Vec<String> = last.per_class.iter().enumerate().map(of_class).collect();
    println!("  classes of the last: {}", of_classes.join(", "));
}
