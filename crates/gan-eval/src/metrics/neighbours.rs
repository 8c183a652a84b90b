//! The nearest training images: has the generator learned, or learned by heart?

use super::Features;
use super::distances::{each_row, to_kth_neighbour};
use crate::error::Result;

/// What lies nearest to each generated image.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// The number of the nearest real image, for each generated one.
    pub nearest: Vec<usize>,
    /// Its distance.
    pub distances: Vec<f64>,
    /// The part of the generated images that lie nearer to a real one than the nearest other real one does:
    /// one minus the authenticity of Alaa et al. 2022. Half of as many fresh samples of the same distribution
    /// would; of copies all do.
    pub copied: f64,
    /// How far from that real image its own nearest neighbour lies, for each generated one.
    pub apart: Vec<f64>,
}

impl Neighbours {
    /// The part of the generated images that lie nearer to a real one than `part` of the way from there to
    /// the next real one. With a half it is the part that are that image again: a fresh one is that near by
    /// rare chance.
    pub fn nearer_than(&self, part: f64) -> f64 {
        let pairs = self.distances.iter().zip(&self.apart);
        pairs.filter(|(distance, apart)| **distance < part * **apart).count() as f64
            / self.distances.len() as f64
    }
}

/// The nearest real image of each generated one.
///
/// # Errors
/// If there are no generated images or fewer than two real ones, or the features are of different networks.
pub fn nearest(real: &Features, fake: &Features) -> Result<Neighbours> {
    real.expect(real, "nearest neighbours", 2)?;
    nearest_at(real, &to_kth_neighbour(real, 1)?, fake)
}

/// The same with what is known of the real ones: the squared distance of each to its nearest neighbour.
pub(crate) fn nearest_at(real: &Features, apart: &[f64], fake: &Features) -> Result<Neighbours> {
    real.expect(fake, "nearest neighbours", 1)?;
    let mut found = Neighbours { nearest: Vec::new(), distances: Vec::new(), copied: 0.0, apart: Vec::new() };
    let mut copies = 0usize;
    each_row(fake, real, |_, distances| {
        let by_distance = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
        let Some((image, &distance)) = distances.iter().enumerate().min_by(by_distance) else { return };
        copies += usize::from(distance < apart[image]);
        found.nearest.push(image);
        found.distances.push(distance.sqrt());
        found.apart.push(apart[image].sqrt());
    })?;
    found.copied = copies as f64 / fake.len() as f64;
    Ok(found)
}
