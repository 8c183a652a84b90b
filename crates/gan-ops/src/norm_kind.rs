//! Norms that go by each sample alone.

use candle_core::{Result, bail};

/// What is normalised together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NormKind {
    /// All values of a sample.
    Layer,
    /// The values of one channel of a sample.
    Instance,
}

impl NormKind {
    /// An error unless there are values to take the variance of.
    pub fn check_row(self, values: usize) -> Result<()> {
        match values {
            0 | 1 => bail!("{self:?} norm needs more than one value to take the mean of"),
            _ => Ok(()),
        }
    }
}
