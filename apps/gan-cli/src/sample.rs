//! `gan sample`.

use crate::args::SampleFlags;
use crate::device;
use crate::failure::Failure;
use crate::train::cores;
use candle_core::{Device, Tensor};
use gan_models::{Generator, Mode, latents_from, load_generator};
use gan_ops::Precision;
use gan_train::RunDir;
use indicatif::ProgressIterator;
use std::path::{Path, PathBuf};

/// Images made at a time.
const BATCH: usize = 64;
/// The most images in one grid.
const LARGEST_GRID: u32 = 4096;

pub fn run(flags: &SampleFlags) -> Result<(), Failure> {
    if flags.count == 0 {
        return Err(Failure::usage("--count is 0", "ask for at least 1 image"));
    }
    gan_ops::set_threads(flags.threads.unwrap_or_else(cores));
    let (device, _) = device::choose(&flags.device, Precision::F32)?;
    let file = generator_file(&flags.model)?;
    let generator = load_generator(&file, &device)?;
    generator.params().set_requires_grad(false);

    let out = flags.out.clone().unwrap_or_else(|| format!("samples-seed{}.png", flags.seed).into());
    if names_a_folder(&out) {
        single_images(generator.as_ref(), flags, &out, &device)?;
    } else {
        grid(generator.as_ref(), flags, &out, &device)?;
    }
    println!("{} images of {} (seed {}): {}", flags.count, file.display(), flags.seed, out.display());
    Ok(())
}

/// One PNG with all images, about square.
fn grid(generator: &dyn Generator, flags: &SampleFlags, out: &Path, device: &Device) -> Result<(), Failure> {
    if flags.count > LARGEST_GRID {
        return Err(Failure::usage(
            format!("a grid of {} images is too large", flags.count),
            format!("ask for at most {LARGEST_GRID}, or for single images with --out DIR/"),
        ));
    }
    if !names_a_png(out) {
        return Err(Failure::usage(
            format!("{} is neither a PNG file nor a folder", out.display()),
            "end --out in .png for one grid, or in / for single images",
        ));
    }
    let batches: Result<Vec<Tensor>, Failure> = batches(flags.count)
        .map(|(first, count)| images(generator, flags.seed, first, count, device))
        .collect();
    let images = Tensor::cat(&batches?, 0)?;
    if images.dims()[1..] == [1, 1, 2] {
        return Ok(gan_data::scatter(&images)?.save_png(out)?); // points of the plane
    }
    let columns = f64::from(flags.count).sqrt().ceil() as usize;
    Ok(gan_data::save_image(&images, out, columns)?)
}

/// A PNG an image: 00000.png, 00001.png, ...
fn single_images(
    generator: &dyn Generator,
    flags: &SampleFlags,
    folder: &Path,
    device: &Device,
) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::other(
            format!("cannot create {}: {error}", folder.display()),
            "choose a folder that can be written",
        )
    })?;
    let bar = indicatif::ProgressBar::new(u64::from(flags.count.div_ceil(BATCH as u32)));
    for (first, count) in batches(flags.count).progress_with(bar) {
        let images = images(generator, flags.seed, first, count, device)?;
        for (i, image) in gan_data::to_images(&images)?.iter().enumerate() {
            image.save_png(&folder.join(format!("{:05}.png", first + i as u64)))?;
        }
    }
    Ok(())
}

/// First index and size of each batch.
fn batches(count: u32) -> impl Iterator<Item = (u64, usize)> {
    let count = count as usize;
    (0..count).step_by(BATCH).map(move |first| (first as u64, BATCH.min(count - first)))
}

/// Images `[count, C, H, W]` of the latents number `first` and on.
fn images(
    generator: &dyn Generator,
    seed: u64,
    first: u64,
    count: usize,
    device: &Device,
) -> Result<Tensor, Failure> {
    let z = latents_from(generator.config(), seed, first, count, device)?;
    Ok(generator.forward(&z, None, Mode::Eval)?)
}

/// The generator file of a run folder, or the file itself.
fn generator_file(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    RunDir::latest_generator(path)?.ok_or_else(|| {
        Failure::other(
            format!("{} has no checkpoint with a generator", path.display()),
            "give the folder of a run that has saved one, or a generator file",
        )
    })
}

/// Whether a file is to be a PNG by its name.
pub fn names_a_png(out: &Path) -> bool {
    out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

fn names_a_folder(out: &Path) -> bool {
    out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/")
}
