//! `gan project`: the latent whose image is nearest to an image.

use super::{Subject, expect_png, save_tensors, write};
use crate::args::ProjectFlags;
use crate::as_trained::as_trained;
use crate::failure::Failure;
use candle_core::{Device, Tensor};
use gan_data::{Image, load_image};
use gan_models::project::{ProjectOptions, Projection, project};
use gan_rng::Stream;
use gan_train::data;
use serde::Serialize;
use std::path::Path;

/// The most steps, and the most starts.
const MOST_STEPS: u32 = 1_000_000;
const MOST_STARTS: u32 = 1024;

/// What was found, besides the latent.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    /// Only where it stands in no tensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    latent: Option<Vec<f32>>,
    mse: f64,
    /// Nothing, if nothing differs.
    psnr: Option<f64>,
}

/// What a latent is written as.
#[derive(Clone, Copy)]
enum LatentFormat {
    Safetensors,
    Json,
}

pub fn run(flags: &ProjectFlags) -> Result<(), Failure> {
    expect_png(&flags.out)?;
    check(flags)?;
    let path = flags.latent.clone().unwrap_or_else(|| flags.out.with_extension("safetensors"));
    let format = LatentFormat::of(&path)?;
    let subject = Subject::open(&flags.generator, &flags.choice, None)?;
    let classes = match &flags.class {
        Some(_) => subject.class(flags.class.as_deref())?.into_iter().collect(),
        None => (0..subject.model.classes.len() as u32).collect::<Vec<u32>>(),
    };
    let image = target(&flags.image, &subject)?;
    let options = ProjectOptions { steps: flags.steps, starts: flags.starts, lr: flags.lr, seed: flags.seed };
    let bar = indicatif::ProgressBar::new(0);
    let found =
        project(subject.chosen.generator.as_ref(), &image, &classes, &options, &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })?;
    bar.finish_and_clear();
    let length = found.latent.sqr()?.sum_all()?.to_scalar::<f32>()?.sqrt();
    if !found.mse.is_finite() || !length.is_finite() {
        let what = format!("--lr {} leads to latents that are not finite", flags.lr);
        return Err(Failure::usage(what, "give a smaller one; the default is 0.1"));
    }
    gan_data::save_image(&Tensor::cat(&[&image, &found.image], 0)?, &flags.out, 2)?;
    save(&path, format, &found, &subject)?;
    println!(
        "{:.2} dB PSNR of the nearest image of {} (a latent {:.1} long): {}, {}",
        found.psnr(),
        subject.named(found.class),
        length,
        flags.out.display(),
        path.display()
    );
    Ok(())
}

fn check(flags: &ProjectFlags) -> Result<(), Failure> {
    for (flag, value, most) in [("--steps", flags.steps, MOST_STEPS), ("--starts", flags.starts, MOST_STARTS)]
    {
        if !(1..=most).contains(&value) {
            return Err(Failure::usage(format!("{flag} is {value}"), format!("ask for 1 to {most}")));
        }
    }
    if !flags.lr.is_finite() || flags.lr <= 0.0 {
        return Err(Failure::usage(format!("--lr is {}", flags.lr), "give a number above 0, such as 0.1"));
    }
    Ok(())
}

/// The image as the generator would make it, `[1, C, H, W]`; says so if it was of another size.
fn target(path: &Path, subject: &Subject) -> Result<Tensor, Failure> {
    let mut config = as_trained(&subject.chosen, "digits")?;
    config.data.channels = Some(subject.model.channels);
    let image = load_image(path, config.background())?;
    let (width, height) = (image.width, image.height);
    let transforms = data::transforms(&config);
    let image = transforms.apply(image, &mut Stream::new(0, "none", 0))?; // nothing is drawn from it
    let Image { width: new_width, height: new_height, .. } = image;
    if (width, height) != (new_width, new_height) {
        println!(
            "{} has {width}x{height} px, and is brought to {new_width}x{new_height} as in training",
            path.display()
        );
    }
    Ok(transforms.to_tensor(&[image], &subject.device)?)
}

impl LatentFormat {
    fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("safetensors") => Ok(Self::Safetensors),
            Some("json") => Ok(Self::Json),
            _ => Err(Failure::usage(
                format!("{} is no name for a latent", path.display()),
                "end --latent in .safetensors or .json",
            )),
        }
    }
}

fn save(path: &Path, format: LatentFormat, found: &Projection, subject: &Subject) -> Result<(), Failure> {
    let class = found.class.and_then(|class| subject.model.classes.get(class as usize));
    let psnr = Some(found.psnr()).filter(|psnr| psnr.is_finite());
    let mut about = Found { class: class.map(String::as_str), latent: None, mse: found.mse, psnr };
    match format {
        LatentFormat::Safetensors => {
            save_tensors(path, &[("latent", found.latent.to_device(&Device::Cpu)?)], &about)
        }
        LatentFormat::Json => {
            about.latent = Some(found.latent.flatten_all()?.to_vec1()?);
            let text = serde_json::to_string(&about);
            let text = text.map_err(|error| Failure::other(error, "please report it"))?;
            write(path, format!("{text}\n").as_bytes())
        }
    }
}
