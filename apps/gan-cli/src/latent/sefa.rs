//! Closed-form factorisation of a latent space (SeFa, Shen & Zhou 2021): the directions in which the first
//! layer of a generator changes most.

use crate::failure::Failure;
use faer::{Mat, Side};

/// Directions, those that change most first.
pub struct Directions {
    /// Unit vectors, each at a right angle to the others.
    pub vectors: Vec<Vec<f32>>,
    /// By how much the squared length of what the first layer makes changes along each.
    pub values: Vec<f64>,
    /// The sum of the values of all directions there are.
    total: f64,
}

impl Directions {
    /// Their part in what all directions change.
    pub fn share(&self) -> f64 {
        if self.total > 0.0 { self.values.iter().sum::<f64>() / self.total } else { 0.0 }
    }
}

/// The first `count` unit vectors `n` by `|A n|`, of the weight `A` `[F, Z]` that a latent is multiplied by:
/// eigenvectors of `A^T A`. Of each and its opposite, which are alike, it is the one whose largest number is
/// positive.
pub fn sefa(weight: &[Vec<f32>], count: usize) -> Result<Directions, Failure> {
    let dim = weight.first().map_or(0, Vec::len);
    let a = Mat::from_fn(weight.len(), dim, |i, j| f64::from(weight[i][j]));
    let product = a.transpose() * &a;
    let found = product.self_adjoint_eigen(Side::Lower).map_err(|_| {
        Failure::other(
            "the directions of the first layer's weights were not found",
            "take another checkpoint: these weights are very large, or not numbers",
        )
    })?;
    let (vectors, values) = (found.U(), found.S().column_vector());
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
    let total = (0..dim).map(|i| values[i].max(0.0)).sum();
    order.truncate(count);
    let vector = |&place: &usize| {
        let numbers = || (0..dim).map(|i| vectors[(i, place)]);
        let largest = numbers().fold(0f64, |largest, x| if x.abs() > largest.abs() { x } else { largest });
        numbers().map(|x| (x * largest.signum()) as f32).collect()
    };
    Ok(Directions {
        vectors: order.iter().map(vector).collect(),
        values: order.iter().map(|&place| values[place].max(0.0)).collect(),
        total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directions_of_a_known_matrix_are_found_in_order() {
        // A = U S V^T with S = (3, 2, 1), V turned by the angle of (3, 4, 5) in two of the three dimensions.
        let v = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
        let order = [(1, 3.0), (2, 2.0), (0, 1.0)];
        // Each row of A is one singular value times one direction.
        let weight: Vec<Vec<f32>> =
            order.iter().map(|&(row, value)| v[row].map(|x| (x * value) as f32).to_vec()).collect();
        let found = sefa(&weight, 2).unwrap();
        let near = |a: &[f32], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6);
        assert!(near(&found.vectors[0], [0.8, -0.6, 0.0]), "{:?}", found.vectors);
        assert!(near(&found.vectors[1], [0.0, 0.0, 1.0]), "{:?}", found.vectors);
        assert!((found.values[0] - 9.0).abs() < 1e-5 && (found.values[1] - 4.0).abs() < 1e-5);
        assert!((found.share() - 13.0 / 14.0).abs() < 1e-6);
    }

    #[test]
    fn no_direction_changes_more_than_the_first() {
        let mut stream = gan_rng::Stream::new(1, "weight", 0);
        let weight: Vec<Vec<f32>> = (0..30).map(|_| stream.normals(8, 0.0, 1.0)).collect();
        let changed = |direction: &[f32]| -> f64 {
            let row = |row: &Vec<f32>| row.iter().zip(direction).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            weight.iter().map(|one| row(one).powi(2)).sum()
        };
        let found = sefa(&weight, 8).unwrap();
        assert!((changed(&found.vectors[0]) / found.values[0] - 1.0).abs() < 1e-5);
        for _ in 0..100 {
            let other = stream.normals(8, 0.0, 1.0);
            let length = other.iter().map(|x| x * x).sum::<f32>().sqrt();
            let unit: Vec<f32> = other.iter().map(|x| x / length).collect();
            assert!(changed(&unit) < found.values[0] && changed(&unit) > found.values[7]);
        }
    }
}
