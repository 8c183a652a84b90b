//! The buffers of flows: values, and gradients on their way back.

use crate::cpu::{Real, with_slice};
pub(crate) use crate::real::Values;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use candle_core::{CpuStorage, Device, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Elements a thread copies at a time.
const BLOCK: usize = 1 << 16;

/// Where an op leaves the gradient of one of its arguments.
pub(crate) struct Slot<G>(Mutex<Option<G>>);

/// The slot of a flow. What lies in it may lie in another one too.
pub(crate) type GradientSlot = Arc<Slot<Arc<Values>>>;

impl Values {
    pub fn copy_of<T: Real>(x: &Tensor) -> Result<Self> {
        with_slice::<T, _>(x, |x| T::wrap(copy(x)))
    }

    /// The sum of two of one length and type, written over one of them if nobody else holds it.
    pub fn sum(mut a: Arc<Self>, mut b: Arc<Self>) -> Result<Arc<Self>> {
        if Arc::get_mut(&mut a).is_none() {
            std::mem::swap(&mut a, &mut b);
        }
        let sum = Arc::make_mut(&mut a);
        match &*b {
            Values::F32(more) => add(sum.slice_mut()?, more),
            Values::F64(more) => add(sum.slice_mut()?, more),
        }
        Ok(a)
    }

    pub fn slice<T: Real>(&self) -> Result<&[T]> {
        T::unwrap(self).ok_or_else(|| candle_core::Error::Msg("a flow changed its type".into()))
    }

    pub fn slice_mut<T: Real>(&mut self) -> Result<&mut [T]> {
        T::unwrap_mut(self).ok_or_else(|| candle_core::Error::Msg("a flow changed its type".into()))
    }

    pub fn to_storage(&self) -> CpuStorage {
        match self {
            Values::F32(values) => CpuStorage::F32(to_vec(values)),
            Values::F64(values) => CpuStorage::F64(to_vec(values)),
        }
    }

    pub fn to_tensor(&self, shape: &Shape) -> Result<Tensor> {
        match self {
            Values::F32(values) => Tensor::from_vec(to_vec(values), shape, &Device::Cpu),
            Values::F64(values) => Tensor::from_vec(to_vec(values), shape, &Device::Cpu),
        }
    }
}

impl Clone for Values {
    fn clone(&self) -> Self {
        match self {
            Values::F32(values) => Values::F32(copy(values)),
            Values::F64(values) => Values::F64(copy(values)),
        }
    }
}

fn copy<T: Real>(x: &[T]) -> Scratch<T> {
    let mut values = Scratch::take(x.len());
    let parts = values.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK));
    parts.for_each(|(values, x)| values.copy_from_slice(x));
    values
}

fn add<T: Real>(sum: &mut [T], more: &[T]) {
    sum.par_chunks_mut(BLOCK).zip(more.par_chunks(BLOCK)).for_each(|(sum, more)| {
        vectorised(
            #[inline(always)]
            || sum.iter_mut().zip(more).for_each(|(sum, &x)| *sum += x),
        );
    });
}

fn to_vec<T: Real>(values: &[T]) -> Vec<T> {
    values.par_iter().with_min_len(BLOCK).copied().collect()
}

impl<G> Default for Slot<G> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<G> Slot<G> {
    fn lock(&self) -> MutexGuard<'_, Option<G>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, gradient: G) {
        *self.lock() = Some(gradient);
    }

    pub fn take(&self) -> Result<G> {
        self.lock().take().ok_or_else(|| candle_core::Error::Msg("no gradient came back".into()))
    }
}

impl Slot<Arc<Values>> {
    /// Adds to what other ops, which also took this flow, left before.
    pub fn add(&self, gradient: Arc<Values>) -> Result<()> {
        // Not locked while adding: a thread that waits for the others may be given work that comes back here.
        let before = self.lock().take();
        let sum = match before {
            None => gradient,
            Some(before) => Values::sum(before, gradient)?,
        };
        self.put(sum);
        Ok(())
    }
}
