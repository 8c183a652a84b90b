//! Both directions of a convolution, on all cores.
//!
//! Images run in groups, so that weights that fit no cache are fetched once for many pixels. Neither groups
//! nor the order of a sum depend on the number of threads, and each sum is made on one thread: one thread and
//! many give the same bits.

use super::direct::Direct;
use super::epilogue::{Epilogue, Finish, Output};
use super::method::Method;
use super::plan::Plan;
use super::winograd::{Minimal, Scheme};
use crate::cpu::Real;
use crate::packed::Weight;
use crate::scratch::Scratch;
use rayon::prelude::*;
use std::sync::Arc;

/// Pixels that make it worth fetching the weights.
const PIXELS_A_GROUP: usize = 256;
/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;

/// source `[N, source channels, ...]`, weight -> output `[N, output channels, ...]`, activated.
pub(super) fn run<T: Real>(
    plan: &Plan,
    source: &[T],
    weight: Weight<'_, T>,
    finish: Finish<'_, T>,
) -> Output<T> {
    match Scheme::of::<T>(plan) {
        Some(scheme) => run_by(&Minimal::new(plan, scheme, weight), plan, source, finish),
        None => run_by(&Direct::new(plan, weight), plan, source, finish),
    }
}

fn run_by<T: Real>(method: &impl Method<T>, plan: &Plan, source: &[T], finish: Finish<'_, T>) -> Output<T> {
    let (panels, frame) = (method.panels(), method.frame());
    let plane = plan.out_h * plan.out_w;
    let images = source.len() / plan.image_len();
    let group = PIXELS_A_GROUP.div_ceil(plane).min(images.div_ceil(TASKS)).max(1);
    let panels_a_part = panels.count().div_ceil(TASKS.div_ceil(images.div_ceil(group)));
    let parts = panels.count().div_ceil(panels_a_part);

    let mut out = Scratch::take(images * plan.out_len());
    let mut moments = vec![(0.0, 0.0); images * plan.out_channels];
    // A task fills some channels (a part) of some images (a group).
    type OfImage<'a, T> = (&'a mut [T], &'a mut [(f64, f64)]);
    let mut tasks: Vec<Vec<OfImage<T>>> = (0..images.div_ceil(group) * parts).map(|_| Vec::new()).collect();
    let a_part = panels_a_part * panels.lanes;
    let of_images = out.chunks_mut(plan.out_len()).zip(moments.chunks_mut(plan.out_channels));
    for (image, (out, moments)) in of_images.enumerate() {
        let of_parts = out.chunks_mut(a_part * plane).zip(moments.chunks_mut(a_part));
        for (part, planes) in of_parts.enumerate() {
            tasks[image / group * parts + part].push(planes);
        }
    }
    let prepare = |first: usize, count: usize| {
        Arc::new(method.prepare(&source[first * plan.image_len()..][..count * plan.image_len()]))
    };
    // Once for all parts, where there are several.
    let firsts: Vec<usize> = (0..images).step_by(group).collect();
    let shared: Option<Vec<_>> = (parts > 1)
        .then(|| firsts.par_iter().map(|&first| prepare(first, group.min(images - first))).collect());
    tasks.into_par_iter().enumerate().for_each(|(task, mut out)| {
        let (first_image, first_panel) = (task / parts * group, task % parts * panels_a_part);
        let prepared = match &shared {
            Some(shared) => shared[task / parts].clone(),
            None => prepare(first_image, out.len()),
        };
        let mut sums = Scratch::take(out.len() * frame.len() * panels.lanes);
        for panel in first_panel..panels.count().min(first_panel + panels_a_part) {
            method.sum_up(panel, out.len(), &prepared, &mut sums);
            let channels = panels.channels_of(panel).len();
            let first = (panel - first_panel) * panels.lanes;
            for ((out, moments), sums) in out.iter_mut().zip(sums.chunks(frame.len() * panels.lanes)) {
                let planes = &mut out[first * plane..][..channels * plane];
                frame.to_planes(plan, sums, panels.lanes, planes, channels);
                match finish.epilogue {
                    Epilogue::Activation(_) => {
                        finish.planes(panels.channels_of(panel).start, plane, planes);
                    }
                    Epilogue::Moments => {
                        frame.measure(plan, sums, panels.lanes, &mut moments[first..][..channels])
                    }
                }
            }
        }
    });
    (out, (finish.epilogue == Epilogue::Moments).then_some(moments))
}
