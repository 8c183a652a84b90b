//! How the learning rate goes down.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// How the learning rate goes down over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Schedule {
    /// It does not.
    Constant,
    /// In a straight line to 0: `1 - t`.
    Linear,
    /// In half a cosine to 0 (Loshchilov & Hutter 2017, without restarts): `(1 + cos(pi t)) / 2`.
    Cosine,
}

impl Schedule {
    /// The step after which learning rates are 0, if they go down to 0 over `decay_steps`.
    pub fn end(self, decay_steps: Option<u64>) -> Option<u64> {
        decay_steps.filter(|_| self != Schedule::Constant)
    }

    /// What the learning rate of a step is multiplied by, after `step` steps are done of the `decay_steps` over which it
    /// goes to 0: PyTorch's LinearLR (to 0) and CosineAnnealingLR.
    pub fn factor(self, step: u64, decay_steps: u64) -> f64 {
        let t = (step as f64 / decay_steps.max(1) as f64).min(1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Linear => 1.0 - t,
            // libm's, not the platform's: the same bits everywhere.
            Schedule::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * t)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_down_has_an_end() {
        assert_eq!(Schedule::Constant.end(Some(100)), None);
        for schedule in [Schedule::Linear, Schedule::Cosine] {
            assert_eq!((schedule.end(Some(100)), schedule.end(None)), (Some(100), None));
            // The step that begins after `end` steps is the first that learns nothing.
            assert!(schedule.factor(99, 100) > 0.0 && schedule.factor(100, 100) == 0.0);
        }
    }

    #[test]
    fn rates_go_from_whole_to_nothing() {
        for schedule in [Schedule::Linear, Schedule::Cosine] {
            assert_eq!((schedule.factor(0, 100), schedule.factor(100, 100)), (1.0, 0.0));
            assert_eq!(schedule.factor(200, 100), 0.0, "past the end");
            assert!((schedule.factor(50, 100) - 0.5).abs() < 1e-15);
        }
        assert_eq!(Schedule::Linear.factor(25, 100), 0.75);
        // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=100), after 25 steps, lr 1
        assert!((Schedule::Cosine.factor(25, 100) - 0.853_553_390_593_273_7).abs() < 1e-12);
        assert_eq!(Schedule::Constant.factor(77, 100), 1.0);
    }
}
