//! What there is to make of a window.

/// What a pooling makes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The largest value, as `torch.nn.functional.max_pool2d`. The gradient goes to that value alone: among
    /// equals, to the first in reading order.
    Max,
    /// The mean of the values, those of the padding left out: as `torch.nn.functional.avg_pool2d` with
    /// `count_include_pad=False`.
    Average,
}
