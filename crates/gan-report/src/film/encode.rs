//! The formats of films.

use super::{Format, Frame};
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, RgbImage};
use std::io::Write;

type Result<T> = std::result::Result<T, String>;
type Frames<'a> = &'a mut dyn Iterator<Item = Result<Frame>>;

/// Writes `count` pictures, all of the size of the first.
pub(super) fn encode(format: Format, count: usize, frames: Frames<'_>, out: &mut dyn Write) -> Result<()> {
    let mut size = None;
    let mut found = 0;
    let mut checked = frames.inspect(|_| found += 1).map(|frame| {
        let frame = frame?;
        let Frame { width, height, .. } = frame;
        if *size.get_or_insert((width, height)) != (width, height) {
            return Err("a picture is of another size than the first".to_owned());
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || frame.rgb.len() as u64 != 3 * pixels {
            return Err(format!("a picture of {width}x{height} has {} bytes", frame.rgb.len()));
        }
        Ok(frame)
    });
    match format {
        Format::Gif => gif(&mut checked, out),
        Format::Apng => apng(&mut checked, count, out),
        Format::Webp => webp(&mut checked, out),
    }?;
    if found == count { Ok(()) } else { Err(format!("there are {found} pictures of {count}")) }
}

fn gif(frames: Frames<'_>, out: &mut dyn Write) -> Result<()> {
    let mut encoder = GifEncoder::new_with_speed(out, 10);
    encoder.set_repeat(Repeat::Infinite).map_err(|error| error.to_string())?;
    for frame in frames {
        let Frame { width, height, rgb, milliseconds } = frame?;
        let image = RgbImage::from_raw(width, height, rgb).ok_or("a picture has too few pixels")?;
        let image = DynamicImage::from(image).into_rgba8();
        let delay = Delay::from_numer_denom_ms(milliseconds.into(), 1);
        let frame = image::Frame::from_parts(image, 0, 0, delay);
        encoder.encode_frame(frame).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn apng(frames: Frames<'_>, count: usize, out: &mut dyn Write) -> Result<()> {
    let mut encoder = None;
    let mut out = Some(out);
    for frame in frames {
        let frame = frame?;
        if let Some(out) = out.take() {
            encoder = Some(begin_apng(&frame, count, out).map_err(|error| error.to_string())?);
        }
        let Some(encoder) = &mut encoder else { continue };
        encoder.set_frame_delay(frame.milliseconds, 1000).map_err(|error| error.to_string())?;
        encoder.write_image_data(&frame.rgb).map_err(|error| error.to_string())?;
    }
    encoder.map_or(Ok(()), |encoder| encoder.finish().map_err(|error| error.to_string()))
}

fn begin_apng<'a>(
    frame: &Frame,
    count: usize,
    out: &'a mut dyn Write,
) -> std::result::Result<png::Writer<&'a mut dyn Write>, png::EncodingError> {
    let mut encoder = png::Encoder::new(out, frame.width, frame.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(u32::try_from(count).unwrap_or(u32::MAX), 0)?;
    encoder.write_header()
}

fn webp(frames: Frames<'_>, out: &mut dyn Write) -> Result<()> {
    use webp_animation::{ColorMode, Encoder, EncoderOptions, EncodingConfig, EncodingType};
    let lossless = EncodingConfig { encoding_type: EncodingType::Lossless, ..EncodingConfig::default() };
    let options = EncoderOptions {
        color_mode: ColorMode::Rgb,
        encoding_config: Some(lossless),
        ..EncoderOptions::default()
    };
    let mut encoder = None;
    let mut time = 0;
    for frame in frames {
        let Frame { width, height, rgb, milliseconds } = frame?;
        if encoder.is_none() {
            let made = Encoder::new_with_options((width, height), options.clone());
            encoder = Some(made.map_err(|error| error.to_string())?);
        }
        let Some(encoder) = &mut encoder else { continue };
        encoder.add_frame(&rgb, time).map_err(|error| error.to_string())?;
        time = time.saturating_add(i32::from(milliseconds));
    }
    let Some(encoder) = encoder else { return Ok(()) };
    let film = encoder.finalize(time).map_err(|error| error.to_string())?;
    out.write_all(&film).map_err(|error| error.to_string())
}
