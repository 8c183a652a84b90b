//! Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020): is what is
//! generated like the real images, and is all that is real generated?

use super::Features;
use super::distances::{each_row, to_kth_neighbour};
use crate::error::{Error, Result};

/// Four numbers of two sets of images. All but density lie between 0 and 1, and of two samples of one
/// distribution density and coverage lie near 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prdc {
    /// The part of the generated images that lie among the real ones.
    pub precision: f64,
    /// The part of the real images that lie among the generated ones.
    pub recall: f64,
    /// How many real neighbourhoods a generated image lies in, by what is to be expected. Unlike precision,
    /// one real outlier with a wide neighbourhood hardly changes it.
    pub density: f64,
    /// The part of the real images that have a generated one in their neighbourhood.
    pub coverage: f64,
}

/// As the package `prdc` has them: an image's neighbourhood reaches to its `k`-th nearest other image of the
/// same set, and what lies at that very distance is outside. (torch-fidelity counts it as inside.) `k` is 5
/// in Naeem et al., 3 in Kynkäänniemi et al.
///
/// # Errors
/// If a set has no more than `k` images, or the features are of different networks.
pub fn prdc(real: &Features, fake: &Features, k: usize) -> Result<Prdc> {
    if k == 0 {
        return Err(Error::config("neighbourhoods of 0 images", "choose a k of 1 or more"));
    }
    real.expect(fake, "precision and recall", k + 1)?;
    let (of_real, of_fake) = (to_kth_neighbour(real, k)?, to_kth_neighbour(fake, k)?);
    let (mut recalled, mut covered) = (0usize, 0usize);
    let mut around_fake = vec![0usize; fake.len()];
    each_row(real, fake, |i, distances| {
        let inside = |(distance, radius): (&f64, &f64)| distance < radius;
        recalled += usize::from(distances.iter().zip(&of_fake).any(inside));
        let mut is_covered = false;
        for (count, distance) in around_fake.iter_mut().zip(distances) {
            if *distance < of_real[i] {
                *count += 1;
                is_covered = true;
            }
        }
        covered += usize::from(is_covered);
    })?;
    let part = |count: usize, of: usize| count as f64 / of as f64;
    Ok(Prdc {
        precision: part(around_fake.iter().filter(|&&count| count > 0).count(), fake.len()),
        recall: part(recalled, real.len()),
        density: part(around_fake.iter().sum(), fake.len() * k),
        coverage: part(covered, real.len()),
    })
}
