//! `gan interpolate`: from one latent to the next, or from one class to the next.

use super::picture::Picture;
use super::{Classes, LONGEST, Subject, counted};
use crate::args::InterpolateFlags;
use crate::failure::Failure;
use crate::picture_format::PictureFormat;
use crate::sample::class_number;
use candle_core::Tensor;
use gan_models::latent::{Interpolation, within};

pub fn run(flags: &InterpolateFlags) -> Result<(), Failure> {
    let picture = Picture::wanted(&flags.picture, "interpolation", PictureFormat::Png)?;
    let steps = counted("--steps", flags.steps, 2)?;
    let subject = Subject::open(&flags.model, &flags.choice, flags.latents.truncation)?;
    let way = Way::wanted(flags, &subject)?;
    let legs = way.ends() - 1;
    if picture.is_film() {
        // Where one leg ends and the next begins is one picture.
        let count = legs.saturating_mul(steps - 1).saturating_add(1);
        picture.film(&subject, count, (1, 1), |frame| {
            let leg = (frame / (steps - 1)).min(legs - 1);
            way.images(&subject, leg, &[place(frame - leg * (steps - 1), steps)])
        })?;
    } else {
        let places: Vec<f64> = (0..steps).map(|step| place(step, steps)).collect();
        picture.rows(&subject, (legs, steps), |leg| way.images(&subject, leg, &places))?;
    }
    let class = match &way {
        Way::Latents { class, .. } => *class,
        Way::Classes { .. } => None,
    };
    println!(
        "{legs} times {steps} images from {} of {}: {}",
        way.described(flags, &subject),
        subject.named(class),
        picture.out.display()
    );
    Ok(())
}

/// How far step number `step` of so many is, from 0 to 1.
fn place(step: usize, steps: usize) -> f64 {
    step as f64 / (steps - 1) as f64
}

/// What leads from end to end.
enum Way {
    /// Latents `[ends, Z]`, of one class.
    Latents { ends: Tensor, method: Interpolation, class: Option<u32> },
    /// Classes, as rows of `[ends, K]`, of one latent `[1, Z]`.
    Classes { ends: Tensor, latent: Tensor },
}

impl Way {
    fn wanted(flags: &InterpolateFlags, subject: &Subject) -> Result<Self, Failure> {
        let seed = flags.latents.seed;
        if let Some(names) = &flags.classes {
            check_ends("--classes", names.len())?;
            let model = &subject.model;
            let numbers: Result<Vec<u32>, Failure> =
                names.iter().map(|name| class_number(name, "--classes", model)).collect();
            let known = model.classes.len();
            let mut ends = vec![0f32; names.len() * known];
            numbers?
                .into_iter()
                .enumerate()
                .for_each(|(end, class)| ends[end * known + class as usize] = 1.0);
            let ends = Tensor::from_vec(ends, (names.len(), known), &subject.device)?;
            return Ok(Self::Classes { ends, latent: subject.latents(seed, 0, 1)? });
        }
        let ends = match &flags.seeds {
            Some(seeds) => {
                check_ends("--seeds", seeds.len())?;
                let firsts: Result<Vec<Tensor>, Failure> =
                    seeds.iter().map(|&seed| subject.latents(seed, 0, 1)).collect();
                Tensor::cat(&firsts?, 0)?
            }
            None => {
                check_ends("--count", flags.count as usize)?;
                subject.latents(seed, 0, flags.count as usize)?
            }
        };
        let method = flags.method.unwrap_or(Interpolation::usual(subject.model.latent));
        Ok(Self::Latents { ends, method, class: subject.class(flags.latents.class.as_deref())? })
    }

    fn ends(&self) -> usize {
        match self {
            Self::Latents { ends, .. } | Self::Classes { ends, .. } => ends.dims()[0],
        }
    }

    /// The images at these places of a leg, 0 to 1 each: `[N, C, H, W]`.
    fn images(&self, subject: &Subject, leg: usize, places: &[f64]) -> Result<Tensor, Failure> {
        let along = |ends: &Tensor, method: Interpolation| -> Result<Tensor, Failure> {
            let (from, to) = (ends.narrow(0, leg, 1)?, ends.narrow(0, leg + 1, 1)?);
            let points: candle_core::Result<Vec<Tensor>> =
                places.iter().map(|&place| method.between(&from, &to, place)).collect();
            Ok(Tensor::cat(&points?, 0)?)
        };
        let count = places.len();
        Ok(match self {
            Self::Latents { ends, method, class } => {
                let latents = within(&along(ends, *method)?, subject.model.latent, subject.truncation)?;
                subject.images(&latents, &Classes::all(*class, count))?
            }
            Self::Classes { ends, latent } => {
                let latents = latent.repeat((count, 1))?;
                subject.images(&latents, &Classes::Shares(along(ends, Interpolation::Lerp)?))?
            }
        })
    }

    /// What the ends are.
    fn described(&self, flags: &InterpolateFlags, subject: &Subject) -> String {
        let seed = flags.latents.seed;
        match (self, &flags.classes, &flags.seeds) {
            (Self::Classes { .. }, Some(classes), _) => {
                format!("class to class ({}; seed {seed})", classes.join(", "))
            }
            (Self::Latents { method, .. }, _, Some(seeds)) => {
                let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
                format!("seed to seed ({}; {method})", seeds.join(", "))
            }
            (Self::Latents { method, .. }, ..) => format!("latent to latent (seed {seed}; {method})"),
            _ => subject.model.to_string(),
        }
    }
}

/// Refuses fewer ends than two, and too many.
fn check_ends(flag: &str, ends: usize) -> Result<(), Failure> {
    if (2..=LONGEST).contains(&ends) {
        return Ok(());
    }
    Err(Failure::usage(format!("{flag} gives {ends} to lead through"), format!("give 2 to {LONGEST}")))
}
