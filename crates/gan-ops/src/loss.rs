//! Binary cross entropy from logits, without overflow.

use crate::cpu::{Real, has_kernel};
use crate::elementwise::{Function, apply};
use crate::reference;
use candle_core::{Result, Tensor};

/// `ln(1 + exp(x))`, any shape, finite for every finite x; its gradient is `sigmoid(x)`, also at 0.
///
/// For logits x, `softplus(-x)` is `-ln D` and `softplus(x)` is `-ln(1 - D)`, where `D = sigmoid(x)`.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    if has_kernel(x) { apply(x, Softplus) } else { reference::softplus(x) }
}

/// Mean binary cross entropy of logits against targets in [0, 1], both `[N]` -> scalar, as
/// `torch.nn.functional.binary_cross_entropy_with_logits`: `mean(y * softplus(-x) + (1 - y) * softplus(x))`.
pub fn bce_with_logits(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let if_real = (targets * softplus(&logits.neg()?)?)?;
    let if_fake = (targets.affine(-1.0, 1.0)? * softplus(logits)?)?;
    (if_real + if_fake)?.mean_all()
}

#[derive(Clone, Copy)]
struct Softplus;

impl Function for Softplus {
    const NAME: &'static str = "softplus";

    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x.fast_softplus()
    }

    #[inline(always)]
    fn derivative<T: Real>(self, x: T) -> T {
        x.fast_sigmoid()
    }
}
