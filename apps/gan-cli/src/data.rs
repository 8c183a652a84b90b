//! `gan data`: looks at a data set, shows it as the discriminator will see it, and writes it to files.

mod report;

use crate::args::{Data, DataFlags};
use crate::configure;
use crate::failure::Failure;
use crate::progress::watch;
use crate::sample::names_a_png;
use crate::words::{images, program};
use candle_core::Device;
use gan_data::{Dataset, ExportOptions, Transform, Transforms};
use gan_train::{Crop, TrainConfig, data};
use std::path::Path;
use std::sync::Arc;

/// Images in a preview, across.
const COLUMNS: usize = 8;
/// With fewer images a discriminator learns them by heart, and the generator learns nothing from it any more.
const FEW: usize = 2000;
/// What helps then (Zhao et al. 2020), and was the better of what was tried (docs/data.md, "Few photos").
const FOR_FEW: &str = " --augment color,translation --ema 0.995 --upsample nearest --lr 4e-4";
const WIDTH_FOR_FEW: usize = 32;
/// The most images in a preview.
const MOST_PREVIEWED: u32 = 1024;

pub fn run(what: &Data) -> Result<(), Failure> {
    match what {
        Data::Check(flags) => check(flags),
        Data::Preview { flags, count, out } => preview(flags, *count, out),
        Data::Export { count: Some(0), .. } => Err(Failure::usage("--count is 0", "export at least 1 image")),
        Data::Export { flags, out, format, count } => {
            let (config, dataset) = open(flags)?;
            let options = ExportOptions {
                format: *format,
                split: flags.split,
                count: count.map(|count| count as usize),
                transforms: export_transforms(flags, &config),
                on_bad_image: config.data.on_bad_image,
                watch: watch(),
            };
            let written = gan_data::export(dataset.as_ref(), out, &options)?;
            println!("{} of {} written to {}", images(written), dataset.name(), out.display());
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
            format!("{bad} of the {} of {} cannot be read", images(dataset.len()), dataset.name()),
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
    if !names_a_png(out) {
        return Err(Failure::usage(format!("{} is not a PNG file", out.display()), "end --out in .png"));
    }
    let (config, dataset) = open(flags)?;
    let size = config.image_size();
    gan_data::grid_size((count as usize).min(dataset.len()), size.width, size.height, COLUMNS)?;
    let first = data::feed(&config, dataset.clone(), &Device::Cpu).first(count as usize)?;
    gan_data::save_image(&first, out, COLUMNS)?;
    println!(
        "{} of {} in {}, as the discriminator will see them",
        images(first.dim(0)?),
        dataset.name(),
        out.display()
    );
    let to_train = configure::as_flags(&flags.source, flags.images.given());
    println!("Train on them:\n  {}", train_command(to_train, dataset.as_ref(), &config));
    Ok(())
}

/// The command that trains with these flags.
fn train_command(mut flags: String, dataset: &dyn Dataset, config: &TrainConfig) -> String {
    // Training refuses a batch that is larger than the data.
    if dataset.len() < config.batch_size() {
        flags += &format!(" --batch-size {}", dataset.len());
    }
    if dataset.len() < FEW {
        flags += FOR_FEW;
        // The width that training would take at this size; looking at data resolved one for another.
        let mut usual = config.clone();
        usual.model.base_width = None;
        let usual = usual.base_width();
        if usual > WIDTH_FOR_FEW {
            flags += &format!(" --base-width {WIDTH_FOR_FEW}");
        }
    }
    format!("{} train {flags}", program())
}

/// Images keep their size unless another is asked for, and nothing is left to chance.
fn export_transforms(flags: &DataFlags, config: &TrainConfig) -> Transforms {
    if flags.images.given().contains("image_size") {
        let mut config = config.clone();
        config.data.crop = Crop::Center;
        return data::transforms(&config);
    }
    Transforms::new(config.data.channels.map(Transform::Channels).into_iter().collect())
}

/// The settings, and the data set that they name.
fn open(flags: &DataFlags) -> Result<(TrainConfig, Arc<dyn Dataset>), Failure> {
    let config = configure::for_data(&flags.source, flags.images.given())?;
    let dataset = data::open(&config, flags.split, &watch())?;
    Ok((config, dataset))
}
