//! The command line.

mod latent;
mod settings;

use crate::generator_choice::{CheckpointChoice, Weights};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use gan_data::{ExportFormat, Split};
use gan_eval::{FeatureKind, Measures};
pub use latent::{ChoiceFlags, DirectionsFlags, InterpolateFlags, PictureFlags, ProjectFlags, WalkFlags};
pub use settings::{ImageSettings, Settings};
use std::path::PathBuf;
use std::str::FromStr;
use strum::VariantNames;

/// Train, sample and show GANs.
#[derive(Parser)]
#[command(name = "gan", version, about, propagate_version = true)]
pub struct Gan {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Train a GAN; without a flag, a DCGAN on the embedded digits
    #[command(allow_negative_numbers = true)]
    Train(Box<TrainFlags>),
    /// Go on with a run from its newest checkpoint, to the same bits as if it had never stopped
    #[command(allow_negative_numbers = true)]
    Resume(Box<ResumeFlags>),
    /// Make images from a trained generator
    #[command(allow_negative_numbers = true)]
    Sample(SampleFlags),
    /// Lead from one image of a generator to the next, or from class to class: a picture or a film
    #[command(allow_negative_numbers = true)]
    Interpolate(InterpolateFlags),
    /// Make a film of a closed walk through the images of a generator
    #[command(allow_negative_numbers = true)]
    Walk(WalkFlags),
    /// Find the latent of a generator whose image is nearest to an image
    #[command(allow_negative_numbers = true)]
    Project(ProjectFlags),
    /// Show the directions of a latent space in which images change most (SeFa)
    #[command(allow_negative_numbers = true)]
    Directions(DirectionsFlags),
    /// Measure how good images are: of runs, of generator files, or in folders
    Eval(EvalFlags),
    /// Say what the discriminator of a run makes of images: how real it takes each to be
    Score(ScoreFlags),
    /// Say what is wrong with a run, if anything is, and what to do
    Doctor(DoctorFlags),
    /// Write the page of a run (report.html), or of several side by side
    Report(ReportFlags),
    /// Show a run, or a folder of runs, live in a browser
    Watch(WatchFlags),
    /// List the runs of a folder: data, networks, state, best score, and the settings in which they differ
    Runs(RunsFlags),
    /// Print the numbers of a run as CSV
    Log(LogFlags),
    /// Make a film of a run: the same latents over its steps
    Film(FilmFlags),
    /// Say what a run, a checkpoint or a safetensors file is, and whether it is whole
    Inspect(InspectFlags),
    /// Look at a data set, show it, or write it to files
    #[command(subcommand)]
    Data(Box<Data>),
    /// List the recipes: named settings for `gan train --recipe NAME`
    Recipes(RecipesFlags),
    /// Time training, sampling or loading data on this machine
    #[command(subcommand)]
    Bench(Bench),
}

impl Command {
    /// Whether somebody has to listen to the spans of a step.
    pub fn wants_profile(&self) -> bool {
        matches!(self, Command::Bench(Bench::Train(flags) | Bench::Sample(flags)) if flags.profile)
    }
}

#[derive(Args)]
pub struct TrainFlags {
    /// Begin from named settings (see `gan recipes`), or none [default: those of the data set, if it has
    /// some]
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub recipe: Option<String>,
    /// Begin from a config file (every run folder holds one; docs/settings.md has the keys)
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// Go on with the run in a folder (see `gan resume`)
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "config", "out"])]
    pub resume: Option<PathBuf>,
    /// With --resume: go on even if the networks, the data or other settings have changed
    #[arg(long, requires = "resume", hide_short_help = true)]
    pub force: bool,
    #[command(flatten)]
    pub settings: Settings,
    /// Folder for the results [default: the next number under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write TensorBoard's event files too, into tensorboard/ in the run folder, whenever its page is written
    #[arg(long, conflicts_with = "resume", hide_short_help = true)]
    pub tensorboard: bool,
    /// Check everything and say what would be done, but do not train
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct ResumeFlags {
    /// A run folder, or one of its checkpoints
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Go on even if the networks, the data or other settings have changed
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub settings: Settings,
    /// Check everything and say what would be done, but do not train
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct RecipesFlags {
    /// Show this one as a config file, with all that it means
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Args)]
pub struct InspectFlags {
    /// A run folder, one of its checkpoints, or a safetensors file
    #[arg(value_name = "FILE_OR_RUN")]
    pub path: PathBuf,
}

#[derive(Args)]
pub struct ScoreFlags {
    /// A run folder, or one of its checkpoints
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// A folder of images, an archive, or the name of a data set
    #[arg(value_name = "IMAGES")]
    pub images: String,
    /// Which checkpoint of a run: best, latest, or the number of a step
    #[arg(long, default_value = "latest", value_name = "best|latest|STEP")]
    pub checkpoint: CheckpointChoice,
    /// Score no more images than this
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Write a table of all: image, probability, logit
    #[arg(long, value_name = "FILE.csv", conflicts_with = "json")]
    pub csv: Option<PathBuf>,
    /// Print JSON: a line for each image
    #[arg(long)]
    pub json: bool,
    /// Write a sheet of up to 64 of them, from what D takes for most real
    #[arg(long, value_name = "FILE.png")]
    pub sheet: Option<PathBuf>,
    /// Threads to compute on [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(Args)]
pub struct DoctorFlags {
    /// Run folders
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Images to make and look at; five times as many real ones are looked at, or all
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Look at the numbers of the log alone, not at samples
    #[arg(long)]
    pub log_only: bool,
    /// Print JSON: a line for each run
    #[arg(long)]
    pub json: bool,
    /// Threads to compute on [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(Args)]
pub struct ReportFlags {
    /// Run folders
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// One page of all of them: the settings in which they differ, their scores, grids and curves
    #[arg(long)]
    pub compare: bool,
    /// The page of --compare
    #[arg(long, default_value = "comparison.html", value_name = "FILE.html", requires = "compare")]
    pub out: PathBuf,
    /// Write TensorBoard's event files too, into tensorboard/ in each run folder
    #[arg(long, conflicts_with = "compare")]
    pub tensorboard: bool,
}

#[derive(Args)]
pub struct WatchFlags {
    /// A run folder, or a folder of runs [default: runs]
    #[arg(value_name = "RUN|DIR")]
    pub folder: Option<PathBuf>,
    /// The port to listen on, of this computer alone
    #[arg(long, default_value_t = 7878, value_name = "N")]
    pub port: u16,
}

#[derive(Args)]
pub struct RunsFlags {
    /// The folder that they are in [default: runs]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

#[derive(Args)]
pub struct LogFlags {
    /// A run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Write it to a file
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
}

#[derive(Args)]
pub struct FilmFlags {
    /// A run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The film: .gif, .apng or .webp
    #[arg(long, default_value = "film.gif", value_name = "FILE")]
    pub out: PathBuf,
    /// Which pictures, of a run that has several: the name behind the step
    #[arg(long, default_value = "", value_name = "NAME", hide_default_value = true)]
    pub name: String,
}

#[derive(Args)]
pub struct SampleFlags {
    /// A run folder, one of its checkpoints, or a generator file
    #[arg(value_name = "RUN_OR_FILE")]
    pub model: PathBuf,
    /// Which checkpoint of a run: best (by its score; the latest, where nothing was measured), latest, or the
    /// number of a step
    #[arg(long, default_value = "best", value_name = "best|latest|STEP")]
    pub checkpoint: CheckpointChoice,
    /// Images to make; a conditional generator makes one class after the other, over and over
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub count: u32,
    /// Of a conditional generator: images of this class only, by name or number
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Of a conditional generator: so many images of each class, a row each
    #[arg(long, value_name = "N", conflicts_with_all = ["count", "class"])]
    pub per_class: Option<u32>,
    /// The same seed makes the same images
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Draw numbers of the latents that are beyond PSI again: fewer odd images, and less variety. Below 1
    /// many generators make faint images
    #[arg(long, value_name = "PSI")]
    pub truncation: Option<f64>,
    /// FILE.png for one grid, DIR/ for single images [default: samples-seedN.png]
    #[arg(long, value_name = "FILE.png|DIR/")]
    pub out: Option<PathBuf>,
    /// Write single images into a folder that is not empty: those of the same numbers are replaced, all else
    /// stays
    #[arg(long)]
    pub force: bool,
    /// Write a data set in place of a grid, with labels if the generator is conditional: CLASS/NUMBER.png
    /// (folder), or gray images and labels in IDX files like MNIST's (idx) [default of --out: samples-seedN/]
    #[arg(long, value_parser = named::<ExportFormat>())]
    pub format: Option<ExportFormat>,
    /// The average of the generator's weights, if the run kept one (ema), or those of the last step (raw,
    /// from a run folder)
    #[arg(long, default_value = "ema", value_parser = named::<Weights>())]
    pub weights: Weights,
    /// Threads to compute on [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
}

#[derive(Args)]
pub struct EvalFlags {
    /// Run folders, checkpoints, generator files, or images: a folder, an archive, the name of a data set
    #[arg(value_name = "RUN|FILE|IMAGES", required = true)]
    pub subjects: Vec<PathBuf>,
    /// The real images to compare with, or pytorch-fid's statistics of them (FILE.npz) [default: those that
    /// the first run has learned from]
    #[arg(long, value_name = "SOURCE")]
    pub against: Option<String>,
    /// Which part of them
    #[arg(long, default_value = "train", value_parser = named::<Split>())]
    pub split: Split,
    /// What is measured, any of fd,kid,prdc,is,classes,copies
    #[arg(long, default_value = "fd,kid,prdc", value_name = "MEASURES")]
    pub metrics: Measures,
    /// The features that distances are of: digits (a classifier of digits), classifier (one that learns from
    /// the labelled real images first), random (convolutions that have learned nothing), lite0
    /// (EfficientNet-Lite0) or inception (of the FID) [default: what suits the real images]
    #[arg(long, value_parser = named::<FeatureKind>())]
    pub features: Option<FeatureKind>,
    /// The weights of lite0 or inception, a safetensors file [default: those of lite0 from the hub]
    #[arg(long, value_name = "FILE")]
    pub feature_weights: Option<PathBuf>,
    /// Images of each side; all, where there are fewer
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub count: u32,
    /// Which checkpoint of a run: best, latest, or the number of a step
    #[arg(long, default_value = "best", value_name = "best|latest|STEP")]
    pub checkpoint: CheckpointChoice,
    /// The average of the generator's weights, if the run kept one (ema), or those of the last step (raw)
    #[arg(long, default_value = "ema", value_parser = named::<Weights>())]
    pub weights: Weights,
    /// The same seed makes the same images
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Print JSON: a line for each subject
    #[arg(long)]
    pub json: bool,
    /// Threads to compute on [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
}

#[derive(Subcommand)]
pub enum Data {
    /// Read every image: what there is, what is broken or odd, and how to train on it
    #[command(allow_negative_numbers = true)]
    Check(DataFlags),
    /// Write a grid of the images as the discriminator will see them
    #[command(allow_negative_numbers = true)]
    Preview {
        #[command(flatten)]
        flags: DataFlags,
        /// Images in the grid
        #[arg(long, default_value_t = 64, value_name = "N")]
        count: u32,
        /// The grid
        #[arg(long, default_value = "preview.png", value_name = "FILE.png")]
        out: PathBuf,
    },
    /// Write the images to files: a folder of PNGs, or IDX files like MNIST's
    #[command(allow_negative_numbers = true)]
    Export {
        #[command(flatten)]
        flags: DataFlags,
        /// Folder for the files; it must not exist or be empty
        #[arg(value_name = "DIR")]
        out: PathBuf,
        /// folder: CLASS/NUMBER.png; idx: gray images of one size
        #[arg(long, default_value = "folder", value_parser = named::<ExportFormat>())]
        format: ExportFormat,
        /// No more images than this
        #[arg(long, value_name = "N")]
        count: Option<u32>,
    },
}

#[derive(Args)]
pub struct DataFlags {
    /// As for `gan train --dataset`: digits, shapes, mnist, fashion-mnist, cifar10, cifar100, stl10,
    /// kmnist, qmnist, emnist-letters and so on, PATH, hub:OWNER/NAME
    pub source: String,
    /// Which part of it
    #[arg(long, default_value = "train", value_parser = named::<Split>())]
    pub split: Split,
    #[command(flatten)]
    pub images: ImageSettings,
}

#[derive(Subcommand)]
pub enum Bench {
    /// Time training steps of any run of `gan train`, on random images [default: PyTorch's DCGAN at 64x64]
    #[command(allow_negative_numbers = true)]
    Train(Box<BenchFlags>),
    /// Time the generator of such a run making images
    #[command(allow_negative_numbers = true)]
    Sample(Box<BenchFlags>),
    /// Time whole epochs of a data set, from the first batch
    #[command(allow_negative_numbers = true)]
    Data(Box<BenchDataFlags>),
}

/// What `gan bench train` and `gan bench sample` share. Of the settings of a run, `--steps` is how many to
/// time.
#[derive(Args)]
pub struct BenchFlags {
    /// Begin from named settings (see `gan recipes`)
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub recipe: Option<String>,
    /// Begin from a config file
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub settings: Settings,
    /// Steps before them that do not count
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub warmup: u32,
    /// Go on past --steps until so much time was measured
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    pub min_seconds: f64,
    /// Show where the time of a step goes
    #[arg(long)]
    pub profile: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct BenchDataFlags {
    /// As for `gan train --dataset`
    #[arg(default_value = "digits")]
    pub source: String,
    /// The same, by name
    #[arg(long, value_name = "SOURCE", conflicts_with = "source")]
    pub dataset: Option<String>,
    #[command(flatten)]
    pub images: ImageSettings,
    /// Images in a batch
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub batch_size: u32,
    /// Begin another epoch until so much time was measured
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    pub min_seconds: f64,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// The value of a name.
fn named<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync> + VariantNames + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(T::VARIANTS).try_map(|name| name.parse())
}
