//! Fully connected layers: a matrix product, a bias and an activation.

use crate::activation::{Activation, activation_gradient, with_function};
use crate::cpu::{Matrix, Real, widen, with_slice};
use crate::elementwise::Function;
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::gradient::{Destination, Parameter};
use crate::product::product;
use crate::reference;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::sums::by_channel;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor, bail};
use std::sync::Arc;
use tracing::trace_span;

impl Flow {
    /// `activation(x weight^T + bias)`, the product as `torch.nn.functional.linear`: x `[N, I]`, weight
    /// `[O, I]`, bias `[O]` -> `[N, O]`. An error for other shapes.
    pub fn linear(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        activation: Activation,
    ) -> Result<Self> {
        activation.check()?;
        let &[_, inputs] = self.dims() else {
            bail!("a linear layer takes [N, I], not {:?}", self.dims());
        };
        let outputs = match weight.value.dims() {
            &[outputs, of_weight] if of_weight == inputs => outputs,
            dims => bail!("a linear layer of {inputs} inputs has a weight [O, {inputs}], not {dims:?}"),
        };
        if let Some(bias) = bias.filter(|bias| bias.value.dims() != [outputs]) {
            bail!("expected a bias for each of {outputs} outputs, got {:?}", bias.value.shape());
        }
        match self.0 {
            FlowState::Candle(x) => {
                let bias = bias.map(|bias| &bias.value);
                let y = reference::linear(&x, &weight.value, bias, Activation::Identity)?;
                Ok(Self(FlowState::Candle(activation.apply(&y)?)))
            }
            FlowState::Own(x) => match *x.values {
                Values::F32(_) => run::<f32>(&x, weight, bias, activation),
                Values::F64(_) => run::<f64>(&x, weight, bias, activation),
            },
        }
    }
}

fn run<T: Real>(
    x: &Own,
    weight: &Parameter,
    bias: Option<&Parameter>,
    activation: Activation,
) -> Result<Flow> {
    let _span = trace_span!("linear layer").entered();
    let (batch, inputs) = x.shape.dims2()?;
    let (outputs, _) = weight.value.dims2()?;
    let value = weight.value.contiguous()?;
    let bias_value = match bias {
        Some(bias) => bias.value.to_vec1::<T>()?,
        None => vec![T::zero(); outputs],
    };
    let mut y = Scratch::take(batch * outputs);
    with_slice::<T, _>(&value, |weight| -> Result<()> {
        let (x, weight) =
            (Matrix::rows(x.values.slice()?, inputs), Matrix::rows(weight, inputs).transposed());
        with_function!(activation, f => {
            product((batch, outputs, inputs), &mut y, x, weight, false, |y| add(f, &bias_value, y));
        });
        Ok(())
    })??;
    let (weight_handle, weight_gradient) = weight.watch()?;
    let (bias_handle, bias_gradient) = match bias {
        Some(bias) => bias.watch()?,
        None => (number()?, None),
    };
    x.then(T::wrap(y), (batch, outputs), [&weight_handle, &bias_handle], |y| LinearGradient {
        sizes: (batch, inputs, outputs),
        activation,
        x: x.values.clone(),
        weight: value.detach(),
        y: (activation != Activation::Identity).then(|| y.clone()),
        x_gradient: x.wants_gradient(),
        weight_gradient,
        bias_gradient,
    })
}

/// `f(y + bias)`, in rows.
fn add<T: Real>(f: impl Function, bias: &[T], y: &mut [T]) {
    vectorised(
        #[inline(always)]
        || {
            for row in y.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(y, &b)| *y = f.value(*y + b));
            }
        },
    );
}

struct LinearGradient {
    /// Of the batch, inputs and outputs.
    sizes: (usize, usize, usize),
    activation: Activation,
    x: Arc<Values>,
    weight: Tensor,
    /// What the activation made, where there is one.
    y: Option<Arc<Values>>,
    x_gradient: Option<GradientSlot>,
    weight_gradient: Option<Destination>,
    bias_gradient: Option<Destination>,
}

impl Backward for LinearGradient {
    const NAME: &'static str = "linear layer";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("linear layer, backward").entered();
        match *dy {
            Values::F32(_) => self.hand_on::<f32>(dy),
            Values::F64(_) => self.hand_on::<f64>(dy),
        }
    }
}

impl LinearGradient {
    fn hand_on<T: Real>(&self, mut dy: Arc<Values>) -> Result<()> {
        let (batch, inputs, outputs) = self.sizes;
        if let Some(y) = &self.y {
            let dy = Arc::make_mut(&mut dy).slice_mut::<T>()?;
            activation_gradient(self.activation, dy, y.slice::<T>()?);
        }
        let dy = dy.slice::<T>()?;
        if let Some(destination) = &self.bias_gradient {
            destination.put_numbers::<T>(&by_channel(dy.iter().map(|&dy| widen(dy)), outputs))?;
        }
        if let Some(destination) = &self.weight_gradient {
            let (dy, x) =
                (Matrix::rows(dy, outputs).transposed(), Matrix::rows(self.x.slice::<T>()?, inputs));
            destination.put(|sum, add| product((outputs, inputs, batch), sum, dy, x, add, |_| ()))?;
        }
        if let Some(slot) = &self.x_gradient {
            let mut dx = Scratch::take(batch * inputs);
            with_slice::<T, _>(&self.weight, |weight| {
                let (dy, weight) = (Matrix::rows(dy, outputs), Matrix::rows(weight, inputs));
                product((batch, inputs, outputs), &mut dx, dy, weight, false, |_| ());
            })?;
            slot.add(T::wrap(dx).into())?;
        }
        Ok(())
    }
}
