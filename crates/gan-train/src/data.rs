//! From a config to images ready for the discriminator.

use crate::config::{Crop, Fit, TrainConfig};
use crate::error::Result;
use crate::feed::Feed;
use candle_core::Device;
use gan_data::{
    Background, DataLoader, Dataset, LoaderConfig, OpenOptions, ProgressCallback, ResizeTo, Source, Split,
    Transform, Transforms,
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
    Ok(Source::find(&config.data.dataset, config.data.data_dir.as_deref())?)
}

/// Opens a part of the config's data set; `watch` is told of what takes long. Where classes are learnt, images without one
/// are left out.
pub fn open(config: &TrainConfig, split: Split, watch: &ProgressCallback) -> Result<Arc<dyn Dataset>> {
    let size = config.image_size();
    let size = size.height.max(size.width).max(LEAST_DRAWN);
    let options = OpenOptions {
        split,
        seed: config.run.seed,
        size,
        label_column: config.data.label_column.clone(),
        image_column: config.data.image_column.clone(),
        labels: config.data.labels.clone(),
        background: config.background(),
        watch: watch.clone(),
    };
    let data = source(config)?.open(&options)?;
    Ok(if config.model.conditional.is_some() { gan_data::labelled(data) } else { data })
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
    let (height, width, filter) = (size.height, size.width, config.data.resize_filter);
    let fit = config.fit();
    let to = match fit {
        Fit::Crop => ResizeTo::Cover { height, width },
        Fit::Pad => ResizeTo::Within { height, width },
        Fit::Stretch => ResizeTo::Exact { height, width },
    };
    let resize = Transform::Resize { to, filter };
    let mut steps = match config.data.crop {
        _ if fit == Fit::Pad => {
            let color = match config.data.background {
                Some(Background::Color(color)) => color,
                _ => [0; 3],
            };
            vec![resize, Transform::Pad { height, width, color }]
        }
        Crop::Center => vec![resize, Transform::CenterCrop { height, width }],
        Crop::Random => vec![resize, Transform::RandomCrop { height, width, padding: 0 }],
        Crop::RandomResized => {
            let (scale, ratio) = (CROP_SCALE, CROP_RATIO);
            vec![Transform::RandomResizedCrop { height, width, scale, ratio, filter }]
        }
    };
    steps.extend(config.data.channels.map(Transform::Channels));
    if config.data.flip {
        steps.push(Transform::RandomHorizontalFlip { probability: 0.5 });
    }
    if config.data.color_jitter > 0.0 {
        let strength = config.data.color_jitter;
        steps.push(Transform::ColorJitter {
            brightness: strength,
            contrast: strength,
            saturation: strength,
            hue: 0.0,
        });
    }
    Transforms::new(steps)
}

/// Batches of a data set, at the size and in the order that the config asks for.
pub fn feed(config: &TrainConfig, data: Arc<dyn Dataset>, device: &Device) -> Feed {
    Feed::new(data, transforms(config), loader_config(config), device)
}

/// The loader of a data set, likewise.
pub fn loader(config: &TrainConfig, data: Arc<dyn Dataset>, device: &Device) -> Result<DataLoader> {
    Ok(DataLoader::new(data, transforms(config), loader_config(config), device)?)
}

fn loader_config(config: &TrainConfig) -> LoaderConfig {
    LoaderConfig {
        batch_size: config.batch_size(),
        shuffle: true,
        drop_last: config.drop_last(),
        seed: config.run.seed,
        workers: config.workers(),
        prefetch: PREFETCH,
        cache: config.machine.cache,
        on_bad_image: config.data.on_bad_image,
    }
}

impl TrainConfig {
    /// Threads that load images. Decoding takes all cores where they are few; where they are many, four threads are
    /// enough for most networks.
    pub fn workers(&self) -> usize {
        let default = || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        self.machine.workers.unwrap_or_else(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_data::Image;
    use gan_rng::Stream;

    /// A white circle on black in the middle of an image, as high as that with a margin of an eighth.
    fn circle(width: usize, height: usize) -> Image {
        let radius = 0.375 * height.min(width) as f64;
        let inside = |x: usize, y: usize| {
            let (x, y) = (x as f64 + 0.5 - width as f64 / 2.0, y as f64 + 0.5 - height as f64 / 2.0);
            x * x + y * y < radius * radius
        };
        let pixels =
            (0..width * height).flat_map(|i| [255 * u8::from(inside(i % width, i / width)); 3]).collect();
        Image { width, height, channels: 3, pixels }
    }

    fn prepared(text: &str, image: Image) -> Image {
        let config = TrainConfig::from_toml(text).unwrap().resolve().unwrap();
        transforms(&config).apply(image, &mut Stream::new(0, "test", 0)).unwrap()
    }

    /// Columns and rows that white pixels take.
    fn extent(image: &Image) -> (usize, usize) {
        let white = |x: usize, y: usize| image.pixels[(y * image.width + x) * 3] > 127;
        let columns = (0..image.width).filter(|&x| (0..image.height).any(|y| white(x, y))).count();
        let rows = (0..image.height).filter(|&y| (0..image.width).any(|x| white(x, y))).count();
        (columns, rows)
    }

    #[test]
    fn a_circle_stays_a_circle_unless_it_is_to_be_stretched() {
        // 128x64 pixels with a circle 48 wide, for 32x64: half the size.
        let wide = || circle(128, 64);
        for fit in ["", "fit = 'crop'", "fit = 'pad'", "fit = 'stretch'", "crop = 'random'"] {
            let image = prepared(&format!("image_size = '32x64'\n{fit}"), wide());
            assert_eq!((image.height, image.width), (32, 64));
            assert_eq!(extent(&image), (24, 24), "{fit}");
        }
        // A square one: the middle of twice the height, or with a margin, or twice as wide as high.
        let square = || circle(64, 64);
        let size = "image_size = '32x64'\n";
        assert_eq!(extent(&prepared(size, square())), (48, 32), "cut at the top and at the bottom");
        let padded = prepared(&format!("{size}fit = 'pad'"), square());
        assert_eq!(extent(&padded), (24, 24));
        assert_eq!(padded.pixels[..3], [0; 3]);
        let on_red = prepared(&format!("{size}fit = 'pad'\nbackground = 'red'"), square());
        assert_eq!(on_red.pixels[..3], [255, 0, 0]);
        assert_eq!(extent(&prepared(&format!("{size}fit = 'stretch'"), square())), (48, 24));
        let tall = prepared(&format!("{size}crop = 'random'"), circle(64, 128));
        assert_eq!((tall.height, tall.width), (32, 64), "any part of it");
    }

    #[test]
    fn a_square_is_cropped_to_the_bits_of_the_shorter_side() {
        let image = |width: usize, height: usize| {
            let pixels = (0..width * height * 3).map(|i| (i * i / 7 % 256) as u8).collect();
            Image { width, height, channels: 3, pixels }
        };
        let filter = gan_data::Filter::Bilinear;
        let shorter = Transforms::new(vec![
            Transform::Resize { to: ResizeTo::Shorter(24), filter },
            Transform::CenterCrop { height: 24, width: 24 },
        ]);
        for (width, height) in [(53, 37), (37, 53), (24, 24), (100, 25), (9, 11), (500, 331)] {
            let expected = shorter.apply(image(width, height), &mut Stream::new(0, "test", 0)).unwrap();
            assert_eq!(prepared("image_size = 24", image(width, height)), expected);
        }
    }

    #[test]
    fn what_is_transparent_stays_so_with_four_channels() {
        let config = TrainConfig::from_toml("channels = 4\nimage_size = 8").unwrap().resolve().unwrap();
        assert_eq!(config.background(), Background::Transparent);
        let image = Image { width: 16, height: 8, channels: 4, pixels: [9, 8, 7, 0].repeat(128) };
        let prepared = transforms(&config).apply(image, &mut Stream::new(0, "test", 0)).unwrap();
        assert!(prepared.channels == 4 && prepared.pixels.chunks(4).all(|pixel| pixel[3] == 0));
        assert_eq!(config.model_config(3, &[]).channels, 4);
    }

    #[test]
    fn images_without_a_class_are_left_out_where_classes_are_learnt_and_only_there() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..3 {
            let image = Image { width: 8, height: 8, channels: 1, pixels: vec![i; 64] };
            image.save_png(&folder.path().join(format!("{i}.png"))).unwrap();
        }
        let table = "file_name,label\n0.png,x\n2.png,y\n";
        std::fs::write(folder.path().join("metadata.csv"), table).unwrap();
        let labels = |conditional: Option<&str>| {
            let conditional = conditional.map_or(String::new(), |kind| format!("conditional = '{kind}'\n"));
            let settings = format!("{conditional}dataset = 'folder:{}'", folder.path().display());
            let config = TrainConfig::from_toml(&settings).unwrap().resolve().unwrap();
            let data = open(&config, Split::Train, &ProgressCallback::default()).unwrap();
            (0..data.len()).map(|index| data.get(index).unwrap().label).collect::<Vec<_>>()
        };
        assert_eq!(labels(None), [Some(0), None, Some(1)]);
        assert_eq!(labels(Some("concat")), [Some(0), Some(1)]);
    }
}
