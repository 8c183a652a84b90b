//! The command line.

use crate::recipes;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use gan_data::{ExportFormat, Split};
use gan_ops::Precision;
use gan_train::ImageSize;
use serde::Serialize;
use std::path::PathBuf;

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
    Sample(SampleFlags),
    /// Say what a run, a checkpoint or a safetensors file is, and whether it is whole
    Inspect(InspectFlags),
    /// Look at a data set, show it, or write it to files
    #[command(subcommand)]
    Data(Data),
    /// List the recipes: named settings for `gan train --recipe NAME`
    Recipes,
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
    /// Start from a named setting (see `gan recipes`) [default: that of the data set, if it has one]
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub recipe: Option<String>,
    /// Start from a config file (every run folder holds one)
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// Go on with the run in a folder (see `gan resume`)
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "config", "out"])]
    pub resume: Option<PathBuf>,
    /// With --resume: go on even if the networks, the data or other settings have changed
    #[arg(long, requires = "resume")]
    pub force: bool,
    #[command(flatten)]
    pub settings: Settings,
    /// Folder for the results [default: the next number under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
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
pub struct InspectFlags {
    /// A run folder, one of its checkpoints, or a safetensors file
    #[arg(value_name = "FILE_OR_RUN")]
    pub path: PathBuf,
}

/// The settings of a run, which override those of the recipe or config: one flag a key of the config file.
#[derive(Args, Serialize)]
pub struct Settings {
    /// digits, shapes (embedded), mnist, fashion-mnist, cifar10, your own images: PATH (a folder, zip, tar or parquet
    /// file), or hub:OWNER/NAME
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    images: ImageSettings,
    /// Kind of networks
    #[arg(long, value_parser = names(&gan_models::Family::ALL))]
    model: Option<String>,
    /// Channels of the layer next to the image
    #[arg(long, value_name = "N")]
    base_width: Option<u32>,
    /// Numbers in a latent vector
    #[arg(long, value_name = "N")]
    latent_dim: Option<u32>,
    /// Distribution of the latent vectors
    #[arg(long, value_parser = names(&gan_models::Latent::ALL))]
    latent: Option<String>,
    /// What the players minimise
    #[arg(long, value_parser = names(&gan_train::Loss::ALL))]
    loss: Option<String>,
    /// One-sided label smoothing: real images are called real with probability 1 minus this
    #[arg(long, value_name = "P")]
    label_smoothing: Option<f64>,
    /// Images in a batch
    #[arg(long, value_name = "N")]
    batch_size: Option<u32>,
    /// Leave out a last batch that is not full
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    drop_last: Option<bool>,
    /// Updates of the generator
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<u32>,
    /// Passes over the data, in place of --steps
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Learning rate of both players
    #[arg(long, value_name = "RATE")]
    lr: Option<f64>,
    /// Adam's decay of the mean of the gradient
    #[arg(long, value_name = "DECAY")]
    beta1: Option<f64>,
    /// Adam's decay of the mean of its square
    #[arg(long, value_name = "DECAY")]
    beta2: Option<f64>,
    /// Updates of the discriminator for each of the generator
    #[arg(long, value_name = "N")]
    n_critic: Option<u32>,
    /// Decay of the average of the generator's weights, 0 for none
    #[arg(long, value_name = "DECAY")]
    ema: Option<f64>,
    /// Everything random follows from it
    // As far as the numbers of a config file go.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Threads to compute on [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Precision of the convolutions; bf16 is for CPUs with AMX
    #[arg(long, value_parser = names(&gan_ops::Precision::ALL))]
    precision: Option<String>,
    /// Steps from one log line to the next
    #[arg(long, value_name = "STEPS")]
    log_every: Option<u32>,
    /// Steps from one sample grid to the next
    #[arg(long, value_name = "STEPS")]
    sample_every: Option<u32>,
    /// Steps from one checkpoint to the next
    #[arg(long, value_name = "STEPS")]
    checkpoint_every: Option<u32>,
    /// Checkpoints to keep, the newest ones; at least 2
    #[arg(long, value_name = "N")]
    keep: Option<u32>,
    /// What to do when a loss or gradient is no longer a number: stop, or go back to the last checkpoint with half the
    /// learning rate and other batches
    #[arg(long, value_parser = names(&gan_train::OnDivergence::ALL))]
    on_divergence: Option<String>,
    /// How often a run may go back so
    #[arg(long, value_name = "N")]
    max_rollbacks: Option<u32>,
}

/// Which images, and what is done to them: settings that training has in common with looking at data.
#[derive(Args, Clone, Serialize)]
pub struct ImageSettings {
    /// Folder or archive with the data set's files, as published
    #[arg(long, value_name = "PATH")]
    pub data_dir: Option<PathBuf>,
    /// Image size in pixels: 64, or 48x64 (height x width)
    #[arg(long, value_name = "SIZE")]
    pub image_size: Option<ImageSize>,
    /// How pixels are weighted together where images are resized
    #[arg(long, value_parser = names(&gan_data::Filter::ALL))]
    pub resize_filter: Option<String>,
    /// The part of an image to train on: its middle, any part, or random parts of random size and shape
    #[arg(long, value_parser = names(&gan_train::Crop::ALL))]
    pub crop: Option<String>,
    /// Change brightness, contrast and saturation at random, by up to this part
    #[arg(long, value_name = "PART")]
    pub color_jitter: Option<f64>,
    /// Train on gray (1) or colour (3) images [default: as the data set has them]
    #[arg(long, value_name = "1|3")]
    pub channels: Option<u32>,
    /// Mirror every other image
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub flip: Option<bool>,
    /// Threads that load images [default: one a core, at most 4]
    #[arg(long, value_name = "N")]
    pub workers: Option<u32>,
    /// Where decoded images are kept: memory if they fit (auto), ram, disk, or off
    #[arg(long, value_parser = names(&gan_data::CacheMode::ALL))]
    pub cache: Option<String>,
    /// What to do about an image that cannot be read
    #[arg(long, value_parser = names(&gan_data::OnBadImage::ALL))]
    pub on_bad_image: Option<String>,
}

impl Settings {
    /// Name and text of the recipe that these settings start from where none is named.
    pub fn default_recipe(&self) -> Option<(&'static str, &'static str)> {
        recipes::default_for(self.dataset.as_deref(), self.model.as_deref())
    }
}

#[derive(Args)]
pub struct SampleFlags {
    /// A run folder (its latest checkpoint is used), or a generator file
    #[arg(value_name = "RUN_OR_FILE")]
    pub model: PathBuf,
    /// Images to make
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub count: u32,
    /// The same seed makes the same images
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// FILE.png for one grid, DIR/ for single images [default: samples-seedN.png]
    #[arg(long, value_name = "FILE.png|DIR/")]
    pub out: Option<PathBuf>,
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
        #[arg(long, default_value = "folder", value_parser = export_format())]
        format: ExportFormat,
        /// No more images than this
        #[arg(long, value_name = "N")]
        count: Option<u32>,
    },
}

#[derive(Args)]
pub struct DataFlags {
    /// As for `gan train --dataset`: digits, shapes, mnist, fashion-mnist, cifar10, PATH, hub:OWNER/NAME
    pub source: String,
    /// Which part of it
    #[arg(long, default_value = "train", value_parser = split())]
    pub split: Split,
    #[command(flatten)]
    pub images: ImageSettings,
}

#[derive(Subcommand)]
pub enum Bench {
    /// Time training steps of a DCGAN, on random images
    #[command(allow_negative_numbers = true)]
    Train(BenchFlags),
    /// Time a DCGAN's generator making images
    #[command(allow_negative_numbers = true)]
    Sample(BenchFlags),
    /// Time whole epochs of a data set, from the first batch
    #[command(allow_negative_numbers = true)]
    Data(BenchDataFlags),
}

/// What `gan bench train` and `gan bench sample` share.
#[derive(Args)]
pub struct BenchFlags {
    /// Side of the square images in pixels
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub image_size: u32,
    /// Channels of the images, 1 to 4
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub channels: u32,
    /// Channels of the layer next to the image
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub base_width: u32,
    /// Images in a batch
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub batch_size: u32,
    /// Numbers in a latent vector
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub latent_dim: u32,
    /// Steps to time, at least
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub steps: u32,
    /// Steps before them that do not count
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub warmup: u32,
    /// Go on past --steps until so much time was measured
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    pub min_seconds: f64,
    /// Threads to compute on [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<u32>,
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Precision of the convolutions; bf16 is for CPUs with AMX
    #[arg(long, default_value = "f32", value_parser = precision())]
    pub precision: Precision,
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

fn precision() -> impl TypedValueParser<Value = Precision> {
    named(&Precision::ALL)
}

fn split() -> impl TypedValueParser<Value = Split> {
    named(&Split::ALL)
}

fn export_format() -> impl TypedValueParser<Value = ExportFormat> {
    named(&ExportFormat::ALL)
}

/// The value of a name.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    all: &'static [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    names(all).try_map(|name| {
        let named = all.iter().find(|(known, _)| *known == name);
        named.map(|(_, value)| *value).ok_or("unknown") // no other name gets here
    })
}

fn names<T, const N: usize>(all: &[(&'static str, T); N]) -> PossibleValuesParser {
    all.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}
