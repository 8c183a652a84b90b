//! Images for training: data sets, transforms with torchvision's meaning, a prefetching loader and image grids.
//!
//! ```
//! use std::sync::Arc;
//! use candle_core::Device;
//! use gan_data::{DataLoader, Digits, LoaderConfig, Transforms};
//!
//! # fn main() -> gan_data::Result<()> {
//! let digits = Arc::new(Digits::train(0, 28)?);
//! let config = LoaderConfig { batch_size: 16, ..LoaderConfig::default() };
//! let mut loader = DataLoader::new(digits, Transforms::default(), config, &Device::Cpu)?;
//! let batch = loader.next_batch()?;
//! assert_eq!(batch.images.dims(), [16, 1, 28, 28]); // f32 in [-1, 1]
//! # Ok(())
//! # }
//! ```
//!
//! Images stay `u8` until they become a batch. What is read from files is checked before it is believed: sizes are
//! compared with what is really there before memory is taken for them, and every fault is a typed [`Error`] that
//! names the file.

/// The version of Candle that this crate's tensors are of.
pub use candle_core;

mod archive;
mod background;
mod check;
mod cifar;
mod compression;
mod dataset;
mod decode;
mod digest;
mod digits;
mod error;
mod export;
mod files;
mod fingerprint;
mod folder;
#[cfg(all(fuzzing, feature = "hub"))]
#[doc(hidden)]
pub mod fuzzing;
mod grid;
#[cfg(feature = "hub")]
mod hub;
mod idx;
mod image;
mod labelled;
mod labelled_images;
mod labels;
mod load_image;
mod loader;
mod names;
mod normalize;
mod open_options;
#[cfg(feature = "hub")]
mod parquet;
mod point_images;
mod points;
mod progress_callback;
mod published;
mod resize;
mod shapes;
mod source;
mod source_names;
mod spare;
mod split;
mod spool;
mod stl10;
mod tarball;
mod tensor;
mod transforms;

pub use self::background::Background;
pub use self::check::{Report, check};
pub use self::cifar::load_cifar10;
pub use self::dataset::{Dataset, Sample};
pub use self::digits::Digits;
pub use self::error::{Error, Result};
pub use self::export::{ExportFormat, ExportOptions, export};
pub use self::fingerprint::Fingerprint;
pub use self::folder::Folder;
pub use self::grid::{grid_size, make_grid, save_image};
#[cfg(feature = "hub")]
pub use self::hub::{Hub, HubModel, load_from_hub, model_file_from_hub, open_from_hub};
pub use self::idx::load_mnist;
pub use self::image::Image;
pub use self::labelled::labelled;
pub use self::labelled_images::LabelledImages;
pub use self::load_image::load_image;
pub use self::loader::{BadImages, Batch, CacheMode, DataLoader, LoaderConfig, OnBadImage};
pub use self::normalize::Normalize;
pub use self::open_options::OpenOptions;
#[cfg(feature = "hub")]
pub use self::parquet::Parquet;
pub use self::points::{ModeCount, Points, scatter};
pub use self::progress_callback::{Progress, ProgressCallback, Unit};
pub use self::published::{Published, load_published};
pub use self::resize::{Filter, ResizeTo};
pub use self::shapes::Shapes;
pub use self::source::Source;
pub use self::split::Split;
pub use self::tensor::{to_images, to_tensor};
pub use self::transforms::{Transform, Transforms};
