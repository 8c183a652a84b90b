//! When things happen in a run.

use crate::config::OnDivergence;
use crate::position::Position;
use crate::system::Moment;
use gan_nn::Schedule;
use gan_rng::Stream;

/// When things happen.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Steps of the whole run.
    pub steps: u64,
    /// Everything random follows from it.
    pub seed: u64,
    /// How learning rates go down.
    pub schedule: Schedule,
    /// Steps over which they do.
    pub decay_steps: Option<u64>,
    /// Steps from one log line to the next.
    pub log_every: u64,
    /// Steps from one picture to the next.
    pub sample_every: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// Checkpoints to keep, the newest ones, and the best beside them.
    pub keep: usize,
    /// What to do when a number is no longer finite.
    pub on_divergence: OnDivergence,
    /// How often training may go back.
    pub max_rollbacks: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            steps: 2000,
            seed: 0,
            schedule: Schedule::Constant,
            decay_steps: None,
            log_every: 100,
            sample_every: 250,
            checkpoint_every: 500,
            keep: 3,
            on_divergence: OnDivergence::Stop,
            max_rollbacks: 3,
        }
    }
}

impl RunOptions {
    /// What a step that comes after `position` is told.
    pub(crate) fn moment(&self, position: &Position) -> Moment {
        let decay_steps = self.decay_steps.unwrap_or(u64::MAX);
        let halved = 0.5f64.powi(position.rollbacks.min(1000) as i32);
        Moment {
            step: position.step + 1,
            rate: self.schedule.factor(position.step, decay_steps) * halved,
            seed: match position.rollbacks {
                0 => self.seed,
                times => Stream::new(self.seed, "rollback", times).next_u64(),
            },
        }
    }
}
