//! How good are generated images? Measures ([`metrics`]) on features of images, which a frozen network
//! ([`FeatureExtractor`]) makes of them, and a small image classifier.
//!
//! A [`Score`] carries what it was measured by ([`Protocol`]): distances by the features of one network
//! cannot be compared with those by another's.
//!
//! Trained on real images, a [`Classifier`] says whether a conditional generator's images are of the class that was asked
//! for. Trained on generated images, alone or beside real ones ([`Part`]), and tested on real ones, it says what they are
//! worth as training data. `examples/classify.rs` does both from the command line.
//!
//! ```
//! use std::sync::Arc;
//! use candle_core::Device;
//! use gan_data::Digits;
//! use gan_eval::{ClassMap, Classifier, ClassifierConfig, Part, Subset, TrainOptions};
//!
//! # fn main() -> gan_eval::Result<()> {
//! let digits = Arc::new(Digits::train(0, 32)?);
//! let config = ClassifierConfig { base_width: 4, ..ClassifierConfig::new(1, ClassMap::of(digits.as_ref())?) };
//! let mut classifier = Classifier::new(config, 42, &Device::Cpu)?;
//! let few = Arc::new(Subset::first_of_each_class(digits, 10)?);
//! classifier.train(&[Part::whole(few)], &TrainOptions { steps: 2, ..TrainOptions::default() })?;
//! let test = Subset::first_of_each_class(Arc::new(Digits::test(0, 32)?), 5)?;
//! let accuracy = classifier.accuracy(Arc::new(test))?;
//! assert_eq!((accuracy.total, accuracy.per_class.len()), (50, 10));
//! # Ok(())
//! # }
//! ```
//!
//! Shapes everywhere: images `[N, C, S, S]` in [-1, 1], logits `[N, K]`. ClassMap of different data sets are brought
//! together by [`ClassMap`], by name where they have names.

mod accuracy;
mod cache;
mod classes;
mod classifier;
mod classifier_features;
mod error;
mod extracted_file;
mod extractor;
mod feature_kind;
mod feed;
mod file;
pub mod health;
mod measure;
pub mod metrics;
mod network;
mod pretrained_features;
mod random_features;
mod score;
mod sets;
mod statistics_file;

pub use accuracy::Accuracy;
pub use cache::Cache;
pub use classes::ClassMap;
pub use classifier::{Classifier, ClassifierConfig, TrainOptions};
pub use classifier_features::ClassifierFeatures;
pub use error::{Error, Result};
pub use extractor::{Extracted, FeatureExtractor};
pub use feature_kind::FeatureKind;
pub use feed::Part;
pub use measure::{Measure, Measures, Reference};
pub use pretrained_features::PretrainedFeatures;
pub use random_features::RandomFeatures;
pub use score::{Protocol, Score, ScoreKind};
pub use sets::{Concat, Subset};
