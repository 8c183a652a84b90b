//! A bias for each channel, and the activation after it.

use crate::activation::{Activation, activation_gradient, with_function};
use crate::cpu::{Real, widen, with_slice};
use crate::elementwise::Function;
use crate::flow::{Backward, Flow, FlowState, Own, number};
use crate::gradient::{Destination, Parameter};
use crate::reference;
use crate::simd::vectorised;
use crate::sums::{RUN, sums};
use crate::values::{GradientSlot, Values};
use candle_core::{Result, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// Elements a thread takes at a time, in whole planes or images.
const BLOCK: usize = 1 << 14;

impl Flow {
    /// `activation(x + bias)` with a bias for each channel: x `[N, C, ...]`, bias `[C]`. The slope of a leaky_relu must not
    /// be negative.
    pub fn add_bias(self, bias: &Parameter, activation: Activation) -> Result<Self> {
        activation.check()?;
        match self.0 {
            FlowState::Candle(x) => {
                let y = reference::add_bias(&x, &bias.value, Activation::Identity)?;
                Ok(Self(FlowState::Candle(activation.apply(&y)?)))
            }
            FlowState::Own(x) => match *x.values {
                Values::F32(_) => run::<f32>(x, bias, activation),
                Values::F64(_) => run::<f64>(x, bias, activation),
            },
        }
    }
}

fn run<T: Real>(mut x: Own, bias: &Parameter, activation: Activation) -> Result<Flow> {
    let _span = trace_span!("bias").entered();
    let (channels, plane) = x.channels_and_plane()?;
    if bias.value.dims() != [channels] {
        bail!("expected a bias for each of {channels} channels, got {:?}", bias.value.shape());
    }
    let y = Arc::make_mut(&mut x.values).slice_mut::<T>()?;
    if !y.is_empty() {
        with_slice::<T, _>(&bias.value.contiguous()?, |bias| {
            with_function!(activation, f => add(y, bias, plane, f));
        })?;
    }
    let (handle, bias_gradient) = bias.watch()?;
    x.then(x.values.clone(), &x.shape, [&handle, &number()?], |y| BiasGradient {
        activation,
        channels,
        plane,
        y: (activation != Activation::Identity).then(|| y.clone()),
        x_gradient: x.wants_gradient(),
        bias_gradient,
    })
}

/// `f(x + bias)`, written over x `[N, C, plane]`.
fn add<T: Real>(y: &mut [T], bias: &[T], plane: usize, f: impl Function) {
    let channels = bias.len();
    // Where a plane is a single value, whole rows.
    let planes = if plane == 1 { (BLOCK / channels).max(1) * channels } else { (BLOCK / plane).max(1) };
    y.par_chunks_mut(planes * plane).enumerate().for_each(|(task, y)| {
        vectorised(
            #[inline(always)]
            || {
                if plane == 1 {
                    for row in y.chunks_exact_mut(channels) {
                        row.iter_mut().zip(bias).for_each(|(y, &b)| *y = f.value(*y + b));
                    }
                    return;
                }
                for (index, y) in y.chunks_exact_mut(plane).enumerate() {
                    let b = bias[(task * planes + index) % channels];
                    y.iter_mut().for_each(|y| *y = f.value(*y + b));
                }
            },
        )
    });
}

struct BiasGradient {
    activation: Activation,
    channels: usize,
    plane: usize,
    /// What the activation made, where there is one.
    y: Option<Arc<Values>>,
    x_gradient: Option<GradientSlot>,
    bias_gradient: Option<Destination>,
}

impl Backward for BiasGradient {
    const NAME: &'static str = "bias";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("bias, backward").entered();
        match *dy {
            Values::F32(_) => self.hand_on::<f32>(dy),
            Values::F64(_) => self.hand_on::<f64>(dy),
        }
    }
}

impl BiasGradient {
    fn hand_on<T: Real>(&self, mut dy: Arc<Values>) -> Result<()> {
        let sums = match (&self.y, &self.bias_gradient) {
            (None, None) => None,
            (Some(y), None) => {
                let dy = Arc::make_mut(&mut dy).slice_mut::<T>()?;
                activation_gradient(self.activation, dy, y.slice::<T>()?);
                None
            }
            (None, Some(_)) => Some(self.sums(dy.slice::<T>()?)),
            (Some(y), Some(_)) => {
                let dy = Arc::make_mut(&mut dy).slice_mut::<T>()?;
                Some(with_function!(self.activation, f => self.sums_after(f, dy, y.slice::<T>()?)))
            }
        };
        if let (Some(sums), Some(destination)) = (sums, &self.bias_gradient) {
            destination.put_numbers::<T>(&sums)?;
        }
        self.x_gradient.as_ref().map_or(Ok(()), |slot| slot.add(dy))
    }

    /// The sum of each channel of dy.
    fn sums<T: Real>(&self, dy: &[T]) -> Vec<f64> {
        let mut table = self.table(dy.len());
        let tasks = table.par_chunks_mut(self.channels).zip(dy.par_chunks(self.block()));
        tasks.for_each(|(totals, dy)| {
            vectorised(
                #[inline(always)]
                || {
                    dy.chunks_exact(self.piece())
                        .enumerate()
                        .for_each(|(index, dy)| self.add(totals, index, dy))
                },
            );
        });
        self.of_all(&table)
    }

    /// The same of `dy * f'`, which is written over dy, from what f made, y.
    fn sums_after<T: Real>(&self, f: impl Function, dy: &mut [T], y: &[T]) -> Vec<f64> {
        let mut table = self.table(dy.len());
        let images = dy.par_chunks_mut(self.block()).zip(y.par_chunks(self.block()));
        table.par_chunks_mut(self.channels).zip(images).for_each(|(totals, (dy, y))| {
            vectorised(
                #[inline(always)]
                || {
                    let pieces = dy.chunks_exact_mut(self.piece()).zip(y.chunks_exact(self.piece()));
                    for (index, (dy, y)) in pieces.enumerate() {
                        dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy *= f.derivative(y));
                        self.add(totals, index, dy);
                    }
                },
            );
        });
        self.of_all(&table)
    }

    /// Elements of a task: some whole images.
    fn block(&self) -> usize {
        let image = (self.channels * self.plane).max(1);
        (BLOCK / image).max(1) * image
    }

    /// Elements that are taken together: a plane, or where that is a single value, an image.
    fn piece(&self) -> usize {
        if self.plane == 1 { self.channels } else { self.plane }
    }

    /// A row of sums for each task.
    fn table(&self, len: usize) -> Vec<f64> {
        vec![0.0; len.div_ceil(self.block()) * self.channels]
    }

    #[inline(always)]
    fn add<T: Real>(&self, totals: &mut [f64], index: usize, dy: &[T]) {
        if self.plane == 1 {
            totals.iter_mut().zip(dy).for_each(|(total, &dy)| *total += widen(dy));
        } else {
            let total = &mut totals[index % self.channels];
            dy.chunks(RUN).for_each(|dy| *total += sums(dy, dy, |dy, _| (dy, T::zero())).0);
        }
    }

    fn of_all(&self, table: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.channels];
        for row in table.chunks_exact(self.channels) {
            sums.iter_mut().zip(row).for_each(|(sum, more)| *sum += more);
        }
        sums
    }
}
