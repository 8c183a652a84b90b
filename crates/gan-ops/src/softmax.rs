//! Softmax.

use candle_core::{D, Result, Tensor};

/// `exp(x) / sum(exp(x))` along the last dimension, any shape. Finite for every finite x: the maximum is
/// subtracted first, which changes neither the value nor the gradient. (Candle's own, over the last
/// dimension, drops its gradients.)
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    let exp = x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}
