//! Layer norm and instance norm of dual numbers: how fast the result changes as x moves along a direction t.
//!
//! Of a row of n values, with `xhat = (x - mean) * r` and `r = 1 / sqrt(var + eps)`, the derivative is the
//! symmetric matrix `J v = r (v - mean(v) - xhat (xhat . v) / n)`. The tangent of the result is `weight * u`
//! with `u = J t`: the bias has none. Of the gradient g of that, with `h = weight * g`,
//!
//! - t gets `J h`,
//! - the weight gets the sum of `g * u` over its channel,
//! - x gets `-r / n * ((h . u) xhat + (xhat . t) J h + (h . xhat) J t)`, as J depends on x.

use super::kernels::{Rows, Statistics, scale, sums_of_run};
use super::{rows, run};
use crate::activation::Activation;
use crate::cpu::{Real, widen};
use crate::flow::{Backward, Flow, FlowState, Own};
use crate::gradient::{Destination, Parameter};
use crate::norm_kind::NormKind;
use crate::reference;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::sums::{RUN, by_channel};
use crate::values::{GradientSlot, Values};
use candle_core::{Result, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// The norm of x and an activation; and, without it, the tangent of the norm, from that of x.
pub(crate) fn dual_norm(
    (x, tangent): (Flow, Flow),
    kind: NormKind,
    parameters: [&Parameter; 2],
    eps: f64,
    activation: Activation,
) -> Result<(Flow, Flow)> {
    match (x.0, tangent.0) {
        (FlowState::Own(x), FlowState::Own(tangent)) => match *x.values {
            Values::F32(_) => run_dual::<f32>(&x, &tangent, kind, parameters, eps, activation),
            Values::F64(_) => run_dual::<f64>(&x, &tangent, kind, parameters, eps, activation),
        },
        (x, tangent) => {
            let [weight, bias] = parameters.map(|parameter| &parameter.value);
            let (x, tangent) = (Flow(x).leave()?, Flow(tangent).leave()?);
            let (y, tangent) = reference::dual_row_norm(kind, (&x, &tangent), weight, bias, eps)?;
            Ok((Flow(FlowState::Candle(activation.apply(&y)?)), Flow(FlowState::Candle(tangent))))
        }
    }
}

fn run_dual<T: Real>(
    x: &Own,
    t: &Own,
    kind: NormKind,
    parameters: [&Parameter; 2],
    eps: f64,
    activation: Activation,
) -> Result<(Flow, Flow)> {
    if x.shape != t.shape {
        bail!("a value {:?} has a tangent {:?}", x.shape, t.shape);
    }
    let (y, statistics) = run::<T>(x, kind, parameters, eps, activation)?;
    let _span = trace_span!("norm of rows, tangent").entered();
    let [weight, _] = parameters;
    let norm =
        TangentNorm { rows: rows(x, kind, parameters)?, weight: weight.value.to_vec1::<T>()?, statistics };
    let (x_values, t_values) = (x.values.slice::<T>()?, t.values.slice::<T>()?);
    let mut tangent = Scratch::take(t_values.len());
    let movements = norm.tangents(x_values, t_values, &mut tangent);
    let (weight, weight_gradient) = weight.watch()?;
    let tangent = t.then(T::wrap(tangent), &x.shape, [x.handle(), &weight], |_| TangentGradient {
        norm,
        movements,
        x: x.values.clone(),
        t: t.values.clone(),
        x_gradient: x.wants_gradient(),
        t_gradient: t.wants_gradient(),
        weight_gradient,
    })?;
    Ok((y, tangent))
}

/// How a row moves.
#[derive(Clone, Copy, Default)]
struct Movement {
    /// `mean(t)`
    mean: f64,
    /// `(xhat . t) / n`
    slope: f64,
}

struct TangentNorm<T> {
    rows: Rows,
    weight: Vec<T>,
    statistics: Arc<Vec<Statistics>>,
}

impl<T: Real> TangentNorm<T> {
    /// Writes `weight * J t` to `out`; returns how each row moves.
    fn tangents(&self, x: &[T], t: &[T], out: &mut [T]) -> Vec<Movement> {
        let (rows, count) = (self.rows, self.rows.len() as f64);
        let mut movements = vec![Movement::default(); self.statistics.len()];
        let lines = movements.par_chunks_mut(rows.in_task()).zip(self.statistics.par_chunks(rows.in_task()));
        let values = x.par_chunks(rows.block()).zip(t.par_chunks(rows.block()));
        let tasks = lines.zip(out.par_chunks_mut(rows.block()).zip(values)).enumerate();
        tasks.for_each(|(task, ((movements, statistics), (out, (x, t))))| {
            vectorised(
                #[inline(always)]
                || {
                    let values = x.chunks_exact(rows.len()).zip(t.chunks_exact(rows.len()));
                    let values = out.chunks_exact_mut(rows.len()).zip(values);
                    let lines = movements.iter_mut().zip(statistics).zip(values);
                    for (index, ((movement, &statistics), (out, (x, t)))) in lines.enumerate() {
                        let (mean, inverse_std) = (T::from_f64(statistics.mean), statistics.inverse_std);
                        let (sum, dot) = total(t, x, |t, x| (t, t * (x - mean)));
                        *movement = Movement { mean: sum / count, slope: inverse_std * dot / count };
                        let (mean_t, slope) =
                            (T::from_f64(movement.mean), T::from_f64(movement.slope * inverse_std));
                        let first = rows.first_channel(task * rows.in_task() + index);
                        let planes = x.chunks_exact(rows.plane).zip(t.chunks_exact(rows.plane));
                        let planes = out.chunks_exact_mut(rows.plane).zip(planes);
                        for (channel, (out, (x, t))) in (first..).zip(planes) {
                            let scale = scale(self.weight[channel], statistics);
                            for (out, (&x, &t)) in out.iter_mut().zip(x.iter().zip(t)) {
                                *out = (t - mean_t - (x - mean) * slope) * scale;
                            }
                        }
                    }
                },
            );
        });
        movements
    }

    /// Writes the gradient of t over that of the result, g, and that of x to dx; returns that of the weight.
    fn gradients(&self, movements: &[Movement], (x, t): (&[T], &[T]), g: &mut [T], dx: &mut [T]) -> Vec<f64> {
        let (rows, block, in_task) = (self.rows, self.rows.block(), self.rows.in_task());
        let mut table = vec![0.0; x.len() / rows.plane];
        let lines = movements.par_chunks(in_task).zip(self.statistics.par_chunks(in_task));
        let lines = table.par_chunks_mut(in_task * rows.channels_in_row).zip(lines);
        let gradients = g.par_chunks_mut(block).zip(dx.par_chunks_mut(block));
        let values = gradients.zip(x.par_chunks(block).zip(t.par_chunks(block)));
        let tasks = lines.zip(values).enumerate();
        tasks.for_each(|(task, ((table, (movements, statistics)), ((g, dx), (x, t))))| {
            vectorised(
                #[inline(always)]
                || {
                    let len = rows.len();
                    let gradients = g.chunks_exact_mut(len).zip(dx.chunks_exact_mut(len));
                    let values = gradients.zip(x.chunks_exact(len).zip(t.chunks_exact(len)));
                    let lines = movements.iter().zip(statistics);
                    let lines = table.chunks_exact_mut(rows.channels_in_row).zip(lines).zip(values);
                    for (index, ((table, (&movement, &statistics)), ((g, dx), (x, t)))) in lines.enumerate() {
                        let first = rows.first_channel(task * in_task + index);
                        let weight = &self.weight[first..][..rows.channels_in_row];
                        let row = Row { plane: rows.plane, weight, statistics, movement };
                        row.gradients((x, t), g, dx, table);
                    }
                },
            );
        });
        by_channel(table.into_iter(), rows.channels)
    }
}

struct Row<'a, T> {
    plane: usize,
    weight: &'a [T],
    statistics: Statistics,
    movement: Movement,
}

impl<T: Real> Row<'_, T> {
    #[inline(always)]
    fn gradients(&self, (x, t): (&[T], &[T]), g: &mut [T], dx: &mut [T], table: &mut [f64]) {
        let Statistics { mean, inverse_std } = self.statistics;
        let (mean, mean_t) = (T::from_f64(mean), T::from_f64(self.movement.mean));
        // Sums over the row: h, h . xhat and h . u.
        let (mut sum, mut dot, mut along) = (0.0, 0.0, 0.0);
        let planes =
            g.chunks_exact(self.plane).zip(x.chunks_exact(self.plane).zip(t.chunks_exact(self.plane)));
        for ((of_weight, &weight), (g, (x, t))) in table.iter_mut().zip(self.weight).zip(planes) {
            let (sum_g, dot_x) = total(g, x, |g, x| (g, g * (x - mean)));
            let (dot_t, _) = total(g, t, |g, t| (g * (t - mean_t), T::zero()));
            let dot_g = dot_x * inverse_std;
            *of_weight = inverse_std * (dot_t - self.movement.slope * dot_g);
            let weight = widen(weight);
            (sum, dot, along) = (sum + weight * sum_g, dot + weight * dot_g, along + weight * *of_weight);
        }
        let count = x.len() as f64;
        let number = T::from_f64;
        let (mean_h, slope_h, along) = (number(sum / count), number(dot / count), number(along / count));
        let (slope_t, r) = (number(self.movement.slope), number(inverse_std));
        let planes = g.chunks_exact_mut(self.plane).zip(dx.chunks_exact_mut(self.plane));
        let values = x.chunks_exact(self.plane).zip(t.chunks_exact(self.plane));
        for (&weight, ((g, dx), (x, t))) in self.weight.iter().zip(planes.zip(values)) {
            for ((g, dx), (&x, &t)) in g.iter_mut().zip(dx).zip(x.iter().zip(t)) {
                let xhat = (x - mean) * r;
                let of_h = (*g * weight - mean_h - xhat * slope_h) * r;
                let of_t = (t - mean_t - xhat * slope_t) * r;
                *g = of_h;
                *dx = -r * (along * xhat + slope_t * of_h + slope_h * of_t);
            }
        }
    }
}

/// The sums of both numbers of `value(a, b)`.
#[inline(always)]
fn total<T: Real>(a: &[T], b: &[T], value: impl Fn(T, T) -> (T, T) + Copy) -> (f64, f64) {
    let mut totals = (0.0, 0.0);
    for (a, b) in a.chunks(RUN).zip(b.chunks(RUN)) {
        let (first, second) = sums_of_run(a, b, value);
        totals = (totals.0 + first, totals.1 + second);
    }
    totals
}

struct TangentGradient<T> {
    norm: TangentNorm<T>,
    movements: Vec<Movement>,
    x: Arc<Values>,
    t: Arc<Values>,
    x_gradient: Option<GradientSlot>,
    t_gradient: Option<GradientSlot>,
    weight_gradient: Option<Destination>,
}

impl<T: Real> Backward for TangentGradient<T> {
    const NAME: &'static str = "norm of rows, tangent";

    fn backward(&self, mut g: Arc<Values>) -> Result<()> {
        let _span = trace_span!("norm of rows, tangent, backward").entered();
        let (x, t) = (self.x.slice::<T>()?, self.t.slice::<T>()?);
        let mut dx = Scratch::take(x.len());
        let dt = Arc::make_mut(&mut g).slice_mut::<T>()?;
        let weight = self.norm.gradients(&self.movements, (x, t), dt, &mut dx);
        if let Some(destination) = &self.weight_gradient {
            destination.put_numbers::<T>(&weight)?;
        }
        if let Some(slot) = &self.x_gradient {
            slot.add(T::wrap(dx).into())?;
        }
        self.t_gradient.as_ref().map_or(Ok(()), |slot| slot.add(g))
    }
}
