//! Images made larger and smaller.
//!
//! The gradients of Candle's own upsampling and pooling are wrong: upsampling overwrites what its input has gathered from
//! other uses, average pooling gives rows that are left over a share, max pooling divides by the number of values in a
//! square.

mod kernels;

use crate::cpu::{Real, dispatch, has_kernel, slice};
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::pool_kind::Pool;
use crate::reference;
use crate::resample_shape::{Dims, dims4, pooled, shuffled, upsampled};
use crate::scratch::Scratch;
use crate::values::{GradientSlot, Values};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::sync::Arc;
use tracing::trace_span;

/// Every pixel becomes a square of `factor` by `factor`, as `torch.nn.functional.interpolate(mode="nearest")`.
///
/// x `[N, C, H, W]` -> `[N, C, factor * H, factor * W]`. An error for a factor of 0.
pub fn upsample_nearest2d(x: &Tensor, factor: usize) -> Result<Tensor> {
    if !has_kernel(x) {
        return reference::upsample_nearest2d(x, factor);
    }
    x.contiguous()?.apply_op1(Resample(Resampling::upsample(x.dims(), factor)?))
}

/// Channels become pixels: `y[n, c, h * factor + i, w * factor + j] = x[n, (c * factor + i) * factor + j, h, w]`
/// (Shi et al. 2016), as `torch.nn.functional.pixel_shuffle`.
///
/// x `[N, C * factor^2, H, W]` -> `[N, C, factor * H, factor * W]`. An error for other numbers of channels.
pub fn pixel_shuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    if !has_kernel(x) {
        return reference::pixel_shuffle(x, factor);
    }
    x.contiguous()?.apply_op1(Resample(Resampling::pixel_shuffle(x.dims(), factor)?))
}

/// The mean of each square of `size` by `size`, as `torch.nn.functional.avg_pool2d`.
///
/// x `[N, C, H, W]` -> `[N, C, H / size, W / size]`; rows and columns that are left over are not read. An error for images
/// smaller than one square.
pub fn avg_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    if !has_kernel(x) {
        return reference::avg_pool2d(x, size);
    }
    x.contiguous()?.apply_op1(Resample(Resampling::average_pool(x.dims(), size)?))
}

/// The largest value of each square of `size` by `size`, as `torch.nn.functional.max_pool2d`. The gradient goes to that
/// value alone: among equals, to the first in reading order.
///
/// x `[N, C, H, W]` -> `[N, C, H / size, W / size]`; rows and columns that are left over are not read. An error for images
/// smaller than one square.
pub fn max_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    Flow::enter(x)?.max_pool2d(size)?.leave()
}

/// [`max_pool2d`] of x, and of a tensor of the same shape the values at the same places. (Selecting one candidate after the
/// other is slower than argmax and gather, but ties go the same way on every device: those of CUDA's argmax do not.)
pub(crate) fn max_pool2d_with(x: &Tensor, other: &Tensor, size: usize) -> Result<(Tensor, Tensor)> {
    let (n, c, h, w) = pooled(x.dims(), size)?;
    let squares = |t: &Tensor| cut(t, h * size, w * size)?.reshape((n * c * h, size, w, size));
    let (x, other) = (squares(x)?, squares(other)?);
    let at = |t: &Tensor, place: usize| {
        t.narrow(1, place / size, 1)?.narrow(3, place % size, 1)?.reshape((n, c, h, w))
    };
    let mut best = (at(&x, 0)?, at(&other, 0)?);
    for place in 1..size * size {
        let next = (at(&x, place)?, at(&other, place)?);
        let keep = best.0.ge(&next.0)?;
        best = (keep.where_cond(&best.0, &next.0)?, keep.where_cond(&best.1, &next.1)?);
    }
    Ok(best)
}

impl Flow {
    /// [`upsample_nearest2d`].
    pub fn upsample_nearest2d(self, factor: usize) -> Result<Self> {
        match self.0 {
            FlowState::Candle(x) => Ok(Self(FlowState::Candle(reference::upsample_nearest2d(&x, factor)?))),
            FlowState::Own(x) => Resampling::upsample(x.shape.dims(), factor)?.flow(&x),
        }
    }

    /// [`pixel_shuffle`].
    pub fn pixel_shuffle(self, factor: usize) -> Result<Self> {
        match self.0 {
            FlowState::Candle(x) => Ok(Self(FlowState::Candle(reference::pixel_shuffle(&x, factor)?))),
            FlowState::Own(x) => Resampling::pixel_shuffle(x.shape.dims(), factor)?.flow(&x),
        }
    }

    /// [`avg_pool2d`].
    pub fn avg_pool2d(self, size: usize) -> Result<Self> {
        match self.0 {
            FlowState::Candle(x) => Ok(Self(FlowState::Candle(reference::avg_pool2d(&x, size)?))),
            FlowState::Own(x) => Resampling::average_pool(x.shape.dims(), size)?.flow(&x),
        }
    }

    /// [`max_pool2d`].
    pub fn max_pool2d(self, size: usize) -> Result<Self> {
        pooled(self.dims(), size)?;
        match self.0 {
            FlowState::Candle(x) => Ok(Self(FlowState::Candle(max_pool2d_with(&x, &x, size)?.0))),
            own => Self(own).pool2d(Pool::Max, size, size, 0),
        }
    }
}

/// A way to make images larger or smaller.
#[derive(Clone, Copy)]
pub(crate) struct Resampling {
    kind: Kind,
    /// Of a side of the large image to one of the small.
    factor: usize,
    /// Height and width.
    small: (usize, usize),
    large: (usize, usize),
    /// The shapes of argument and result.
    from: Dims,
    to: Dims,
}

#[derive(Clone, Copy)]
enum Kind {
    Upsample,
    AveragePool,
    PixelShuffle,
}

impl Resampling {
    fn upsample(dims: &[usize], factor: usize) -> Result<Self> {
        let (from, to) = (dims4(dims)?, upsampled(dims, factor)?);
        Ok(Self { kind: Kind::Upsample, factor, small: side(from), large: side(to), from, to })
    }

    fn pixel_shuffle(dims: &[usize], factor: usize) -> Result<Self> {
        let (from, to) = (dims4(dims)?, shuffled(dims, factor)?);
        Ok(Self { kind: Kind::PixelShuffle, factor, small: side(from), large: side(to), from, to })
    }

    fn average_pool(dims: &[usize], factor: usize) -> Result<Self> {
        let (from, to) = (dims4(dims)?, pooled(dims, factor)?);
        Ok(Self { kind: Kind::AveragePool, factor, small: side(to), large: side(from), from, to })
    }

    fn flow(self, x: &Own) -> Result<Flow> {
        match *x.values {
            Values::F32(_) => self.flow_of::<f32>(x),
            Values::F64(_) => self.flow_of::<f64>(x),
        }
    }

    fn flow_of<T: Real>(self, x: &Own) -> Result<Flow> {
        let _span = trace_span!("resampling").entered();
        let mut y = Scratch::take(count(self.to));
        self.value(x.values.slice::<T>()?, &mut y);
        x.then(T::wrap(y), self.to, [&number()?, &number()?], |_| ResamplingGradient {
            resampling: self,
            x_gradient: x.wants_gradient(),
        })
    }
}

fn side((_, _, h, w): Dims) -> (usize, usize) {
    (h, w)
}

fn count((n, c, h, w): Dims) -> usize {
    n * c * h * w
}

struct ResamplingGradient {
    resampling: Resampling,
    x_gradient: Option<GradientSlot>,
}

impl Backward for ResamplingGradient {
    const NAME: &'static str = "resampling";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("resampling, backward").entered();
        fn gradient<T: Real>(resampling: &Resampling, dy: &[T]) -> Arc<Values> {
            let mut dx = Scratch::take(count(resampling.from));
            resampling.gradient(dy, &mut dx);
            Arc::new(T::wrap(dx))
        }
        let Some(slot) = &self.x_gradient else { return Ok(()) };
        slot.add(match &*dy {
            Values::F32(dy) => gradient::<f32>(&self.resampling, dy),
            Values::F64(dy) => gradient::<f64>(&self.resampling, dy),
        })
    }
}

/// x -> y, on tensors.
struct Resample(Resampling);
/// gradient of y -> gradient of x
struct ResampleGradient(Resampling);

impl CustomOp1 for Resample {
    fn name(&self) -> &'static str {
        "resampling"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let _span = trace_span!("resampling").entered();
        fn run<T: Real>(resampling: &Resampling, x: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
            let mut y = vec![T::zero(); count(resampling.to)];
            resampling.value(slice::<T>(x, layout)?, &mut y);
            Ok(T::to_cpu_storage_owned(y))
        }
        Ok((dispatch!(x, "resampling", run(&self.0, x, layout))?, self.0.to.into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(dy.contiguous()?.apply_op1_no_bwd(&ResampleGradient(self.0))?))
    }
}

impl CustomOp1 for ResampleGradient {
    fn name(&self) -> &'static str {
        "resampling, backward"
    }

    fn cpu_fwd(&self, dy: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let _span = trace_span!("resampling, backward").entered();
        fn run<T: Real>(resampling: &Resampling, dy: &CpuStorage, layout: &Layout) -> Result<CpuStorage> {
            let mut dx = vec![T::zero(); count(resampling.from)];
            resampling.gradient(slice::<T>(dy, layout)?, &mut dx);
            Ok(T::to_cpu_storage_owned(dx))
        }
        Ok((dispatch!(dy, "resampling", run(&self.0, dy, layout))?, self.0.from.into()))
    }
}

fn cut(x: &Tensor, h: usize, w: usize) -> Result<Tensor> {
    x.narrow(2, 0, h)?.narrow(3, 0, w)
}
