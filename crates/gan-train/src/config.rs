//! Everything that can be chosen about a training run.

use crate::error::{Error, Result};
use crate::loss::Loss;
use gan_data::{CacheMode, Filter, OnBadImage};
use gan_models::{Family, Latent, ModelConfig};
use gan_ops::Precision;
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
    /// Size of the images to train on, px. Default: 32, or what the model asks for.
    pub image_size: Option<ImageSize>,
    /// How pixels are weighted together where images are resized.
    #[serde(with = "FilterName")]
    pub resize_filter: Filter,
    /// Which part of an image is taken.
    pub crop: Crop,
    /// How far brightness, contrast and saturation may be changed at random: 0 not at all, 0.2 by up to a fifth.
    pub color_jitter: f64,
    /// Channels of the images to train on: 1 (gray) or 3 (colour). Default: the data set's own.
    pub channels: Option<usize>,
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
    pub model: Family,
    /// Channels of the layer next to the image. Default: 32 below 64 px, else the model's own.
    pub base_width: Option<usize>,
    /// Numbers in a latent vector.
    pub latent_dim: usize,
    /// What latent vectors are drawn from.
    pub latent: Latent,
    /// What the players minimise.
    pub loss: Loss,
    /// One-sided label smoothing: real images are to be called real with probability 1 minus this.
    pub label_smoothing: f64,
    /// Images in a batch. Default: 64; 100 for the notebook model.
    pub batch_size: Option<usize>,
    /// Whether to leave out a last batch that is not full. Default: yes; no for the notebook model.
    pub drop_last: Option<bool>,
    /// Updates of the generator. Default, without `epochs`: 2000.
    pub steps: Option<u64>,
    /// Passes over the data, in place of `steps`.
    pub epochs: Option<u64>,
    /// Learning rate of both players.
    pub lr: f64,
    /// Adam's decay of the mean of the gradient.
    pub beta1: f64,
    /// Adam's decay of the mean of its square.
    pub beta2: f64,
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

/// How a config names them.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Precision", rename_all = "lowercase")]
enum PrecisionName {
    F32,
    Bf16,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Filter", rename_all = "lowercase")]
enum FilterName {
    Bilinear,
    Bicubic,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CacheMode", rename_all = "lowercase")]
enum CacheName {
    Auto,
    Ram,
    Disk,
    Off,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OnBadImage", rename_all = "lowercase")]
enum OnBadImageName {
    Stop,
    Skip,
}

/// Where neither steps nor epochs are given.
const DEFAULT_STEPS: u64 = 2000;

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            dataset: "digits".into(),
            data_dir: None,
            image_size: None,
            resize_filter: Filter::Bilinear,
            crop: Crop::Center,
            color_jitter: 0.0,
            channels: None,
            flip: false,
            workers: None,
            cache: CacheMode::Auto,
            on_bad_image: OnBadImage::Stop,
            model: Family::Dcgan,
            base_width: None,
            latent_dim: 100,
            latent: Latent::Gaussian,
            loss: Loss::NonSaturating,
            label_smoothing: 0.0,
            batch_size: None,
            drop_last: None,
            steps: None,
            epochs: None,
            lr: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
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

impl TrainConfig {
    /// Reads a config file's text. An unknown key is an error that names it.
    pub fn from_toml(text: &str) -> std::result::Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Fills in what was left open, and refuses what makes no sense.
    pub fn resolve(mut self) -> Result<Self> {
        self.image_size = Some(self.image_size());
        self.base_width = Some(self.base_width());
        self.batch_size = Some(self.batch_size());
        self.drop_last = Some(self.drop_last());
        if self.epochs.is_none() {
            self.steps.get_or_insert(DEFAULT_STEPS);
        }
        self.validate()?;
        Ok(self)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let refuse = |what: String, hint: &str| Err(Error::config(what, hint));
        for (name, value) in [
            ("batch_size", self.batch_size() as u64),
            ("n_critic", self.n_critic),
            ("log_every", self.log_every),
            ("sample_every", self.sample_every),
            ("checkpoint_every", self.checkpoint_every),
            ("threads", self.threads.unwrap_or(1) as u64),
            ("workers", self.workers.unwrap_or(1) as u64),
            ("epochs", self.epochs.unwrap_or(1)),
            ("steps", self.steps.unwrap_or(1)),
        ] {
            if value == 0 {
                return refuse(format!("{name} is 0"), "use at least 1");
            }
        }
        if self.keep < 2 {
            let hint = "use at least 2, so that one is left if the newest is damaged";
            return refuse(format!("keep is {}", self.keep), hint);
        }
        let size = self.image_size();
        if size.height == 0 || size.width == 0 {
            return refuse(format!("image_size is {size}"), "give images at least 1 pixel");
        }
        if self.steps.is_some() && self.epochs.is_some() {
            return refuse("both steps and epochs are given".into(), "give one of them");
        }
        if !(0.0..=1.0).contains(&self.color_jitter) {
            return refuse(format!("color_jitter is {}", self.color_jitter), "use 0 to 1; 0.1 is gentle");
        }
        if let Some(channels) = self.channels.filter(|channels| ![1, 3].contains(channels)) {
            return refuse(format!("channels is {channels}"), "use 1 for gray or 3 for colour");
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return refuse(format!("lr is {}", self.lr), "use a small number above 0, such as 2e-4");
        }
        for (name, value) in [("beta1", self.beta1), ("beta2", self.beta2), ("ema", self.ema)] {
            if !(0.0..1.0).contains(&value) {
                return refuse(format!("{name} is {value}"), "use 0 or more, and less than 1");
            }
        }
        if !(0.0..0.5).contains(&self.label_smoothing) {
            let what = format!("label_smoothing is {}", self.label_smoothing);
            return refuse(what, "use 0 or more, and less than 0.5; 0.1 is usual");
        }
        Ok(())
    }

    /// Images in a batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size.unwrap_or(if self.model == Family::Notebook { 100 } else { 64 })
    }

    /// Whether a last batch that is not full is left out.
    pub fn drop_last(&self) -> bool {
        self.drop_last.unwrap_or(self.model != Family::Notebook)
    }

    /// Size of the images, px.
    pub fn image_size(&self) -> ImageSize {
        let side = self.model.fixed_image_size().unwrap_or(32);
        self.image_size.unwrap_or(ImageSize { height: side, width: side })
    }

    /// Channels of the layer next to the image.
    pub fn base_width(&self) -> usize {
        let ImageSize { height, width } = self.image_size();
        let small_dcgan = self.model == Family::Dcgan && height.min(width) < 64;
        self.base_width.unwrap_or(if small_dcgan { 32 } else { self.model.default_base_width() })
    }

    /// The networks to build for a data set with so many channels.
    pub fn model_config(&self, channels: usize) -> ModelConfig {
        let channels = self.channels.unwrap_or(channels);
        let ImageSize { height, width } = self.image_size();
        let base_width = self.base_width.unwrap_or_else(|| self.model.default_base_width());
        let (latent, latent_dim) = (self.latent, self.latent_dim);
        ModelConfig {
            base_width,
            latent,
            latent_dim,
            ..ModelConfig::new(self.model, channels, height, width)
        }
    }

    /// Updates of the generator in the whole run.
    pub fn total_steps(&self, batches_per_epoch: u64) -> u64 {
        match self.epochs {
            Some(epochs) => (epochs.saturating_mul(batches_per_epoch) / self.n_critic).max(1),
            None => self.steps.unwrap_or(DEFAULT_STEPS),
        }
    }
}

/// Which part of an image is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// The middle, once the shorter side has the wanted length.
    Center,
    /// Any part, once the shorter side has the wanted length.
    Random,
    /// A part of half the area at least, of another shape each time, brought to the wanted size.
    RandomResized,
}

impl Crop {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("center", Self::Center), ("random", Self::Random), ("random-resized", Self::RandomResized)];
}

/// Height and width of an image, px: written `32`, or `48x64` (height x width).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "toml::Value", into = "toml::Value")]
pub struct ImageSize {
    /// Height, px.
    pub height: usize,
    /// Width, px.
    pub width: usize,
}

impl std::str::FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let side =
            |side: &str| side.parse().map_err(|_| format!("{text} is no image size: write 64, or 48x64"));
        let (height, width) = text.split_once('x').unwrap_or((text, text));
        Ok(Self { height: side(height)?, width: side(width)? })
    }
}

impl std::fmt::Display for ImageSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl TryFrom<toml::Value> for ImageSize {
    type Error = String;

    fn try_from(value: toml::Value) -> std::result::Result<Self, String> {
        match value {
            toml::Value::String(text) => text.parse(),
            other => other.to_string().parse(),
        }
    }
}

impl From<ImageSize> for toml::Value {
    fn from(size: ImageSize) -> Self {
        match (size.height == size.width, i64::try_from(size.height)) {
            (true, Ok(side)) => toml::Value::Integer(side),
            _ => toml::Value::String(size.to_string()),
        }
    }
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
            ("steps = 1\nepochs = 1", "both steps and epochs"),
            ("keep = 1", "keep is 1"),
            ("lr = 0.0", "lr is 0"),
            ("lr = nan", "lr is NaN"),
            ("beta1 = 1.0", "beta1 is 1"),
            ("ema = -0.1", "ema is -0.1"),
            ("label_smoothing = 0.7", "label_smoothing is 0.7"),
        ] {
            let error = TrainConfig::from_toml(text).unwrap().resolve().unwrap_err();
            assert!(error.to_string().contains(named) && !error.hint().is_empty(), "{text}: {error}");
        }
    }
}
