//! How real images are brought to what a generator makes.

use crate::configure;
use crate::failure::Failure;
use crate::generator_choice::{Chosen, no_networks};
use gan_train::{Crop, ImageSize, PartialConfig, TrainConfig};
use std::path::Path;

/// As the run of the generator has it, if it is of one; else to its size, as the images of `source` are by
/// default. Nothing of it is random.
pub fn as_trained(generator: &Chosen, source: &str) -> Result<TrainConfig, Failure> {
    match generator {
        Chosen { run: Some(run), .. } => as_run(run),
        Chosen { generator, path, .. } => {
            let model = generator.model().ok_or_else(|| no_networks(path))?;
            let mut images = PartialConfig::default();
            images.set("image_size", ImageSize { height: model.height, width: model.width })?;
            images.set("channels", model.channels as i64)?;
            Ok(without_chance(configure::for_data(source, &images)?))
        }
    }
}

/// As a run has it. Nothing of it is random.
pub fn as_run(run: &Path) -> Result<TrainConfig, Failure> {
    Ok(without_chance(configure::for_resuming(&run.join("config.toml"), &Default::default())?))
}

fn without_chance(mut config: TrainConfig) -> TrainConfig {
    (config.data.flip, config.data.color_jitter, config.data.crop) = (false, 0.0, Crop::Center);
    config
}
