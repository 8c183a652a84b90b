//! What the transforms compute. Each is an affine map of an image; its parameters are constants.

use super::{AugmentParams, Center, Color, Shift, Step};
use candle_core::{Device, Result, Tensor};
use std::ops::Range;

/// Changes the images `[N, C, H, W]` as was drawn for them -> `[N, C, H, W]`. Candle's backward pass goes through it.
///
/// An image that keeps its original comes out bit for bit as it was.
pub fn apply(images: &Tensor, params: &AugmentParams) -> Result<Tensor> {
    run(images, params, true)
}

/// The linear part of [`apply`]: the same map without its constant term, `[N, C, H, W]` -> `[N, C, H, W]`.
///
/// `apply(x + v) = apply(x) + apply_tangent(v)`: what forward-mode differentiation pushes a tangent v of the images through.
pub fn apply_tangent(tangent: &Tensor, params: &AugmentParams) -> Result<Tensor> {
    run(tangent, params, false)
}

fn run(images: &Tensor, params: &AugmentParams, constant: bool) -> Result<Tensor> {
    let (count, ..) = images.dims4()?;
    let mut images = images.clone();
    for step in &params.steps {
        let drawn = step.count();
        if drawn != count {
            candle_core::bail!("{drawn} images were drawn for, and there are {count}");
        }
        images = match step {
            step if step.is_identity() => images,
            Step::Color(colors) => color(&images, colors, constant)?,
            Step::Translation(shifts) => translation(&images, shifts)?,
            Step::Cutout(centers) => cutout(&images, centers)?,
        };
    }
    Ok(images)
}

impl Step {
    /// Images drawn for.
    fn count(&self) -> usize {
        match self {
            Step::Color(colors) => colors.len(),
            Step::Translation(shifts) => shifts.len(),
            Step::Cutout(centers) => centers.len(),
        }
    }

    /// Whether every image keeps its original.
    fn is_identity(&self) -> bool {
        match self {
            Step::Color(colors) => colors.iter().all(Option::is_none),
            Step::Translation(shifts) => shifts.iter().all(Option::is_none),
            Step::Cutout(centers) => centers.iter().all(Option::is_none),
        }
    }
}

/// All three changes in one pass over the image. With m the mean over the channels and M over the whole image, which
/// saturation leaves as it is, they come to
///
/// `y = c s x + c (1 - s) m + (1 - c) M + b`
///
/// and so to x itself, exactly, where an image keeps its original (b = 0, s = c = 1). Alpha, a fourth channel, is no colour.
fn color(images: &Tensor, colors: &[Option<Color>], constant: bool) -> Result<Tensor> {
    if images.dim(1)? == 4 {
        let (rgb, alpha) = (images.narrow(1, 0, 3)?, images.narrow(1, 3, 1)?);
        return Tensor::cat(&[color(&rgb, colors, constant)?, alpha], 1);
    }
    let each = |value: fn(&Color) -> f64| {
        let original = Color { brightness: 0.0, saturation: 1.0, contrast: 1.0 };
        let values = colors.iter().map(|color| value(&color.unwrap_or(original))).collect();
        constants(values, (colors.len(), 1, 1, 1), images)
    };
    let gray = images.mean_keepdim(1)?; // [N, 1, H, W]
    let mean = gray.mean_keepdim((2, 3))?; // [N, 1, 1, 1]
    let mut image_wide = mean.mul(&each(|color| 1.0 - color.contrast)?)?;
    if constant {
        image_wide = image_wide.add(&each(|color| color.brightness)?)?;
    }
    let pixel_wide = gray.broadcast_mul(&each(|color| color.contrast * (1.0 - color.saturation))?)?;
    let gain = each(|color| color.contrast * color.saturation)?;
    images.broadcast_mul(&gain)?.broadcast_add(&pixel_wide.broadcast_add(&image_wide)?)
}

fn translation(images: &Tensor, shifts: &[Option<Shift>]) -> Result<Tensor> {
    let each = |value: fn(&Shift) -> i64| -> Vec<i64> {
        shifts.iter().map(|shift| shift.as_ref().map_or(0, value)).collect()
    };
    let moved = shift_along(2, images, &each(|shift| shift.rows))?;
    shift_along(3, &moved, &each(|shift| shift.columns))
}

/// `gather` reads 0 for this index, and passes no gradient on (candle-core 0.11, on every device).
const OUTSIDE: u32 = u32::MAX;

/// Element i of dimension `dim` of each image becomes what element i + shift was, or 0.
///
/// One dimension at a time: on a GPU `gather`'s gradient runs through the dimension one element after the other, and
/// through all others side by side.
fn shift_along(dim: usize, images: &Tensor, shifts: &[i64]) -> Result<Tensor> {
    if shifts.iter().all(|shift| *shift == 0) {
        return Ok(images.clone());
    }
    let size = images.dim(dim)?;
    let source = |i: usize, shift: i64| {
        let source = u32::try_from((i as i64).saturating_add(shift)).unwrap_or(OUTSIDE);
        if (source as usize) < size { source } else { OUTSIDE }
    };
    let sources = shifts.iter().flat_map(|shift| (0..size).map(|i| source(i, *shift))).collect::<Vec<_>>();
    let mut shape = [shifts.len(), 1, 1, 1];
    shape[dim] = size;
    let sources = Tensor::from_vec(sources, &shape, images.device())?;
    images.contiguous()?.gather(&sources.broadcast_as(images.shape())?.contiguous()?, dim)
}

fn cutout(images: &Tensor, centers: &[Option<Center>]) -> Result<Tensor> {
    let (count, _, height, width) = images.dims4()?;
    let mut kept = vec![1.0; count * height * width];
    for (image, center) in centers.iter().enumerate() {
        let Some(center) = center else { continue };
        for row in cut_range(center.row, height) {
            let start = (image * height + row) * width;
            let columns = cut_range(center.column, width);
            kept[start + columns.start..start + columns.end].fill(0.0);
        }
    }
    images.broadcast_mul(&constants(kept, (count, 1, height, width), images)?)
}

/// Side of the rectangle in an image side: half of it, rounded up.
pub(super) fn cut(side: usize) -> usize {
    side.div_ceil(2)
}

/// The part of the rectangle that is inside the image.
fn cut_range(center: usize, side: usize) -> Range<usize> {
    let before = cut(side) / 2;
    let end = center.saturating_add(cut(side) - before).min(side);
    center.saturating_sub(before).min(end)..end
}

/// A tensor of the type of `like`, on its device.
fn constants(values: Vec<f64>, shape: (usize, usize, usize, usize), like: &Tensor) -> Result<Tensor> {
    // Converted on the CPU: not every device has f64.
    Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{DiffAugment, Policy};
    use candle_core::{DType, Var};
    use gan_rng::Stream;

    fn images(count: usize, channels: usize, dtype: DType) -> Tensor {
        let values = Stream::new(5, "images", 0).uniforms(count * channels * 12 * 18, -1.0, 1.0);
        Tensor::from_vec(values, (count, channels, 12, 18), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    }

    fn drawn(count: usize, p: f64) -> AugmentParams {
        DiffAugment::new(Policy::all()).draw(count, (12, 18), p, &mut Stream::new(5, "augment", 0))
    }

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    fn furthest(a: &Tensor, b: &Tensor) -> f64 {
        assert_eq!((a.dims(), a.dtype()), (b.dims(), b.dtype()));
        values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn probability_0_is_the_identity_and_1_changes_every_image() {
        for dtype in [DType::F32, DType::F64] {
            let x = images(20, 3, dtype);
            assert_eq!(values(&apply(&x, &drawn(20, 0.0)).unwrap()), values(&x));
            let y = apply(&x, &drawn(20, 1.0)).unwrap();
            assert_eq!((y.dims(), y.dtype()), (x.dims(), dtype));
            for i in 0..20 {
                assert_ne!(values(&x.get(i).unwrap()), values(&y.get(i).unwrap()), "image {i}");
            }
        }
    }

    /// An image that keeps its original is untouched, bit for bit; the others do not depend on their neighbours.
    #[test]
    fn images_of_a_batch_do_not_touch_each_other() {
        let x = images(30, 3, DType::F32);
        let params = drawn(30, 0.4);
        let y = apply(&x, &params).unwrap();
        let mut originals = 0;
        for i in 0..30 {
            let alone = params.steps.iter().map(|step| match step {
                Step::Color(all) => Step::Color(vec![all[i]]),
                Step::Translation(all) => Step::Translation(vec![all[i]]),
                Step::Cutout(all) => Step::Cutout(vec![all[i]]),
            });
            let alone = AugmentParams { steps: alone.collect() };
            let expected = apply(&x.narrow(0, i, 1).unwrap(), &alone).unwrap();
            assert_eq!(values(&y.narrow(0, i, 1).unwrap()), values(&expected), "image {i}");
            if alone.steps.iter().all(Step::is_identity) {
                originals += 1;
                assert_eq!(values(&expected), values(&x.narrow(0, i, 1).unwrap()), "image {i}");
            }
        }
        assert!(originals > 0, "no image kept its original");
    }

    #[test]
    fn the_tangent_is_the_map_without_its_constant() {
        for channels in [1, 3, 4] {
            let (x, params) = (images(6, channels, DType::F64), drawn(6, 0.8));
            let v = x.sqr().unwrap();
            let difference =
                (apply(&(&x + &v).unwrap(), &params).unwrap() - apply(&x, &params).unwrap()).unwrap();
            let tangent = apply_tangent(&v, &params).unwrap();
            assert!(furthest(&tangent, &difference) < 1e-14);
            let zeros = apply_tangent(&v.zeros_like().unwrap(), &params).unwrap();
            assert!(values(&zeros).iter().all(|value| *value == 0.0));
        }
    }

    /// As what comes out of a transposition or a batch norm.
    #[test]
    fn images_need_not_be_contiguous() {
        let x = images(4, 3, DType::F64);
        let (transposed, params) = (x.transpose(2, 3).unwrap(), drawn(4, 1.0));
        let (y, expected) = (apply(&transposed, &params), apply(&transposed.contiguous().unwrap(), &params));
        assert!(furthest(&y.unwrap(), &expected.unwrap()) < 1e-14);
        let x = Var::from_tensor(&x).unwrap();
        let y = apply(&x.transpose(2, 3).unwrap(), &params).unwrap();
        assert_eq!(y.sum_all().unwrap().backward().unwrap().get(&x).unwrap().dims(), x.dims());
    }

    #[test]
    fn colours_change_as_without_alpha_and_alpha_does_not() {
        let x = images(4, 4, DType::F64);
        let colors = vec![Some(Color { brightness: 0.3, saturation: 1.5, contrast: 0.7 }); 4];
        let params = AugmentParams { steps: vec![Step::Color(colors)] };
        let channels = |x: &Tensor, first, count| x.narrow(1, first, count).unwrap();
        let y = apply(&x, &params).unwrap();
        assert_eq!(values(&channels(&y, 3, 1)), values(&channels(&x, 3, 1)));
        let rgb = apply(&channels(&x, 0, 3), &params).unwrap();
        assert_eq!(values(&channels(&y, 0, 3)), values(&rgb));
        assert_ne!(values(&rgb), values(&channels(&x, 0, 3)));
    }

    #[test]
    fn single_precision_is_close_to_double() {
        let params = drawn(8, 1.0);
        let single = apply(&images(8, 3, DType::F32), &params).unwrap().to_dtype(DType::F64).unwrap();
        assert!(furthest(&single, &apply(&images(8, 3, DType::F64), &params).unwrap()) < 1e-6);
    }

    #[test]
    fn parameters_of_another_batch_are_refused_and_strange_ones_do_no_harm() {
        let x = images(2, 3, DType::F64);
        let error = apply(&x, &drawn(3, 1.0)).unwrap_err().to_string();
        assert!(error.contains("3 images were drawn for, and there are 2"), "{error}");
        // Moved out of sight, and rectangles out of sight.
        let far = Shift { rows: i64::MAX, columns: i64::MIN };
        let moved = AugmentParams { steps: vec![Step::Translation(vec![Some(far); 2])] };
        assert!(values(&apply(&x, &moved).unwrap()).iter().all(|value| *value == 0.0));
        let far = Center { row: usize::MAX, column: usize::MAX };
        let cut = AugmentParams { steps: vec![Step::Cutout(vec![Some(far); 2])] };
        assert_eq!(values(&apply(&x, &cut).unwrap()), values(&x));
    }
}
