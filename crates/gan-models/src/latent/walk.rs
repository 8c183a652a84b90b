//! Closed walks through the latent space.

use super::between::{dot, length};
use super::{LatentSpace, truncated, within};
use crate::error::Result;
use candle_core::{Device, Tensor};
use gan_rng::Stream;
use std::f64::consts::TAU;

/// Closed walks: each is a circle around the origin through a latent, in a random direction at a right angle
/// to it, so that all of a walk is as far from the origin as its start. It ends where it began, and has no
/// corner there.
#[derive(Clone, Debug)]
pub struct Walk {
    space: LatentSpace,
    psi: Option<f64>,
    /// `[N, Z]`
    starts: Tensor,
    /// `[N, Z]`, where each walk is after a quarter.
    quarters: Tensor,
}

impl Walk {
    /// So many walks: number i begins at latent number i of the seed, truncated at `psi` if that is given
    /// ([`truncated`]), and does not depend on how many there are.
    ///
    /// # Errors
    /// If `psi` is not a number above 0.
    pub fn of_seed(
        space: LatentSpace,
        psi: Option<f64>,
        seed: u64,
        count: usize,
        device: &Device,
    ) -> Result<Self> {
        let starts = match psi {
            Some(psi) => truncated(space, psi, seed, 0, count, device)?,
            None => space.sample(seed, count, device)?,
        };
        let mut quarters = Vec::with_capacity(count * space.dim);
        for (i, start) in (0..).zip(starts.to_vec2::<f32>()?) {
            let direction = Stream::new(seed, "walk", i).normals(space.dim, 0.0, 1.0);
            quarters.extend(beside(&start, &direction));
        }
        let quarters = Tensor::from_vec(quarters, (count, space.dim), device)?;
        Ok(Self { space, psi, starts, quarters })
    }

    /// Where the walks are after so many turns, `[N, Z]`: at 0 where they begin, at 1 there again. Where
    /// latents are bounded (uniform or truncated ones) they are kept within the bound.
    pub fn at(&self, turns: f64) -> Result<Tensor> {
        let angle = TAU * (turns - turns.floor());
        let across = self.quarters.affine(libm::sin(angle), 0.0)?;
        let latents = (self.starts.affine(libm::cos(angle), 0.0)? + across)?;
        Ok(within(&latents, self.space.latent, self.psi)?)
    }
}

/// The part of a direction at a right angle to the start, as long as the start; 0 if there is none, as in one
/// dimension.
fn beside(start: &[f32], direction: &[f32]) -> Vec<f32> {
    let along = dot(start, direction) / dot(start, start).max(f64::MIN_POSITIVE);
    let rest: Vec<f32> = start
        .iter()
        .zip(direction)
        .map(|(start, x)| (f64::from(*x) - along * f64::from(*start)) as f32)
        .collect();
    // What rounding leaves of nothing is no direction.
    let scale = match length(&rest) {
        left if left > 1e-5 * length(direction) => length(start) / left,
        _ => 0.0,
    };
    rest.into_iter().map(|x| (scale * f64::from(x)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Latent;

    fn walk(dim: usize, latent: Latent, psi: Option<f64>) -> Walk {
        Walk::of_seed(LatentSpace { dim, latent }, psi, 5, 2, &Device::Cpu).unwrap()
    }

    fn rows(walk: &Walk, turns: f64) -> Vec<Vec<f32>> {
        walk.at(turns).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn a_walk_ends_where_it_began_in_even_steps_on_a_sphere() {
        let walk = walk(64, Latent::Gaussian, None);
        let starts = walk.space.sample(5, 2, &Device::Cpu).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(rows(&walk, 0.0), starts);
        assert_eq!(rows(&walk, 1.0), starts);
        let apart = |a: &[f32], b: &[f32]| {
            let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
            length(&difference)
        };
        let frames: Vec<_> = (0..12).map(|i| rows(&walk, f64::from(i) / 12.0)).collect();
        for number in 0..2 {
            let radius = length(&starts[number]);
            let step = 2.0 * radius * (std::f64::consts::PI / 12.0).sin();
            for (i, frame) in frames.iter().enumerate() {
                assert!((length(&frame[number]) - radius).abs() < 1e-4, "{i}");
                // The last frame leads to the first.
                let next = &frames[(i + 1) % 12];
                assert!((apart(&frame[number], &next[number]) - step).abs() < 1e-4, "{i}");
            }
        }
        assert!(apart(&frames[3][0], &frames[3][1]) > 1.0, "each walk goes its own way");
    }

    #[test]
    fn walks_stay_within_what_is_drawn() {
        let largest = |walk: &Walk| {
            let all = (0..40).flat_map(|i| rows(walk, f64::from(i) / 40.0)).flatten();
            all.fold(0f32, |largest, x| largest.max(x.abs()))
        };
        assert!(largest(&walk(64, Latent::Uniform, None)) <= 1.0);
        assert!(largest(&walk(64, Latent::Gaussian, Some(0.5))) <= 0.5);
        assert!(largest(&walk(64, Latent::Gaussian, None)) > 2.0);
    }

    #[test]
    fn in_one_dimension_a_walk_goes_to_and_fro() {
        let walk = walk(1, Latent::Gaussian, None);
        let (start, half) = (rows(&walk, 0.0), rows(&walk, 0.5));
        assert!((start[0][0] + half[0][0]).abs() < 1e-6 && rows(&walk, 0.25)[0][0].abs() < 1e-6);
    }
}
