//! Between bytes and the networks' numbers: by default -1 for 0, 1 for 255.

use candle_core::{DType, Device, Tensor};

use crate::{Error, Image, Normalize, Result};

/// Images of one size as a batch: `[N, C, H, W]`, `f32` in [-1, 1]. The same bits as torchvision's
/// `ToTensor` and `Normalize(0.5, 0.5)`. For another range see [`Normalize::to_tensor`].
///
/// # Errors
/// If there are no images, their sizes or channels differ, or the device has no room.
pub fn to_tensor(images: &[Image], device: &Device) -> Result<Tensor> {
    Normalize::default().to_tensor(images, device)
}

/// Every image of a batch `[N, C, H, W]` (1 to 4 channels) as bytes, [-1, 1] rounded as torchvision's `save_image`
/// does. What lies outside the range becomes 0 or 255.
///
/// # Errors
/// If the tensor is not a batch of images, or cannot be read from its device.
pub fn to_images(images: &Tensor) -> Result<Vec<Image>> {
    let &[count, channels @ 1..=4, height @ (1..), width @ (1..)] = images.dims() else {
        return Err(Error::NotImages { shape: images.dims().to_vec() });
    };
    let values = images.detach().to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let plane = height * width;
    let image = |index: usize| {
        let planes = &values[index * channels * plane..(index + 1) * channels * plane];
        let mut pixels = Vec::with_capacity(planes.len());
        for pixel in 0..plane {
            pixels.extend((0..channels).map(|channel| to_byte(planes[channel * plane + pixel])));
        }
        Image { width, height, channels, pixels }
    };
    Ok((0..count).map(image).collect())
}

/// torchvision's order of operations: clamp, to 0..1, times 255, plus a half, cut off the fraction.
fn to_byte(value: f32) -> u8 {
    ((value.clamp(-1.0, 1.0) + 1.0) / 2.0 * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back_from_a_tensor() {
        for channels in 1..=4 {
            let pixels = (0..16 * 16 * channels).map(|i| (i / channels + i % channels * 50) as u8).collect();
            let image = Image { width: 16, height: 16, channels, pixels };
            let tensor = to_tensor(&[image.clone(), image.clone()], &Device::Cpu).unwrap();
            assert_eq!(tensor.dims(), [2, channels, 16, 16]);
            assert_eq!(to_images(&tensor).unwrap(), [image.clone(), image]);
        }
    }

    #[test]
    fn values_stand_at_their_channel_row_and_column() {
        let image = Image { width: 2, height: 2, channels: 3, pixels: (0..12).map(|i| i * 20).collect() };
        let tensor = to_tensor(&[image], &Device::Cpu).unwrap();
        let value: Vec<Vec<Vec<f32>>> = tensor.get(0).unwrap().to_vec3().unwrap();
        assert_eq!(value[0][0][0], -1.0);
        // Channel 2, row 1, column 0 is the byte at (1 * 2 + 0) * 3 + 2 = 8: 160.
        assert_eq!(value[2][1][0], (160.0 / 255.0 - 0.5) / 0.5);
    }

    #[test]
    fn values_outside_the_range_are_cut_off() {
        let values = Tensor::new(&[-7f32, -1.0, 0.0, 1.0, 3.5, f32::INFINITY], &Device::Cpu).unwrap();
        let images = to_images(&values.reshape((1, 1, 1, 6)).unwrap()).unwrap();
        assert_eq!(images[0].pixels, [0, 0, 128, 255, 255, 255]);
    }

    #[test]
    fn what_is_not_a_batch_of_equal_images_is_an_error() {
        let image = |width, channels| Image { width, height: 1, channels, pixels: vec![0; width * channels] };
        assert!(matches!(to_tensor(&[], &Device::Cpu), Err(Error::Empty { .. })));
        let mixed = to_tensor(&[image(4, 1), image(4, 1), image(2, 2)], &Device::Cpu).unwrap_err();
        assert_eq!(
            mixed.to_string(),
            "image 2 of the batch is 2x1, 2 channels, the first is 4x1, 1 channels"
        );
        for shape in [vec![3, 4, 4], vec![1, 1, 0, 4], vec![1, 5, 4, 4], vec![1, 0, 4, 4]] {
            let tensor = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
            assert!(matches!(to_images(&tensor), Err(Error::NotImages { .. })));
        }
    }
}
