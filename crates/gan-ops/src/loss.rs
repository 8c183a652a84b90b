//! Binary cross entropy from logits, without overflow.

use crate::activation::{map, map2};
use crate::cpu::{Real, dispatch, has_kernel};
use crate::reference;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// `ln(1 + exp(x))`, any shape, finite for every finite x; its gradient is `sigmoid(x)`, also at 0.
///
/// For logits x, `softplus(-x)` is `-ln D` and `softplus(x)` is `-ln(1 - D)`, where `D = sigmoid(x)`.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    if !has_kernel(x) {
        return reference::softplus(x);
    }
    x.contiguous()?.apply_op1(Softplus)
}

/// Mean binary cross entropy of logits against targets in [0, 1], both `[N]` -> scalar, as
/// `torch.nn.functional.binary_cross_entropy_with_logits`: `mean(y * softplus(-x) + (1 - y) * softplus(x))`.
pub fn bce_with_logits(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let if_real = (targets * softplus(&logits.neg()?)?)?;
    let if_fake = (targets.affine(-1.0, 1.0)? * softplus(logits)?)?;
    (if_real + if_fake)?.mean_all()
}

struct Softplus;

struct SoftplusGradient;

impl CustomOp1 for Softplus {
    fn name(&self) -> &'static str {
        "softplus"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
            // max(x, 0) + ln(1 + exp(-|x|)): the exponential never overflows, and NaN stays NaN.
            map(x, layout, |x: T| if x > T::zero() { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() })
        }
        Ok((dispatch!(x, self.name(), run(x, layout))?, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.apply_op2_no_bwd(&dy.contiguous()?, &SoftplusGradient)?))
    }
}

impl CustomOp2 for SoftplusGradient {
    fn name(&self) -> &'static str {
        "softplus gradient"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        dy: &CpuStorage,
        dy_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(x: (&CpuStorage, &Layout), dy: (&CpuStorage, &Layout)) -> Result<CpuStorage> {
            map2(x, dy, |x: T, dy: T| dy / (T::one() + (-x).exp()))
        }
        Ok((dispatch!(x, self.name(), run((x, x_layout), (dy, dy_layout)))?, x_layout.shape().clone()))
    }
}
