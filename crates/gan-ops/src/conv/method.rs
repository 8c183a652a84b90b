//! What the ways to make the sums of a convolution have in common.

use super::frame::Frame;
use super::lanes::Panels;
use crate::scratch::Scratch;

/// How the sums of a plan are made, with weights packed as they are needed.
pub(super) trait Method<T>: Sync {
    /// The panels of output channels.
    fn panels(&self) -> Panels;

    /// Room for the sums of one panel and one image.
    fn frame(&self) -> Frame;

    /// Some images of the source, as [`Self::sum_up`] takes them.
    fn prepare(&self, images: &[T]) -> Scratch<T>;

    /// The sums of one panel of so many images, `[images, frame, lanes]`.
    fn sum_up(&self, panel: usize, images: usize, prepared: &[T], sums: &mut [T]);
}
