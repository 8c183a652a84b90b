//! Generators and discriminators, their initial weights, and the generator file.
//!
//! A [`ModelConfig`] says which pair of networks to build; [`Generator`] and [`Discriminator`] are what a
//! training loop or a sampler sees of them. This crate knows no loss that a GAN learns by and no data set: a
//! program that only samples depends on it alone. [`latent`] is about ways through the latent space,
//! [`project`](mod@project) finds the latent of an image.
//!
//! ```
//! use candle_core::Device;
//! use gan_models::{Architecture, Context, ModelConfig, Generator};
//!
//! let config = ModelConfig { base_width: 8, ..ModelConfig::new(Architecture::Dcgan, 1, 32, 32) };
//! let generator = config.generator(42, &Device::Cpu)?; // the weights of seed 42
//! let z = config.latent_space().sample(7, 4, &Device::Cpu)?; // four latent vectors of seed 7
//! assert_eq!(generator.forward(&z, &Context::eval())?.dims(), [4, 1, 32, 32]);
//! # Ok::<(), gan_models::Error>(())
//! ```
//!
//! Shapes everywhere: latents `[N, Z]`, images `[N, C, H, W]` in [-1, 1], logits `[N]`.

mod architecture;
mod build;
mod conditional;
mod conditioning;
mod config;
mod dcgan;
mod device;
mod error;
mod file;
pub mod files;
mod header;
pub mod latent;
mod mlp;
mod networks;
mod notebook;
mod of_candle;
mod parts;
mod png;
pub mod project;
mod size_plan;
mod sngan;

pub use architecture::Architecture;
pub use candle_core;
pub use conditional::Conditional;
pub use config::ModelConfig;
pub use device::device;
pub use error::{Error, Result};
pub use file::{
    Checksum, FileInfo, discriminator_to_bytes, generator_from_bytes, generator_to_bytes, inspect_file,
    load_generator, read_generator, save_generator,
};
#[doc(hidden)] // of checkpoints
pub use file::{listing_of_bytes, listing_of_file};
pub use gan_nn::{Context, Listing, Mode, Norm, Params, Upsample};
pub use latent::{Latent, LatentSpace};
pub use networks::{Discriminator, DiscriminatorOutput, Generator, probability};
pub use of_candle::CandleNetwork;
pub use png::encode_png;
