//! The settings of a run: one flag a key of the config file.

use crate::recipes;
use clap::Args;
use clap::builder::PossibleValuesParser;
use gan_train::ImageSize;
use serde::Serialize;
use std::path::PathBuf;

/// The settings of a run, which override those of the recipe or config: one flag a key of the config file.
#[derive(Args, Serialize)]
pub struct Settings {
    /// digits, shapes (embedded), ring, grid (points of the plane), mnist, fashion-mnist, cifar10, with --data-dir also
    /// cifar100, cifar100-coarse, stl10, kmnist, qmnist, emnist-letters (or -balanced, -byclass, -bymerge, -digits,
    /// -mnist), your own images: PATH (a folder, zip, tar or parquet file), or hub:OWNER/NAME
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    images: ImageSettings,
    /// Kind of networks
    #[arg(long, value_parser = names(&gan_models::Architecture::ALL))]
    model: Option<String>,
    /// Channels of the layer next to the image
    #[arg(long, value_name = "N")]
    base_width: Option<u32>,
    /// Norm in the discriminator [default: the model's own]
    #[arg(long, value_parser = names(&gan_models::Norm::ALL))]
    norm_d: Option<String>,
    /// Norm in the generator [default: the model's own]
    #[arg(long, value_parser = names(&gan_models::Norm::ALL))]
    norm_g: Option<String>,
    /// How the generator doubles the size of images [default: the model's own way]
    #[arg(long, value_parser = names(&gan_models::Upsample::ALL))]
    upsample: Option<String>,
    /// Learn to make each class of a labelled data set, told to the networks in this way
    #[arg(long, value_parser = names(&gan_models::Conditional::ALL))]
    conditional: Option<String>,
    /// With --conditional acgan: how much the classes that the discriminator reads count beside the loss
    #[arg(long, value_name = "WEIGHT")]
    class_weight: Option<f64>,
    /// Numbers in a latent vector
    #[arg(long, value_name = "N")]
    latent_dim: Option<u32>,
    /// Distribution of the latent vectors
    #[arg(long, value_parser = names(&gan_models::Latent::ALL))]
    latent: Option<String>,
    /// What the players minimise
    #[arg(long, value_parser = names(&gan_train::Loss::ALL))]
    loss: Option<String>,
    /// Label smoothing: real images are called real with probability 1 minus this
    #[arg(long, value_name = "P")]
    label_smoothing: Option<f64>,
    /// Its other side: generated images are called real with this probability
    #[arg(long, value_name = "P")]
    label_smoothing_fake: Option<f64>,
    /// Noisy labels: the part of the images of which the discriminator is told the opposite
    #[arg(long, value_name = "PART")]
    label_noise: Option<f64>,
    /// Change images, real and generated alike, before the discriminator is shown them (DiffAugment): any of
    /// color,translation,cutout
    #[arg(long, value_name = "CHANGES")]
    augment: Option<String>,
    /// How likely each of these changes is for an image
    #[arg(long, value_name = "P")]
    augment_p: Option<f64>,
    /// Adapt that (ADA), to this mean sign of the discriminator's logits of real images; 0.6 is usual
    #[arg(long, value_name = "TARGET")]
    ada_target: Option<f64>,
    /// Instance noise: standard deviation of the noise on all images that the discriminator is shown
    #[arg(long, value_name = "STD")]
    instance_noise: Option<f64>,
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
    /// How weights follow their gradients
    #[arg(long, value_parser = names(&gan_train::gan_nn::OptimizerKind::ALL))]
    optimizer: Option<String>,
    /// Learning rate of both players
    #[arg(long, value_name = "RATE")]
    lr: Option<f64>,
    /// Learning rate of the discriminator, if it has one of its own (TTUR)
    #[arg(long, value_name = "RATE")]
    lr_d: Option<f64>,
    /// How learning rates go down
    #[arg(long, value_parser = names(&gan_train::gan_nn::Schedule::ALL))]
    schedule: Option<String>,
    /// Steps over which they go down [default: --steps]; when a run is resumed with more steps, this stretches the schedule
    #[arg(long, value_name = "N")]
    decay_steps: Option<u32>,
    /// Adam's decay of the mean of the gradient; the momentum of SGD
    #[arg(long, value_name = "DECAY")]
    beta1: Option<f64>,
    /// Decay of the mean of the gradient's square, of Adam and RMSProp
    #[arg(long, value_name = "DECAY")]
    beta2: Option<f64>,
    /// Batches whose gradients make one update
    #[arg(long, value_name = "N")]
    accumulate: Option<u32>,
    /// The largest norm of a player's gradient, longer ones are shortened; 0 for any
    #[arg(long, value_name = "NORM")]
    clip_grad: Option<f64>,
    /// WGAN-GP: how much the discriminator's gradient is to have norm 1 between real and generated images; 10 is usual
    #[arg(long, value_name = "WEIGHT")]
    gradient_penalty: Option<f64>,
    /// DRAGAN: how much it is to have norm 1 near real images; 10 is usual
    #[arg(long, value_name = "WEIGHT")]
    dragan: Option<f64>,
    /// R1: how much the discriminator's gradient is to vanish at real images
    #[arg(long, value_name = "WEIGHT")]
    r1: Option<f64>,
    /// R2: how much it is to vanish at generated images
    #[arg(long, value_name = "WEIGHT")]
    r2: Option<f64>,
    /// Updates from one with penalties to the next; they count as many times (lazy regularization)
    #[arg(long, value_name = "N")]
    penalty_every: Option<u32>,
    /// Keep the discriminator's weights within plus and minus this (WGAN); 0 for any
    #[arg(long, value_name = "LIMIT")]
    clip_weights: Option<f64>,
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
    /// A table of labels for the images of a folder or archive
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The column of the classes, in a table of labels or a parquet file [default: found by itself]
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// The column of the images in a parquet file [default: found by itself]
    #[arg(long, value_name = "NAME")]
    pub image_column: Option<String>,
    /// Image size in pixels: 64, or 48x64 (height x width)
    #[arg(long, value_name = "SIZE")]
    pub image_size: Option<ImageSize>,
    /// How pixels are weighted together where images are resized
    #[arg(long, value_parser = names(&gan_data::Filter::ALL))]
    pub resize_filter: Option<String>,
    /// How an image of another shape is brought to that size: cropped, padded or stretched [default: crop]
    #[arg(long, value_parser = names(&gan_train::Fit::ALL))]
    pub fit: Option<String>,
    /// The part of an image to train on: its middle, any part, or random parts of random size and shape
    #[arg(long, value_parser = names(&gan_train::Crop::ALL))]
    pub crop: Option<String>,
    /// Change brightness, contrast and saturation at random, by up to this part
    #[arg(long, value_name = "PART")]
    pub color_jitter: Option<f64>,
    /// Train on gray (1) or colour (3) images, or on colour with alpha (4) [default: as the data set has them]
    #[arg(long, value_name = "1|3|4")]
    pub channels: Option<u32>,
    /// The colour behind transparent images and around padded ones: a name, #rrggbb, or none to leave alpha out [default:
    /// white behind, black around]
    #[arg(long, value_name = "COLOUR", value_parser = background)]
    pub background: Option<String>,
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
    /// Whether one of them is a loss that tells D no number for an image.
    pub fn names_a_loss_without_targets(&self) -> bool {
        let named = |name: &str| gan_train::Loss::ALL.iter().find(|(loss, _)| *loss == name);
        self.loss.as_deref().and_then(named).is_some_and(|(_, loss)| !loss.has_targets())
    }

    /// The name of the recipe of the data set, where these settings name networks that it is not for.
    pub fn recipe_of_other_networks(&self) -> Option<&'static str> {
        let of_any = recipes::default_for(self.dataset.as_deref(), None);
        of_any.filter(|_| self.default_recipe().is_none()).map(|(name, _)| name)
    }

    /// Name and text of the recipe that these settings start from where none is named.
    pub fn default_recipe(&self) -> Option<(&'static str, &'static str)> {
        recipes::default_for(self.dataset.as_deref(), self.model.as_deref())
    }
}

/// A background, as a config writes it.
fn background(text: &str) -> Result<String, String> {
    text.parse::<gan_data::Background>().map(|background| background.to_string())
}

/// The names of a choice.
pub(super) fn names<T, const N: usize>(all: &[(&'static str, T); N]) -> PossibleValuesParser {
    all.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}
