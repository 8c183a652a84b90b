//! Brightness, contrast, saturation and hue as torchvision changes them on a Pillow image: Pillow's `ImageEnhance` and
//! its mode `HSV`, with their roundings. Alpha stays as it is.

use super::Image;
use super::channels::luma;

/// Every value times `factor`.
pub(super) fn brightness(image: &mut Image, factor: f32) {
    for_each_pixel(image, |pixel| pixel.iter_mut().for_each(|value| *value = blend(0, *value, factor)));
}

/// The distance from the image's mean gray, times `factor`.
pub(super) fn contrast(image: &mut Image, factor: f32) {
    let mut sum = 0;
    for_each_pixel(image, |pixel| sum += u64::from(gray(pixel)));
    let mean = (sum as f64 / (image.width * image.height) as f64 + 0.5) as u8;
    for_each_pixel(image, |pixel| pixel.iter_mut().for_each(|value| *value = blend(mean, *value, factor)));
}

/// The distance of each pixel from its gray, times `factor`.
pub(super) fn saturation(image: &mut Image, factor: f32) {
    for_each_pixel(image, |pixel| {
        let gray = gray(pixel);
        pixel.iter_mut().for_each(|value| *value = blend(gray, *value, factor));
    });
}

/// Hues turned by so many turns, -0.5 to 0.5. Gray images have none.
pub(super) fn hue(image: &mut Image, turns: f64) {
    let steps = (turns * 255.0) as i32 as u8; // cut off towards 0, then around the circle
    for_each_pixel(image, |pixel| {
        if let &mut [red, green, blue] = pixel {
            let [hue, saturation, value] = to_hsv([red, green, blue]);
            pixel.copy_from_slice(&to_rgb([hue.wrapping_add(steps), saturation, value]));
        }
    });
}

/// Calls `change` with each pixel's values, 1 or 3, without alpha.
fn for_each_pixel(image: &mut Image, mut change: impl FnMut(&mut [u8])) {
    let colors = if image.channels < 3 { 1 } else { 3 };
    image.pixels.chunks_exact_mut(image.channels).for_each(|pixel| change(&mut pixel[..colors]));
}

fn gray(pixel: &[u8]) -> u8 {
    if pixel.len() == 1 { pixel[0] } else { luma(pixel) }
}

/// `from` for a factor of 0, `to` for 1, beyond both for others, cut to 0..=255 and not rounded.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    (f32::from(from) + factor * (f32::from(to) - f32::from(from))) as u8
}

/// Hue, saturation and value, each 0 to 255. `f32` and `f64` change places as in Pillow's C.
fn to_hsv([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let (least, largest) = (red.min(green).min(blue), red.max(green).max(blue));
    if least == largest {
        return [0, 0, largest];
    }
    let range = f32::from(largest - least);
    let saturation = range / f32::from(largest);
    let [to_red, to_green, to_blue] = [red, green, blue].map(|value| f32::from(largest - value) / range);
    let sixths = if red == largest {
        to_blue - to_green
    } else if green == largest {
        (2.0 + f64::from(to_red) - f64::from(to_blue)) as f32
    } else {
        (4.0 + f64::from(to_green) - f64::from(to_red)) as f32
    };
    let hue = ((f64::from(sixths) / 6.0 + 1.0) % 1.0) as f32;
    [(f64::from(hue) * 255.0) as u8, (f64::from(saturation) * 255.0) as u8, largest]
}

fn to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let sector = sixths as u8; // 0 to 6
    let fraction = f64::from((sixths - f64::from(sector)) as f32);
    let saturation = f64::from((f64::from(saturation) / 255.0) as f32);
    let faded = |by: f64| (f64::from(value) * (1.0 - by)).round() as u8;
    let (least, falling, rising) =
        (faded(saturation), faded(saturation * fraction), faded(saturation * (1.0 - fraction)));
    match sector {
        1 => [falling, value, least],
        2 => [least, value, rising],
        3 => [least, falling, value],
        4 => [rising, least, value],
        5 => [value, least, falling],
        _ => [value, rising, least], // 0, and 6 where the circle closes
    }
}

#[cfg(test)]
mod tests;
