//! Gradients of parameters.

use crate::cpu::{Real, with_slice_mut};
use crate::flow::number;
use crate::packed::PackedWeights;
use crate::values::Slot;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, TensorId, Var};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The gradient of a parameter, added up over backward passes until it is cleared, as PyTorch's `.grad`.
///
/// What flows add to it takes one trip to memory; by way of Candle's store it would take four, and three new tensors.
#[derive(Clone, Debug)]
pub struct Gradient {
    sum: Var,
    /// Whether the sum is anything yet; if not, its values are those of an earlier step.
    begun: Arc<AtomicBool>,
    /// What Candle tracks in the parameter's place.
    handle: Var,
}

impl Gradient {
    /// For a parameter of this shape, type and device; empty.
    pub fn of(parameter: &Tensor) -> Result<Self> {
        Ok(Self {
            sum: Var::from_tensor(&parameter.zeros_like()?)?,
            begun: Arc::default(),
            handle: Var::zeros((), DType::F32, &Device::Cpu)?,
        })
    }

    /// What Candle tracks in the parameter's place.
    pub fn id(&self) -> TensorId {
        self.handle.id()
    }

    /// The sum, if anything was added since it was cleared. It shares memory with the sum.
    pub fn get(&self) -> Option<Tensor> {
        self.begun.load(Ordering::Relaxed).then(|| self.sum.as_detached_tensor())
    }

    /// Forgets the sum.
    pub fn clear(&self) {
        self.begun.store(false, Ordering::Relaxed);
    }

    /// Adds a gradient that came another way.
    pub fn add(&self, more: &Tensor) -> Result<()> {
        let sum = if self.begin() { (self.sum.as_tensor() + more)? } else { more.copy()? };
        self.sum.set(&sum.detach())
    }

    /// Whether there is something to add to; from now on there is.
    fn begin(&self) -> bool {
        self.begun.swap(true, Ordering::Relaxed)
    }
}

/// A parameter as an op on a flow takes it.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its value. A gradient is made if Candle tracks it.
    pub value: Tensor,
    /// Where that gradient is added up; without it, it goes into Candle's store.
    pub gradient: Option<Gradient>,
    /// What is kept of a value that no longer changes.
    pub packed: Option<PackedWeights>,
}

impl From<&Tensor> for Parameter {
    fn from(value: &Tensor) -> Self {
        Self { value: value.clone(), gradient: None, packed: None }
    }
}

/// Where the gradient of a parameter goes.
pub(crate) enum Destination {
    Sum(Gradient),
    Store(Arc<Slot<Tensor>>, Shape),
}

impl Parameter {
    /// Its handle, and where its gradient goes if anyone asks for it.
    pub(crate) fn watch(&self) -> Result<(Tensor, Option<Destination>)> {
        if !self.value.track_op() {
            return Ok((number()?, None));
        }
        if let Some(gradient) = &self.gradient {
            return Ok((gradient.handle.as_tensor().clone(), Some(Destination::Sum(gradient.clone()))));
        }
        let slot = Arc::new(Slot::default());
        let handle = self.value.apply_op1(Track(slot.clone()))?;
        Ok((handle, Some(Destination::Store(slot, self.value.shape().clone()))))
    }
}

impl Destination {
    /// `fill` writes the gradient, or adds it where it is told to.
    pub fn put<T: Real>(&self, fill: impl FnOnce(&mut [T], bool)) -> Result<()> {
        match self {
            Destination::Sum(gradient) => {
                let add = gradient.begin();
                with_slice_mut::<T>(&gradient.sum, |sum| {
                    fill(sum, add);
                    Ok(())
                })
            }
            Destination::Store(slot, shape) => {
                let mut values = vec![T::zero(); shape.elem_count()];
                fill(&mut values, false);
                slot.put(Tensor::from_vec(values, shape, &Device::Cpu)?);
                Ok(())
            }
        }
    }

    /// [`Self::put`] of a few numbers.
    pub fn put_numbers<T: Real>(&self, numbers: &[f64]) -> Result<()> {
        self.put::<T>(|gradient, add| {
            for (gradient, &number) in gradient.iter_mut().zip(numbers) {
                *gradient = T::from_f64(number) + if add { *gradient } else { T::zero() };
            }
        })
    }
}

/// parameter -> handle
struct Track(Arc<Slot<Tensor>>);

impl CustomOp1 for Track {
    fn name(&self) -> &'static str {
        "watch"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Flow};

    #[test]
    fn gradients_add_up_until_they_are_cleared() -> Result<()> {
        let x = Tensor::arange(0f32, 24.0, &Device::Cpu)?.reshape((2, 3, 2, 2))?;
        let w = Var::from_tensor(&Tensor::arange(0f32, 108.0, &Device::Cpu)?.reshape((4, 3, 3, 3))?)?;
        let gradient = Gradient::of(&w)?;
        assert!(gradient.get().is_none());
        let parameter = Parameter { gradient: Some(gradient.clone()), ..w.as_tensor().into() };
        let run = |parameter: &Parameter| {
            Flow::enter(&x)?.conv2d(parameter, 1, 1, Activation::Identity)?.leave()?.sum_all()?.backward()
        };
        let flat = |t: Tensor| t.flatten_all()?.to_vec1::<f32>();
        let expected = run(&w.as_tensor().into())?.remove(&w).expect("in the store");
        let expected = flat(expected)?;
        let sum = || flat(gradient.get().expect("a sum"));
        assert!(run(&parameter)?.get(&w).is_none(), "it goes to one place only");
        assert_eq!(sum()?, expected);
        run(&parameter)?;
        assert_eq!(sum()?, expected.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
        gradient.clear();
        assert!(gradient.get().is_none());
        run(&parameter)?;
        gradient.add(&w.ones_like()?)?;
        assert_eq!(sum()?, expected.iter().map(|x| x + 1.0).collect::<Vec<_>>());
        Ok(())
    }
}
