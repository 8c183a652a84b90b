//! From a config to images ready for the discriminator.

use crate::config::TrainConfig;
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use gan_data::{DataLoader, Dataset, Digits, Folder, LoaderConfig, ResizeTo, Split, Transform, Transforms};
use std::path::Path;
use std::sync::Arc;

/// The names of the data sets there are.
pub const NAMES: [&str; 5] = ["digits", "mnist", "fashion-mnist", "cifar10", "folder:PATH"];

/// Batches to prepare ahead.
const PREFETCH: usize = 4;

/// Opens the training images of the config's data set: from its folder, or, with the feature `hub` and without a folder,
/// from the Hugging Face hub.
pub fn open(config: &TrainConfig) -> Result<Arc<dyn Dataset>> {
    let size = config.image_size();
    if let Some(path) = config.dataset.strip_prefix("folder:") {
        return Ok(Arc::new(Folder::open(Path::new(path), Split::Train)?));
    }
    Ok(match (config.dataset.as_str(), config.data_dir.as_deref()) {
        ("digits", _) => Arc::new(Digits::train(config.seed, size.height.max(size.width).max(16))?),
        (name @ ("mnist" | "fashion-mnist"), Some(dir)) => {
            Arc::new(gan_data::load_mnist(dir, Split::Train, name)?)
        }
        ("cifar10", Some(dir)) => Arc::new(gan_data::load_cifar10(dir, Split::Train)?),
        (name @ ("mnist" | "fashion-mnist" | "cifar10"), None) => from_hub(name)?,
        (other, _) => {
            return Err(Error::config(
                format!("there is no data set {other}"),
                format!("the data sets are {}", NAMES.join(", ")),
            ));
        }
    })
}

#[cfg(feature = "hub")]
fn from_hub(name: &str) -> Result<Arc<dyn Dataset>> {
    Ok(Arc::new(gan_data::load_from_hub(name, Split::Train, &gan_data::Watch::default())?))
}

#[cfg(not(feature = "hub"))]
fn from_hub(name: &str) -> Result<Arc<dyn Dataset>> {
    let files = match name {
        "cifar10" => "data_batch_1.bin, ...",
        _ => "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz",
    };
    Err(Error::config(
        format!("the data set {name} needs its files, and no folder is given"),
        format!(
            "give the folder that holds them, --data-dir DIR ({files}), or build with --features hub to download them"
        ),
    ))
}

/// The loader of a data set, at the size and in the order that the config asks for.
pub fn loader(config: &TrainConfig, data: Arc<dyn Dataset>, device: &Device) -> Result<DataLoader> {
    let size = config.image_size();
    let (height, width) = (size.height, size.width);
    let mut transforms = vec![if height == width {
        Transform::Resize(ResizeTo::Shorter(height))
    } else {
        Transform::Resize(ResizeTo::Exact { height, width })
    }];
    transforms.push(Transform::CenterCrop { height, width });
    if config.flip {
        transforms.push(Transform::RandomHorizontalFlip { probability: 0.5 });
    }
    let loader = LoaderConfig {
        batch_size: config.batch_size(),
        shuffle: true,
        drop_last: config.drop_last(),
        seed: config.seed,
        prefetch: PREFETCH,
    };
    Ok(DataLoader::new(data, Transforms::new(transforms), loader, device)?)
}

/// Up to `count` training images `[count, C, H, W]` in [-1, 1], in the order that the run will see them.
pub fn first_images(
    config: &TrainConfig,
    data: Arc<dyn Dataset>,
    count: usize,
    device: &Device,
) -> Result<Tensor> {
    let batch_size = Some(count.min(data.len()));
    let config = TrainConfig { batch_size, ..config.clone() };
    Ok(loader(&config, data, device)?.next_batch()?.images)
}
