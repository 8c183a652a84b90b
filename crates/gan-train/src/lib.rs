//! Losses, optimizers and the alternating loop that trains a GAN.
//!
//! - [`run::train`] is the loop: what happens when (steps, log lines, pictures, checkpoints). It knows a [`System`].
//! - [`System`] is what trains. [`Gan`], a generator against a discriminator, is the first; its step is `gan/step.rs`.
//! - [`Player`] is what one optimizer trains, and [`backward`] brings gradients to players.
//! - [`GanLoss`] is what they minimise: pure functions of logits. [`Loss`] are those of the papers.
//! - [`augment`] changes what the discriminator sees, so that a small data set is not learned by heart.
//! - [`TrainConfig`] is everything that can be chosen; [`RunDir`] is where the results go.
//! - [`Checkpoint`] is all that a run needs to go on to the same bits; [`gan_nn::State`] is how a system names it.
//!
//! Vocabulary: errD and errG are the losses of the discriminator and the generator; D(x) is the mean probability that
//! D gives real images, D(G(z)) the one it gives generated images, before (1) and after (2) its own update. Where the
//! loss has no probabilities, both are mean logits, and are called so.

pub mod augment;
mod best;
mod checkpoint;
mod clock;
pub mod config;
pub mod data;
mod discard;
mod durable;
mod error;
mod evaluation;
mod exhibit;
mod failpoint;
mod feed;
mod file_names;
mod files;
mod finite;
pub mod gan;
mod lock;
mod marker;
mod metadata;
mod metrics_log;
mod names;
mod player;
mod position;
pub mod rollback;
pub mod run;
mod run_dir;
mod run_options;
mod saver;
mod stats;
mod system;

pub use best::Best;
pub use checkpoint::Checkpoint;
pub use config::{Crop, Fit, ImageSize, OnDivergence, PartialConfig, TrainConfig};
pub use error::{Error, Result};
pub use evaluation::{Evaluation, FeatureMetric, Metric, real_features};
pub use feed::Feed;
pub use gan::{Gan, GanLoss, GanOptions, LogitsAndTargets, Loss, Side};
pub use gan_nn;
pub use metadata::{DataMetadata, Metadata, Program};
pub use player::{Player, PlayerSettings, backward};
pub use run::Summary;
pub use run_dir::RunDir;
pub use run_options::RunOptions;
pub use stats::StepStats;
pub use system::{Better, Kind, ModelFile, Moment, Number, Picture, System, Waited};
