//! What the last block of a classifier sees, as features.

use crate::cache::Cache;
use crate::classes::ClassMap;
use crate::classifier::{Classifier, ClassifierConfig, TrainOptions};
use crate::error::Result;
use crate::extractor::FeatureExtractor;
use crate::feed::Part;
use crate::file;
use candle_core::{Device, Tensor};
use gan_data::{Dataset, Transforms};
use std::sync::Arc;

/// A classifier as a feature extractor: what its last block sees.
pub struct ClassifierFeatures {
    /// What it has learned from.
    data: String,
    classifier: Classifier,
    digest: String,
}

impl ClassifierFeatures {
    /// The features of a classifier that has learned from a data set of this name.
    ///
    /// # Errors
    /// If its weights cannot be read from their device.
    pub fn new(data: &str, classifier: Classifier) -> Result<Self> {
        let digest = file::digest(&classifier.params().state_dict())?;
        Ok(Self { data: data.to_owned(), classifier, digest })
    }

    /// Those of a classifier of 32 x 32 pixels that learns from a labelled data set, which takes a minute
    /// or two; what it has learned is kept in the cache, by the digest of the data.
    ///
    /// # Errors
    /// If the images have no classes, or fewer than two, or one cannot be read.
    pub fn learned_from(data: &Arc<dyn Dataset>, options: &TrainOptions, cache: &Cache) -> Result<Self> {
        let channels = if data.channels() == 1 { 1 } else { 3 };
        let config = ClassifierConfig::new(channels, ClassMap::of(data.as_ref())?);
        let TrainOptions { steps, batch_size, lr, shift, seed, .. } = options;
        let kept_by = format!("{config:?} {steps} {batch_size} {lr} {shift} {seed}");
        let name = Cache::name("classifier", &[&data.digest(), kept_by.as_bytes()]);
        let kept = cache.read(&name).and_then(|bytes| Classifier::of_bytes(&bytes, &Device::Cpu).ok());
        let classifier = match kept.filter(|kept| *kept.config() == config) {
            Some(kept) => kept,
            None => {
                let mut classifier = Classifier::new(config, *seed, &Device::Cpu)?;
                classifier.train(&[Part::whole(data.clone())], options)?;
                cache.keep(&name, &classifier.to_bytes()?);
                classifier
            }
        };
        Self::new(data.name(), classifier)
    }

    /// The classifier of the embedded digits, which comes with this crate: see `examples/embed_digits.rs` for
    /// how it was made.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn digits() -> Result<Self> {
        let bytes = include_bytes!("../assets/digits.safetensors");
        Self::new("digits", Classifier::of_bytes(bytes, &Device::Cpu)?)
    }

    /// The classifier.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }
}

impl FeatureExtractor for ClassifierFeatures {
    fn name(&self) -> String {
        format!("{} classifier", self.data)
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn dim(&self) -> usize {
        4 * self.classifier.config().base_width
    }

    fn transforms(&self) -> Transforms {
        self.classifier.config().transforms(0)
    }

    fn resizer(&self) -> String {
        let side = self.classifier.config().side;
        format!("bilinear, antialiased, shorter side to {side}, center {side}x{side}")
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        self.classifier.features(images)
    }

    fn classes(&self) -> Vec<String> {
        let classes = &self.classifier.config().classes;
        (0..classes.count()).map(|class| classes.name(class)).collect()
    }

    fn logits(&self, images: &Tensor) -> Result<Option<Tensor>> {
        self.classifier.logits(images).map(Some)
    }
}
