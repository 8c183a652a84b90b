//! Fréchet distance between two Gaussians (Dowson & Landau 1982), which FID is with the features of
//! InceptionV3 (Heusel et al. 2017).

use super::Gaussian;
use crate::error::{Error, Result};
use faer::{Mat, Side};

/// `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`, 0 or more.
///
/// The trace of the square root is the sum of the roots of the eigenvalues of `C1^(1/2) C2 C1^(1/2)`, which
/// is symmetric: unlike the Schur form of `C1 C2` that scipy takes, it knows no complex numbers, and needs no
/// small multiple of the identity where covariances are singular.
///
/// # Errors
/// If the two are of different features, or their eigenvalues are not found.
///
/// # Examples
/// ```
/// use gan_eval::metrics::{Gaussian, frechet_distance};
///
/// # fn main() -> gan_eval::Result<()> {
/// let at = |mean: f64, variance: f64| Gaussian { mean: vec![mean], covariance: vec![variance] };
/// // In one dimension it is (m1 - m2)^2 + (s1 - s2)^2.
/// assert!((frechet_distance(&at(0.0, 1.0), &at(3.0, 4.0))? - 10.0).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn frechet_distance(a: &Gaussian, b: &Gaussian) -> Result<f64> {
    let dim = a.mean.len();
    if dim != b.mean.len() {
        return Err(Error::FeatureSize { wanted: dim, found: b.mean.len() });
    }
    let means: f64 = a.mean.iter().zip(&b.mean).map(|(a, b)| (a - b) * (a - b)).sum();
    let trace = |g: &Gaussian| (0..dim).map(|i| g.covariance[i * dim + i]).sum::<f64>();
    let matrix = |g: &Gaussian| Mat::from_fn(dim, dim, |i, j| g.covariance[i * dim + j]);

    // With C1 = U S U^T, the matrix S^(1/2) U^T C2 U S^(1/2) has the same eigenvalues as C1^(1/2) C2
    // C1^(1/2).
    let of_a = matrix(a).self_adjoint_eigen(Side::Lower).map_err(|_| Error::NoEigenvalues)?;
    let (vectors, values) = (of_a.U(), of_a.S().column_vector());
    let root = |i: usize| values[i].max(0.0).sqrt(); // rounding leaves small negative ones
    let turned = vectors.transpose() * matrix(b) * vectors;
    let product = Mat::from_fn(dim, dim, |i, j| root(i) * 0.5 * (turned[(i, j)] + turned[(j, i)]) * root(j));
    let eigenvalues = product.self_adjoint_eigenvalues(Side::Lower).map_err(|_| Error::NoEigenvalues)?;
    let roots: f64 = eigenvalues.iter().map(|value| value.max(0.0).sqrt()).sum();
    Ok((means + trace(a) + trace(b) - 2.0 * roots).max(0.0))
}
