//! Numbers for each channel, in the shape that broadcasts over images.

use candle_core::{Result, Tensor, bail};

/// A vector `[C]` in the shape that broadcasts over x `[N, C, ...]`. (Broadcasting alone would let a vector of
/// another length through where either has length 1.)
pub(crate) fn by_channel(vector: &Tensor, x: &Tensor) -> Result<Tensor> {
    let channels = x.dim(1)?;
    if vector.dims() != [channels] {
        bail!("expected one number for each of {channels} channels, got {:?}", vector.shape());
    }
    let mut shape = vec![1; x.rank()];
    shape[1] = channels;
    vector.reshape(shape)
}

/// A matrix `[N, C]` in the shape that broadcasts over x `[N, C, ...]`.
pub(crate) fn by_sample_and_channel(matrix: &Tensor, x: &Tensor) -> Result<Tensor> {
    let (samples, channels) = (x.dim(0)?, x.dim(1)?);
    if matrix.dims() != [samples, channels] {
        bail!(
            "expected a number for each of {channels} channels of {samples} samples, got {:?}",
            matrix.shape()
        );
    }
    let mut shape = vec![1; x.rank()];
    shape[..2].copy_from_slice(matrix.dims());
    matrix.reshape(shape)
}
