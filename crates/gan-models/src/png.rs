//! Generated images as PNG files, for programs that only sample.

use candle_core::{DType, Result, Tensor, bail};
use png::{BitDepth, ColorType, Encoder};

/// An image `[C, H, W]` in [-1, 1] (1 to 4 channels) as the bytes of a PNG file, rounded as torchvision's `save_image`
/// does; what lies outside the range becomes 0 or 255.
///
/// # Errors
/// If the tensor has another shape or cannot be read from its device.
///
/// ```
/// # use gan_models::candle_core::{DType, Device, Tensor};
/// let gray = Tensor::zeros((1, 8, 8), DType::F32, &Device::Cpu)?;
/// assert!(gan_models::encode_png(&gray)?.starts_with(b"\x89PNG"));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn encode_png(image: &Tensor) -> Result<Vec<u8>> {
    let &[channels @ 1..=4, height @ (1..), width @ (1..)] = image.dims() else {
        bail!("an image has the shape [C, H, W], with 1 to 4 channels, not {:?}", image.dims());
    };
    let values = image.detach().to_dtype(DType::F32)?.permute((1, 2, 0))?.flatten_all()?.to_vec1::<f32>()?;
    let byte = |value: f32| ((value.clamp(-1.0, 1.0) + 1.0) / 2.0 * 255.0 + 0.5) as u8;
    let pixels: Vec<u8> = values.into_iter().map(byte).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(
        [ColorType::Grayscale, ColorType::GrayscaleAlpha, ColorType::Rgb, ColorType::Rgba][channels - 1],
    );
    encoder.set_depth(BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(candle_core::Error::wrap)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_png_holds_the_pixels_in_their_places() {
        for channels in 1..=4usize {
            let value = |i: usize| (i as f32 - 127.5) / 127.5;
            let planes: Vec<f32> = (0..channels * 6).map(|i| value(i * 10)).collect();
            let image = Tensor::from_vec(planes, (channels, 2, 3), &Device::Cpu).unwrap();
            let bytes = encode_png(&image).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (3, 2));
            assert_eq!(info.color_type.samples(), channels);
            for (at, pixel) in pixels.chunks_exact(channels).enumerate() {
                for (channel, &byte) in pixel.iter().enumerate() {
                    assert_eq!(usize::from(byte), (channel * 6 + at) * 10);
                }
            }
        }
        assert!(encode_png(&Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu).unwrap()).is_err());
    }
}
