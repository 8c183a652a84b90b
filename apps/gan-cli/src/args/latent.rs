//! The flags of the commands that look into a latent space.

use super::named;
use crate::generator_choice::{CheckpointChoice, Weights};
use crate::picture_format::PictureFormat;
use clap::Args;
use gan_models::latent::Interpolation;
use std::path::PathBuf;

/// Which generator of a run, and where to compute.
#[derive(Args)]
pub struct ChoiceFlags {
    /// Which checkpoint of a run: best (by its score; the latest, where nothing was measured), latest, or the
    /// number of a step
    #[arg(long, default_value = "best", value_name = "best|latest|STEP")]
    pub checkpoint: CheckpointChoice,
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

/// Which latents.
#[derive(Args)]
pub struct LatentFlags {
    /// The same seed gives the same latents: those of `gan sample --seed`
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Of a conditional generator: the class of all images, by name or number [default: the first]
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Draw numbers of the latents that are beyond PSI again: fewer odd images, and less variety. Below 1
    /// many generators make faint images
    #[arg(long, value_name = "PSI")]
    pub truncation: Option<f64>,
}

/// What is written.
#[derive(Args)]
pub struct PictureFlags {
    /// The picture (.png) or film (.gif, .apng, .webp) [default: the name of the command]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// One picture of all images (png), or a film of them (gif, apng, webp) [default: as --out ends]
    #[arg(long, value_parser = named::<PictureFormat>())]
    pub format: Option<PictureFormat>,
    /// Of a film: pictures a second, 1 to 50
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub fps: u16,
}

#[derive(Args)]
pub struct InterpolateFlags {
    /// A run folder, one of its checkpoints, or a generator file
    #[arg(value_name = "RUN_OR_FILE")]
    pub model: PathBuf,
    /// From the first image of one seed to that of the next
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', conflicts_with_all = ["seed", "count"])]
    pub seeds: Option<Vec<u64>>,
    /// From one to the next of the first so many images of --seed
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub count: u32,
    /// Of a conditional generator: from one class to the next, the latent staying as it is, by name or number
    #[arg(long, value_name = "CLASS,CLASS,...", value_delimiter = ',',
          conflicts_with_all = ["seeds", "count", "class", "method"])]
    pub classes: Option<Vec<String>>,
    /// In a straight line (lerp) or along a great circle (slerp) [default: slerp for Gaussian latents, lerp
    /// for uniform ones]
    #[arg(long, value_parser = named::<Interpolation>())]
    pub method: Option<Interpolation>,
    /// Images from one end to the other, both among them
    #[arg(long, default_value_t = 9, value_name = "N")]
    pub steps: u32,
    #[command(flatten)]
    pub latents: LatentFlags,
    #[command(flatten)]
    pub picture: PictureFlags,
    #[command(flatten)]
    pub choice: ChoiceFlags,
}

#[derive(Args)]
pub struct WalkFlags {
    /// A run folder, one of its checkpoints, or a generator file
    #[arg(value_name = "RUN_OR_FILE")]
    pub model: PathBuf,
    /// Walks side by side; without --class those of a conditional generator are of one class after the other
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub grid: u32,
    /// Images of a walk; after the last comes the first again
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub frames: u32,
    #[command(flatten)]
    pub latents: LatentFlags,
    #[command(flatten)]
    pub picture: PictureFlags,
    #[command(flatten)]
    pub choice: ChoiceFlags,
}

#[derive(Args)]
pub struct ProjectFlags {
    /// The image, of any size: it is brought to that of the generator as in training
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,
    /// A run folder, one of its checkpoints, or a generator file
    #[arg(long, value_name = "RUN_OR_FILE")]
    pub generator: PathBuf,
    /// Of a conditional generator: the class of the image, by name or number [default: all are tried]
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Steps of Adam
    #[arg(long, default_value_t = 400, value_name = "N")]
    pub steps: u32,
    /// Latents that are followed, of which the best is taken
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub starts: u32,
    /// The learning rate at the beginning; it goes down to 0 in half a cosine
    #[arg(long, default_value_t = 0.1, value_name = "LR")]
    pub lr: f64,
    /// The same seed begins at the same latents
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// The picture: the image as the generator is asked for it, and beside it what was found
    #[arg(long, default_value = "projection.png", value_name = "FILE.png")]
    pub out: PathBuf,
    /// The latent, as safetensors or as JSON [default: --out with the ending .safetensors]
    #[arg(long, value_name = "FILE.safetensors|FILE.json")]
    pub latent: Option<PathBuf>,
    #[command(flatten)]
    pub choice: ChoiceFlags,
}

#[derive(Args)]
pub struct DirectionsFlags {
    /// A run folder, one of its checkpoints, or a generator file
    #[arg(value_name = "RUN_OR_FILE")]
    pub model: PathBuf,
    /// Directions, those that change most first
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub count: u32,
    /// How far to go along each, either way
    #[arg(long, default_value_t = 5.0, value_name = "LENGTH")]
    pub range: f64,
    /// Images along each direction, both ends among them
    #[arg(long, default_value_t = 9, value_name = "N")]
    pub steps: u32,
    /// The picture: a row a direction
    #[arg(long, default_value = "directions.png", value_name = "FILE.png")]
    pub out: PathBuf,
    /// Write the directions and their eigenvalues to a file
    #[arg(long, value_name = "FILE.safetensors")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub latents: LatentFlags,
    #[command(flatten)]
    pub choice: ChoiceFlags,
}
