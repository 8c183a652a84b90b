//! Points of the plane: toys on which a person sees within a minute whether a GAN finds every mode.

mod plot;

use candle_core::{Tensor, bail};
use gan_rng::Stream;
use plotters::prelude::RGBColor;

use self::plot::{Cloud, plot};
use crate::{Image, Result};

/// Points of a set.
pub(crate) const LEN: usize = 100_000;
/// Points of the set in a scatter plot.
const PLOTTED: usize = 2000;
const GRAY: RGBColor = RGBColor(120, 120, 120);
const RED: RGBColor = RGBColor(214, 39, 40);
/// A mode counts as found with one sample of a hundred within three standard deviations of it.
const LEAST_PART: f64 = 0.01;

/// Points drawn from a mixture of equal Gaussians in the plane, the modes.
///
/// To a network a point is an image of 1x2 gray pixels: x and y, divided by half the side of the plane that is
/// looked at. No number is stored: point `i` follows from (seed, `i`).
#[derive(Clone, Debug)]
pub struct Points {
    pub(crate) name: &'static str,
    modes: Vec<[f64; 2]>,
    sigma: f64,
    half_side: f64,
    seed: u64,
}

/// What samples say of the modes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModeCount {
    /// Modes with at least a hundredth of all samples within three standard deviations of them.
    pub found: usize,
    /// Modes there are.
    pub of: usize,
    /// The part of the samples that lie within three standard deviations of some mode.
    pub near: f64,
}

impl Points {
    /// Eight Gaussians of standard deviation 0.02 on a circle of radius 2 (Metz et al. 2017).
    pub fn ring(seed: u64) -> Self {
        let angle = |i| std::f64::consts::TAU * f64::from(i) / 8.0;
        let mode = |i| [2.0 * libm::cos(angle(i)), 2.0 * libm::sin(angle(i))];
        Self { name: "ring", modes: (0..8).map(mode).collect(), sigma: 0.02, half_side: 3.0, seed }
    }

    /// Twenty-five Gaussians of standard deviation 0.05 on a grid from -4 to 4 (Srivastava et al. 2017).
    pub fn grid(seed: u64) -> Self {
        let place = |i: usize| 2.0 * i as f64 - 4.0;
        let modes = (0..25).map(|i| [place(i / 5), place(i % 5)]).collect();
        Self { name: "grid", modes, sigma: 0.05, half_side: 5.0, seed }
    }

    /// The values of point `index` as a network sees it.
    pub(crate) fn values(&self, index: usize) -> [f32; 2] {
        let mut stream = Stream::new(self.seed, self.name, index as u64);
        let mode = self.modes[stream.below(self.modes.len() as u64) as usize];
        mode.map(|center| ((center + self.sigma * stream.normal()) / self.half_side) as f32)
    }

    /// How many modes generated images `[N, 1, 1, 2]` find.
    ///
    /// # Errors
    /// If they have another shape.
    pub fn count_modes(&self, images: &Tensor) -> candle_core::Result<ModeCount> {
        let plane = |pair: [f32; 2]| pair.map(|value| f64::from(value) * self.half_side);
        let points: Vec<[f64; 2]> = pairs(images)?.into_iter().map(plane).collect();
        let mut hits = vec![0usize; self.modes.len()];
        for [x, y] in &points {
            let is_near = |[a, b]: &[f64; 2]| (x - a).hypot(y - b) <= 3.0 * self.sigma;
            if let Some(mode) = self.modes.iter().position(is_near) {
                hits[mode] += 1;
            }
        }
        let total = points.len().max(1) as f64;
        let found = hits.iter().filter(|&&hits| hits as f64 >= LEAST_PART * total).count();
        Ok(ModeCount { found, of: self.modes.len(), near: hits.iter().sum::<usize>() as f64 / total })
    }

    /// A scatter plot: points of the set in gray, generated images `[N, 1, 1, 2]` in red.
    ///
    /// # Errors
    /// If they have another shape.
    pub fn scatter(&self, images: Option<&Tensor>) -> Result<Image> {
        let real = (0..PLOTTED).map(|i| self.values(i)).collect();
        let mut clouds = vec![Cloud { places: real, color: GRAY, name: "real" }];
        if let Some(images) = images {
            clouds.push(generated(images)?);
        }
        plot(&clouds, self.half_side)
    }
}

/// A scatter plot of generated images `[N, 1, 1, 2]` by themselves, as a network sees [`Points`]: in [-1, 1].
///
/// # Errors
/// If they have another shape.
pub fn scatter(images: &Tensor) -> Result<Image> {
    plot(&[generated(images)?], 1.0)
}

fn generated(images: &Tensor) -> candle_core::Result<Cloud> {
    Ok(Cloud { places: pairs(images)?, color: RED, name: "generated" })
}

/// The values of images `[N, 1, 1, 2]`.
fn pairs(images: &Tensor) -> candle_core::Result<Vec<[f32; 2]>> {
    if images.rank() != 4 || images.dims()[1..] != [1, 1, 2] {
        bail!("points are images of 1x2 gray pixels, not {:?}", images.shape());
    }
    Ok(images.flatten_all()?.to_vec1::<f32>()?.as_chunks::<2>().0.to_vec())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn images(points: &Points, indices: impl Iterator<Item = usize>) -> Tensor {
        let values: Vec<f32> = indices.flat_map(|i| points.values(i)).collect();
        let count = values.len() / 2;
        Tensor::from_vec(values, (count, 1, 1, 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn the_points_themselves_find_every_mode() {
        for (points, modes) in [(Points::ring(0), 8), (Points::grid(3), 25)] {
            let count = points.count_modes(&images(&points, 0..10_000)).unwrap();
            assert_eq!((count.found, count.of), (modes, modes));
            // In the plane three standard deviations hold 1 - exp(-9/2) of a Gaussian.
            assert!((count.near - 0.98889).abs() < 0.004, "{}", count.near);
        }
    }

    #[test]
    fn one_mode_counts_as_one_and_what_lies_between_as_none() {
        let ring = Points::ring(0);
        let is_right = |&i: &usize| ring.values(i)[0] > 0.6;
        let one = ring.count_modes(&images(&ring, (0..20_000).filter(is_right))).unwrap();
        assert_eq!((one.found, one.of), (1, 8));
        let centre = Tensor::zeros((100, 1, 1, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert_eq!(ring.count_modes(&centre).unwrap(), ModeCount { found: 0, of: 8, near: 0.0 });
        assert!(ring.count_modes(&centre.flatten_all().unwrap()).is_err());
    }

    #[test]
    fn a_scatter_plot_shows_the_modes_where_they_are() {
        let ring = Points::ring(0);
        let at = |image: &Image, x: f64, y: f64| {
            let place = |value: f64| ((value / 3.0 + 1.0) / 2.0 * f64::from(plot::SIDE)) as usize;
            let (row, column) = (place(-y) + plot::TOP as usize, place(x) + plot::LEFT as usize);
            let pixel = (row * image.width + column) * 3;
            [image.pixels[pixel], image.pixels[pixel + 1], image.pixels[pixel + 2]]
        };
        let real = ring.scatter(None).unwrap();
        assert!(at(&real, 2.0, 0.0)[0] < 200 && at(&real, 0.0, 2.0)[0] < 200, "modes are gray");
        assert_eq!(at(&real, 0.5, 0.5), [255; 3], "between the modes there is nothing");
        let fake = Tensor::new(&[[[[0.0f32, -2.0 / 3.0]]]], &Device::Cpu).unwrap();
        let both = ring.scatter(Some(&fake)).unwrap();
        let [red, green, _] = at(&both, 0.0, -2.0);
        assert!(red > green + 40, "generated points are red: {red} {green}");
    }
}
