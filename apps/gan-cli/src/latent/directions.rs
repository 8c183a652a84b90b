//! `gan directions`: the directions of the latent space in which most changes.

use super::picture::save_rows;
use super::sefa::{Directions, sefa};
use super::{Classes, Subject, counted, expect_png, save_tensors};
use crate::args::DirectionsFlags;
use crate::failure::Failure;
use candle_core::Tensor;
use serde::Serialize;
use std::path::Path;

/// The longest latents whose directions are looked for.
const LONGEST_LATENT: usize = 4096;

/// What the file of directions says of itself.
#[derive(Serialize)]
struct About {
    kind: &'static str,
    method: &'static str,
}

pub fn run(flags: &DirectionsFlags) -> Result<(), Failure> {
    expect_png(&flags.out)?;
    let steps = counted("--steps", flags.steps, 2)?;
    if !flags.range.is_finite() || flags.range <= 0.0 {
        let what = format!("--range is {}", flags.range);
        return Err(Failure::usage(
            what,
            "give a number above 0: latents are about as long as the root of their size",
        ));
    }
    let subject = Subject::open(&flags.model, &flags.choice, flags.latents.truncation)?;
    let dim = subject.model.latent_dim;
    let count = counted("--count", flags.count, 1)?;
    if count > dim {
        let what = format!("--count is {count}, and the latents have {dim} numbers");
        return Err(Failure::usage(what, format!("there are {dim} directions")));
    }
    let weight = subject.chosen.generator.latent_weight()?;
    let weight = weight.filter(|_| dim <= LONGEST_LATENT).ok_or_else(|| {
        Failure::other(
            format!("no directions can be found for {}", subject.named(None)),
            format!(
                "there are some where a layer takes the latent at once, of up to {LONGEST_LATENT} numbers"
            ),
        )
    })?;
    let found = sefa(&weight.to_vec2::<f32>()?, count)?;
    let directions = Tensor::from_vec(found.vectors.concat(), (count, dim), &subject.device)?;

    let class = subject.class(flags.latents.class.as_deref())?;
    let start = subject.latents(flags.latents.seed, 0, 1)?;
    let places = (0..steps).map(|step| flags.range * (2.0 * step as f64 / (steps - 1) as f64 - 1.0));
    let places: Vec<f32> = places.map(|place| place as f32).collect();
    let places = Tensor::from_vec(places, (steps, 1), &subject.device)?;
    save_rows(&flags.out, &subject, (count, steps), |row| {
        let moved = places.matmul(&directions.narrow(0, row, 1)?)?;
        Ok(subject.images(&moved.broadcast_add(&start)?, &Classes::all(class, steps))?)
    })?;
    if let Some(path) = &flags.save {
        save(path, &directions, &found)?;
    }
    println!(
        "{count} directions of {} (seed {}), {:.1} % of what the first layer changes by: {}",
        subject.named(class),
        flags.latents.seed,
        100.0 * found.share(),
        flags.out.display()
    );
    Ok(())
}

fn save(path: &Path, directions: &Tensor, found: &Directions) -> Result<(), Failure> {
    let values: Vec<f32> = found.values.iter().map(|&value| value as f32).collect();
    let values = Tensor::from_vec(values, found.values.len(), &candle_core::Device::Cpu)?;
    let directions = directions.to_device(&candle_core::Device::Cpu)?;
    let about = About { kind: "directions", method: "sefa" };
    save_tensors(path, &[("directions", directions), ("eigenvalues", values)], &about)
}
