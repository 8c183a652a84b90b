//! Losses, optimizers and the alternating loop that trains a GAN.
//!
//! - [`run::train`] is the loop: what happens when (steps, log lines, sample grids, checkpoints).
//! - [`Trainer`] is what one step is: n_critic updates of the discriminator, then one of the generator.
//! - [`Loss`] is what they minimise: pure functions of logits. A new loss is a new arm there.
//! - [`augment`] changes what the discriminator sees, so that a small data set is not learned by heart.
//! - [`TrainConfig`] is everything that can be chosen; [`RunDir`] is where the results go.
//! - [`Checkpoint`] is all that a run needs to go on to the same bits; [`State`] is how a trainer names it.
//!
//! Vocabulary: errD and errG are the losses of the discriminator and the generator; D(x) is the mean probability that
//! D gives real images, D(G(z)) the one it gives generated images, before (1) and after (2) its own update. Where the
//! loss has no probabilities, both are mean logits, and are called so.

pub mod augment;
mod batch;
mod checkpoint;
mod clock;
pub mod config;
mod cross_entropy;
pub mod data;
mod discard;
mod durable;
mod ema;
mod error;
mod failpoint;
mod files;
mod finite;
mod lock;
mod loss;
mod marker;
mod metadata;
mod metrics_log;
mod names;
mod optimizer;
pub mod penalty;
pub mod rollback;
pub mod run;
mod run_dir;
mod saver;
mod schedule;
mod shown;
mod state;
mod stats;
mod trainer;
mod updates;

pub use batch::{DiscriminatorStats, GeneratorBatch, GeneratorStats, MicroBatch};
pub use checkpoint::Checkpoint;
pub use config::{Crop, Fit, ImageSize, OnDivergence, PartialConfig, TrainConfig};
pub use cross_entropy::cross_entropy;
pub use ema::Ema;
pub use error::{Error, Result};
pub use loss::{Judged, Loss};
pub use metadata::{DataMetadata, Metadata, Program};
pub use optimizer::{Hyperparameters, Optimizer, OptimizerKind};
pub use run_dir::RunDir;
pub use schedule::Schedule;
pub use state::State;
pub use stats::{Scores, StepStats};
pub use trainer::Trainer;
