//! Attention over the pixels of an image, as in SAGAN.
//!
//! Plain compositions of Candle's ops. (Candle's own softmax over the last dimension drops its gradients.)

use candle_core::{D, Result, Tensor};

/// `exp(x) / sum(exp(x))` along the last dimension, any shape. Finite for every finite x: the maximum is subtracted first,
/// which changes neither the value nor the gradient.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    let exp = x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}

/// The core of SAGAN's self-attention (Zhang et al. 2019): each query takes the mean of all values, weighted by the
/// softmax over the keys of its products with them: `y[:, l] = sum_m value[:, m] * softmax_m(query[:, l] . key[:, m])`.
/// The products are not divided by `sqrt(C1)`, as they are not in SAGAN.
///
/// query `[N, C1, L]`, key `[N, C1, M]`, value `[N, C2, M]` -> `[N, C2, L]`. SAGAN makes the three by 1x1 convolutions, pools
/// key and value by [`crate::max_pool2d`], and adds the result, after one more convolution and times a scalar that starts at
/// 0, to the input. An error if the shapes do not fit.
pub fn attention(query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
    let weights = softmax(&transpose(query)?.matmul(&key.contiguous()?)?)?;
    value.contiguous()?.matmul(&transpose(&weights)?)
}

/// `[N, A, B]` -> `[N, B, A]`
pub(crate) fn transpose(x: &Tensor) -> Result<Tensor> {
    x.transpose(1, 2)?.contiguous()
}
