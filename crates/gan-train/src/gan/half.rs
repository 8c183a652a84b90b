//! One half of D's update: real images, or generated ones.

use super::LogitsAndTargets;
use candle_core::Tensor;

/// D's logits of the real or of the generated images of a batch, and what they are told.
pub(super) struct Half {
    pub told: LogitsAndTargets,
    /// This part of the loss, if it has such.
    pub err: Option<Tensor>,
    pub class_loss: Option<Tensor>,
}

impl Half {
    /// The numbers alone, without the graph behind them.
    pub fn detached(self) -> Self {
        let Self { told: LogitsAndTargets { logits, targets }, err, class_loss } = self;
        let detach = |tensor: Option<Tensor>| tensor.map(|tensor| tensor.detach());
        Self {
            told: LogitsAndTargets { logits: logits.detach(), targets },
            err: detach(err),
            class_loss: detach(class_loss),
        }
    }
}
