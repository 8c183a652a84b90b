//! From a config to images ready for the discriminator.

use crate::config::TrainConfig;
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use gan_data::{DataLoader, Dataset, Digits, LoaderConfig, ResizeTo, Split, Transform, Transforms};
use std::path::Path;
use std::sync::Arc;

/// The names of the data sets there are.
pub const NAMES: [&str; 4] = ["digits", "mnist", "fashion-mnist", "cifar10"];

/// Batches to prepare ahead.
const PREFETCH: usize = 4;

/// Opens the training images of the config's data set.
pub fn open(config: &TrainConfig) -> Result<Arc<dyn Dataset>> {
    let dir = || -> Result<&Path> {
        config.data_dir.as_deref().ok_or_else(|| {
            Error::config(
                format!("the data set {} needs its files, and no folder is given", config.dataset),
                format!("give the folder that holds them: --data-dir DIR ({})", files_of(&config.dataset)),
            )
        })
    };
    Ok(match config.dataset.as_str() {
        "digits" => {
            let size = config.image_size();
            Arc::new(Digits::train(config.seed, size.height.max(size.width).max(16))?)
        }
        name @ ("mnist" | "fashion-mnist") => Arc::new(gan_data::load_mnist(dir()?, Split::Train, name)?),
        "cifar10" => Arc::new(gan_data::load_cifar10(dir()?, Split::Train)?),
        other => {
            return Err(Error::config(
                format!("there is no data set {other}"),
                format!("the data sets are {}", NAMES.join(", ")),
            ));
        }
    })
}

fn files_of(dataset: &str) -> &'static str {
    match dataset {
        "cifar10" => "data_batch_1.bin, ...",
        _ => "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, ...",
    }
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
        drop_last: config.drop_last.unwrap_or(true),
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
