//! The classifier: what it is made of, how it learns, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{D, Device, Tensor};
use gan_data::{
    CacheMode, DataLoader, Dataset, Filter, LoaderConfig, Progress, ProgressCallback, ResizeTo, Transform,
    Transforms, Unit,
};
use gan_nn::{Builder, Hyperparameters, Optimizer, OptimizerKind, Params, Schedule, cross_entropy};

use crate::accuracy::Accuracy;
use crate::classes::ClassMap;
use crate::error::{Error, Result};
use crate::feed::{Feed, Part, next_batch};
use crate::network::Network;
use crate::sets::Concat;

/// Images that are classified at once.
const EVAL_BATCH: usize = 256;
/// The smallest side that three halvings leave something of, and the largest, pixels.
const SIDES: std::ops::RangeInclusive<usize> = 8..=512;
/// Widths that are of use.
const WIDTHS: std::ops::RangeInclusive<usize> = 1..=512;

/// What a classifier is for, and how large it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassifierConfig {
    /// Channels of the images, 1 (gray) or 3 (colour).
    pub channels: usize,
    /// Height and width of the images in pixels, 8 to 512.
    pub side: usize,
    /// The classes to tell apart, two or more.
    pub classes: ClassMap,
    /// Channels of the first block; the others have two and four times as many.
    pub base_width: usize,
}

impl ClassifierConfig {
    /// For images of 32 x 32 pixels, with a base width of 32.
    pub fn new(channels: usize, classes: ClassMap) -> Self {
        Self { channels, side: 32, classes, base_width: 32 }
    }

    fn check(&self) -> Result<()> {
        if ![1, 3].contains(&self.channels) {
            let what = format!("a classifier cannot have images of {} channels", self.channels);
            return Err(Error::config(what, "choose 1 (gray) or 3 (colour)"));
        }
        if !SIDES.contains(&self.side) {
            let what = format!("a classifier cannot have images of {0}x{0} pixels", self.side);
            return Err(Error::config(what, "choose a side of 8 to 512 pixels"));
        }
        if !WIDTHS.contains(&self.base_width) {
            let what = format!("a classifier cannot have a base width of {}", self.base_width);
            return Err(Error::config(what, "choose 1 to 512"));
        }
        if self.classes.count() < 2 {
            return Err(Error::config(
                "a classifier needs something to tell apart",
                "give two classes or more",
            ));
        }
        Ok(())
    }

    /// Brings an image to the size and the channels; `shift` moves it by up to so many pixels each way at random.
    pub(crate) fn transforms(&self, shift: usize) -> Transforms {
        let (height, width) = (self.side, self.side);
        let mut steps = vec![
            Transform::Resize { to: ResizeTo::Shorter(self.side), filter: Filter::Bilinear },
            Transform::CenterCrop { height, width },
            Transform::Channels(self.channels),
        ];
        if shift > 0 {
            steps.push(Transform::RandomCrop { height, width, padding: shift });
        }
        Transforms::new(steps)
    }
}

/// How a classifier learns.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Updates of the weights.
    pub steps: u64,
    /// Images in a batch, of all parts together.
    pub batch_size: usize,
    /// Adam's learning rate. Over the second half of the steps it goes to 0 in a straight line.
    pub lr: f64,
    /// Each image is moved by up to so many pixels each way, at random; what comes in from outside is black.
    pub shift: usize,
    /// Names the orders of the images and their shifts.
    pub seed: u64,
    /// Threads that load the images of each part, 1 to 64.
    pub workers: usize,
    /// Is told how many images it has learned from.
    pub watch: ProgressCallback,
}

impl Default for TrainOptions {
    fn default() -> Self {
        let watch = ProgressCallback::default();
        Self { steps: 2000, batch_size: 64, lr: 1e-3, shift: 2, seed: 0, workers: 1, watch }
    }
}

/// Says of which class an image is: three convolutions with batch norm and ReLU, each halving the side, and a linear layer.
pub struct Classifier {
    config: ClassifierConfig,
    network: Network,
    device: Device,
}

impl Classifier {
    /// A classifier with the initial weights of a seed.
    ///
    /// # Errors
    /// If the config makes no sense, or the device has no room.
    pub fn new(config: ClassifierConfig, seed: u64, device: &Device) -> Result<Self> {
        config.check()?;
        let ClassifierConfig { channels, side, base_width, .. } = config;
        let tensors = Builder::from_seed(seed, "classifier", device);
        let network = Network::new([channels, side, config.classes.count()], base_width, tensors)?;
        Ok(Self { config, network, device: device.clone() })
    }

    /// One that has learned, by its tensors (see [`to_bytes`](Self::to_bytes)).
    pub(crate) fn of_tensors(
        config: ClassifierConfig,
        tensors: BTreeMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let ClassifierConfig { channels, side, base_width, .. } = config;
        let tensors = Builder::from_tensors(tensors, device);
        let network = Network::new([channels, side, config.classes.count()], base_width, tensors)?;
        Ok(Self { config, network, device: device.clone() })
    }

    pub(crate) fn params(&self) -> &Params {
        self.network.params()
    }

    /// What it was made from.
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }

    /// Learns from labelled images of any size and kind. ClassMap are those of the same names as the classifier's, see
    /// [`Concat::new`]. The same seed gives the same bits.
    ///
    /// # Errors
    /// If a part has a class that the classifier does not know, the shares or options make no sense, an image cannot be
    /// read or has no label, or the loss is no longer a number.
    pub fn train(&mut self, parts: &[Part], options: &TrainOptions) -> Result<()> {
        let TrainOptions { steps, batch_size, lr, seed, workers, .. } = *options;
        if batch_size == 0 || !(lr > 0.0 && lr.is_finite()) {
            let what = format!("cannot train with a batch of {batch_size} and a learning rate of {lr}");
            return Err(Error::config(what, "both must be more than 0"));
        }
        let (transforms, classes) = (self.config.transforms(options.shift), &self.config.classes);
        let mut feeds = Feed::of_parts(parts, batch_size, seed, workers, classes, &transforms, &self.device)?;
        let parameters = self.network.params().parameters().clone();
        let adam = Hyperparameters { kind: OptimizerKind::Adam, beta1: 0.9, beta2: 0.999 };
        let mut optimizer = Optimizer::new(&parameters, adam)?;
        let half = steps / 2;
        for step in 0..steps {
            let (images, labels) = next_batch(&mut feeds)?;
            let loss = cross_entropy(&self.network.train(&images)?, &labels)?;
            let value = f64::from(loss.to_scalar::<f32>()?);
            if !value.is_finite() {
                return Err(Error::Diverged { loss: value, step: step + 1 });
            }
            let store = loss.backward()?;
            let gradient = |(name, var): (&String, &candle_core::Var)| {
                store.get(var).map(|gradient| (name.clone(), gradient.detach()))
            };
            let gradients: BTreeMap<String, Tensor> = parameters.iter().filter_map(gradient).collect();
            let factor = Schedule::Linear.factor(step.saturating_sub(half), steps - half);
            optimizer.step(&gradients, lr * factor)?;
            let images = |steps: u64| steps * batch_size as u64;
            let (done, total) = (images(step + 1), Some(images(steps)));
            options.watch.tell(Progress { what: "training a classifier", done, total, unit: Unit::Images });
        }
        Ok(())
    }

    /// images `[N, C, S, S]` in [-1, 1] -> logits `[N, K]`, each image's own whatever the others are.
    ///
    /// # Errors
    /// If the images are not of the classifier's size and channels.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        self.expect_shape(images)?;
        self.network.eval(images)
    }

    fn expect_shape(&self, images: &Tensor) -> Result<()> {
        let ClassifierConfig { channels, side, .. } = self.config;
        match *images.dims() {
            [n, c, h, w] if n > 0 && (c, h, w) == (channels, side, side) => Ok(()),
            _ => Err(Error::Shape { channels, side, shape: images.dims().to_vec() }),
        }
    }

    /// images `[N, C, S, S]` in [-1, 1] -> features `[N, 4 * base width]`: how much of what the last block
    /// looks for there is, on the mean over the image.
    ///
    /// # Errors
    /// If the images are not of the classifier's size and channels.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        self.expect_shape(images)?;
        self.network.features(images)
    }

    /// images `[N, C, S, S]` in [-1, 1] -> the most likely class of each.
    ///
    /// # Errors
    /// If the images are not of the classifier's size and channels.
    pub fn predict(&self, images: &Tensor) -> Result<Vec<u32>> {
        Ok(self.logits(images)?.argmax(D::Minus1)?.to_vec1()?)
    }

    /// How often the classifier says of the images of a data set what their labels say. Images may be of any size and
    /// kind, and classes are those of the same names as the classifier's, see [`Concat::new`].
    ///
    /// # Errors
    /// If the set is empty or has a class that the classifier does not know, or an image cannot be read or has no label.
    pub fn accuracy(&self, data: Arc<dyn Dataset>) -> Result<Accuracy> {
        let unlabelled = || Error::Unlabelled { dataset: data.name().to_owned() };
        let renamed = Arc::new(Concat::new(&self.config.classes, vec![data.clone()])?);
        let config = LoaderConfig {
            batch_size: EVAL_BATCH,
            shuffle: false,
            drop_last: false,
            cache: CacheMode::Off,
            ..LoaderConfig::default()
        };
        let mut loader = DataLoader::new(renamed, self.config.transforms(0), config, &self.device)?;
        let mut accuracy = Accuracy::new(self.config.classes.count());
        for _ in 0..loader.batches_per_epoch() {
            let batch = loader.next_batch()?;
            let labels = batch.labels.ok_or_else(unlabelled)?;
            for (label, predicted) in labels.into_iter().zip(self.predict(&batch.images)?) {
                accuracy.count(label, predicted);
            }
        }
        Ok(accuracy)
    }
}
