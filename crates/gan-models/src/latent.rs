//! Latent vectors: what a generator makes images from, and ways through their space.
//!
//! ```
//! use gan_models::candle_core::Device;
//! use gan_models::latent::{Interpolation, Latent, LatentSpace, Walk, truncated};
//!
//! let space = LatentSpace { dim: 100, latent: Latent::Gaussian };
//! let z = space.sample(7, 2, &Device::Cpu)?; // two latents of seed 7, [2, 100]
//! let halfway = Interpolation::Slerp.between(&z.narrow(0, 0, 1)?, &z.narrow(0, 1, 1)?, 0.5)?; // [1, 100]
//! let typical = truncated(space, 0.7, 7, 0, 4, &Device::Cpu)?; // [4, 100], no number beyond 0.7
//! let walk = Walk::of_seed(space, None, 7, 3, &Device::Cpu)?; // three closed walks
//! let (first, quarter) = (walk.at(0.0)?, walk.at(0.25)?); // [3, 100] each
//! # assert_eq!((halfway.dims(), typical.dims(), first.dims(), quarter.dims()),
//! #     (&[1, 100][..], &[4, 100][..], &[3, 100][..], &[3, 100][..]));
//! # Ok::<(), gan_models::Error>(())
//! ```

mod between;
mod truncation;
mod walk;

pub use between::{Interpolation, lerp, slerp};
pub use truncation::{check_truncation, truncated, within};
pub use walk::Walk;

use candle_core::{Device, Result, Tensor};
use gan_rng::Stream;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// The distribution of each number of a latent vector.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Latent {
    /// N(0, 1)
    Gaussian,
    /// Uniform over [-1, 1)
    Uniform,
}

impl Latent {
    fn numbers(self, stream: &mut Stream, count: usize) -> Vec<f32> {
        match self {
            Latent::Gaussian => stream.normals(count, 0.0, 1.0),
            Latent::Uniform => stream.uniforms(count, -1.0, 1.0),
        }
    }
}

/// What the latent vectors of a generator are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentSpace {
    /// Numbers in a vector, Z.
    pub dim: usize,
    /// What each is drawn from.
    pub latent: Latent,
}

impl LatentSpace {
    /// `count` vectors `[count, Z]`, drawn one after the other from a stream.
    pub fn draw(self, stream: &mut Stream, count: usize, device: &Device) -> Result<Tensor> {
        Tensor::from_vec(self.latent.numbers(stream, count * self.dim), (count, self.dim), device)
    }

    /// `count` vectors `[count, Z]` to sample from, always the same for a seed: vector i does not depend on how many there
    /// are.
    pub fn sample(self, seed: u64, count: usize, device: &Device) -> Result<Tensor> {
        self.sample_from(seed, 0, count, device)
    }

    /// The vectors number `first`, `first + 1`, ... of a seed, `[count, Z]`: for making many images in batches.
    pub fn sample_from(self, seed: u64, first: u64, count: usize, device: &Device) -> Result<Tensor> {
        let vector = |i| self.latent.numbers(&mut Stream::new(seed, "sample", i), self.dim);
        let numbers: Vec<f32> = (first..first + count as u64).flat_map(vector).collect();
        Tensor::from_vec(numbers, (count, self.dim), device)
    }
}
