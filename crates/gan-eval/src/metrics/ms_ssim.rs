//! How alike two images look (Wang, Simoncelli & Bovik 2003), and so how diverse the images of a class are
//! (Odena et al. 2017).

use crate::error::{Error, Result};
use candle_core::{DType, Tensor};
use gan_rng::Stream;
use std::collections::BTreeMap;

/// The weights of the scales, from the finest on.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Side of the Gaussian window and its standard deviation, pixels.
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// Stabilise the quotients: (0.01 L)^2 and (0.03 L)^2, with values of a range L = 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;
/// Pairs that are compared at a time.
const AT_A_TIME: usize = 64;

/// How alike the images of a class are: 1 if all are the same, and of real images the less, the more diverse
/// they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Similarity {
    /// The mean over the classes.
    pub mean: f64,
    /// That of each class with at least two images.
    pub per_class: BTreeMap<u32, f64>,
}

/// The mean similarity of random pairs of images of one class; of all images, where there are no labels.
/// Images `[N, C, H, W]` in [-1, 1], `pairs` of each class (100 in the paper).
///
/// # Errors
/// If no class has two images, or the images are smaller than the window (11 pixels).
pub fn diversity_within_classes(
    images: &Tensor,
    labels: Option<&[u32]>,
    pairs: usize,
    seed: u64,
) -> Result<Similarity> {
    let mut classes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for image in 0..images.dim(0)? {
        let class = labels.map_or(0, |labels| labels[image]);
        classes.entry(class).or_default().push(image as u32);
    }
    let mut per_class = BTreeMap::new();
    for (class, members) in classes.iter().filter(|(_, members)| members.len() > 1) {
        let mut stream = Stream::new(seed, "ms-ssim", u64::from(*class));
        let pair = |_| {
            let first = stream.below(members.len() as u64) as usize;
            let apart = 1 + stream.below(members.len() as u64 - 1) as usize;
            (members[first], members[(first + apart) % members.len()])
        };
        let drawn: Vec<(u32, u32)> = (0..pairs.max(1)).map(pair).collect();
        let mut sum = 0.0;
        for part in drawn.chunks(AT_A_TIME) {
            let side = |which: fn(&(u32, u32)) -> u32| -> Result<Tensor> {
                let chosen: Vec<u32> = part.iter().map(which).collect();
                Ok(images.index_select(&Tensor::new(chosen, images.device())?, 0)?)
            };
            sum += ms_ssim(&side(|pair| pair.0)?, &side(|pair| pair.1)?)?.iter().sum::<f64>();
        }
        per_class.insert(*class, sum / drawn.len() as f64);
    }
    if per_class.is_empty() {
        return Err(Error::TooFewImages { measure: "MS-SSIM", least: 2, found: images.dim(0)? });
    }
    Ok(Similarity { mean: per_class.values().sum::<f64>() / per_class.len() as f64, per_class })
}

/// The multi-scale structural similarity of each pair of images, both `[N, C, H, W]` in [-1, 1]: at most 1,
/// which only equal images have.
///
/// Five scales need 176 pixels. Smaller images have as many as leave the window its 11 pixels, with the
/// weights of these scaled to a sum of 1, so that values of one size can be compared with each other, not
/// with those of another.
///
/// # Errors
/// If the shapes differ, or the images are smaller than the window.
pub fn ms_ssim(a: &Tensor, b: &Tensor) -> Result<Vec<f64>> {
    let (_, _, height, width) = a.dims4()?;
    let scales = scales(height.min(width));
    if scales == 0 {
        let what = format!("MS-SSIM of images of {height}x{width} pixels");
        return Err(Error::config(what, "images need 11 pixels or more each way"));
    }
    let to_unit = |x: &Tensor| x.to_dtype(DType::F64)?.affine(0.5, 0.5);
    let (mut a, mut b) = (to_unit(a)?, to_unit(b)?);
    // All five have a sum of 1.0001, which others leave as it is.
    let weight: f64 = if scales == WEIGHTS.len() { 1.0 } else { WEIGHTS[..scales].iter().sum() };
    let mut product = None;
    for (scale, of_scale) in WEIGHTS[..scales].iter().enumerate() {
        let last = scale + 1 == scales;
        let (luminance, structure) = compare(&a, &b)?;
        let similarity = if last { (luminance * structure)? } else { structure };
        let per_channel = similarity.flatten_from(2)?.mean(2)?.relu()?.powf(of_scale / weight)?;
        product = Some(match product {
            None => per_channel,
            Some(product) => (product * per_channel)?,
        });
        if !last {
            (a, b) = (halved(&a)?, halved(&b)?);
        }
    }
    match product {
        Some(product) => Ok(product.mean(1)?.to_vec1()?),
        None => Ok(Vec::new()),
    }
}

/// How many scales images of this side have.
fn scales(side: usize) -> usize {
    let sides = std::iter::successors(Some(side), |side| Some(side.div_ceil(2)));
    sides.take_while(|&side| side >= WINDOW).take(WEIGHTS.len()).count()
}

/// How alike the means are, and how alike what varies around them.
fn compare(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let (mean_a, mean_b) = (blurred(a)?, blurred(b)?);
    let (squares, product) = ((mean_a.sqr()? + mean_b.sqr()?)?, (&mean_a * &mean_b)?);
    let variances = ((blurred(&a.sqr()?)? + blurred(&b.sqr()?)?)? - &squares)?;
    let covariance = (blurred(&(a * b)?)? - &product)?;
    let quotient = |over: Tensor, under: Tensor, c: f64| over.affine(2.0, c)? / under.affine(1.0, c)?;
    Ok((quotient(product, squares, C1)?, quotient(covariance, variances, C2)?))
}

/// The mean under a Gaussian window wherever it fits.
fn blurred(x: &Tensor) -> Result<Tensor> {
    let bell = |i: usize| (-(i as f64 - (WINDOW / 2) as f64).powi(2) / (2.0 * SIGMA * SIGMA)).exp();
    let total: f64 = (0..WINDOW).map(bell).sum();
    let mut x = x.clone();
    for dim in [2, 3] {
        let length = x.dim(dim)? + 1 - WINDOW;
        let mut sum = x.narrow(dim, 0, length)?.affine(bell(0) / total, 0.0)?;
        for tap in 1..WINDOW {
            sum = (sum + x.narrow(dim, tap, length)?.affine(bell(tap) / total, 0.0)?)?;
        }
        x = sum;
    }
    Ok(x)
}

/// Half the size by means of 2x2 pixels; where a side is odd a row of zeros comes before it, as in
/// pytorch-msssim.
fn halved(x: &Tensor) -> Result<Tensor> {
    let mut x = x.clone();
    for dim in [2, 3] {
        let odd = x.dim(dim)? % 2;
        x = x.pad_with_zeros(dim, odd, 0)?;
    }
    Ok(x.avg_pool2d(2)?)
}
