//! Functions of one element, applied to every element on all cores, with their gradients.

use crate::cpu::{Real, dispatch, slice};
use crate::simd::vectorised;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// A function of one element and its derivative.
pub(crate) trait Function: Copy + Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether the derivative is given the value of the function; if not, its argument.
    const DERIVATIVE_OF_VALUE: bool = false;

    fn value<T: Real>(self, x: T) -> T;
    fn derivative<T: Real>(self, at: T) -> T;

    /// The derivative, from the argument whatever [`Self::derivative`] takes.
    #[inline(always)]
    fn derivative_at<T: Real>(self, x: T) -> T {
        self.derivative(if Self::DERIVATIVE_OF_VALUE { self.value(x) } else { x })
    }
}

/// `f` of every element of a tensor on the CPU, in f32 or f64, of any shape.
pub(crate) fn apply<F: Function>(x: &Tensor, f: F) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Forward(f))
}

struct Forward<F>(F);

/// (argument or value, gradient of the value) -> gradient of the argument.
struct Backward<F>(F);

/// Elements a thread takes at a time: small tensors stay on one core.
const BLOCK: usize = 1 << 14;

impl<F: Function> CustomOp1 for Forward<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(f: impl Fn(T) -> T + Sync, x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
            let x = slice::<T>(x, layout)?;
            let mut out = vec![T::zero(); x.len()];
            out.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(out, x)| {
                vectorised(
                    #[inline(always)]
                    || out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x)),
                )
            });
            Ok(T::to_cpu_storage_owned(out))
        }
        let f = self.0;
        Ok((
            dispatch!(
                x,
                F::NAME,
                run(
                    #[inline(always)]
                    |x| f.value(x),
                    x,
                    layout
                )
            )?,
            layout.shape().clone(),
        ))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let at = if F::DERIVATIVE_OF_VALUE { y } else { x };
        Ok(Some(at.apply_op2_no_bwd(&dy.contiguous()?, &Backward(self.0))?))
    }
}

impl<F: Function> CustomOp2 for Backward<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn cpu_fwd(
        &self,
        at: &CpuStorage,
        at_layout: &Layout,
        dy: &CpuStorage,
        dy_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Real>(
            derivative: impl Fn(T) -> T + Sync,
            (at, at_layout): (&CpuStorage, &Layout),
            (dy, dy_layout): (&CpuStorage, &Layout),
        ) -> Result<CpuStorage> {
            let (at, dy) = (slice::<T>(at, at_layout)?, slice::<T>(dy, dy_layout)?);
            let mut dx = vec![T::zero(); at.len()];
            dx.par_chunks_mut(BLOCK).zip(at.par_chunks(BLOCK)).zip(dy.par_chunks(BLOCK)).for_each(
                |((dx, at), dy)| {
                    vectorised(
                        #[inline(always)]
                        || {
                            for ((dx, &at), &dy) in dx.iter_mut().zip(at).zip(dy) {
                                *dx = dy * derivative(at);
                            }
                        },
                    )
                },
            );
            Ok(T::to_cpu_storage_owned(dx))
        }
        let f = self.0;
        let dx = dispatch!(
            at,
            F::NAME,
            run(
                #[inline(always)]
                |at| f.derivative(at),
                (at, at_layout),
                (dy, dy_layout)
            )
        )?;
        Ok((dx, at_layout.shape().clone()))
    }
}
