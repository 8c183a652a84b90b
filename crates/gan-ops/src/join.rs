//! Where two flows meet.

use crate::flow::{Backward, Flow, FlowState, number};
use crate::values::{GradientSlot, Values};
use candle_core::{Result, bail};
use std::sync::Arc;
use tracing::trace_span;

impl Flow {
    /// The sum of two flows of one shape: where the paths of a residual block meet. (They part where a flow is cloned.)
    #[expect(clippy::should_implement_trait, reason = "the sum of two shapes is an error")]
    pub fn add(self, other: Self) -> Result<Self> {
        let _span = trace_span!("sum").entered();
        match (self.0, other.0) {
            (FlowState::Own(mut a), FlowState::Own(b)) => {
                let same_type = matches!(
                    (&*a.values, &*b.values),
                    (Values::F32(_), Values::F32(_)) | (Values::F64(_), Values::F64(_))
                );
                if a.shape != b.shape || !same_type {
                    bail!("flows of {:?} and {:?}, or of two types, have no sum", a.shape, b.shape);
                }
                let gradients = [a.wants_gradient(), b.wants_gradient()];
                let handle = b.handle().clone();
                a.values = Values::sum(a.values, b.values)?;
                a.then(a.values.clone(), &a.shape, [&handle, &number()?], |_| SumGradient(gradients))
            }
            (a, b) => Ok(Self(FlowState::Candle((Self(a).leave()? + Self(b).leave()?)?))),
        }
    }
}

/// Where the gradient of a sum goes.
struct SumGradient([Option<GradientSlot>; 2]);

impl Backward for SumGradient {
    const NAME: &'static str = "sum";

    fn backward(&self, dy: Arc<Values>) -> Result<()> {
        self.0.iter().flatten().try_for_each(|slot| slot.add(dy.clone()))
    }
}
