//! Differentiable augmentation: everything the discriminator sees, real or generated, is changed at random first, so that
//! it cannot learn a small data set by heart.
//!
//! ```
//! # fn main() -> candle_core::Result<()> {
//! # let images = candle_core::Tensor::zeros((8, 3, 32, 32), candle_core::DType::F32, &candle_core::Device::Cpu)?;
//! use gan_train::augment::{DiffAugment, Policy, apply};
//! let augment = DiffAugment::new(Policy::all());
//! let mut stream = gan_rng::Stream::new(42, "diff-augment/real", 7); // seed 42, the real images of batch 7
//! let params = augment.draw(8, (32, 32), 1.0, &mut stream);
//! let changed = apply(&images, &params)?; // the generator's gradient flows through it
//! # Ok(())
//! # }
//! ```
//!
//! - [`DiffAugment`] draws what happens to each image; [`AugmentParams`] is what it drew.
//! - [`apply`] does it, [`apply_tangent`] is the same map without its constant term.
//! - [`Policy`] names the transforms, in their order.
//! - [`Ada`] finds out how many images to change.

mod ada;
mod apply;
mod policy;

pub use ada::Ada;
pub use apply::{apply, apply_tangent};
pub use policy::{Augmentation, Policy};

use gan_rng::Stream;

/// DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"), with the ranges of
/// the authors' code.
///
/// | transform | what it does to an image x | drawn for each image |
/// | --- | --- | --- |
/// | color | brightness: x + b; saturation: (x - m) s + m, m the mean over the channels; contrast: (x - M) c + M, M the mean over all values | b in [-0.5, 0.5), s in [0, 2), c in [0.5, 1.5) |
/// | translation | moves it by up to an eighth of its height and width; 0 comes in | two whole numbers |
/// | cutout | sets a rectangle of half its height and width to 0 | its center, anywhere, so that part of it may be outside |
///
/// In images from -1 to 1 those zeros are mid-gray.
#[derive(Clone, Debug)]
pub struct DiffAugment {
    policy: Policy,
}

/// What happens to each image of a batch: one step a transform, in the order of the policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AugmentParams {
    /// The steps, the first one first.
    pub steps: Vec<Step>,
}

/// One transform of a batch, with an entry for each image; `None` keeps the image as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Brightness, then saturation, then contrast.
    Color(Vec<Option<Color>>),
    /// Moves the image; 0 comes in at the edge.
    Translation(Vec<Option<Shift>>),
    /// Sets a rectangle of half the height and width, rounded up, to 0.
    Cutout(Vec<Option<Center>>),
}

/// A change of colors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color {
    /// Added to every value.
    pub brightness: f64,
    /// Factor of the distance from the mean over the channels of the same pixel.
    pub saturation: f64,
    /// Factor of the distance from the mean over the whole image.
    pub contrast: f64,
}

/// A move: pixel (i, j) becomes what pixel (i + rows, j + columns) was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Rows, upwards.
    pub rows: i64,
    /// Columns, to the left.
    pub columns: i64,
}

/// The center of a rectangle: its pixel, or the one below and right of the center where a side is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Center {
    /// From the top.
    pub row: usize,
    /// From the left.
    pub column: usize,
}

impl DiffAugment {
    /// Augmentation with these transforms.
    pub fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// The transforms.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Draws what happens to each of `count` images of `(height, width)`: each transform changes it with probability `p`,
    /// independently of the others. How an image is changed does not depend on `p`, only whether it is.
    pub fn draw(
        &self,
        count: usize,
        (height, width): (usize, usize),
        p: f64,
        stream: &mut Stream,
    ) -> AugmentParams {
        let steps = self.policy.transforms().iter().map(|transform| match transform {
            Augmentation::Color => Step::Color(some_of(count, p, stream, Color::draw)),
            Augmentation::Translation => {
                Step::Translation(some_of(count, p, stream, |stream| Shift::draw(height, width, stream)))
            }
            Augmentation::Cutout => {
                Step::Cutout(some_of(count, p, stream, |stream| Center::draw(height, width, stream)))
            }
        });
        AugmentParams { steps: steps.collect() }
    }
}

/// `count` draws, each kept with probability `p`. All are drawn, so that the later ones do not depend on `p`.
fn some_of<T>(count: usize, p: f64, stream: &mut Stream, draw: impl Fn(&mut Stream) -> T) -> Vec<Option<T>> {
    let one = |_| {
        let wanted = stream.chance(p);
        let drawn = draw(stream);
        wanted.then_some(drawn)
    };
    (0..count).map(one).collect()
}

impl Color {
    fn draw(stream: &mut Stream) -> Self {
        Self {
            brightness: stream.uniform_in(-0.5, 0.5),
            saturation: stream.uniform_in(0.0, 2.0),
            contrast: stream.uniform_in(0.5, 1.5),
        }
    }
}

impl Shift {
    fn draw(height: usize, width: usize, stream: &mut Stream) -> Self {
        let mut up_to_an_eighth = |size: usize| {
            let most = (size + 4) / 8; // size / 8, rounded
            stream.below(2 * most as u64 + 1) as i64 - most as i64
        };
        Self { rows: up_to_an_eighth(height), columns: up_to_an_eighth(width) }
    }
}

impl Center {
    fn draw(height: usize, width: usize, stream: &mut Stream) -> Self {
        let mut anywhere = |size: usize| {
            // The center of an even side lies between two pixels, and there are edges on both ends of the image.
            let places = size + usize::from(apply::cut(size).is_multiple_of(2));
            stream.below(places as u64) as usize
        };
        Self { row: anywhere(height), column: anywhere(width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (32, 20); // moves of up to 4 and 3, rectangles of 16 by 10

    fn draw(count: usize, p: f64, name: &str, position: u64) -> AugmentParams {
        DiffAugment::new(Policy::all()).draw(count, SIZE, p, &mut Stream::new(1, name, position))
    }

    type Drawn<T> = Vec<Option<T>>;

    /// The draws of each step of the whole policy.
    fn by_step(params: &AugmentParams) -> (Drawn<Color>, Drawn<Shift>, Drawn<Center>) {
        match params.steps.as_slice() {
            [Step::Color(colors), Step::Translation(shifts), Step::Cutout(centers)] => {
                (colors.clone(), shifts.clone(), centers.clone())
            }
            other => panic!("not the steps of the whole policy: {other:?}"),
        }
    }

    #[test]
    fn parameters_follow_from_the_name_of_the_stream() {
        assert_eq!(draw(5, 0.7, "real", 3), draw(5, 0.7, "real", 3));
        assert_ne!(draw(5, 0.7, "real", 3), draw(5, 0.7, "fake", 3));
        assert_ne!(draw(5, 0.7, "real", 3), draw(5, 0.7, "real", 4));
    }

    #[test]
    fn the_probability_decides_which_images_are_changed_and_not_how() {
        let (all, some) = (by_step(&draw(4000, 1.0, "p", 0)), by_step(&draw(4000, 0.3, "p", 0)));
        let count = |changed: &[bool]| changed.iter().filter(|changed| **changed).count();
        for i in 0..4000 {
            assert!(some.0[i].is_none() || some.0[i] == all.0[i]);
            assert!(some.1[i].is_none() || some.1[i] == all.1[i]);
            assert!(some.2[i].is_none() || some.2[i] == all.2[i]);
        }
        let color: Vec<bool> = some.0.iter().map(Option::is_some).collect();
        let shift: Vec<bool> = some.1.iter().map(Option::is_some).collect();
        let cutout: Vec<bool> = some.2.iter().map(Option::is_some).collect();
        let both: Vec<bool> = color.iter().zip(&shift).map(|(a, b)| *a && *b).collect();
        // Within five standard errors of 0.3 of them, and of 0.09 for two independent ones.
        for changed in [color, shift, cutout] {
            assert!(count(&changed).abs_diff(1200) < 145, "{}", count(&changed));
        }
        assert!(count(&both).abs_diff(360) < 91, "{}", count(&both));
    }

    #[test]
    fn nothing_is_drawn_at_0_and_everything_at_1() {
        let (colors, shifts, centers) = by_step(&draw(100, 0.0, "edge", 0));
        assert!(colors.iter().all(Option::is_none) && shifts.iter().all(Option::is_none));
        assert!(centers.iter().all(Option::is_none));
        let (colors, shifts, centers) = by_step(&draw(100, 1.0, "edge", 0));
        assert!(colors.iter().all(Option::is_some) && shifts.iter().all(Option::is_some));
        assert!(centers.iter().all(Option::is_some));
    }

    #[test]
    fn colors_fill_their_ranges_evenly() {
        let (colors, ..) = by_step(&draw(20_000, 1.0, "colors", 0));
        let of = |f: fn(Color) -> f64| colors.iter().map(|c| f(c.unwrap())).collect::<Vec<f64>>();
        for (values, low, high) in [
            (of(|c| c.brightness), -0.5, 0.5),
            (of(|c| c.saturation), 0.0, 2.0),
            (of(|c| c.contrast), 0.5, 1.5),
        ] {
            let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
            assert!(
                low <= least && least < low + 0.01 && high - 0.01 < most && most < high,
                "{least} {most}"
            );
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            // Five standard errors of a uniform number: 5 / sqrt(12 * 20000) of its range.
            assert!((mean - (low + high) / 2.0).abs() < 0.0103 * (high - low), "{mean}");
        }
    }

    /// Every value of `low..=high` about equally often.
    fn expect_even(values: &[i64], low: i64, high: i64) {
        let expected = values.len() as f64 / (high - low + 1) as f64;
        for value in low..=high {
            let count = values.iter().filter(|v| **v == value).count() as f64;
            assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{value}: {count}, not {expected}");
        }
        assert!(values.iter().all(|v| (low..=high).contains(v)));
    }

    #[test]
    fn moves_and_rectangles_fill_their_ranges_evenly() {
        let (_, shifts, centers) = by_step(&draw(20_000, 1.0, "places", 0));
        expect_even(&shifts.iter().map(|s| s.unwrap().rows).collect::<Vec<_>>(), -4, 4);
        expect_even(&shifts.iter().map(|s| s.unwrap().columns).collect::<Vec<_>>(), -3, 3);
        expect_even(&centers.iter().map(|c| c.unwrap().row as i64).collect::<Vec<_>>(), 0, 32);
        expect_even(&centers.iter().map(|c| c.unwrap().column as i64).collect::<Vec<_>>(), 0, 20);
        // An odd side, 5 of 9, has its center in a pixel.
        let cutout = DiffAugment::new("cutout".parse().unwrap());
        let params = cutout.draw(20_000, (9, 1), 1.0, &mut Stream::new(1, "odd", 0));
        let [Step::Cutout(centers)] = params.steps.as_slice() else { panic!("{:?}", params.steps) };
        expect_even(&centers.iter().map(|c| c.unwrap().row as i64).collect::<Vec<_>>(), 0, 8);
        expect_even(&centers.iter().map(|c| c.unwrap().column as i64).collect::<Vec<_>>(), 0, 0);
    }
}
