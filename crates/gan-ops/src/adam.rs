//! What a step of Adam is told.

/// The numbers of one Adam step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// The number of this step, from 1.
    pub step: u64,
}

impl AdamStep {
    /// What m is multiplied by and the square root of v divided by: both start at zero, which has to be made up
    /// for.
    pub(crate) fn corrections(self) -> (f64, f64) {
        let correct = |beta: f64| 1.0 - beta.powi(i32::try_from(self.step).unwrap_or(i32::MAX));
        (self.lr / correct(self.beta1), correct(self.beta2).sqrt())
    }
}
