//! Where two flows meet.

use crate::cpu::Real;
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::scratch::Scratch;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

impl Flow {
    /// The sum of two flows of one shape: where the paths of a residual block meet. (They part where a flow is cloned.)
    #[expect(clippy::should_implement_trait, reason = "the sum of two shapes is an error")]
    pub fn add(self, other: Self) -> Result<Self> {
        let _span = trace_span!("sum").entered();
        match (self.0, other.0) {
            (FlowState::Own(mut a), FlowState::Own(b)) => {
                let same_type = matches!(
                    (&*a.values, &*b.values),
                    (Values::F32(_), Values::F32(_)) | (Values::F64(_), Values::F64(_))
                );
                if a.shape != b.shape || !same_type {
                    bail!("flows of {:?} and {:?}, or of two types, have no sum", a.shape, b.shape);
                }
                let gradients = [a.wants_gradient(), b.wants_gradient()];
                let handle = b.handle().clone();
                a.values = Values::sum(a.values, b.values)?;
                a.then(a.values.clone(), &a.shape, [&handle, &number()?], |_| SumGradient(gradients))
            }
            (a, b) => Ok(Self(FlowState::Candle((Self(a).leave()? + Self(b).leave()?)?))),
        }
    }

    /// The channels of some flows `[N, any, ...]`, one after the other: where the branches of a block meet.
    pub fn concat(flows: Vec<Self>) -> Result<Self> {
        let _span = trace_span!("concatenation").entered();
        let mut own = Vec::with_capacity(flows.len());
        for flow in &flows {
            match &flow.0 {
                FlowState::Own(flow) => own.push(flow),
                FlowState::Candle(_) => {
                    let tensors: Result<Vec<Tensor>> = flows.into_iter().map(Self::leave).collect();
                    return Ok(Self(FlowState::Candle(Tensor::cat(&tensors?, 1)?)));
                }
            }
        }
        match own.first().map(|first| &*first.values) {
            Some(Values::F32(_)) => concat::<f32>(&own),
            Some(Values::F64(_)) => concat::<f64>(&own),
            None => bail!("there are no flows to be put one after the other"),
        }
    }
}

fn concat<T: Real>(flows: &[&Own]) -> Result<Flow> {
    let mut dims = flows[0].shape.dims().to_vec();
    let batch = dims[0];
    for (index, flow) in flows.iter().enumerate() {
        let other = flow.shape.dims();
        if other.len() != dims.len() || other[0] != batch || other[2..] != dims[2..] {
            bail!("flows of {:?} and {other:?} cannot be put one after the other", flows[0].shape);
        }
        if index > 0 {
            dims[1] += other[1];
        }
    }
    let lengths: Vec<usize> = flows.iter().map(|flow| flow.shape.elem_count() / batch.max(1)).collect();
    let parts: Result<Vec<&[T]>> = flows.iter().map(|flow| flow.values.slice::<T>()).collect();
    let parts = parts?;
    let mut y = Scratch::take(dims.iter().product());
    y.par_chunks_mut(lengths.iter().sum::<usize>().max(1)).enumerate().for_each(|(image, mut y)| {
        for (part, &length) in parts.iter().zip(&lengths) {
            let (to, rest) = y.split_at_mut(length);
            to.copy_from_slice(&part[image * length..][..length]);
            y = rest;
        }
    });
    // An op has three arguments in Candle: the handles of all but the first are added up.
    let mut others = number()?;
    for flow in flows.iter().skip(1) {
        others = (others + flow.handle())?;
    }
    let slots = flows.iter().map(|flow| flow.wants_gradient()).zip(lengths).collect();
    flows[0].then(T::wrap(y), dims, [&others, &number()?], |_| ConcatGradient(slots))
}

/// Where the parts of the gradient go, and how long they are for an image.
struct ConcatGradient(Vec<(Option<GradientSlot>, usize)>);

impl Backward for ConcatGradient {
    const NAME: &'static str = "concatenation";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        match &*dy {
            Values::F32(dy) => self.hand_on::<f32>(dy),
            Values::F64(dy) => self.hand_on::<f64>(dy),
        }
    }
}

impl ConcatGradient {
    fn hand_on<T: Real>(&self, dy: &[T]) -> Result<()> {
        let image_len = self.0.iter().map(|(_, length)| length).sum::<usize>().max(1);
        let mut start = 0;
        for (slot, length) in &self.0 {
            if let Some(slot) = slot {
                let mut part = Scratch::take(dy.len() / image_len * length);
                let images = part.par_chunks_mut((*length).max(1)).zip(dy.par_chunks(image_len));
                images.for_each(|(to, from)| to.copy_from_slice(&from[start..][..*length]));
                slot.add(T::wrap(part).into())?;
            }
            start += length;
        }
        Ok(())
    }
}

/// Where the gradient of a sum goes.
struct SumGradient([Option<GradientSlot>; 2]);

impl Backward for SumGradient {
    const NAME: &'static str = "sum";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        self.0.iter().flatten().try_for_each(|slot| slot.add(dy.clone()))
    }
}
