//! The way from one latent to another.

use super::Latent;
use candle_core::{Result, Tensor, bail};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// Below this sine two vectors are taken to lie on one line, on which there is no great circle.
const LEAST_SINE: f64 = 1e-6;

/// How to get from one latent to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Interpolation {
    /// In a straight line ([`lerp`]).
    Lerp,
    /// Along a great circle ([`slerp`]).
    Slerp,
}

impl Interpolation {
    /// The way that stays among such latents as are drawn: Gaussian ones lie near a sphere, whose inside a
    /// straight line crosses; uniform ones fill a box, which it does not leave.
    pub fn usual(latent: Latent) -> Self {
        match latent {
            Latent::Gaussian => Self::Slerp,
            Latent::Uniform => Self::Lerp,
        }
    }

    /// The latents `[N, Z]` at `t` of the way from `from` to `to`, both `[N, Z]`: 0 is the one end, 1 the
    /// other.
    ///
    /// # Errors
    /// If the two are not of one shape.
    pub fn between(self, from: &Tensor, to: &Tensor, t: f64) -> Result<Tensor> {
        match self {
            Self::Lerp => lerp(from, to, t),
            Self::Slerp => slerp(from, to, t),
        }
    }
}

/// `(1 - t) from + t to`, of latents `[N, Z]`. At the ends it is them, to the bit.
///
/// # Errors
/// If the two are not of one shape.
pub fn lerp(from: &Tensor, to: &Tensor, t: f64) -> Result<Tensor> {
    mix(from, to, |_, _| (1.0 - t, t))
}

/// Spherical interpolation (Shoemake 1985; for latents White 2016) of latents `[N, Z]`, each pair along its
/// own great circle: the angle grows evenly, and so does the length, from that of the one end to that of the
/// other. At the ends it is them, to the bit. Vectors that lie on one line, or are 0, have no great circle
/// between them, and are led along that line.
///
/// # Errors
/// If the two are not of one shape.
pub fn slerp(from: &Tensor, to: &Tensor, t: f64) -> Result<Tensor> {
    mix(from, to, |from, to| {
        let (first, last) = (length(from), length(to));
        let angle = libm::acos((dot(from, to) / (first * last)).clamp(-1.0, 1.0));
        let sine = libm::sin(angle);
        if sine.is_nan() || sine < LEAST_SINE {
            return (1.0 - t, t);
        }
        let wanted = (1.0 - t) * first + t * last;
        let part = |t: f64, length: f64| libm::sin(t * angle) / sine * (wanted / length);
        (part(1.0 - t, first), part(t, last))
    })
}

/// Each pair of rows, weighted; in f64, and then rounded.
fn mix(from: &Tensor, to: &Tensor, weights: impl Fn(&[f32], &[f32]) -> (f64, f64)) -> Result<Tensor> {
    if from.dims() != to.dims() {
        bail!("there is no way from latents {:?} to latents {:?}", from.dims(), to.dims());
    }
    let mut mixed = Vec::with_capacity(from.elem_count());
    for (from, to) in from.to_vec2::<f32>()?.iter().zip(to.to_vec2::<f32>()?) {
        let (one, other) = weights(from, &to);
        mixed.extend(from.iter().zip(&to).map(|(a, b)| (one * f64::from(*a) + other * f64::from(*b)) as f32));
    }
    Tensor::from_vec(mixed, from.shape(), from.device())
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

pub(super) fn length(a: &[f32]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LatentSpace;
    use candle_core::Device;

    fn rows(tensor: &Tensor) -> Vec<Vec<f32>> {
        tensor.to_vec2().unwrap()
    }

    fn pair(dim: usize) -> (Tensor, Tensor) {
        let space = LatentSpace { dim, latent: Latent::Gaussian };
        let of = |seed| space.sample(seed, 3, &Device::Cpu).unwrap();
        (of(1), of(2))
    }

    #[test]
    fn both_ways_begin_and_end_at_their_ends_to_the_bit() {
        let (from, to) = pair(100);
        for way in [Interpolation::Lerp, Interpolation::Slerp] {
            assert_eq!(rows(&way.between(&from, &to, 0.0).unwrap()), rows(&from), "{way}");
            assert_eq!(rows(&way.between(&from, &to, 1.0).unwrap()), rows(&to), "{way}");
        }
    }

    #[test]
    fn slerp_turns_evenly_and_goes_from_length_to_length() {
        let (from, to) = pair(100);
        let middle = rows(&slerp(&from, &to, 0.25).unwrap());
        let straight = rows(&lerp(&from, &to, 0.25).unwrap());
        let angle = |a: &[f32], b: &[f32]| (dot(a, b) / length(a) / length(b)).acos();
        for (i, (from, to)) in rows(&from).iter().zip(rows(&to)).enumerate() {
            let wanted = 0.75 * length(from) + 0.25 * length(&to);
            assert!((length(&middle[i]) - wanted).abs() < 1e-5, "{i}");
            assert!((angle(from, &middle[i]) - 0.25 * angle(from, &to)).abs() < 1e-6, "{i}");
            assert!((angle(&middle[i], &to) - 0.75 * angle(from, &to)).abs() < 1e-6, "{i}");
            assert!(length(&straight[i]) < 0.9 * wanted, "a straight line leaves the shell");
        }
    }

    #[test]
    fn where_there_is_no_great_circle_the_line_is_taken() {
        fn tensor<const N: usize>(values: [[f32; 2]; N]) -> Tensor {
            Tensor::new(&values, &Device::Cpu).unwrap()
        }
        let from = tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]);
        let to = tensor([[1.0, 2.0], [-1.0, -2.0], [4.0, 2.0], [0.0, 0.0]]);
        let halfway = rows(&slerp(&from, &to, 0.5).unwrap());
        assert_eq!(halfway, [[1.0, 2.0], [0.0, 0.0], [2.0, 1.0], [0.0, 0.0]]);
        assert!(slerp(&from, &tensor([[1.0, 2.0]]), 0.5).is_err());
    }
}
