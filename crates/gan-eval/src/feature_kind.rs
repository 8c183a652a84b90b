//! Which features there are.

use crate::cache::Cache;
use crate::classifier::TrainOptions;
use crate::classifier_features::ClassifierFeatures;
use crate::error::{Error, Result};
use crate::extractor::FeatureExtractor;
use crate::pretrained_features::PretrainedFeatures;
use crate::random_features::RandomFeatures;
use gan_data::{Dataset, ProgressCallback};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// Features by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum FeatureKind {
    /// Those of the classifier of the embedded digits: [`ClassifierFeatures::digits`].
    Digits,
    /// Those of convolutions that have learned nothing: [`RandomFeatures`].
    Random,
    /// Those of a classifier that learns from the labelled images at hand:
    /// [`ClassifierFeatures::learned_from`].
    Classifier,
    /// Those of EfficientNet-Lite0, which has learned ImageNet: [`PretrainedFeatures::lite0`].
    Lite0,
    /// Those of InceptionV3, by which the FID is measured: [`PretrainedFeatures::inception`].
    Inception,
}

impl FeatureKind {
    /// What suits a data set of this name.
    pub fn for_dataset(name: &str) -> Self {
        if name == "digits" { Self::Digits } else { Self::Random }
    }

    /// Whether the weights come from a file.
    pub fn takes_weights(self) -> bool {
        matches!(self, Self::Lite0 | Self::Inception)
    }

    /// The network, for images like those of a data set: a classifier learns from them, or is taken from
    /// the cache, and `watch` is told how far it is. The others do not look at them.
    ///
    /// # Errors
    /// As [`open`](Self::open); of a classifier if the images have no classes, or cannot be read.
    pub fn open_for(
        self,
        weights: Option<&Path>,
        data: &Arc<dyn Dataset>,
        watch: &ProgressCallback,
    ) -> Result<Box<dyn FeatureExtractor>> {
        match (self, weights) {
            (Self::Classifier, None) => {
                let options = TrainOptions { watch: watch.clone(), ..TrainOptions::default() };
                Ok(Box::new(ClassifierFeatures::learned_from(data, &options, &Cache::of_user())?))
            }
            _ => self.open(weights),
        }
    }

    /// The network. `weights` is the file that some of them take; with the feature `hub` those of
    /// EfficientNet-Lite0 are fetched where none is named.
    ///
    /// # Errors
    /// If weights are missing, cannot be read, or are of another network; or if they are named for features
    /// that take none.
    pub fn open(self, weights: Option<&Path>) -> Result<Box<dyn FeatureExtractor>> {
        Ok(match (self, weights) {
            (Self::Digits, None) => Box::new(ClassifierFeatures::digits()?),
            (Self::Random, None) => Box::new(RandomFeatures::new()?),
            (Self::Classifier, None) => {
                return Err(Error::config(
                    "the features classifier are of one that learns from labelled images",
                    "name them, or choose the features random",
                ));
            }
            (Self::Digits | Self::Random | Self::Classifier, Some(_)) => {
                let what = format!("the features {self} take no file of weights");
                return Err(Error::config(
                    what,
                    "leave that file out, or choose the features lite0 or inception",
                ));
            }
            (Self::Lite0, Some(file)) => Box::new(PretrainedFeatures::lite0(file)?),
            (Self::Lite0, None) => Box::new(PretrainedFeatures::lite0(&fetched()?)?),
            (Self::Inception, Some(file)) => Box::new(PretrainedFeatures::inception(file)?),
            (Self::Inception, None) => return Err(Error::NoWeights { features: self.into() }),
        })
    }
}

/// The weights of EfficientNet-Lite0 from the hub.
#[cfg(feature = "hub")]
fn fetched() -> Result<PathBuf> {
    let model =
        gan_data::HubModel { owner: "timm", name: "tf_efficientnet_lite0.in1k", file: "model.safetensors" };
    gan_data::model_file_from_hub(model, &Default::default()).map_err(Error::WeightsFromHub)
}

#[cfg(not(feature = "hub"))]
fn fetched() -> Result<PathBuf> {
    Err(Error::NoWeights { features: FeatureKind::Lite0.into() })
}
