//! `[optimizers]`

use crate::config::Range;
use crate::config::limits::{MOST_BATCHES, MOST_COUNTED};
use crate::config::setting::section;
use gan_nn::{OptimizerKind, Schedule};

section! {
    /// How the weights of the two players follow their gradients.
    OptimizersSettings = "optimizers" {
        /// How weights follow their gradients
        optimizer: OptimizerKind = OptimizerKind::Adam;
        /// Learning rate of both players
        lr: f64 = 2e-4, value_name = "RATE", is_common = true, range = Range::above(0.0),
            hint = "2e-4 is usual", aliases = &["learning_rate", "lr_g", "g_lr"];
        /// Learning rate of the discriminator, if it has one of its own (TTUR)
        lr_d: Option<f64> = None, value_name = "RATE", unset = "that of lr", range = Range::above(0.0),
            hint = "2e-4 is usual", aliases = &["d_lr", "learning_rate_d"];
        /// How learning rates go down
        schedule: Schedule = Schedule::Constant;
        /// Steps over which they go down; when a run is resumed with more steps, this stretches the schedule
        decay_steps: Option<u64> = None, unset = "all steps", may_change = true,
            range = Range::whole(1, MOST_COUNTED);
        /// Adam's decay of the mean of the gradient; the momentum of SGD
        beta1: Option<f64> = None, value_name = "DECAY", unset = "0.5 of Adam, 0 of SGD",
            range = Range::below(0.0, 1.0), aliases = &["momentum"];
        /// Decay of the mean of the gradient's square, of Adam and RMSProp
        beta2: Option<f64> = None, value_name = "DECAY", unset = "0.999 of Adam, 0.99 of RMSProp",
            range = Range::below(0.0, 1.0);
        /// Batches whose gradients make one update
        accumulate: u64 = 1, range = Range::whole(1, MOST_BATCHES);
        /// The largest norm of a player's gradient, longer ones are shortened; 0 for any
        clip_grad: f64 = 0.0, value_name = "NORM", range = Range::at_least(0.0), hint = "0 is off";
        /// Keep the discriminator's weights within plus and minus this (WGAN); 0 for any
        clip_weights: f64 = 0.0, value_name = "LIMIT", range = Range::at_least(0.0), hint = "0 is off";
        /// Decay of the average of the generator's weights, 0 for none
        ema: f64 = 0.0, value_name = "DECAY", range = Range::below(0.0, 1.0);
    }
}

/// The decays are those of PyTorch's optimizers where none are given.
impl OptimizersSettings {
    /// Adam's decay of the mean of the gradient; the momentum of SGD.
    pub fn beta1(&self) -> f64 {
        self.beta1.unwrap_or(self.optimizer.usual_decays().0)
    }

    /// Decay of the mean of the gradient's square.
    pub fn beta2(&self) -> f64 {
        self.beta2.unwrap_or(self.optimizer.usual_decays().1)
    }

    /// Writes out the decays that the optimizer has.
    pub(crate) fn resolve(&mut self) {
        if self.optimizer != OptimizerKind::RmsProp {
            self.beta1 = Some(self.beta1());
        }
        if self.optimizer != OptimizerKind::Sgd {
            self.beta2 = Some(self.beta2());
        }
    }
}
