//! Norms by each sample, of tensors and of dual numbers, in plain Candle. (Candle's own layer norm drops its
//! gradients.)

use super::activation;
use crate::activation::Activation;
use crate::channels::by_channel;
use crate::norm_kind::NormKind;
use candle_core::{Result, Tensor};

/// As [`crate::Flow::layer_norm`].
pub fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    self::activation(&row_norm(NormKind::Layer, x, weight, bias, eps)?, activation)
}

/// As [`crate::Flow::instance_norm2d`].
pub fn instance_norm2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    self::activation(&row_norm(NormKind::Instance, x, weight, bias, eps)?, activation)
}

pub(crate) fn row_norm(
    kind: NormKind,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    let rows = rows(kind, x)?;
    kind.check_row(rows.dim(1)?)?;
    affine(&standardise(&rows, eps)?.normalised.reshape(x.shape())?, weight, bias)
}

/// A norm of x, and its tangent from that of x.
pub(crate) fn dual_row_norm(
    kind: NormKind,
    (x, tangent): (&Tensor, &Tensor),
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
) -> Result<(Tensor, Tensor)> {
    let rows_of_x = rows(kind, x)?;
    kind.check_row(rows_of_x.dim(1)?)?;
    let (y, moved) = standardise_dual((&rows_of_x, &rows(kind, tangent)?), eps)?;
    let y = affine(&y.reshape(x.shape())?, weight, bias)?;
    let moved = moved.reshape(x.shape())?;
    Ok((y, moved.broadcast_mul(&by_channel(weight, x)?)?))
}

/// What is normalised together: `[rows, values]`.
fn rows(kind: NormKind, x: &Tensor) -> Result<Tensor> {
    match kind {
        NormKind::Layer => x.flatten_from(1),
        NormKind::Instance => {
            let (n, c, h, w) = x.dims4()?;
            x.reshape((n * c, h * w))
        }
    }
}

/// Rows of mean 0 and variance 1 (short of eps), and what the centred rows were divided by.
struct Standardised {
    normalised: Tensor,
    /// `[rows, 1]`
    deviation: Tensor,
}

/// x `[rows, values]`: each row by itself.
fn standardise(x: &Tensor, eps: f64) -> Result<Standardised> {
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?;
    Ok(Standardised { normalised: centred.broadcast_div(&deviation)?, deviation })
}

/// The same and its tangent. With y = centred / deviation, the deviation moves by `mean(y * centred')`.
pub(crate) fn standardise_dual((x, tangent): (&Tensor, &Tensor), eps: f64) -> Result<(Tensor, Tensor)> {
    let Standardised { normalised, deviation } = standardise(x, eps)?;
    let centred = tangent.broadcast_sub(&tangent.mean_keepdim(1)?)?;
    let moves = (&normalised * &centred)?.mean_keepdim(1)?;
    let tangent = (centred - normalised.broadcast_mul(&moves)?)?.broadcast_div(&deviation)?;
    Ok((normalised, tangent))
}

fn affine(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_mul(&by_channel(weight, x)?)?.broadcast_add(&by_channel(bias, x)?)
}
