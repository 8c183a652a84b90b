//! Activations on their way through a network, on the CPU.
//!
//! Candle's backward pass makes zeros and an addition for every tensor that an op takes: for the activations of a network,
//! three more trips to memory each, and three more buffers. A [`Flow`] keeps its values and their gradient in buffers of
//! its own. Candle sees a *handle* in their place, a single number, through which it tracks what depends on what; so its
//! own `backward()` calls the ops of the network in the right order, and each hands its gradient on, itself, to the ops
//! that made its arguments. Both ends are ordinary tensors: [`Flow::enter`] and [`Flow::leave`].
//!
//! On other devices, and in other types than f32 and f64, a flow is the tensor itself.

use crate::cpu::has_kernel;
use crate::precision::Precision;
use crate::values::{GradientSlot, Values};
use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Device, Layout, Result, Shape, Tensor, bail};
use std::sync::Arc;

/// The output of a layer, on its way to the next.
///
/// Where several layers take it, hand each a clone: that copies no values, and what the layers give back adds up.
#[derive(Clone)]
pub struct Flow(pub(crate) FlowState);

#[derive(Clone)]
pub(crate) enum FlowState {
    Own(Own),
    Candle(Tensor),
}

/// Values outside Candle's graph.
#[derive(Clone)]
pub(crate) struct Own {
    pub values: Arc<Values>,
    pub shape: Shape,
    /// Mean and variance of each plane, `[N, C]`, where the op that made the values has measured them.
    pub moments: Option<Arc<Moments>>,
    /// Of the convolutions to come.
    pub precision: Precision,
    /// A single number that Candle tracks.
    handle: Tensor,
    gradient: GradientSlot,
}

pub(crate) type Moments = Vec<(f64, f64)>;

/// What an op does when its gradient has come.
pub(crate) trait Backward: Send + Sync + 'static {
    const NAME: &'static str;

    /// Hands on the gradients of the arguments, from that of the result, `dy`. Who writes over it calls
    /// [`Arc::make_mut`]: an addition hands one gradient to both of its arguments.
    fn backward(&self, dy: Arc<Values>) -> Result<()>;
}

impl Flow {
    /// A tensor of any shape, to flow through a network.
    pub fn enter(x: &Tensor) -> Result<Self> {
        crate::unoptimised::say_once();
        if !has_kernel(x) {
            return Ok(Self(FlowState::Candle(x.clone())));
        }
        let contiguous = x.contiguous()?;
        let values = match x.dtype() {
            DType::F32 => Values::copy_of::<f32>(&contiguous)?,
            _ => Values::copy_of::<f64>(&contiguous)?,
        };
        let gradient = GradientSlot::default();
        let handle = if x.track_op() { x.apply_op1(Enter(gradient.clone()))? } else { number()? };
        Ok(Self(FlowState::Own(Own {
            values: Arc::new(values),
            shape: x.shape().clone(),
            moments: None,
            precision: Precision::default(),
            handle,
            gradient,
        })))
    }

    /// The same flow, whose convolutions from here on are of this precision.
    pub fn with_precision(mut self, precision: Precision) -> Self {
        if let FlowState::Own(own) = &mut self.0 {
            own.precision = precision;
        }
        self
    }

    /// The tensor that came out of the network.
    pub fn leave(self) -> Result<Tensor> {
        match self.0 {
            FlowState::Candle(tensor) => Ok(tensor),
            FlowState::Own(Own { values, shape, handle, gradient, .. }) => {
                handle.apply_op1(Leave { values, shape, gradient })
            }
        }
    }

    /// The lengths of its dimensions.
    pub fn dims(&self) -> &[usize] {
        match &self.0 {
            FlowState::Own(own) => own.shape.dims(),
            FlowState::Candle(tensor) => tensor.dims(),
        }
    }

    pub(crate) fn with_moments(mut self, moments: Option<Moments>) -> Self {
        if let FlowState::Own(own) = &mut self.0 {
            own.moments = moments.map(Arc::new);
        }
        self
    }

    /// The same values in another shape.
    pub fn reshape(self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        match self.0 {
            FlowState::Candle(tensor) => Ok(Self(FlowState::Candle(tensor.reshape(shape)?))),
            FlowState::Own(own) if own.shape.elem_count() == shape.elem_count() => {
                Ok(Self(FlowState::Own(Own { shape, moments: None, ..own })))
            }
            FlowState::Own(own) => bail!("cannot reshape {:?} to {shape:?}", own.shape),
        }
    }
}

impl Own {
    /// The result of an op on this flow and on some parameters.
    pub fn then<B: Backward>(
        &self,
        values: impl Into<Arc<Values>>,
        shape: impl Into<Shape>,
        parameters: [&Tensor; 2],
        op: impl FnOnce(&Arc<Values>) -> B,
    ) -> Result<Flow> {
        let (values, gradient) = (values.into(), GradientSlot::default());
        let tracked = self.handle.track_op() || parameters.iter().any(|handle| handle.track_op());
        let handle = if tracked {
            let node = Node { op: op(&values), gradient: gradient.clone() };
            self.handle.apply_op3(parameters[0], parameters[1], node)?
        } else {
            number()?
        };
        let (shape, precision) = (shape.into(), self.precision);
        Ok(Flow(FlowState::Own(Own { values, shape, moments: None, precision, handle, gradient })))
    }

    /// Where to leave the gradient of this flow, if anyone asks for it.
    pub fn wants_gradient(&self) -> Option<GradientSlot> {
        self.handle.track_op().then(|| self.gradient.clone())
    }

    /// What Candle tracks in its place.
    pub fn handle(&self) -> &Tensor {
        &self.handle
    }

    /// C and the elements of a plane of `[N, C, ...]`.
    pub fn channels_and_plane(&self) -> Result<(usize, usize)> {
        match self.shape.dims() {
            [_, channels, plane @ ..] => Ok((*channels, plane.iter().product())),
            dims => bail!("expected [N, C, ...], got {dims:?}"),
        }
    }

    pub fn dims4(&self) -> Result<(usize, usize, usize, usize)> {
        self.shape.dims4()
    }
}

/// A handle that nobody tracks.
pub(crate) fn number() -> Result<Tensor> {
    Tensor::zeros((), DType::F32, &Device::Cpu)
}

/// tensor -> handle
struct Enter(GradientSlot);
/// handle -> tensor
struct Leave {
    values: Arc<Values>,
    shape: Shape,
    gradient: GradientSlot,
}
/// handles -> handle
struct Node<B> {
    op: B,
    gradient: GradientSlot,
}

fn handle() -> Result<(CpuStorage, Shape)> {
    Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
}

impl CustomOp1 for Enter {
    fn name(&self) -> &'static str {
        "enter"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        handle()
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.take()?.to_tensor(x.shape())?))
    }
}

impl CustomOp1 for Leave {
    fn name(&self) -> &'static str {
        "leave"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((self.values.to_storage(), self.shape.clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        self.gradient.add(Arc::new(match *self.values {
            Values::F32(_) => Values::copy_of::<f32>(&dy)?,
            Values::F64(_) => Values::copy_of::<f64>(&dy)?,
        }))?;
        Ok(Some(number()?))
    }
}

impl<B: Backward> CustomOp3 for Node<B> {
    fn name(&self) -> &'static str {
        B::NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        handle()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        self.op.backward(self.gradient.take()?)?;
        let reach = |handle: &Tensor| handle.track_op().then(number).transpose();
        Ok((reach(a)?, reach(b)?, reach(c)?))
    }
}
