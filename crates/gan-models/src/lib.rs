//! Generators and discriminators, their initial weights, and the generator file.
//!
//! A [`ModelConfig`] says which pair of networks to build; [`Generator`] and [`Discriminator`] are what a training loop
//! or a sampler sees of them. This crate knows no loss, no optimizer and no data set: a program that only samples
//! depends on it alone.
//!
//! ```
//! use candle_core::Device;
//! use gan_models::{Architecture, Mode, ModelConfig, Generator, latents};
//!
//! let config = ModelConfig { base_width: 8, ..ModelConfig::new(Architecture::Dcgan, 1, 32, 32) };
//! let generator = config.generator(42, &Device::Cpu)?; // the weights of seed 42
//! let z = latents(&config, 7, 4, &Device::Cpu)?; // four latent vectors of seed 7
//! assert_eq!(generator.forward(&z, None, Mode::Eval)?.dims(), [4, 1, 32, 32]);
//! # Ok::<(), gan_models::Error>(())
//! ```
//!
//! Shapes everywhere: latents `[N, Z]`, images `[N, C, H, W]` in [-1, 1], logits `[N]`.

mod architecture;
mod build;
mod builder;
mod conditional;
mod conditioning;
mod config;
mod cost;
mod dcgan;
mod device;
mod error;
mod file;
pub mod files;
mod header;
mod init;
mod latent;
mod latents;
mod layers;
mod listing;
mod mlp;
mod networks;
mod norm;
mod notebook;
mod params;
mod parts;
mod png;
mod size_plan;
mod sngan;
mod spectral_names;
mod tensors;

pub use architecture::Architecture;
pub use candle_core;
pub use conditional::Conditional;
pub use config::ModelConfig;
pub use device::device;
pub use error::{Error, Result};
pub use file::{
    Checksum, FileInfo, discriminator_to_bytes, generator_from_bytes, generator_to_bytes, inspect_file,
    listing_of_bytes, listing_of_file, load_generator, read_generator, save_generator,
};
pub use latent::Latent;
pub use latents::{latents, latents_from};
pub use layers::Mode;
pub use listing::{Listing, differences, listing};
pub use networks::{Discriminator, DiscriminatorOutput, Generator, probability};
pub use norm::{Norm, Upsample};
pub use params::Params;
pub use png::encode_png;
pub use spectral_names::with_current_names;
