//! Activations, element by element, with PyTorch's gradient at 0.

use crate::cpu::{Real, dispatch, has_kernel, slice};
use crate::reference;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `max(x, 0)`, any shape; the gradient at 0 is 0, as in PyTorch (Candle: 1).
pub fn relu(x: &Tensor) -> Result<Tensor> {
    leaky_relu(x, 0.0)
}

/// `x` where positive, `slope * x` elsewhere, any shape (Maas et al. 2013); the gradient at 0 is `slope`.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if !has_kernel(x) {
        return reference::leaky_relu(x, slope);
    }
    x.contiguous()?.apply_op1(LeakyRelu { slope })
}

/// Hyperbolic tangent, any shape.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    if !has_kernel(x) {
        return x.tanh();
    }
    x.contiguous()?.apply_op1(Tanh)
}

struct LeakyRelu {
    slope: f64,
}

struct LeakyReluGradient {
    slope: f64,
}

struct Tanh;

struct TanhGradient;

impl CustomOp1 for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(x: &CpuStorage, layout: &Layout, slope: f64) -> Result<CpuStorage> {
            let slope = T::from_f64(slope);
            map(x, layout, |x: T| if x > T::zero() { x } else { slope * x })
        }
        Ok((dispatch!(x, self.name(), run(x, layout, self.slope))?, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let gradient = LeakyReluGradient { slope: self.slope };
        Ok(Some(x.apply_op2_no_bwd(&dy.contiguous()?, &gradient)?))
    }
}

impl CustomOp2 for LeakyReluGradient {
    fn name(&self) -> &'static str {
        "leaky_relu gradient"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        dy: &CpuStorage,
        dy_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(
            x: (&CpuStorage, &Layout),
            dy: (&CpuStorage, &Layout),
            slope: f64,
        ) -> Result<CpuStorage> {
            let slope = T::from_f64(slope);
            map2(x, dy, |x: T, dy: T| if x > T::zero() { dy } else { slope * dy })
        }
        let dx = dispatch!(x, self.name(), run((x, x_layout), (dy, dy_layout), self.slope))?;
        Ok((dx, x_layout.shape().clone()))
    }
}

impl CustomOp1 for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
            map(x, layout, T::tanh)
        }
        Ok((dispatch!(x, self.name(), run(x, layout))?, layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(y.apply_op2_no_bwd(&dy.contiguous()?, &TanhGradient)?))
    }
}

impl CustomOp2 for TanhGradient {
    fn name(&self) -> &'static str {
        "tanh gradient"
    }

    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        y_layout: &Layout,
        dy: &CpuStorage,
        dy_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(y: (&CpuStorage, &Layout), dy: (&CpuStorage, &Layout)) -> Result<CpuStorage> {
            map2(y, dy, |y: T, dy: T| dy * (T::one() - y * y))
        }
        Ok((dispatch!(y, self.name(), run((y, y_layout), (dy, dy_layout)))?, y_layout.shape().clone()))
    }
}

/// Elements a thread takes at a time: small tensors stay on one core.
const BLOCK: usize = 1 << 14;

/// `f` of every element, on all cores.
pub(crate) fn map<T: Real>(x: &CpuStorage, layout: &Layout, f: impl Fn(T) -> T + Sync) -> Result<CpuStorage> {
    let x = slice::<T>(x, layout)?;
    let mut out = vec![T::zero(); x.len()];
    out.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(out, x)| {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x));
    });
    Ok(T::to_cpu_storage_owned(out))
}

/// `f` of every pair of elements of two tensors of one shape, on all cores.
pub(crate) fn map2<T: Real>(
    (a, a_layout): (&CpuStorage, &Layout),
    (b, b_layout): (&CpuStorage, &Layout),
    f: impl Fn(T, T) -> T + Sync,
) -> Result<CpuStorage> {
    let (a, b) = (slice::<T>(a, a_layout)?, slice::<T>(b, b_layout)?);
    let mut out = vec![T::zero(); a.len()];
    out.par_chunks_mut(BLOCK).zip(a.par_chunks(BLOCK)).zip(b.par_chunks(BLOCK)).for_each(|((out, a), b)| {
        out.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = f(a, b));
    });
    Ok(T::to_cpu_storage_owned(out))
}
