//! Losses, optimizers and the alternating loop that trains a GAN.
//!
//! - [`run::train`] is the loop: what happens when (steps, log lines, sample grids, checkpoints).
//! - [`Trainer`] is what one step is: n_critic updates of the discriminator, then one of the generator.
//! - [`Loss`] is what they minimise: pure functions of logits. A new loss is a new arm there.
//! - [`TrainConfig`] is everything that can be chosen; [`RunDir`] is where the results go.
//!
//! Vocabulary: errD and errG are the losses of the discriminator and the generator; D(x) is the mean probability that
//! D gives real images, D(G(z)) the one it gives generated images, before (1) and after (2) its own update.

mod adam;
pub mod config;
pub mod data;
mod ema;
mod error;
mod loss;
pub mod run;
mod run_dir;
mod stats;
mod trainer;

pub use adam::Adam;
pub use config::{Crop, ImageSize, TrainConfig};
pub use ema::Ema;
pub use error::{Error, Result};
pub use loss::Loss;
pub use run_dir::RunDir;
pub use stats::StepStats;
pub use trainer::Trainer;
