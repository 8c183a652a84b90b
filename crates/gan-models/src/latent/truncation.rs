//! The truncation trick: latents without rare numbers make fewer odd images, and images that are more alike.

use super::{Latent, LatentSpace};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use gan_rng::Stream;

/// The vectors number `first`, `first + 1`, ... of a seed, `[count, Z]`, in which no number lies beyond `psi`
/// either way: the truncation trick of BigGAN (Brock et al. 2019). Numbers that do are drawn again, from what
/// comes next in the vector's stream; the others are those of [`LatentSpace::sample_from`], so a seed keeps
/// its images as far as it may.
///
/// Of Gaussian latents that is a truncated normal distribution; of uniform ones the uniform distribution over
/// [-psi, psi], and from 1 on nothing changes.
///
/// # Errors
/// If `psi` is not a number above 0 ([`check_truncation`]).
pub fn truncated(
    space: LatentSpace,
    psi: f64,
    seed: u64,
    first: u64,
    count: usize,
    device: &Device,
) -> Result<Tensor> {
    check_truncation(psi)?;
    let vector = |i| {
        let mut stream = Stream::new(seed, "sample", i);
        let mut numbers = space.latent.numbers(&mut stream, space.dim);
        for number in numbers.iter_mut().filter(|number| is_beyond(**number, psi)) {
            *number = draw_within(space.latent, psi, &mut stream);
        }
        numbers
    };
    let numbers: Vec<f32> = (first..first + count as u64).flat_map(vector).collect();
    Ok(Tensor::from_vec(numbers, (count, space.dim), device)?)
}

/// Latents `[N, Z]` whose numbers are brought within what may be drawn: [-psi, psi] where that is given, and
/// [-1, 1] where they are uniform. A curve between latents may leave that.
pub fn within(latents: &Tensor, latent: Latent, psi: Option<f64>) -> candle_core::Result<Tensor> {
    let bound = match latent {
        Latent::Gaussian => psi,
        Latent::Uniform => Some(psi.map_or(1.0, |psi| psi.min(1.0))),
    };
    bound.map_or(Ok(latents.clone()), |bound| latents.clamp(-bound as f32, bound as f32))
}

/// Whether latents can be truncated so.
///
/// # Errors
/// If `psi` is not a number above 0.
pub fn check_truncation(psi: f64) -> Result<()> {
    if psi.is_finite() && psi > 0.0 {
        return Ok(());
    }
    let hint = "give a number above 0: 2 cuts off little, 1 much";
    Err(Error::config(format!("latents cannot be truncated at {psi}"), hint))
}

fn is_beyond(number: f32, psi: f64) -> bool {
    f64::from(number).abs() > psi
}

/// A number of this distribution that is not beyond `psi`: drawn uniformly, and kept as often as its density
/// says. For every bound beyond which normal numbers are found at all, few draws are enough.
fn draw_within(latent: Latent, psi: f64, stream: &mut Stream) -> f32 {
    loop {
        let number = stream.uniform_in(-psi, psi);
        let density = match latent {
            Latent::Gaussian => libm::exp(-0.5 * number * number),
            Latent::Uniform => 1.0,
        };
        if stream.chance(density) && !is_beyond(number as f32, psi) {
            return number as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(latent: Latent, psi: f64, count: usize) -> Vec<f32> {
        let space = LatentSpace { dim: 50, latent };
        let latents = truncated(space, psi, 3, 0, count, &Device::Cpu).unwrap();
        latents.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn plain(latent: Latent, count: usize) -> Vec<f32> {
        let space = LatentSpace { dim: 50, latent };
        space.sample(3, count, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn no_number_is_beyond_the_bound_and_those_within_stay() {
        for latent in [Latent::Gaussian, Latent::Uniform] {
            for psi in [1e-300, 0.1, 0.5, 1.0, 2.0] {
                let found = draw(latent, psi, 20);
                assert!(found.iter().all(|&number| !is_beyond(number, psi)), "{latent} {psi}");
                assert_eq!(found, draw(latent, psi, 20), "{latent} {psi}: drawn again");
                for (found, plain) in found.iter().zip(plain(latent, 20)) {
                    assert!(is_beyond(plain, psi) || *found == plain, "{latent} {psi}");
                }
            }
            assert_eq!(draw(latent, 20.0, 4), plain(latent, 4), "{latent}: nothing to cut off");
        }
        // A vector does not depend on how many there are.
        assert_eq!(draw(Latent::Gaussian, 0.5, 3), draw(Latent::Gaussian, 0.5, 9)[..150]);
    }

    #[test]
    fn numbers_have_the_variance_of_a_truncated_normal_distribution() {
        for (psi, wanted) in [(0.5, 0.080_57), (1.0, 0.291_13), (2.0, 0.773_74)] {
            // 1 - 2 psi phi(psi) / (2 Phi(psi) - 1)
            let found = draw(Latent::Gaussian, psi, 4000);
            let variance = found.iter().map(|x| f64::from(x * x)).sum::<f64>() / found.len() as f64;
            assert!((variance / wanted - 1.0).abs() < 0.01, "{psi}: {variance}, not {wanted}");
        }
    }

    #[test]
    fn what_is_no_bound_is_refused() {
        let space = LatentSpace { dim: 2, latent: Latent::Gaussian };
        for psi in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refused = truncated(space, psi, 0, 0, 1, &Device::Cpu).unwrap_err();
            assert!(refused.hint().contains("above 0"), "{refused}");
        }
    }

    #[test]
    fn what_a_curve_leads_to_is_brought_within() {
        let latents = Tensor::new(&[[-3f32, 0.5, 1.5]], &Device::Cpu).unwrap();
        let values = |latent, psi| within(&latents, latent, psi).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(values(Latent::Gaussian, None), [[-3.0, 0.5, 1.5]]);
        assert_eq!(values(Latent::Gaussian, Some(2.0)), [[-2.0, 0.5, 1.5]]);
        assert_eq!(values(Latent::Uniform, None), [[-1.0, 0.5, 1.0]]);
        assert_eq!(values(Latent::Uniform, Some(0.25)), [[-0.25, 0.25, 0.25]]);
    }
}
