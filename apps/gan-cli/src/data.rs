//! `gan data`: looks at a data set, shows it as the discriminator will see it, and writes it to files.

mod report;

use crate::args::{Data, DataFlags};
use crate::configure;
use crate::failure::Failure;
use crate::progress::watch;
use crate::train::program;
use candle_core::Device;
use gan_data::{Dataset, ExportOptions, Transform, Transforms};
use gan_train::{Crop, TrainConfig, data};
use std::path::Path;
use std::sync::Arc;

/// Images in a preview, across.
const COLUMNS: usize = 8;
/// The most images in a preview.
const MOST_PREVIEWED: u32 = 1024;

pub fn run(what: &Data) -> Result<(), Failure> {
    match what {
        Data::Check(flags) => check(flags),
        Data::Preview { flags, count, out } => preview(flags, *count, out),
        Data::Export { flags, out, format, count } => {
            let (config, dataset) = open(flags)?;
            let options = ExportOptions {
                format: *format,
                split: flags.split,
                count: count.map(|count| count as usize),
                transforms: export_transforms(flags, &config),
                on_bad_image: config.on_bad_image,
                watch: watch(),
            };
            let written = gan_data::export(dataset.as_ref(), out, &options)?;
            println!("{written} images of {} written to {}", dataset.name(), out.display());
            Ok(())
        }
    }
}

fn check(flags: &DataFlags) -> Result<(), Failure> {
    let (config, dataset) = open(flags)?;
    let report = gan_data::check(dataset.as_ref(), config.workers(), &watch());
    report::print(&report, dataset.as_ref(), &config, flags)?;
    match report.bad.len() {
        0 => Ok(()),
        bad => Err(Failure::other(
            format!("{bad} of the {} images of {} cannot be read", dataset.len(), dataset.name()),
            "replace them or take them out; or train with --on-bad-image skip",
        )),
    }
}

fn preview(flags: &DataFlags, count: u32, out: &Path) -> Result<(), Failure> {
    if !(1..=MOST_PREVIEWED).contains(&count) {
        return Err(Failure::usage(
            format!("--count is {count}"),
            format!("preview 1 to {MOST_PREVIEWED} images"),
        ));
    }
    let (config, dataset) = open(flags)?;
    let images = data::first_images(&config, dataset.clone(), count as usize, &Device::Cpu)?;
    gan_data::save_image(&images, out, COLUMNS)?;
    println!(
        "{} images of {} in {}, as the discriminator will see them",
        images.dim(0)?,
        dataset.name(),
        out.display()
    );
    println!("Train on them:\n  {} train {}", program(), configure::as_flags(&flags.source, &flags.images));
    Ok(())
}

/// Images keep their size unless another is asked for, and nothing is left to chance.
fn export_transforms(flags: &DataFlags, config: &TrainConfig) -> Transforms {
    if flags.images.image_size.is_some() {
        return data::transforms(&TrainConfig { crop: Crop::Center, ..config.clone() });
    }
    Transforms::new(config.channels.map(Transform::Channels).into_iter().collect())
}

/// The settings, and the data set that they name.
fn open(flags: &DataFlags) -> Result<(TrainConfig, Arc<dyn Dataset>), Failure> {
    let config = configure::for_data(&flags.source, &flags.images)?;
    let dataset = data::open(&config, flags.split, &watch())?;
    Ok((config, dataset))
}
