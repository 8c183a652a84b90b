//! In-place updates of parameters.

use crate::adam::AdamStep;
use crate::cpu::{Real, has_kernel, widen, with_slice, with_slice_mut};
use crate::reference;
use crate::simd::vectorised;
use candle_core::{DType, Result, Tensor, Var, bail};
use rayon::prelude::*;

/// Elements a thread takes at a time.
const BLOCK: usize = 1 << 14;

/// One step of Adam (Kingma & Ba 2015) in the order PyTorch does it, in place; all four tensors have one shape, and none
/// is a view of another:
///
/// `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`,
/// `p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)`.
pub fn adam_step(parameter: &Var, gradient: &Tensor, m: &Var, v: &Var, adam: AdamStep) -> Result<()> {
    for other in [gradient, m, v] {
        same_kind("adam_step", parameter, other)?;
    }
    if !has_kernel(parameter) {
        return reference::adam_step(parameter, gradient, m, v, adam);
    }
    match parameter.dtype() {
        DType::F32 => adam_on_cpu::<f32>(parameter, gradient, m, v, adam),
        _ => adam_on_cpu::<f64>(parameter, gradient, m, v, adam),
    }
}

/// All four in one pass: it is bound by memory.
fn adam_on_cpu<T: Real>(parameter: &Var, gradient: &Tensor, m: &Var, v: &Var, adam: AdamStep) -> Result<()> {
    let (step_size, root_correction) = adam.corrections();
    let [step_size, root_correction, eps] = [step_size, root_correction, adam.eps].map(T::from_f64);
    let [weight1, decay2, weight2] = [1.0 - adam.beta1, adam.beta2, 1.0 - adam.beta2].map(T::from_f64);
    let update = |p: &mut [T], m: &mut [T], v: &mut [T], g: &[T]| {
        let blocks = p.par_chunks_mut(BLOCK).zip(m.par_chunks_mut(BLOCK)).zip(v.par_chunks_mut(BLOCK));
        blocks.zip(g.par_chunks(BLOCK)).for_each(|(((p, m), v), g)| {
            vectorised(
                #[inline(always)]
                || {
                    for (((p, m), v), &g) in p.iter_mut().zip(m).zip(v).zip(g) {
                        *m += weight1 * (g - *m);
                        *v = *v * decay2 + weight2 * g * g;
                        *p -= step_size * (*m / (v.sqrt() / root_correction + eps));
                    }
                },
            )
        });
    };
    let gradient = gradient.contiguous()?;
    with_slice_mut(m, |m| {
        with_slice_mut(v, |v| with_slice_mut(parameter, |p| with_slice(&gradient, |g| update(p, m, v, g))))
    })
}

/// `target = target + weight * (source - target)`, in place, for tensors of one shape: a moving average.
pub fn lerp_in_place(target: &Var, source: &Tensor, weight: f64) -> Result<()> {
    same_kind("lerp_in_place", target, source)?;
    if !has_kernel(target) {
        return reference::lerp_in_place(target, source, weight);
    }
    match target.dtype() {
        DType::F32 => lerp_on_cpu::<f32>(target, source, weight),
        _ => lerp_on_cpu::<f64>(target, source, weight),
    }
}

fn lerp_on_cpu<T: Real>(target: &Var, source: &Tensor, weight: f64) -> Result<()> {
    let (source, weight) = (source.contiguous()?, T::from_f64(weight));
    with_slice_mut(target, |target| {
        with_slice::<T, _>(&source, |source| {
            target.par_chunks_mut(BLOCK).zip(source.par_chunks(BLOCK)).for_each(|(target, source)| {
                vectorised(
                    #[inline(always)]
                    || target.iter_mut().zip(source).for_each(|(x, &s)| *x += weight * (s - *x)),
                )
            });
        })
    })
}

/// An error unless both have one shape, type and device.
fn same_kind(op: &str, target: &Var, other: &Tensor) -> Result<()> {
    let kind = |t: &Tensor| (t.shape().clone(), t.dtype(), t.device().location());
    match (kind(target), kind(other)) {
        (ours, theirs) if ours == theirs => Ok(()),
        (ours, theirs) => bail!("{op}: a tensor of {theirs:?} for a variable of {ours:?}"),
    }
}

/// The sum of the squares of all elements of a float tensor, added in f64.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    if !has_kernel(x) {
        return reference::sum_of_squares(x);
    }
    let x = x.contiguous()?;
    match x.dtype() {
        DType::F32 => with_slice(&x, sum_squares::<f32>),
        _ => with_slice(&x, sum_squares::<f64>),
    }
}

fn sum_squares<T: Real>(x: &[T]) -> f64 {
    // Collected first: the order in which blocks are added must not depend on which thread is done first.
    let blocks: Vec<f64> = x
        .par_chunks(BLOCK)
        .map(|block| {
            vectorised(
                #[inline(always)]
                || sum_squares_of_block(block),
            )
        })
        .collect();
    blocks.iter().sum()
}

/// With running sums side by side, as many as make a loop that the compiler vectorises.
#[inline(always)]
fn sum_squares_of_block<T: Real>(x: &[T]) -> f64 {
    let mut lanes = [0.0; 64];
    let (chunks, rest) = x.as_chunks::<64>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += widen(x) * widen(x));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane += widen(x) * widen(x));
    lanes.iter().sum()
}
