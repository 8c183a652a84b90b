//! Where two flows meet.

use crate::flow::Flow;
use candle_core::Result;

impl Flow {
    /// The sum of two flows of one shape: where the paths of a residual block meet. (They part where a flow is cloned.)
    #[expect(clippy::should_implement_trait, reason = "the sum may fail")]
    pub fn add(self, other: Self) -> Result<Self> {
        let other = other.leave()?;
        self.through(|x| x + other)
    }
}
