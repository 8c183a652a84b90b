//! `gan walk`: closed walks through the latent space, as a film that never jumps.

use super::picture::Picture;
use super::{Classes, Subject, counted};
use crate::args::WalkFlags;
use crate::failure::Failure;
use crate::picture_format::PictureFormat;
use candle_core::Tensor;
use gan_models::latent::Walk;

pub fn run(flags: &WalkFlags) -> Result<(), Failure> {
    let picture = Picture::wanted(&flags.picture, "walk", PictureFormat::Gif)?;
    let (frames, walks) = (counted("--frames", flags.frames, 2)?, counted("--grid", flags.grid, 1)?);
    let truncation = flags.latents.truncation;
    let subject = Subject::open(&flags.model, &flags.choice, truncation)?;
    let only = match &flags.latents.class {
        Some(class) => subject.class(Some(class))?,
        None => None,
    };
    let classes = match only {
        Some(class) => Some(vec![class; walks]),
        None => subject.model.classes_in_turn(walks),
    };
    let classes = classes.map_or(Classes::None, Classes::Each);
    let walk = Walk::of_seed(subject.space(), truncation, flags.latents.seed, walks, &subject.device)?;
    let turns = |frame: usize| frame as f64 / frames as f64;
    if picture.is_film() {
        let columns = (walks as f64).sqrt().ceil() as usize;
        picture.film(&subject, frames, (walks, columns), |frame| {
            Ok(subject.images(&walk.at(turns(frame))?, &classes)?)
        })?;
    } else {
        picture.rows(&subject, (walks, frames), |row| {
            let places: gan_models::Result<Vec<Tensor>> =
                (0..frames).map(|frame| Ok(walk.at(turns(frame))?.narrow(0, row, 1)?)).collect();
            let classes = match &classes {
                Classes::Each(classes) => Classes::Each(vec![classes[row]; frames]),
                _ => Classes::None,
            };
            Ok(subject.images(&Tensor::cat(&places?, 0)?, &classes)?)
        })?;
    }
    let what = if walks == 1 { "a closed walk".to_owned() } else { format!("{walks} closed walks") };
    println!(
        "{what} of {frames} images (seed {}) through {}: {}",
        flags.latents.seed,
        subject.named(only),
        picture.out.display()
    );
    Ok(())
}
