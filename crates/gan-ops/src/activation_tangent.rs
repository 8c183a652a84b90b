//! What becomes of a tangent where the value goes through an activation.

use crate::activation::{Activation, activation_gradient, with_function};
use crate::cpu::Real;
use crate::elementwise::Function;
use crate::flow::{Backward, Flow, FlowState, number};
use crate::reference;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// Elements a thread takes at a time.
const BLOCK: usize = 1 << 14;

impl Flow {
    /// The tangent of `y = activation(x)`: this one, that of x, times the derivative of the activation, which
    /// is found from y. Both of the same shape.
    ///
    /// A tanh is the one whose derivative depends on y smoothly: there, y gets a gradient too.
    pub fn activation_tangent(self, activation: Activation, y: &Self) -> Result<Self> {
        activation.check()?;
        if self.dims() != y.dims() {
            bail!("a value {:?} has a tangent {:?}", y.dims(), self.dims());
        }
        if activation == Activation::Identity {
            return Ok(self);
        }
        let (mut t, y) = match (self.0, &y.0) {
            (FlowState::Own(t), FlowState::Own(y)) => (t, y),
            (t, _) => {
                let (t, y) = (Self(t).leave()?, y.clone().leave()?);
                let tangent = reference::activation_tangent(&t, &y, activation)?;
                return Ok(Self(FlowState::Candle(tangent)));
            }
        };
        let _span = trace_span!("activation, tangent").entered();
        let smooth = activation == Activation::Tanh;
        let before = (smooth && y.wants_gradient().is_some()).then(|| t.values.clone());
        multiply(activation, &mut t.values, &y.values)?;
        let y_handle = if smooth { y.handle().clone() } else { number()? };
        t.then(t.values.clone(), &t.shape, [&y_handle, &number()?], |_| TangentGradient {
            activation,
            y: y.values.clone(),
            t: before,
            t_gradient: t.wants_gradient(),
            y_gradient: y.wants_gradient().filter(|_| smooth),
        })
    }
}

/// Multiplies by the derivative at each place.
fn multiply(activation: Activation, values: &mut Arc<Values>, y: &Values) -> Result<()> {
    if Arc::get_mut(values).is_some() {
        match Arc::make_mut(values) {
            Values::F32(values) => activation_gradient(activation, values, y.slice::<f32>()?),
            Values::F64(values) => activation_gradient(activation, values, y.slice::<f64>()?),
        }
        return Ok(());
    }
    // Others hold them: one pass, where a copy would take another.
    *values = Arc::new(match &**values {
        Values::F32(values) => Values::F32(product(activation, values, y.slice()?)),
        Values::F64(values) => Values::F64(product(activation, values, y.slice()?)),
    });
    Ok(())
}

fn product<T: Real>(activation: Activation, t: &[T], y: &[T]) -> Scratch<T> {
    let mut out = Scratch::take(t.len());
    with_function!(activation, f => {
        let values = t.par_chunks(BLOCK).zip(y.par_chunks(BLOCK));
        out.par_chunks_mut(BLOCK).zip(values).for_each(|(out, (t, y))| vectorised(
            #[inline(always)]
            || out.iter_mut().zip(t.iter().zip(y)).for_each(|(out, (&t, &y))| *out = t * f.derivative(y)),
        ));
    });
    out
}

struct TangentGradient {
    activation: Activation,
    y: Arc<Values>,
    /// The tangent of the argument of a tanh.
    t: Option<Arc<Values>>,
    t_gradient: Option<GradientSlot>,
    y_gradient: Option<GradientSlot>,
}

impl Backward for TangentGradient {
    const NAME: &'static str = "activation, tangent";

    fn backward(&self, mut g: Arc<Values>) -> Result<()> {
        let _span = trace_span!("activation, tangent, backward").entered();
        if let (Some(slot), Some(t)) = (&self.y_gradient, &self.t) {
            slot.add(Arc::new(match &*g {
                Values::F32(g) => Values::F32(tanh_gradient(g, t.slice()?, self.y.slice()?)),
                Values::F64(g) => Values::F64(tanh_gradient(g, t.slice()?, self.y.slice()?)),
            }))?;
        }
        let Some(slot) = &self.t_gradient else { return Ok(()) };
        multiply(self.activation, &mut g, &self.y)?;
        slot.add(g)
    }
}

/// The gradient of y in `t * (1 - y^2)`.
fn tanh_gradient<T: Real>(g: &[T], t: &[T], y: &[T]) -> Scratch<T> {
    let mut out = Scratch::take(g.len());
    let values = g.par_chunks(BLOCK).zip(t.par_chunks(BLOCK).zip(y.par_chunks(BLOCK)));
    out.par_chunks_mut(BLOCK).zip(values).for_each(|(out, (g, (t, y)))| {
        vectorised(
            #[inline(always)]
            || {
                let values = g.iter().zip(t.iter().zip(y));
                out.iter_mut().zip(values).for_each(|(out, (&g, (&t, &y)))| *out = -(g * t * (y + y)));
            },
        );
    });
    out
}
