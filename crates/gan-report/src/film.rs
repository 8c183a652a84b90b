//! Films: how the samples of the same latents changed over the steps of a run, or any pictures one after the
//! other.

mod encode;

use crate::error::{Error, Result};
use crate::files;
use crate::pictures;
use crate::record::{RunRecord, Sample};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How long a picture is shown, and the last one, in milliseconds.
const MILLISECONDS: u16 = 200;
const MILLISECONDS_AT_THE_END: u16 = 2000;

/// A format of films. GIF has 256 colours a picture; the others keep every pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Animated GIF.
    Gif,
    /// Animated PNG.
    Apng,
    /// Animated WebP, lossless.
    Webp,
}

impl Format {
    /// What the name of a file asks for: `.gif`, `.png` or `.apng`, `.webp`.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_ascii_lowercase();
        match extension.to_str()? {
            "gif" => Some(Self::Gif),
            "png" | "apng" => Some(Self::Apng),
            "webp" => Some(Self::Webp),
            _ => None,
        }
    }
}

/// A picture of a film.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row from the top.
    pub rgb: Vec<u8>,
    /// How long it is shown.
    pub milliseconds: u16,
}

/// Writes `count` pictures of one size as a film that begins anew when it is over, whole or not at all. They
/// are asked for one after the other.
///
/// # Errors
/// If a picture cannot be made, is of another size than the first or is missing, or the film cannot be
/// written.
pub fn write_frames(
    out: impl AsRef<Path>,
    format: Format,
    count: usize,
    frames: &mut dyn Iterator<Item = std::result::Result<Frame, String>>,
) -> Result<PathBuf> {
    let out = out.as_ref();
    let mut file = files::beside(out)?;
    let mut to = BufWriter::new(file.as_file_mut());
    encode::encode(format, count, frames, &mut to).map_err(|what| Error::picture(out, what))?;
    to.flush().map_err(Error::file("write", out))?;
    drop(to);
    files::keep(file, out)
}

/// Writes the pictures of a name (empty for the samples themselves) as a film: `.gif`, `.png` or `.apng`,
/// `.webp`, by the name of the file. GIF has 256 colours a picture; the others keep every pixel. Pictures
/// that cannot be read, or are of another size than the first, are left out with a warning.
///
/// # Errors
/// If the folder holds no run, there are no such pictures, or the film cannot be written.
pub fn write(folder: impl AsRef<Path>, name: &str, out: impl AsRef<Path>) -> Result<PathBuf> {
    let (folder, out) = (folder.as_ref(), out.as_ref());
    let format = Format::of(out).ok_or_else(|| Error::FilmFormat { path: out.to_path_buf() })?;
    let run = RunRecord::read(folder)?;
    let samples = sound(&run.samples_of(name));
    if samples.is_empty() {
        return Err(Error::NoSamples { folder: folder.to_path_buf(), name: name.to_owned() });
    }
    write_frames(out, format, samples.len(), &mut frames(&samples))
}

/// The pictures that can be read and are of one size. They are read again as they are encoded: a film may be
/// larger than memory.
fn sound(samples: &[&Sample]) -> Vec<Sample> {
    let mut size = None;
    let mut sound = Vec::new();
    for &sample in samples {
        match pictures::decode(&sample.path) {
            Ok(image)
                if *size.get_or_insert((image.width(), image.height()))
                    == (image.width(), image.height()) =>
            {
                sound.push(sample.clone());
            }
            Ok(_) => tracing::warn!("left out: {} is of another size", sample.path.display()),
            Err(error) => tracing::warn!("left out: {error}"),
        }
    }
    sound
}

/// The pixels of each picture, with the time that it is shown.
fn frames(samples: &[Sample]) -> impl Iterator<Item = std::result::Result<Frame, String>> {
    samples.iter().enumerate().map(|(place, sample)| {
        let is_last = place + 1 == samples.len();
        let image = pictures::decode(&sample.path).map_err(|error| error.to_string())?.into_rgb8();
        let milliseconds = if is_last { MILLISECONDS_AT_THE_END } else { MILLISECONDS };
        Ok(Frame { width: image.width(), height: image.height(), rgb: image.into_raw(), milliseconds })
    })
}
