//! Spectral normalisation of weights (Miyato et al. 2018), as `torch.nn.utils.parametrizations.spectral_norm`.
//!
//! The caller keeps `u [out]` and `v [rest]`, estimates of the first singular vectors of a weight, and saves them with it. In
//! training each use of the weight is preceded by one [`power_iteration`]; in evaluation they stay as they are. PyTorch
//! starts from normal numbers divided by their length, and 15 iterations.

use candle_core::{Result, Tensor, bail};

/// One step of the power method: `u = W v / |W v|`, then `v = W^T u / |W^T u|`, where a length below `eps` (PyTorch:
/// 1e-12) counts as `eps`. Returns the new (u, v), without gradients.
///
/// weight of any shape with two dimensions or more, u `[out]`, v `[rest]`: W is the weight as a matrix `[out, rest]`, its rows
/// taken along `output_dim`. That is 0 for linear layers and convolutions, and 1 for transposed convolutions, whose weights
/// are `[in, out, kh, kw]`. An error if the shapes do not fit.
pub fn power_iteration(
    weight: &Tensor,
    output_dim: usize,
    u: &Tensor,
    v: &Tensor,
    eps: f64,
) -> Result<(Tensor, Tensor)> {
    let matrix = matrix(&weight.detach(), output_dim)?;
    check(&matrix, u, v)?;
    let u = normalise(&times(&matrix, &v.detach())?, eps)?;
    let v = normalise(&times(&matrix.t()?, &u)?, eps)?;
    Ok((u, v))
}

/// `weight / sigma` with `sigma = u^T W v`, the estimate of the largest singular value that [`power_iteration`] leads to.
/// The gradient flows through sigma too, with u and v held constant, as in PyTorch.
///
/// Shapes and errors as those of [`power_iteration`]. A weight of zeros becomes NaN.
pub fn spectral_norm(weight: &Tensor, output_dim: usize, u: &Tensor, v: &Tensor) -> Result<Tensor> {
    let matrix = matrix(weight, output_dim)?;
    check(&matrix, u, v)?;
    let sigma = (u.detach() * times(&matrix, &v.detach())?)?.sum_all()?;
    weight.broadcast_div(&sigma)
}

/// The weight as `[out, rest]`.
fn matrix(weight: &Tensor, output_dim: usize) -> Result<Tensor> {
    let rank = weight.rank();
    if rank < 2 || output_dim >= rank {
        bail!("a weight of shape {:?} is no matrix with rows along dimension {output_dim}", weight.shape());
    }
    let mut order: Vec<usize> = (0..rank).collect();
    order[..=output_dim].rotate_right(1);
    weight.permute(order)?.flatten_from(1)
}

fn check(matrix: &Tensor, u: &Tensor, v: &Tensor) -> Result<()> {
    let (rows, columns) = matrix.dims2()?;
    if u.dims() != [rows] || v.dims() != [columns] {
        bail!("u and v of a [{rows}, {columns}] weight have shapes {:?} and {:?}", u.shape(), v.shape());
    }
    Ok(())
}

fn times(matrix: &Tensor, vector: &Tensor) -> Result<Tensor> {
    matrix.matmul(&vector.unsqueeze(1)?)?.squeeze(1)
}

fn normalise(vector: &Tensor, eps: f64) -> Result<Tensor> {
    let length = vector.sqr()?.sum_all()?.sqrt()?;
    vector.broadcast_div(&length.maximum(eps)?)
}
