//! How the samples of the same latents changed over the steps, as a film.

use crate::error::{Error, Result};
use crate::files;
use crate::pictures;
use crate::record::{RunRecord, Sample};
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbImage};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How long a picture is shown, and the last one, in milliseconds.
const MILLISECONDS: u16 = 200;
const MILLISECONDS_AT_THE_END: u16 = 2000;

/// Writes the pictures of a name (empty for the samples themselves) as a film: `.gif`, `.png` or `.apng`,
/// `.webp`, by the name of the file. GIF has 256 colours a picture; the others keep every pixel. Pictures
/// that cannot be read, or are of another size than the first, are left out with a warning.
///
/// # Errors
/// If the folder holds no run, there are no such pictures, or the film cannot be written.
pub fn write(folder: impl AsRef<Path>, name: &str, out: impl AsRef<Path>) -> Result<PathBuf> {
    let (folder, out) = (folder.as_ref(), out.as_ref());
    let extension = out.extension().map(|extension| extension.to_ascii_lowercase());
    let encode = match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("gif") => gif,
        Some("png" | "apng") => apng,
        Some("webp") => webp,
        _ => return Err(Error::FilmFormat { path: out.to_path_buf() }),
    };
    let run = RunRecord::read(folder)?;
    let samples = sound(&run.samples_of(name));
    if samples.is_empty() {
        return Err(Error::NoSamples { folder: folder.to_path_buf(), name: name.to_owned() });
    }
    let mut file = files::beside(out)?;
    let mut to = BufWriter::new(file.as_file_mut());
    encode(&samples, &mut to).map_err(|what| Error::picture(out, what))?;
    to.flush().map_err(Error::file("write", out))?;
    drop(to);
    files::keep(file, out)
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
fn frames(samples: &[Sample]) -> impl Iterator<Item = std::result::Result<(RgbImage, u16), String>> {
    samples.iter().enumerate().map(|(place, sample)| {
        let is_last = place + 1 == samples.len();
        let image = pictures::decode(&sample.path).map_err(|error| error.to_string())?;
        Ok((image.into_rgb8(), if is_last { MILLISECONDS_AT_THE_END } else { MILLISECONDS }))
    })
}

fn gif(samples: &[Sample], out: &mut dyn Write) -> std::result::Result<(), String> {
    let mut encoder = GifEncoder::new_with_speed(out, 10);
    encoder.set_repeat(Repeat::Infinite).map_err(|error| error.to_string())?;
    for frame in frames(samples) {
        let (image, milliseconds) = frame?;
        let image = image::DynamicImage::from(image).into_rgba8();
        let delay = Delay::from_numer_denom_ms(milliseconds.into(), 1);
        encoder.encode_frame(Frame::from_parts(image, 0, 0, delay)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn apng(samples: &[Sample], out: &mut dyn Write) -> std::result::Result<(), String> {
    let mut encoder = None;
    let mut out = Some(out);
    for frame in frames(samples) {
        let (image, milliseconds) = frame?;
        if let Some(out) = out.take() {
            encoder = Some(begin_apng(&image, samples.len(), out).map_err(|error| error.to_string())?);
        }
        let Some(encoder) = &mut encoder else { continue };
        encoder.set_frame_delay(milliseconds, 1000).map_err(|error| error.to_string())?;
        encoder.write_image_data(&image).map_err(|error| error.to_string())?;
    }
    encoder.map_or(Ok(()), |encoder| encoder.finish().map_err(|error| error.to_string()))
}

fn begin_apng<'a>(
    image: &RgbImage,
    count: usize,
    out: &'a mut dyn Write,
) -> std::result::Result<png::Writer<&'a mut dyn Write>, png::EncodingError> {
    let mut encoder = png::Encoder::new(out, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(u32::try_from(count).unwrap_or(u32::MAX), 0)?;
    encoder.write_header()
}

fn webp(samples: &[Sample], out: &mut dyn Write) -> std::result::Result<(), String> {
    use webp_animation::{ColorMode, Encoder, EncoderOptions, EncodingConfig, EncodingType};
    let lossless = EncodingConfig { encoding_type: EncodingType::Lossless, ..EncodingConfig::default() };
    let options = EncoderOptions {
        color_mode: ColorMode::Rgb,
        encoding_config: Some(lossless),
        ..EncoderOptions::default()
    };
    let mut encoder = None;
    let mut time = 0;
    for frame in frames(samples) {
        let (image, milliseconds) = frame?;
        if encoder.is_none() {
            let size = (image.width(), image.height());
            encoder =
                Some(Encoder::new_with_options(size, options.clone()).map_err(|error| error.to_string())?);
        }
        let Some(encoder) = &mut encoder else { continue };
        encoder.add_frame(&image, time).map_err(|error| error.to_string())?;
        time = time.saturating_add(i32::from(milliseconds));
    }
    let Some(encoder) = encoder else { return Ok(()) };
    let film = encoder.finalize(time).map_err(|error| error.to_string())?;
    out.write_all(&film).map_err(|error| error.to_string())
}
