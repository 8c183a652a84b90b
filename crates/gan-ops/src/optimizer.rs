//! In-place updates of parameters.

use crate::cpu::{Real, dispatch, has_kernel, slice, slice_mut, with_slice};
use candle_core::{CpuStorage, DType, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, WithDType, bail};
use rayon::prelude::*;

/// Elements a thread takes at a time.
const BLOCK: usize = 1 << 14;

/// The numbers of one Adam step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// The number of this step, from 1.
    pub step: u64,
}

/// One step of Adam (Kingma & Ba 2015) in the order PyTorch does it, in place; all four tensors have one shape:
///
/// `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`,
/// `p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)`.
pub fn adam_step(parameter: &Var, gradient: &Tensor, m: &Var, v: &Var, adam: AdamStep) -> Result<()> {
    let AdamStep { lr, beta1, beta2, eps, step } = adam;
    let correct = |beta: f64| 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
    let (step_size, root_correction) = (lr / correct(beta1), correct(beta2).sqrt());
    if !has_kernel(parameter) {
        m.set(&((m.as_tensor() * beta1)? + (gradient * (1.0 - beta1))?)?)?;
        v.set(&((v.as_tensor() * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?)?;
        let denominator = ((v.sqrt()? / root_correction)? + eps)?;
        return parameter.set(&(parameter.as_tensor() - (m.div(&denominator)? * step_size)?)?);
    }
    let gradient = gradient.contiguous()?;
    m.inplace_op2(&gradient, &Lerp { weight: 1.0 - beta1 })?;
    v.inplace_op2(&gradient, &AddSquare { decay: beta2 })?;
    parameter.inplace_op3(m, v, &Descend { step_size, root_correction, eps })
}

/// `target = target + weight * (source - target)`, in place, for tensors of one shape: a moving average.
pub fn lerp_in_place(target: &Var, source: &Tensor, weight: f64) -> Result<()> {
    if !has_kernel(target) {
        return target.set(&((target.as_tensor() * (1.0 - weight))? + (source * weight)?)?);
    }
    target.inplace_op2(&source.contiguous()?, &Lerp { weight })
}

/// The sum of the squares of all elements of a float tensor, added in f64.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    if !has_kernel(x) {
        return x.to_dtype(DType::F32)?.sqr()?.sum_all()?.to_scalar::<f32>().map(f64::from);
    }
    let x = x.contiguous()?;
    match x.dtype() {
        DType::F32 => with_slice(&x, sum_squares::<f32>),
        _ => with_slice(&x, sum_squares::<f64>),
    }
}

fn sum_squares<T: WithDType>(x: &[T]) -> f64 {
    let square = |&x: &T| WithDType::to_f64(x) * WithDType::to_f64(x);
    // Collected first: the order in which blocks are added must not depend on which thread is done first.
    let blocks: Vec<f64> = x.par_chunks(BLOCK).map(|block| block.iter().map(square).sum::<f64>()).collect();
    blocks.iter().sum()
}

struct Lerp {
    weight: f64,
}

struct AddSquare {
    decay: f64,
}

struct Descend {
    step_size: f64,
    root_correction: f64,
    eps: f64,
}

impl InplaceOp2 for Lerp {
    fn name(&self) -> &'static str {
        "lerp"
    }

    fn cpu_fwd(
        &self,
        target: &mut CpuStorage,
        layout: &Layout,
        source: &CpuStorage,
        source_layout: &Layout,
    ) -> Result<()> {
        fn run<T: Real>(target: &mut CpuStorage, layout: &Layout, source: Source, weight: f64) -> Result<()> {
            let weight = T::from_f64(weight);
            update(target, layout, source, |x: &mut T, source| *x += weight * (source - *x))
        }
        dispatch!(&*target, "lerp", run(target, layout, (source, source_layout), self.weight))
    }
}

impl InplaceOp2 for AddSquare {
    fn name(&self) -> &'static str {
        "add_square"
    }

    fn cpu_fwd(
        &self,
        v: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        fn run<T: Real>(v: &mut CpuStorage, layout: &Layout, gradient: Source, decay: f64) -> Result<()> {
            let (keep, weight) = (T::from_f64(decay), T::from_f64(1.0 - decay));
            update(v, layout, gradient, |v: &mut T, g| *v = *v * keep + weight * g * g)
        }
        dispatch!(&*v, "add_square", run(v, layout, (gradient, gradient_layout), self.decay))
    }
}

impl InplaceOp3 for Descend {
    fn name(&self) -> &'static str {
        "descend"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        layout: &Layout,
        m: &CpuStorage,
        m_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<()> {
        fn run<T: Real>(
            op: &Descend,
            parameter: &mut CpuStorage,
            layout: &Layout,
            (m, m_layout): Source,
            (v, v_layout): Source,
        ) -> Result<()> {
            let (m, v) = (slice::<T>(m, m_layout)?, slice::<T>(v, v_layout)?);
            let [step_size, root_correction, eps] =
                [op.step_size, op.root_correction, op.eps].map(T::from_f64);
            let blocks = slice_mut::<T>(parameter, layout)?.par_chunks_mut(BLOCK);
            blocks.zip(m.par_chunks(BLOCK)).zip(v.par_chunks(BLOCK)).for_each(|((p, m), v)| {
                for ((p, &m), &v) in p.iter_mut().zip(m).zip(v) {
                    *p -= step_size * (m / (v.sqrt() / root_correction + eps));
                }
            });
            Ok(())
        }
        dispatch!(parameter, "descend", run(self, parameter, layout, (m, m_layout), (v, v_layout)))
    }
}

type Source<'a> = (&'a CpuStorage, &'a Layout);

/// Calls `f` with every element of the target and the element of the source at the same place, on all cores.
fn update<T: Real>(
    target: &mut CpuStorage,
    layout: &Layout,
    (source, source_layout): Source,
    f: impl Fn(&mut T, T) + Sync,
) -> Result<()> {
    let source = slice::<T>(source, source_layout)?;
    let target = slice_mut::<T>(target, layout)?;
    if source.len() != target.len() {
        bail!("a parameter of {} elements was given a gradient of {}", target.len(), source.len());
    }
    target.par_chunks_mut(BLOCK).zip(source.par_chunks(BLOCK)).for_each(|(target, source)| {
        target.iter_mut().zip(source).for_each(|(x, &source)| f(x, source));
    });
    Ok(())
}
