//! Named random streams.
//!
//! Every random number in the workspace is drawn from a [`Stream`], named by a seed, a purpose and a position:
//!
//! ```
//! let mut latents = gan_rng::Stream::new(42, "latents", 7); // seed 42, the latents of step 7
//! let z: f64 = latents.normal();
//! assert_eq!(z, gan_rng::Stream::new(42, "latents", 7).normal());
//! ```
//!
//! A stream holds no hidden state: whoever knows its name can draw its numbers again. That is what lets a run be
//! repeated and resumed to the same bits, and lets data, weights and latents be drawn in any order, or on any
//! thread. The bits come from ChaCha8 (Bernstein 2008) and the normal numbers from `libm`'s portable `log`, `sin`
//! and `cos`, not from the platform's, so that the numbers are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of random numbers, named by (seed, purpose, position).
#[derive(Clone, Debug)]
pub struct Stream {
    bits: ChaCha8Rng,
    spare_normal: Option<f64>,
}

impl Stream {
    /// The stream of this name. `purpose` says what the numbers are for (`"latents"`, `"init/generator/main.0.weight"`)
    /// and `position` where in that purpose they stand (a step, an epoch, the index of an image).
    pub fn new(seed: u64, purpose: &str, position: u64) -> Self {
        // ChaCha's key names seed and purpose, its stream number the position: no two names share numbers.
        let key = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(purpose.as_bytes()).finalize();
        let mut bits = ChaCha8Rng::from_seed(key.into());
        bits.set_stream(position);
        Self { bits, spare_normal: None }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0..bound, without bias. `bound` must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        // Lemire 2019: the high half of a 128-bit product, rejecting the few low halves that would favour some results.
        let rejected = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= rejected {
                return (product >> 64) as u64;
            }
        }
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// A draw from N(0, 1) (Box & Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt(); // 1 - u is in (0, 1]: never log(0)
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare_normal = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    /// `count` draws from N(mean, std).
    pub fn normals(&mut self, count: usize, mean: f64, std: f64) -> Vec<f32> {
        (0..count).map(|_| (mean + std * self.normal()) as f32).collect()
    }

    /// `count` draws from the uniform distribution over [low, high).
    pub fn uniforms(&mut self, count: usize, low: f64, high: f64) -> Vec<f32> {
        (0..count).map(|_| self.uniform_in(low, high) as f32).collect()
    }

    /// The numbers 0..length in random order (Fisher & Yates).
    pub fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            order.swap(last, chosen);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vectors: a change here changes every run, every data set and every initial weight.
    #[test]
    fn the_numbers_of_a_name_never_change() {
        let mut stream = Stream::new(42, "golden", 7);
        assert_eq!(
            [stream.next_u64(), stream.next_u64(), stream.next_u64()],
            [7651259811244327675, 14886911105741687014, 2211157853737196171]
        );
        let normals: Vec<u64> = (0..6).map(|_| stream.normal().to_bits()).collect();
        assert_eq!(
            normals,
            [
                4611459207011222238,
                4591996144919069022,
                13824282925719360690,
                4589594164856669839,
                13829555255019045438,
                13813060152242686348
            ]
        );
        assert_eq!(stream.permutation(10), [2, 0, 5, 4, 6, 3, 8, 7, 9, 1]);
    }

    #[test]
    fn seed_purpose_and_position_each_make_another_stream() {
        let first = |seed, purpose, position| Stream::new(seed, purpose, position).next_u64();
        let reference = first(1, "latents", 0);
        assert_eq!(reference, first(1, "latents", 0));
        assert_ne!(reference, first(2, "latents", 0));
        assert_ne!(reference, first(1, "shuffle", 0));
        assert_ne!(reference, first(1, "latents", 1));
    }

    #[test]
    fn normal_numbers_have_the_moments_of_a_normal_distribution() {
        let mut stream = Stream::new(0, "moments", 0);
        let draws: Vec<f64> = (0..200_000).map(|_| stream.normal()).collect();
        let moment = |power: i32| draws.iter().map(|x| x.powi(power)).sum::<f64>() / draws.len() as f64;
        // Within five standard errors of 0, 1, 0 and 3.
        assert!(moment(1).abs() < 0.012, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.016, "variance {}", moment(2));
        assert!(moment(3).abs() < 0.044, "skewness {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.11, "kurtosis {}", moment(4));
    }

    #[test]
    fn uniform_numbers_fill_their_range_evenly() {
        let mut stream = Stream::new(0, "uniform", 0);
        let mut buckets = [0u32; 10];
        for _ in 0..100_000 {
            buckets[(stream.uniform() * 10.0) as usize] += 1;
        }
        assert!(buckets.iter().all(|&n| (9_500..10_500).contains(&n)), "{buckets:?}");
        let mut sides = [0u32; 6];
        for _ in 0..60_000 {
            sides[stream.below(6) as usize] += 1;
        }
        assert!(sides.iter().all(|&n| (9_500..10_500).contains(&n)), "{sides:?}");
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut order = Stream::new(3, "shuffle", 0).permutation(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
