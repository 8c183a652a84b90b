//! The sums of a [`Plan`], on all cores.
//!
//! Output channels lie in the lanes of vectors, and each pixel of the source is spread over all lanes when it is read: so it
//! may lie anywhere, nothing needs to be unrolled (im2col), and stride costs nothing. The sums of some pixels of a panel of
//! channels stay in registers over a block of channels and taps; the weights of that block stay in the first-level cache.
//!
//! Images run in groups, so that weights that fit no cache are fetched once for many pixels. Neither groups nor blocks
//! depend on the number of threads, and each sum is made on one thread: one thread and many give the same bits.

use super::epilogue::{Epilogue, Finish, Output};
use super::frame::Frame;
use super::lanes::Panels;
use super::plan::Plan;
use super::sums::Sums;
use crate::cpu::Real;
use crate::scratch::Scratch;
use crate::transpose::transpose;
use pulp::Arch;
use rayon::prelude::*;

/// Pixels that make it worth fetching the weights.
const PIXELS_A_GROUP: usize = 256;
/// Tasks to make at least, where there is work for them.
const TASKS: usize = 8;
/// Fewer weights are packed on the spot.
const MIN_WEIGHTS_A_TASK: usize = 1 << 14;

/// source `[N, source channels, ...]`, weight -> output `[N, output channels, ...]`, activated.
pub(super) fn run<T: Real>(plan: &Plan, source: &[T], weight: &[T], finish: Finish<'_, T>) -> Output<T> {
    let panels = Panels::of::<T>(plan.out_channels);
    let weights = pack(plan, panels, weight);
    let plane = plan.out_h * plan.out_w;
    let image_len = plan.source_channels * plan.source.height * plan.source.width;
    let images = source.len() / image_len;
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
    let frame = Frame::of(plan, panels);
    let weights_len = plan.weight_rows() * panels.lanes;
    tasks.into_par_iter().enumerate().for_each(|(task, mut out)| {
        let (first_image, first_panel) = (task / parts * group, task % parts * panels_a_part);
        let mut padded = Scratch::take(out.len() * plan.source_len() + plan.slack(panels));
        let (planes, slack) = padded.split_at_mut(out.len() * plan.source_len());
        plan.source.fill(&source[first_image * image_len..][..out.len() * image_len], planes);
        slack.fill(T::zero());
        let mut sums = Scratch::take(out.len() * frame.len() * panels.lanes);
        for panel in first_panel..panels.count().min(first_panel + panels_a_part) {
            Arch::new().dispatch(Sums {
                plan,
                frame,
                panels,
                source: &padded,
                weights: &weights[panel * weights_len..][..weights_len],
                sums: &mut sums,
            });
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

/// The weights, `[panels, passes, channels and taps, lanes]`.
fn pack<T: Real>(plan: &Plan, panels: Panels, weight: &[T]) -> Scratch<T> {
    let lanes = panels.lanes;
    let taps = plan.kernel_taps;
    let (of_out, of_source) = plan.weight_strides;
    let mut packed = Scratch::take(panels.count() * plan.weight_rows() * lanes);
    let panel_len = (plan.weight_rows() * lanes).max(1);
    let chunks = packed.par_chunks_mut(panel_len).with_min_len(MIN_WEIGHTS_A_TASK.div_ceil(panel_len));
    chunks.enumerate().for_each(|(panel, packed)| {
        let channels = panels.channels_of(panel);
        if channels.len() < lanes {
            packed.fill(T::zero());
        }
        if plan.passes.len() == 1 && of_source == taps {
            // All taps in their order: the weights of a channel lie as they are needed.
            let (rows, weight) = (plan.weight_rows(), &weight[channels.start * of_out..]);
            return transpose((channels.len(), rows), weight, of_out, packed, lanes);
        }
        let mut columns = Scratch::<T>::take(taps * lanes);
        columns.fill(T::zero());
        for source in 0..plan.source_channels {
            let weight = &weight[channels.start * of_out + source * of_source..];
            transpose((channels.len(), taps), weight, of_out, &mut columns, lanes);
            let mut first = 0;
            for pass in &plan.passes {
                let packed = packed[(first + source * pass.taps.len()) * lanes..].chunks_mut(lanes);
                for (packed, &tap) in packed.zip(&pass.taps) {
                    packed.copy_from_slice(&columns[tap * lanes..][..lanes]);
                }
                first += plan.source_channels * pass.taps.len();
            }
        }
    });
    packed
}
