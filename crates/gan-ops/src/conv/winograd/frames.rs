//! Images with their channels side by side, so that transforms are the same for all lanes of a vector.

use super::scheme::Scheme;
use crate::conv::plan::Plan;
use crate::cpu::Real;
use crate::scratch::Scratch;
use crate::transpose::transpose;

/// Channels that are read side by side.
pub(super) const CHANNELS: usize = 16;

impl Scheme {
    /// One image `[channels, height, width]` -> `[rows, columns, channels]`, padded with zeros on all sides.
    pub fn fill<T: Real>(&self, plan: &Plan, image: &[T], padded: &mut [T]) {
        let source = plan.source;
        let plane = source.height * source.width;
        padded.fill(T::zero());
        // Few channels at a time, all rows of them: each is one stream of memory.
        for first in (0..plan.source_channels).step_by(CHANNELS) {
            let count = CHANNELS.min(plan.source_channels - first);
            for row in 0..source.height {
                let start = ((source.top + row) * self.reach.1 + source.left) * self.channels + first;
                let from = &image[first * plane + row * source.width..];
                transpose((count, source.width), from, plane, &mut padded[start..], self.channels);
            }
        }
    }

    /// Several images, one after the other.
    pub fn fill_all<T: Real>(&self, plan: &Plan, images: &[T]) -> Scratch<T> {
        let image_len = plan.source_channels * plan.source.height * plan.source.width;
        let mut padded = Scratch::take(images.len() / image_len * self.source_len());
        for (image, padded) in images.chunks(image_len).zip(padded.chunks_mut(self.source_len())) {
            self.fill(plan, image, padded);
        }
        padded
    }
}
