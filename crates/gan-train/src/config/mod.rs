//! Everything that can be chosen about a training run.

mod checks;
mod image_size;
mod limits;
mod names;
mod paths;
mod resolve;

use crate::augment::Policy;
use crate::gan::Loss;
use gan_data::{Background, CacheMode, Filter, OnBadImage};
use gan_models::{Architecture, Conditional, Latent, Norm, Upsample};
use gan_nn::{OptimizerKind, Schedule};
use gan_ops::Precision;
pub use image_size::ImageSize;
use names::{CacheName, FilterName, OnBadImageName, PrecisionName};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that can be chosen about a training run: the keys of a config file, and the flags of `gan train`.
///
/// The defaults are those of the DCGAN paper, on the embedded digits. Settings whose best value depends on others are `None`
/// until [`resolve`](TrainConfig::resolve) fills them in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// The data set: a name of [`gan_data::Source::NAMES`], or a path.
    pub dataset: String,
    /// Folder with the data set's files, where it needs one.
    pub data_dir: Option<PathBuf>,
    /// A table of labels for the images of a folder or archive: the name of a file, and its class.
    pub labels: Option<PathBuf>,
    /// The column of the classes, in such a table or a parquet file.
    pub label_column: Option<String>,
    /// The column of the images in a parquet file.
    pub image_column: Option<String>,
    /// Size of the images to train on, px. Default: 32, or what the model asks for.
    pub image_size: Option<ImageSize>,
    /// How pixels are weighted together where images are resized.
    #[serde(with = "FilterName")]
    pub resize_filter: Filter,
    /// How an image of another shape is brought to that size. Default: cropped.
    pub fit: Option<Fit>,
    /// Which part of an image is taken.
    pub crop: Crop,
    /// How far brightness, contrast and saturation may be changed at random: 0 not at all, 0.2 by up to a fifth.
    pub color_jitter: f64,
    /// Channels of the images to train on: 1 (gray), 3 (colour) or 4 (colour and alpha). Default: the data set's own.
    pub channels: Option<usize>,
    /// What stands behind transparent images, and around padded ones. Default: white behind, black around.
    #[serde(with = "names::background")]
    pub background: Option<Background>,
    /// Mirror every other image.
    pub flip: bool,
    /// Threads that load images. Default: one a core, at most 4.
    pub workers: Option<usize>,
    /// Where images are kept from one epoch to the next.
    #[serde(with = "CacheName")]
    pub cache: CacheMode,
    /// What to do about an image that cannot be read: stop, or skip it.
    #[serde(with = "OnBadImageName")]
    pub on_bad_image: OnBadImage,
    /// The kind of networks.
    pub model: Architecture,
    /// Channels of the layer next to the image. Default: 32 below 64 px (not of the mlp and the notebook's networks), else the
    /// model's own.
    pub base_width: Option<usize>,
    /// The norm in the discriminator. Default: the model's own.
    pub norm_d: Option<Norm>,
    /// The norm in the generator. Default: the model's own.
    pub norm_g: Option<Norm>,
    /// How the generator doubles the size of images. Default: the model's own way.
    pub upsample: Option<Upsample>,
    /// How the networks are told the classes of labelled images, if they are.
    pub conditional: Option<Conditional>,
    /// With `acgan`: how much the classes that D reads count beside the loss.
    pub class_weight: f64,
    /// Numbers in a latent vector.
    pub latent_dim: usize,
    /// What latent vectors are drawn from.
    pub latent: Latent,
    /// What the players minimise.
    pub loss: Loss,
    /// Label smoothing: real images are to be called real with probability 1 minus this.
    pub label_smoothing: f64,
    /// The other side of it: generated images are to be called real with this probability.
    pub label_smoothing_fake: f64,
    /// The part of the images of which D is told the opposite (noisy labels).
    pub label_noise: f64,
    /// How images are changed, real and generated alike, before D is shown them (DiffAugment): `color,translation,cutout`,
    /// any of them, or nothing.
    pub augment: Policy,
    /// How likely each of these changes is for an image; where ADA adapts it, it starts at 0 instead.
    pub augment_p: f64,
    /// ADA: the mean sign of D's logits of real images above which changes become likelier; 0.6 is usual.
    pub ada_target: Option<f64>,
    /// Standard deviation of the noise added to all images that D is shown (instance noise), in which they are in [-1, 1].
    pub instance_noise: f64,
    /// Images in a batch. Default: 64; 100 for the notebook model.
    pub batch_size: Option<usize>,
    /// Whether to leave out a last batch that is not full. Default: yes; no for the notebook model.
    pub drop_last: Option<bool>,
    /// Updates of the generator. Default, without `epochs`: 2000.
    pub steps: Option<u64>,
    /// Passes over the data, in place of `steps`.
    pub epochs: Option<u64>,
    /// How weights follow their gradients.
    pub optimizer: OptimizerKind,
    /// Learning rate of both players.
    pub lr: f64,
    /// Learning rate of the discriminator, where it has one of its own (TTUR, Heusel et al. 2017).
    pub lr_d: Option<f64>,
    /// How learning rates go down.
    pub schedule: Schedule,
    /// Steps over which they do. Default: `steps`. It stays what it was when a run is made longer, unless it is given
    /// anew.
    pub decay_steps: Option<u64>,
    /// Adam's decay of the mean of the gradient; the momentum of SGD.
    pub beta1: f64,
    /// Decay of the mean of the gradient's square, of Adam and RMSProp.
    pub beta2: f64,
    /// Batches whose gradients make one update.
    pub accumulate: u64,
    /// The largest norm of the gradient of a player: longer ones are shortened; 0 for any.
    pub clip_grad: f64,
    /// WGAN-GP: how much the gradient of D is to have norm 1 between real and generated images; 10 is usual, 0 is off.
    pub gradient_penalty: f64,
    /// DRAGAN: how much it is to have norm 1 near real images; 10 is usual, 0 is off.
    pub dragan: f64,
    /// R1: how much the gradient of D is to vanish at real images; 0 is off.
    pub r1: f64,
    /// R2: how much it is to vanish at generated ones; 0 is off.
    pub r2: f64,
    /// Updates of D from one with penalties to the next, whose penalties count as many times (lazy regularization).
    pub penalty_every: u64,
    /// Weights of the discriminator are kept within plus and minus this after each update; 0 for any.
    pub clip_weights: f64,
    /// Updates of the discriminator for each of the generator.
    pub n_critic: u64,
    /// Decay of the average of the generator's weights; 0 for no average.
    pub ema: f64,
    /// Everything random follows from it.
    pub seed: u64,
    /// Threads to compute on. Default: one a core.
    pub threads: Option<usize>,
    /// auto, cpu, cuda, cuda:N or metal.
    pub device: String,
    /// Precision of the convolutions while training: f32, or bf16 on CPUs that are faster at it.
    #[serde(with = "PrecisionName")]
    pub precision: Precision,
    /// Steps from one log line to the next.
    pub log_every: u64,
    /// Steps from one sample grid to the next.
    pub sample_every: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// Checkpoints to keep, the newest ones: 2 or more, so that there is one to go back to if the newest is damaged.
    pub keep: usize,
    /// What to do when a loss or gradient is no longer a number.
    pub on_divergence: OnDivergence,
    /// How often a run may go back to its last checkpoint because it has diverged.
    pub max_rollbacks: u64,
}

/// What to do when a loss or gradient is no longer a number. The update is not applied in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDivergence {
    /// Stop with an error.
    Stop,
    /// Go back to the last checkpoint, with half the learning rate and other batches and latents.
    Rollback,
}

impl OnDivergence {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 2] = [("stop", Self::Stop), ("rollback", Self::Rollback)];
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            dataset: "digits".into(),
            data_dir: None,
            labels: None,
            label_column: None,
            image_column: None,
            image_size: None,
            resize_filter: Filter::Bilinear,
            fit: None,
            crop: Crop::Center,
            color_jitter: 0.0,
            channels: None,
            background: None,
            flip: false,
            workers: None,
            cache: CacheMode::Auto,
            on_bad_image: OnBadImage::Stop,
            model: Architecture::Dcgan,
            base_width: None,
            norm_d: None,
            norm_g: None,
            upsample: None,
            conditional: None,
            class_weight: 1.0,
            latent_dim: 100,
            latent: Latent::Gaussian,
            loss: Loss::NonSaturating,
            label_smoothing: 0.0,
            label_smoothing_fake: 0.0,
            label_noise: 0.0,
            augment: Policy::default(),
            augment_p: 1.0,
            ada_target: None,
            instance_noise: 0.0,
            batch_size: None,
            drop_last: None,
            steps: None,
            epochs: None,
            optimizer: OptimizerKind::Adam,
            lr: 2e-4,
            lr_d: None,
            schedule: Schedule::Constant,
            decay_steps: None,
            beta1: 0.5,
            beta2: 0.999,
            accumulate: 1,
            clip_grad: 0.0,
            clip_weights: 0.0,
            gradient_penalty: 0.0,
            dragan: 0.0,
            r1: 0.0,
            r2: 0.0,
            penalty_every: 1,
            n_critic: 1,
            ema: 0.0,
            seed: 0,
            threads: None,
            device: "auto".into(),
            precision: Precision::F32,
            log_every: 50,
            sample_every: 250,
            checkpoint_every: 500,
            keep: 3,
            on_divergence: OnDivergence::Stop,
            max_rollbacks: 3,
        }
    }
}

/// How images of another shape than the wanted one are brought to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Resized to cover the wanted size, and cut: `crop` says where.
    Crop,
    /// Resized to lie within the wanted size, with a margin around.
    Pad,
    /// Stretched to the wanted size.
    Stretch,
}

impl Fit {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("crop", Self::Crop), ("pad", Self::Pad), ("stretch", Self::Stretch)];
}

/// Which part of an image is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// The middle, once the image covers the wanted size.
    Center,
    /// Any part, once the image covers the wanted size.
    Random,
    /// A part of half the area at least, of another shape each time, brought to the wanted size.
    RandomResized,
}

impl Crop {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("center", Self::Center), ("random", Self::Random), ("random-resized", Self::RandomResized)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_open_follows_the_model() {
        let resolved = |text: &str| TrainConfig::from_toml(text).unwrap().resolve().unwrap();
        let digits = resolved("");
        assert_eq!(
            (digits.image_size().height, digits.base_width, digits.batch_size),
            (32, Some(32), Some(64))
        );
        assert_eq!((digits.steps, digits.drop_last), (Some(2000), Some(true)));
        let notebook = resolved("model = 'notebook'");
        assert_eq!((notebook.image_size().width, notebook.base_width), (46, Some(16)));
        assert_eq!((notebook.batch_size, notebook.drop_last), (Some(100), Some(false)));
        assert_eq!(resolved("image_size = 64").base_width, Some(64));
        assert_eq!(resolved("model = 'sngan'").base_width, Some(32), "the paper's 128 is for a GPU");
        assert_eq!(resolved("image_size = 64\nbase_width = 8").base_width, Some(8));
        assert_eq!(resolved("epochs = 3").total_steps(100), 300);
        assert_eq!(resolved("epochs = 3\nn_critic = 5").total_steps(100), 60);
    }

    #[test]
    fn a_resolved_config_is_read_back_as_it_was() {
        for text in ["", "image_size = '48x64'", "image_size = 64\ndata_dir = 'a b'\nepochs = 2"] {
            let config = TrainConfig::from_toml(text).unwrap().resolve().unwrap();
            let written = toml::to_string(&config).unwrap();
            assert_eq!(TrainConfig::from_toml(&written).unwrap(), config, "{written}");
        }
    }

    /// Their images were stretched to sizes that are no squares, and what alpha hides was shown.
    #[test]
    fn a_run_from_before_there_was_a_fit_keeps_its_images() {
        let of_run = |text: &str| TrainConfig::from_toml(text).unwrap().of_run();
        let oblong = of_run("image_size = '32x64'");
        assert_eq!((oblong.fit, oblong.background), (Some(Fit::Stretch), Some(Background::None)));
        assert_eq!(of_run("image_size = 64").fit, Some(Fit::Crop));
        let new = TrainConfig::from_toml("image_size = '32x64'").unwrap().resolve().unwrap();
        assert_eq!((new.fit, new.background), (Some(Fit::Crop), None));
        let written = toml::to_string(&new).unwrap();
        assert_eq!(of_run(&written), new, "a new run says what it does");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = TrainConfig::from_toml("lr = 1e-4\nlearning_rte = 3").unwrap_err().to_string();
        assert!(error.contains("learning_rte") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        for (text, named) in [
            ("batch_size = 0", "batch_size is 0"),
            ("n_critic = 0", "n_critic is 0"),
            ("sample_every = 0", "sample_every is 0"),
            ("steps = 0", "steps is 0"),
            ("threads = 0", "threads is 0"),
            ("workers = 0", "workers is 0"),
            ("image_size = 0", "image_size is 0x0"),
            ("image_size = '64x0'", "image_size is 64x0"),
            ("color_jitter = 2.0", "color_jitter is 2"),
            ("channels = 2", "channels is 2"),
            ("channels = 4\nbackground = 'red'", "channels is 4, which keeps images transparent"),
            ("fit = 'pad'\ncrop = 'random'", "nothing is cropped of a padded image"),
            ("steps = 1\nepochs = 1", "both steps and epochs"),
            ("keep = 1", "keep is 1"),
            ("batch_size = 1000000", "batch_size is 1000000"),
            ("n_critic = 9223372036854775807\naccumulate = 2", "n_critic is 9223372036854775807"),
            ("accumulate = 9223372036854775807", "accumulate is 9223372036854775807"),
            ("steps = 9223372036854775807", "steps is 9223372036854775807"),
            ("epochs = 4294967296", "epochs is 4294967296"),
            ("schedule = 'linear'\ndecay_steps = 9223372036854775807", "decay_steps is 9223372036854775807"),
            ("log_every = 9223372036854775807", "log_every is 9223372036854775807"),
            ("penalty_every = 9223372036854775807", "penalty_every is 9223372036854775807"),
            ("threads = 5000", "threads is 5000"),
            ("workers = 3000", "workers is 3000"),
            ("keep = 9223372036854775807", "keep is 9223372036854775807"),
            ("max_rollbacks = 1000", "max_rollbacks is 1000"),
            ("image_size = 100000", "image_size is 100000x100000"),
            ("lr = 0.0", "lr is 0"),
            ("lr = nan", "lr is NaN"),
            ("beta1 = 1.0", "beta1 is 1"),
            ("ema = -0.1", "ema is -0.1"),
            ("label_smoothing = 0.7", "label_smoothing is 0.7"),
            ("label_noise = 0.7", "label_noise is 0.7"),
            ("instance_noise = -1.0", "instance_noise is -1"),
            ("accumulate = 0", "accumulate is 0"),
            ("lr_d = 0.0", "lr_d is 0"),
            ("clip_grad = nan", "clip_grad is NaN"),
            ("loss = 'hinge'\nlabel_noise = 0.1", "the hinge loss tells D no number"),
            ("loss = 'wasserstein'\nlabel_smoothing = 0.1", "the wasserstein loss tells D no number"),
            ("epochs = 2\nschedule = 'cosine'", "over how many steps"),
        ] {
            let error = TrainConfig::from_toml(text).unwrap().resolve().unwrap_err();
            assert!(error.to_string().contains(named) && !error.hint().is_empty(), "{text}: {error}");
        }
    }
}
