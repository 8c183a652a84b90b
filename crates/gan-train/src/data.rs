//! From a config to images ready for the discriminator.

use crate::config::{Crop, TrainConfig};
use crate::error::Result;
use candle_core::{Device, Tensor};
use gan_data::{
    CacheMode, DataLoader, Dataset, LoaderConfig, OpenOptions, ResizeTo, Source, Split, Transform,
    Transforms, Watch,
};
use std::sync::Arc;

/// Batches to prepare ahead.
const PREFETCH: usize = 4;
/// Threads that load images where none are asked for, at most.
const MOST_WORKERS: usize = 4;
/// The smallest side of an image that digits and shapes can be drawn on, pixels.
const LEAST_DRAWN: usize = 16;
/// Area and aspect ratio of random parts: torchvision's defaults, but no part smaller than half of the image.
const CROP_SCALE: (f64, f64) = (0.5, 1.0);
const CROP_RATIO: (f64, f64) = (3.0 / 4.0, 4.0 / 3.0);

/// Where the config's images come from.
pub fn source(config: &TrainConfig) -> Result<Source> {
    Ok(Source::find(&config.dataset, config.data_dir.as_deref())?)
}

/// Opens a part of the config's data set; `watch` is told of what takes long.
pub fn open(config: &TrainConfig, split: Split, watch: &Watch) -> Result<Arc<dyn Dataset>> {
    let size = config.image_size();
    let size = size.height.max(size.width).max(LEAST_DRAWN);
    let options = OpenOptions {
        split,
        seed: config.seed,
        size,
        label_column: config.label_column.clone(),
        image_column: config.image_column.clone(),
        labels: config.labels.clone(),
        watch: watch.clone(),
    };
    Ok(source(config)?.open(&options)?)
}

/// What the classes of a data set are called: their numbers, where they have no names; nothing where there are no classes.
pub fn class_names(data: &dyn Dataset) -> Vec<String> {
    match data.class_names() {
        names if names.is_empty() => {
            (0..data.classes().unwrap_or(0)).map(|class| class.to_string()).collect()
        }
        names => names,
    }
}

/// What is done to each image.
pub fn transforms(config: &TrainConfig) -> Transforms {
    let size = config.image_size();
    let (height, width, filter) = (size.height, size.width, config.resize_filter);
    let to = if height == width { ResizeTo::Shorter(height) } else { ResizeTo::Exact { height, width } };
    let resize = Transform::Resize { to, filter };
    let mut steps = match config.crop {
        Crop::Center => vec![resize, Transform::CenterCrop { height, width }],
        Crop::Random => vec![resize, Transform::RandomCrop { height, width, padding: 0 }],
        Crop::RandomResized => {
            let (scale, ratio) = (CROP_SCALE, CROP_RATIO);
            vec![Transform::RandomResizedCrop { height, width, scale, ratio, filter }]
        }
    };
    steps.extend(config.channels.map(Transform::Channels));
    if config.flip {
        steps.push(Transform::RandomHorizontalFlip { probability: 0.5 });
    }
    if config.color_jitter > 0.0 {
        let strength = config.color_jitter;
        steps.push(Transform::ColorJitter {
            brightness: strength,
            contrast: strength,
            saturation: strength,
            hue: 0.0,
        });
    }
    Transforms::new(steps)
}

/// The loader of a data set, at the size and in the order that the config asks for.
pub fn loader(config: &TrainConfig, data: Arc<dyn Dataset>, device: &Device) -> Result<DataLoader> {
    let loader = LoaderConfig {
        batch_size: config.batch_size(),
        shuffle: true,
        drop_last: config.drop_last(),
        seed: config.seed,
        workers: config.workers(),
        prefetch: PREFETCH,
        cache: config.cache,
        on_bad_image: config.on_bad_image,
    };
    Ok(DataLoader::new(data, transforms(config), loader, device)?)
}

impl TrainConfig {
    /// Threads that load images. Decoding takes all cores where they are few; where they are many, four threads are
    /// enough for most networks.
    pub fn workers(&self) -> usize {
        let default = || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        self.workers.unwrap_or_else(default)
    }
}

/// Up to `count` training images `[count, C, H, W]` in [-1, 1], in the order that the run will see them.
pub fn first_images(
    config: &TrainConfig,
    data: Arc<dyn Dataset>,
    count: usize,
    device: &Device,
) -> Result<Tensor> {
    let batch_size = Some(count.min(data.len()));
    // Nothing is read beyond these images.
    let config = TrainConfig { batch_size, workers: Some(1), cache: CacheMode::Off, ..config.clone() };
    Ok(loader(&config, data, device)?.next_batch()?.images)
}
