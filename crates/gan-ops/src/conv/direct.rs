//! The sums of a [`Plan`] one product after the other.
//!
//! Output channels lie in the lanes of vectors, and each pixel of the source is spread over all lanes when it
//! is read: so it may lie anywhere, nothing needs to be unrolled (im2col), and stride costs nothing. The sums
//! of some pixels of a panel of channels stay in registers over a block of channels and taps; the weights of
//! that block stay in the first-level cache.

use super::frame::Frame;
use super::lanes::Panels;
use super::method::Method;
use super::plan::Plan;
use super::sums::Sums;
use crate::cpu::Real;
use crate::packed::{Layout, Weight};
use crate::scratch::Scratch;
use crate::simd::arch;
use crate::transpose::transpose;
use rayon::prelude::*;
use std::sync::Arc;

/// Fewer weights are packed on the spot.
const MIN_WEIGHTS_A_TASK: usize = 1 << 14;

/// The sums of a [`Plan`] with these weights.
pub(super) struct Direct<'a, T> {
    plan: &'a Plan,
    panels: Panels,
    weights: Arc<Scratch<T>>,
}

impl<'a, T: Real> Direct<'a, T> {
    pub fn new(plan: &'a Plan, weight: Weight<'_, T>) -> Self {
        let panels = Panels::of::<T>(plan.out_channels);
        let layout = || Layout {
            kind: "direct",
            strides: plan.weight_strides,
            taps: plan.passes.iter().map(|pass| pass.taps.clone()).collect(),
        };
        let weights = weight.packed(layout, |weight| pack(plan, panels, weight));
        Self { plan, panels, weights }
    }
}

impl<T: Real> Method<T> for Direct<'_, T> {
    fn panels(&self) -> Panels {
        self.panels
    }

    fn frame(&self) -> Frame {
        Frame::of(self.plan, self.panels)
    }

    /// Padded with zeros.
    fn prepare(&self, images: &[T]) -> Scratch<T> {
        let plan = self.plan;
        let len = images.len() / plan.image_len() * plan.source_len();
        let mut padded = Scratch::take(len + plan.slack(self.panels));
        let (planes, slack) = padded.split_at_mut(len);
        plan.source.fill(images, planes);
        slack.fill(T::zero());
        padded
    }

    fn sum_up(&self, panel: usize, _images: usize, padded: &[T], sums: &mut [T]) {
        let weights_len = self.plan.weight_rows() * self.panels.lanes;
        arch().dispatch(Sums {
            plan: self.plan,
            frame: self.frame(),
            panels: self.panels,
            source: padded,
            weights: &self.weights[panel * weights_len..][..weights_len],
            sums,
        });
    }
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
