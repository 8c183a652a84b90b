//! The scale and shift of conditional norms, and the activation after them.
//!
//! The backward pass computes the argument of the activation again from x, and goes through memory once: what is summed is
//! summed over a plane, one channel of one image.

use crate::activation::{Activation, with_function};
use crate::cpu::Real;
use crate::elementwise::Function;
use crate::flow::{Backward, Flow, FlowState, Own};
use crate::gradient::{Destination, Parameter};
use crate::reference;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::sums::{RUN, sums};
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// Elements a thread takes at a time, in whole planes.
const BLOCK: usize = 1 << 14;

impl Flow {
    /// `activation(x * gamma + beta)` with a scale and a shift for each channel of each sample: x `[N, C, ...]`, gamma and
    /// beta `[N, C]`.
    pub fn modulate(self, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Self> {
        match self.0 {
            FlowState::Candle(x) => {
                let y = reference::modulate(&x, gamma, beta, Activation::Identity)?;
                Ok(Self(FlowState::Candle(activation.apply(&y)?)))
            }
            FlowState::Own(x) => match *x.values {
                Values::F32(_) => run::<f32>(&x, gamma, beta, activation),
                Values::F64(_) => run::<f64>(&x, gamma, beta, activation),
            },
        }
    }
}

fn run<T: Real>(x: &Own, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Flow> {
    let _span = trace_span!("modulation").entered();
    let (channels, plane) = x.channels_and_plane()?;
    for matrix in [gamma, beta] {
        if matrix.dims() != &x.shape.dims()[..2] {
            bail!(
                "expected a number for each of {channels} channels of each sample of {:?}, got {:?}",
                x.shape,
                matrix.shape()
            );
        }
    }
    let lines = Lines {
        gamma: gamma.flatten_all()?.to_vec1::<T>()?,
        beta: beta.flatten_all()?.to_vec1::<T>()?,
        plane,
        activation,
    };
    let values = x.values.slice::<T>()?;
    let mut y = Scratch::take(values.len());
    if !values.is_empty() {
        with_function!(activation, f => lines.values(values, &mut y, f));
    }
    let ((gamma, gamma_gradient), (beta, beta_gradient)) =
        (Parameter::from(gamma).watch()?, Parameter::from(beta).watch()?);
    x.then(T::wrap(y), &x.shape, [&gamma, &beta], |_| ModulationGradient {
        lines,
        x: x.values.clone(),
        x_gradient: x.wants_gradient(),
        gamma_gradient,
        beta_gradient,
    })
}

/// A scale and a shift for each plane.
struct Lines<T> {
    gamma: Vec<T>,
    beta: Vec<T>,
    plane: usize,
    activation: Activation,
}

impl<T: Real> Lines<T> {
    fn planes_a_task(&self) -> usize {
        (BLOCK / self.plane).max(1)
    }

    fn values(&self, x: &[T], y: &mut [T], f: impl Function) {
        let (plane, planes) = (self.plane, self.planes_a_task());
        let lines = self.gamma.par_chunks(planes).zip(self.beta.par_chunks(planes));
        let tasks = y.par_chunks_mut(planes * plane).zip(x.par_chunks(planes * plane)).zip(lines);
        tasks.for_each(|((y, x), (gamma, beta))| {
            vectorised(
                #[inline(always)]
                || {
                    let planes = y.chunks_exact_mut(plane).zip(x.chunks_exact(plane));
                    for ((y, x), (&gamma, &beta)) in planes.zip(gamma.iter().zip(beta)) {
                        y.iter_mut().zip(x).for_each(|(y, &x)| *y = f.value(x * gamma + beta));
                    }
                },
            );
        });
    }

    /// Writes the gradient of x over that of y; gives those of beta and gamma.
    fn gradients(&self, x: &[T], dy: &mut [T], f: impl Function) -> Vec<(f64, f64)> {
        let (plane, planes) = (self.plane, self.planes_a_task());
        let mut sums_of_planes = vec![(0.0, 0.0); self.gamma.len()];
        let lines = self.gamma.par_chunks(planes).zip(self.beta.par_chunks(planes));
        let images = dy.par_chunks_mut(planes * plane).zip(x.par_chunks(planes * plane));
        let tasks = sums_of_planes.par_chunks_mut(planes).zip(images).zip(lines);
        tasks.for_each(|((totals, (dy, x)), (gamma, beta))| {
            vectorised(
                #[inline(always)]
                || {
                    let planes = dy.chunks_exact_mut(plane).zip(x.chunks_exact(plane));
                    let lines = totals.iter_mut().zip(gamma.iter().zip(beta));
                    for ((dy, x), ((beta_sum, gamma_sum), (&gamma, &beta))) in planes.zip(lines) {
                        for (g, x) in dy.chunks_mut(RUN).zip(x.chunks(RUN)) {
                            for (g, &x) in g.iter_mut().zip(x) {
                                *g *= f.derivative_at(x * gamma + beta);
                            }
                            let (sum, dot) = sums(g, x, |g, x| (g, g * x));
                            *beta_sum += sum;
                            *gamma_sum += dot;
                            g.iter_mut().for_each(|g| *g *= gamma);
                        }
                    }
                },
            );
        });
        sums_of_planes
    }
}

struct ModulationGradient<T> {
    lines: Lines<T>,
    x: Arc<Values>,
    x_gradient: Option<GradientSlot>,
    gamma_gradient: Option<Destination>,
    beta_gradient: Option<Destination>,
}

impl<T: Real> Backward for ModulationGradient<T> {
    const NAME: &'static str = "modulation";

    fn backward(&self, mut dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("modulation, backward").entered();
        let (x, dx) = (self.x.slice::<T>()?, Arc::make_mut(&mut dy).slice_mut::<T>()?);
        let sums = if x.is_empty() {
            vec![(0.0, 0.0); self.lines.gamma.len()]
        } else {
            with_function!(self.lines.activation, f => self.lines.gradients(x, dx, f))
        };
        let (beta, gamma): (Vec<f64>, Vec<f64>) = sums.into_iter().unzip();
        for (destination, gradient) in [(&self.gamma_gradient, gamma), (&self.beta_gradient, beta)] {
            if let Some(destination) = destination {
                destination.put_numbers::<T>(&gradient)?;
            }
        }
        self.x_gradient.as_ref().map_or(Ok(()), |slot| slot.add(dy))
    }
}
