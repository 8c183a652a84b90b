//! Norms that do not mix the images of a batch, and the activation after them.
//!
//! Layer norm and instance norm differ in what makes a row, whose mean becomes 0 and whose variance becomes
//! 1: all values of a sample, or those of one of its channels. The backward pass computes the argument of the
//! activation again from x: nothing but x is kept for it.

mod kernels;
mod tangent;

pub(crate) use tangent::dual_norm;

use crate::activation::Activation;
use crate::cpu::Real;
use crate::flow::{Backward, Flow, FlowState, Own};
use crate::gradient::{Destination, Parameter};
use crate::norm_kind::NormKind;
use crate::reference;
use crate::scratch::Scratch;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, bail};
use kernels::{Normalization, Rows, Statistics};
use std::sync::Arc;
use tracing::trace_span;

impl Flow {
    /// [`layer_norm`](crate::layer_norm) and an activation.
    pub fn layer_norm(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        self.row_norm(NormKind::Layer, [weight, bias], eps, activation)
    }

    /// [`instance_norm2d`](crate::instance_norm2d) and an activation.
    pub fn instance_norm2d(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        self.row_norm(NormKind::Instance, [weight, bias], eps, activation)
    }

    fn row_norm(
        self,
        kind: NormKind,
        parameters: [&Parameter; 2],
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        match self.0 {
            FlowState::Candle(x) => {
                let [weight, bias] = parameters.map(|parameter| &parameter.value);
                let y = reference::row_norm(kind, &x, weight, bias, eps)?;
                Ok(Self(FlowState::Candle(activation.apply(&y)?)))
            }
            FlowState::Own(x) => Ok(match *x.values {
                Values::F32(_) => run::<f32>(&x, kind, parameters, eps, activation)?.0,
                Values::F64(_) => run::<f64>(&x, kind, parameters, eps, activation)?.0,
            }),
        }
    }
}

/// The result, and what each row was normalised by.
fn run<T: Real>(
    x: &Own,
    kind: NormKind,
    [weight, bias]: [&Parameter; 2],
    eps: f64,
    activation: Activation,
) -> Result<(Flow, Arc<Vec<Statistics>>)> {
    let _span = trace_span!("norm of rows").entered();
    let norm = Normalization {
        rows: rows(x, kind, [weight, bias])?,
        weight: weight.value.to_vec1::<T>()?,
        bias: bias.value.to_vec1::<T>()?,
        activation,
    };
    let values = x.values.slice::<T>()?;
    let mut y = Scratch::take(values.len());
    let statistics = Arc::new(norm.values(values, &mut y, eps));
    let ((weight, weight_gradient), (bias, bias_gradient)) = (weight.watch()?, bias.watch()?);
    let y = x.then(T::wrap(y), &x.shape, [&weight, &bias], |_| NormGradient {
        norm,
        statistics: statistics.clone(),
        x: x.values.clone(),
        x_gradient: x.wants_gradient(),
        weight_gradient,
        bias_gradient,
    })?;
    Ok((y, statistics))
}

/// The rows of x, after checking that they can be normalised.
fn rows(x: &Own, kind: NormKind, parameters: [&Parameter; 2]) -> Result<Rows> {
    let (channels, plane) = x.channels_and_plane()?;
    let channels_in_row = match kind {
        NormKind::Layer => channels,
        NormKind::Instance => {
            x.dims4()?;
            1
        }
    };
    let rows = Rows { channels, plane, channels_in_row };
    kind.check_row(rows.len())?;
    for parameter in parameters {
        if parameter.value.dims() != [channels] {
            bail!("expected one number for each of {channels} channels, got {:?}", parameter.value.shape());
        }
    }
    Ok(rows)
}

struct NormGradient<T> {
    norm: Normalization<T>,
    statistics: Arc<Vec<Statistics>>,
    x: Arc<Values>,
    x_gradient: Option<GradientSlot>,
    weight_gradient: Option<Destination>,
    bias_gradient: Option<Destination>,
}

impl<T: Real> Backward for NormGradient<T> {
    const NAME: &'static str = "norm of rows";

    fn backward(&self, mut dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("norm of rows, backward").entered();
        let (x, dx) = (self.x.slice::<T>()?, Arc::make_mut(&mut dy).slice_mut::<T>()?);
        let (weight, bias) = self.norm.gradients(&self.statistics, x, dx);
        for (destination, gradient) in [(&self.weight_gradient, weight), (&self.bias_gradient, bias)] {
            if let Some(destination) = destination {
                destination.put_numbers::<T>(&gradient)?;
            }
        }
        self.x_gradient.as_ref().map_or(Ok(()), |slot| slot.add(dy))
    }
}
