//! Images along ways through the latent space, as one picture or as a film.

use super::{LONGEST, Subject};
use crate::args::PictureFlags;
use crate::failure::Failure;
use crate::picture_format::PictureFormat;
use candle_core::Tensor;
use gan_data::{Image, Transform, Transforms};
use gan_report::film::{self, Frame, write_frames};
use gan_rng::Stream;
use indicatif::ProgressIterator;
use std::path::PathBuf;

/// The most pictures a second that GIF players show.
const FASTEST: u16 = 50;

/// Where images go, and as what.
pub struct Picture {
    pub out: PathBuf,
    /// The format of a film, and how long each picture of it is shown; one picture, if it is none.
    film: Option<(film::Format, u16)>,
}

impl Picture {
    /// What the flags ask for; without them `name`, and the usual format.
    pub fn wanted(flags: &PictureFlags, name: &str, usual: PictureFormat) -> Result<Self, Failure> {
        if !(1..=FASTEST).contains(&flags.fps) {
            let what = format!("--fps is {}", flags.fps);
            return Err(Failure::usage(what, format!("ask for 1 to {FASTEST} pictures a second")));
        }
        let format = match (flags.format, &flags.out) {
            (Some(format), _) => format,
            (None, None) => usual,
            (None, Some(out)) => {
                let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
                ending.and_then(|ending| ending.parse().ok()).ok_or_else(|| {
                    Failure::usage(
                        format!("{} names neither a picture nor a film", out.display()),
                        "end --out in .png, .gif, .apng or .webp, or say which it is with --format",
                    )
                })?
            }
        };
        let out = flags.out.clone().unwrap_or_else(|| format!("{name}.{format}").into());
        Ok(Self { out, film: format.of_film().map(|format| (format, 1000 / flags.fps)) })
    }

    /// Whether it is a film.
    pub fn is_film(&self) -> bool {
        self.film.is_some()
    }

    /// Writes one picture of `rows` rows, each of `columns` images `[columns, C, H, W]`.
    pub fn rows(
        &self,
        subject: &Subject,
        (rows, columns): (usize, usize),
        row: impl Fn(usize) -> Result<Tensor, Failure>,
    ) -> Result<(), Failure> {
        save_rows(&self.out, subject, (rows, columns), row)
    }

    /// Writes a film of `count` pictures, each a grid of images `[N, C, H, W]`, `columns` in a row. They are
    /// made one after the other.
    pub fn film(
        &self,
        subject: &Subject,
        count: usize,
        (images, columns): (usize, usize),
        frame: impl Fn(usize) -> Result<Tensor, Failure>,
    ) -> Result<(), Failure> {
        let Some((format, milliseconds)) = self.film else { return Ok(()) };
        if count > LONGEST {
            let what = format!("a film of {count} pictures is too long");
            return Err(Failure::usage(what, format!("ask for at most {LONGEST}")));
        }
        let (width, height) = subject.size();
        gan_data::grid_size(images, width, height, columns)?;
        let picture = |number: usize| -> Result<Frame, Failure> {
            let Image { width, height, pixels: rgb, .. } =
                in_colour(gan_data::make_grid(&frame(number)?, columns)?)?;
            Ok(Frame { width: width as u32, height: height as u32, rgb, milliseconds })
        };
        let bar = indicatif::ProgressBar::new(count as u64);
        let mut pictures = (0..count)
            .progress_with(bar)
            .map(|number| picture(number).map_err(|failure| failure.to_string()));
        write_frames(&self.out, format, count, &mut pictures)?;
        Ok(())
    }
}

/// Writes `rows` rows of `columns` images as a PNG file.
pub fn save_rows(
    out: &std::path::Path,
    subject: &Subject,
    (rows, columns): (usize, usize),
    row: impl Fn(usize) -> Result<Tensor, Failure>,
) -> Result<(), Failure> {
    let (width, height) = subject.size();
    let count = rows.saturating_mul(columns);
    if count > LONGEST {
        let what = format!("a picture of {count} images is too large");
        return Err(Failure::usage(what, format!("ask for at most {LONGEST}, or for a film")));
    }
    gan_data::grid_size(count, width, height, columns)?;
    let images: Result<Vec<Tensor>, Failure> = (0..rows).map(row).collect();
    Ok(gan_data::save_image(&Tensor::cat(&images?, 0)?, out, columns)?)
}

/// The same image as red, green and blue.
fn in_colour(image: Image) -> Result<Image, Failure> {
    let to_colour = Transforms::new(vec![Transform::Channels(3)]);
    Ok(to_colour.apply(image, &mut Stream::new(0, "none", 0))?) // nothing is drawn from it
}
