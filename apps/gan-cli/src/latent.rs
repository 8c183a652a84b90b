//! `gan interpolate`, `walk`, `project` and `directions`: looking into the latent space of a trained
//! generator.

mod directions;
mod interpolate;
mod picture;
mod project;
mod sefa;
mod walk;

pub use directions::run as directions;
pub use interpolate::run as interpolate;
pub use project::run as project;
pub use walk::run as walk;

use crate::args::ChoiceFlags;
use crate::device;
use crate::failure::Failure;
use crate::generator_choice::{Chosen, choose, no_networks};
use candle_core::{Device, Tensor};
use gan_models::latent::{LatentSpace, check_truncation, truncated};
use gan_models::{Context, ModelConfig};
use gan_ops::Precision;
use std::path::Path;

/// Images made at a time.
const BATCH: usize = 64;
/// The most images along a way, and of a film.
const LONGEST: usize = 4096;

/// A generator of images that is looked into.
struct Subject {
    chosen: Chosen,
    model: ModelConfig,
    device: Device,
    /// Where numbers of latents are cut off.
    truncation: Option<f64>,
}

/// The classes of images: one each, or shares of all, `[N, K]`.
enum Classes {
    None,
    Each(Vec<u32>),
    Shares(Tensor),
}

impl Subject {
    fn open(path: &Path, flags: &ChoiceFlags, truncation: Option<f64>) -> Result<Self, Failure> {
        truncation.map_or(Ok(()), check_truncation)?;
        device::use_threads(flags.threads);
        let (device, _) = device::choose(&flags.device, Precision::F32)?;
        let chosen = choose(path, flags.checkpoint, flags.weights, &device)?;
        let model = chosen.generator.model().cloned().ok_or_else(|| no_networks(&chosen.path))?;
        if (model.channels, model.height, model.width) == (1, 1, 2) {
            return Err(Failure::usage(
                format!("{} makes points of the plane, and this is for images", chosen.path.display()),
                "gan sample draws such points, with --truncation too",
            ));
        }
        Ok(Self { chosen, model, device, truncation })
    }

    fn space(&self) -> LatentSpace {
        self.model.latent_space()
    }

    /// The latents number `first`, `first + 1`, ... of a seed, `[count, Z]`.
    fn latents(&self, seed: u64, first: u64, count: usize) -> Result<Tensor, Failure> {
        Ok(match self.truncation {
            Some(psi) => truncated(self.space(), psi, seed, first, count, &self.device)?,
            None => self.space().sample_from(seed, first, count, &self.device)?,
        })
    }

    /// The number of a class; the first, if none is named; nothing, if there are no classes.
    fn class(&self, name: Option<&str>) -> Result<Option<u32>, Failure> {
        match name {
            Some(name) => crate::sample::class_number(name, "--class", &self.model).map(Some),
            None => Ok((!self.model.classes.is_empty()).then_some(0)),
        }
    }

    /// The images of latents `[N, Z]`, `[N, C, H, W]`.
    fn images(&self, latents: &Tensor, classes: &Classes) -> candle_core::Result<Tensor> {
        let count = latents.dim(0)?;
        let batch = |first: usize| {
            let size = BATCH.min(count - first);
            let context = match classes {
                Classes::None => Context::eval(),
                Classes::Each(classes) => Context::eval().of_classes(Some(&classes[first..first + size])),
                Classes::Shares(shares) => Context::eval().of_class_shares(&shares.narrow(0, first, size)?),
            };
            self.chosen.generator.forward(&latents.narrow(0, first, size)?, &context)
        };
        let batches: candle_core::Result<Vec<Tensor>> = (0..count).step_by(BATCH).map(batch).collect();
        Tensor::cat(&batches?, 0)
    }

    /// Width and height of an image, px.
    fn size(&self) -> (usize, usize) {
        (self.model.width, self.model.height)
    }

    /// Where it is from, and of which class the images are, if they are of one.
    fn named(&self, class: Option<u32>) -> String {
        let because = self.chosen.because.as_ref().map(|because| format!(", {because}"));
        let class = class.and_then(|class| self.model.classes.get(class as usize));
        let class = class.map(|class| format!(", class {class}"));
        format!("{}{}{}", self.chosen.path.display(), because.unwrap_or_default(), class.unwrap_or_default())
    }
}

impl Classes {
    /// So many images, all of one class, if there are classes.
    fn all(class: Option<u32>, count: usize) -> Self {
        class.map_or(Self::None, |class| Self::Each(vec![class; count]))
    }
}

/// A flag that counts what lies along a way.
fn counted(flag: &str, value: u32, least: u32) -> Result<usize, Failure> {
    let count = value as usize;
    if value < least || count > LONGEST {
        return Err(Failure::usage(format!("{flag} is {value}"), format!("ask for {least} to {LONGEST}")));
    }
    Ok(count)
}

/// Refuses a file whose name does not end as it must.
fn expect_png(out: &Path) -> Result<(), Failure> {
    if crate::sample::names_a_png(out) {
        return Ok(());
    }
    Err(Failure::usage(format!("{} is no PNG file", out.display()), "end --out in .png"))
}

/// Writes tensors and what is said of them as a safetensors file: equal ones are equal bytes.
fn save_tensors(
    path: &Path,
    tensors: &[(&str, Tensor)],
    about: &impl serde::Serialize,
) -> Result<(), Failure> {
    let about = serde_json::to_string(about).map_err(|error| Failure::other(error, "please report it"))?;
    let metadata = std::collections::HashMap::from([("gan".to_owned(), about)]);
    let bytes = safetensors::serialize(tensors.iter().map(|(name, tensor)| (*name, tensor)), Some(metadata));
    write(path, &bytes.map_err(|error| Failure::other(error, "please report it"))?)
}

/// Writes a file whole.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    gan_models::files::write_whole(path, bytes).map_err(|error| {
        Failure::other(
            format!("cannot write {}: {error}", path.display()),
            "choose a file in a folder that exists and can be written",
        )
    })
}
