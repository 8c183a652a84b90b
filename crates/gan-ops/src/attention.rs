//! Attention over the pixels of an image, as in SAGAN.
//!
//! A task makes one image: its weights are small enough to stay in a cache between the two products.

use crate::cpu::{Matrix, Real, matmul};
use crate::flow::{Backward, Flow, FlowState, Own};
use crate::reference;
use crate::scratch::Scratch;
use crate::simd::vectorised;
use crate::sums::sums;
use crate::values::{GradientSlot, Values};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use std::sync::Arc;
use tracing::trace_span;

/// The core of SAGAN's self-attention (Zhang et al. 2019): each query takes the mean of all values, weighted
/// by the softmax over the keys of its products with them:
/// `y[:, l] = sum_m value[:, m] * softmax_m(query[:, l] . key[:, m])`. The products are not divided by
/// `sqrt(C1)`, as they are not in SAGAN.
///
/// query `[N, C1, L]`, key `[N, C1, M]`, value `[N, C2, M]` -> `[N, C2, L]`. SAGAN makes the three by 1x1
/// convolutions, pools key and value by [`crate::max_pool2d`], and adds the result, after one more
/// convolution and times a scalar that starts at 0, to the input. An error if the shapes do not fit.
pub fn attention(query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
    Flow::attention(Flow::enter(query)?, Flow::enter(key)?, Flow::enter(value)?)?.leave()
}

impl Flow {
    /// [`attention`].
    pub fn attention(query: Self, key: Self, value: Self) -> Result<Self> {
        let sizes = Sizes::of([query.dims(), key.dims(), value.dims()])?;
        match (query.0, key.0, value.0) {
            (FlowState::Own(q), FlowState::Own(k), FlowState::Own(v)) => {
                let flows = [q, k, v];
                match [0, 1, 2].map(|i| &*flows[i].values) {
                    [Values::F32(_), Values::F32(_), Values::F32(_)] => run::<f32>(sizes, flows),
                    [Values::F64(_), Values::F64(_), Values::F64(_)] => run::<f64>(sizes, flows),
                    _ => bail!("query, key and value are of two types"),
                }
            }
            (q, k, v) => {
                let y = reference::attention(&Self(q).leave()?, &Self(k).leave()?, &Self(v).leave()?)?;
                Ok(Self(FlowState::Candle(y)))
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    /// Channels of queries and keys.
    inner: usize,
    queries: usize,
    keys: usize,
    /// Channels of values.
    outer: usize,
}

impl Sizes {
    fn of(dims: [&[usize]; 3]) -> Result<Self> {
        let [&[batch, inner, queries], key, &[_, outer, keys]] = dims else {
            bail!("query, key and value are [N, C, L], not {dims:?}");
        };
        if key != [batch, inner, keys] || dims[2][0] != batch {
            bail!("query, key and value {dims:?} do not fit: [N, A, L], [N, A, M] and [N, B, M] do");
        }
        if inner * keys == 0 {
            bail!("there is nothing to attend to in query, key and value {dims:?}");
        }
        Ok(Self { batch, inner, queries, keys, outer })
    }

    /// The weights of all keys for all queries of an image.
    fn weights(&self) -> usize {
        self.queries * self.keys
    }
}

fn run<T: Real>(sizes: Sizes, flows: [Own; 3]) -> Result<Flow> {
    let _span = trace_span!("attention").entered();
    let slots = [0, 1, 2].map(|i| flows[i].wants_gradient());
    let tracked = slots.iter().any(Option::is_some);
    let mut y = Scratch::<T>::take(sizes.batch * sizes.outer * sizes.queries);
    let mut weights = Scratch::<T>::take(if tracked { sizes.batch * sizes.weights() } else { 0 });
    let arguments = Arguments::<T>::of(sizes, &flows)?;
    if tracked {
        let images = y.par_chunks_mut(arguments.y_len()).zip(weights.par_chunks_mut(sizes.weights().max(1)));
        images.enumerate().for_each(|(image, (y, weights))| arguments.values(image, weights, y));
    } else {
        y.par_chunks_mut(arguments.y_len()).enumerate().for_each(|(image, y)| {
            arguments.values(image, &mut Scratch::take(sizes.weights()), y);
        });
    }
    let [query, key, value] = &flows;
    let shape = (sizes.batch, sizes.outer, sizes.queries);
    query.then(T::wrap(y), shape, [key.handle(), value.handle()], |_| AttentionGradient {
        sizes,
        arguments: flows.each_ref().map(|flow| flow.values.clone()),
        weights: T::wrap(weights),
        slots,
    })
}

/// Queries, keys and values of all images.
struct Arguments<'a, T> {
    sizes: Sizes,
    query: &'a [T],
    key: &'a [T],
    value: &'a [T],
}

impl<'a, T: Real> Arguments<'a, T> {
    fn of(sizes: Sizes, [query, key, value]: &'a [Own; 3]) -> Result<Self> {
        Self::new(sizes, [&query.values, &key.values, &value.values])
    }

    fn new(sizes: Sizes, [query, key, value]: [&'a Arc<Values>; 3]) -> Result<Self> {
        Ok(Self { sizes, query: query.slice()?, key: key.slice()?, value: value.slice()? })
    }

    fn y_len(&self) -> usize {
        (self.sizes.outer * self.sizes.queries).max(1)
    }

    /// Query `[A, L]`, key `[A, M]` and value `[B, M]` of one image.
    fn of_image(&self, image: usize) -> [&'a [T]; 3] {
        let Sizes { inner, queries, keys, outer, .. } = self.sizes;
        [(self.query, inner * queries), (self.key, inner * keys), (self.value, outer * keys)]
            .map(|(all, len)| &all[image * len..][..len])
    }

    /// The weights `[L, M]` of one image, and what they make of its values, `[B, L]`.
    fn values(&self, image: usize, weights: &mut [T], y: &mut [T]) {
        let Sizes { inner, queries, keys, outer, .. } = self.sizes;
        let [query, key, value] = self.of_image(image);
        let (query, key) = (Matrix::rows(query, queries).transposed(), Matrix::rows(key, keys));
        matmul((queries, keys, inner), weights, keys, query, key, false);
        vectorised(
            #[inline(always)]
            || weights.chunks_exact_mut(keys).for_each(softmax_of_row),
        );
        let (value, weights) = (Matrix::rows(value, keys), Matrix::rows(weights, keys).transposed());
        matmul((outer, queries, keys), y, queries, value, weights, false);
    }
}

#[inline(always)]
fn softmax_of_row<T: Real>(row: &mut [T]) {
    let largest = row.iter().fold(T::neg_infinity(), |a, &b| if b > a { b } else { a });
    row.iter_mut().for_each(|x| *x = (*x - largest).exp_to_zero());
    let (sum, _) = sums(row, row, |x, _| (x, T::zero()));
    let part = T::from_f64(1.0 / sum);
    row.iter_mut().for_each(|x| *x *= part);
}

struct AttentionGradient {
    sizes: Sizes,
    /// Query, key and value.
    arguments: [Arc<Values>; 3],
    /// `[N, L, M]`
    weights: Values,
    slots: [Option<GradientSlot>; 3],
}

impl Backward for AttentionGradient {
    const NAME: &'static str = "attention";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        let _span = trace_span!("attention, backward").entered();
        match &*dy {
            Values::F32(dy) => self.hand_on::<f32>(dy),
            Values::F64(dy) => self.hand_on::<f64>(dy),
        }
    }
}

impl AttentionGradient {
    fn hand_on<T: Real>(&self, dy: &[T]) -> Result<()> {
        let sizes @ Sizes { inner, queries, keys, outer, .. } = self.sizes;
        let arguments = Arguments::<T>::new(sizes, self.arguments.each_ref())?;
        let weights = self.weights.slice::<T>()?;
        let mut gradients = [inner * queries, inner * keys, outer * keys]
            .map(|of_image| Scratch::<T>::take(sizes.batch * of_image));
        let [d_query, d_key, d_value] = &mut gradients;
        let tasks = (d_query.par_chunks_mut((inner * queries).max(1)))
            .zip(d_key.par_chunks_mut(inner * keys))
            .zip(d_value.par_chunks_mut((outer * keys).max(1)))
            .enumerate();
        tasks.for_each(|(image, ((d_query, d_key), d_value))| {
            let [query, key, value] = arguments.of_image(image);
            let dy = Matrix::rows(&dy[image * outer * queries..][..outer * queries], queries);
            let weights = &weights[image * sizes.weights()..][..sizes.weights()];
            matmul((outer, keys, queries), d_value, keys, dy, Matrix::rows(weights, keys), false);
            // Of the weights, and from there on of the products of queries and keys.
            let mut d_weights = Scratch::take(sizes.weights());
            matmul(
                (queries, keys, outer),
                &mut d_weights,
                keys,
                dy.transposed(),
                Matrix::rows(value, keys),
                false,
            );
            vectorised(
                #[inline(always)]
                || {
                    let rows = d_weights.chunks_exact_mut(keys).zip(weights.chunks_exact(keys));
                    rows.for_each(|(gradient, weights)| through_softmax(gradient, weights));
                },
            );
            let d_products = Matrix::rows(&d_weights, keys);
            let (query, key) = (Matrix::rows(query, queries), Matrix::rows(key, keys));
            matmul((inner, queries, keys), d_query, queries, key, d_products.transposed(), false);
            matmul((inner, keys, queries), d_key, keys, query, d_products, false);
        });
        for (slot, gradient) in self.slots.iter().zip(gradients) {
            if let Some(slot) = slot {
                slot.add(T::wrap(gradient).into())?;
            }
        }
        Ok(())
    }
}

/// `p (dp - sum(p dp))`: the gradient of what went into a softmax that made p, written over that of p.
#[inline(always)]
fn through_softmax<T: Real>(gradient: &mut [T], weights: &[T]) {
    let (sum, _) = sums(gradient, weights, |dp, p| (dp * p, T::zero()));
    let sum = T::from_f64(sum);
    gradient.iter_mut().zip(weights).for_each(|(dp, &p)| *dp = p * (*dp - sum));
}
