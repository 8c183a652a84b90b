//! `gan sample`.

mod classes;
mod generated;

use crate::args::SampleFlags;
use crate::device;
use crate::failure::Failure;
use crate::generator_choice::{Chosen, choose, no_networks};
use crate::progress::watch;
use candle_core::Tensor;
use classes::ClassChoice;
pub use classes::class_number;
use gan_data::{ExportFormat, ExportOptions, OnBadImage, Split, Transforms, export};
use gan_models::latent::check_truncation;
use gan_ops::Precision;
use generated::{BATCH, Generated};
use indicatif::ProgressIterator;
use std::path::Path;

/// The most images in one grid.
const LARGEST_GRID: usize = 4096;

pub fn run(flags: &SampleFlags) -> Result<(), Failure> {
    flags.truncation.map_or(Ok(()), check_truncation)?;
    device::use_threads(flags.threads);
    let (device, _) = device::choose(&flags.device, Precision::F32)?;
    let Chosen { generator, path: from, because, .. } =
        choose(&flags.model, flags.checkpoint, flags.weights, &device)?;
    let model = generator.model().cloned().ok_or_else(|| no_networks(&from))?;
    let classes = ClassChoice::wanted(flags, &model)?;
    let count = match flags.per_class {
        Some(of_each) => of_each as usize * model.classes.len(),
        None => flags.count as usize,
    };
    if count == 0 {
        let flag = if flags.per_class.is_some() { "--per-class" } else { "--count" };
        return Err(Failure::usage(format!("{flag} is 0"), "ask for at least 1 image"));
    }
    let images = Generated::new((generator, model), (flags.seed, flags.truncation), classes, count, device);

    let default_out = || match flags.format {
        Some(_) => format!("samples-seed{}/", flags.seed).into(),
        None => format!("samples-seed{}.png", flags.seed).into(),
    };
    let out = flags.out.clone().unwrap_or_else(default_out);
    match flags.format {
        Some(format) => data_set(&images, &out, format)?,
        None if names_a_folder(&out) => single_images(&images, &out, flags.force)?,
        None => grid(&images, &out, flags.per_class)?,
    }
    let because = because.map(|because| format!(", {because}")).unwrap_or_default();
    println!("{count} images of {}{because} (seed {}): {}", from.display(), flags.seed, out.display());
    Ok(())
}

/// One PNG with all images: a row a class, or about square.
fn grid(generated: &Generated, out: &Path, per_class: Option<u32>) -> Result<(), Failure> {
    let count = generated.count();
    if count > LARGEST_GRID {
        return Err(Failure::usage(
            format!("a grid of {count} images is too large"),
            format!("ask for at most {LARGEST_GRID}, or for single images with --out DIR/"),
        ));
    }
    if !names_a_png(out) {
        return Err(Failure::usage(
            format!("{} is neither a PNG file nor a folder", out.display()),
            "end --out in .png for one grid, or in / for single images",
        ));
    }
    let columns = per_class.map_or((count as f64).sqrt().ceil() as usize, |columns| columns as usize);
    let (width, height) = generated.size();
    gan_data::grid_size(count, width, height, columns)?;
    let batches: candle_core::Result<Vec<Tensor>> =
        (0..count.div_ceil(BATCH)).map(|batch| generated.batch(batch)).collect();
    let images = Tensor::cat(&batches?, 0)?;
    if images.dims()[1..] == [1, 1, 2] {
        return Ok(gan_data::scatter(&images)?.save_png(out)?); // points of the plane
    }
    Ok(gan_data::save_image(&images, out, columns)?)
}

/// A PNG an image: 00000.png, 00001.png, ... Into an empty folder, or `anyway`: those of another seed that lie there
/// would look as if they were of this one.
fn single_images(generated: &Generated, folder: &Path, anyway: bool) -> Result<(), Failure> {
    let occupied = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !anyway {
        return Err(Failure::other(
            format!("{} is not empty", folder.display()),
            "name a new folder, or add --force: images of the same numbers are replaced, all else stays",
        ));
    }
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::other(
            format!("cannot create {}: {error}", folder.display()),
            "choose a folder that can be written",
        )
    })?;
    let batches = generated.count().div_ceil(BATCH);
    let bar = indicatif::ProgressBar::new(batches as u64);
    for batch in (0..batches).progress_with(bar) {
        for (i, image) in gan_data::to_images(&generated.batch(batch)?)?.iter().enumerate() {
            image.save_png(&folder.join(format!("{:05}.png", batch * BATCH + i)))?;
        }
    }
    Ok(())
}

/// A data set like those that `gan data export` writes.
fn data_set(generated: &Generated, out: &Path, format: ExportFormat) -> Result<(), Failure> {
    let options = ExportOptions {
        format,
        split: Split::Train,
        count: None,
        transforms: Transforms::new(Vec::new()),
        on_bad_image: OnBadImage::Stop,
        watch: watch(),
    };
    export(generated, out, &options)?;
    Ok(())
}

/// Whether a file is to be a PNG by its name.
pub fn names_a_png(out: &Path) -> bool {
    out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

fn names_a_folder(out: &Path) -> bool {
    out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/")
}
