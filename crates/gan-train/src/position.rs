//! How far a run has come: what the loop itself must not forget.

use crate::system::{Better, System};
use gan_nn::State;

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    /// Steps done.
    pub step: u64,
    /// How often training went back because it had diverged.
    pub rollbacks: u64,
    pub best: BestSoFar,
}

/// The best score of a metric so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct BestSoFar {
    /// The bits of the score: what is saved are whole numbers.
    score: u64,
    /// The step that has it; 0 where there is none yet.
    step: u64,
    /// Evaluations since then.
    stale: u64,
}

impl Position {
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        state.counter("step", &mut self.step);
        state.counter("rollbacks", &mut self.rollbacks);
        state.counter("best.score", &mut self.best.score);
        state.counter("best.step", &mut self.best.step);
        state.counter("best.stale", &mut self.best.stale);
        state
    }
}

impl BestSoFar {
    /// The step that has the best score, if any has been measured.
    pub fn step(&self) -> Option<u64> {
        (self.step > 0).then_some(self.step)
    }

    /// The best score; of no meaning without a step.
    pub fn score(&self) -> f64 {
        f64::from_bits(self.score)
    }

    /// Evaluations since the best one.
    pub fn stale(&self) -> u64 {
        self.stale
    }

    /// Takes in the score of a step. One that is no number is never the best.
    pub fn take(&mut self, step: u64, score: f64, better: Better) {
        let before = f64::from_bits(self.score);
        let is_better = match better {
            Better::Lower => score < before,
            Better::Higher => score > before,
        };
        if !score.is_nan() && (self.step == 0 || is_better) {
            *self = Self { score: score.to_bits(), step, stale: 0 };
        } else {
            self.stale += 1;
        }
    }
}

/// A system on its way, with all that must survive a stop.
pub(crate) struct Training<'a> {
    pub system: &'a mut dyn System,
    pub position: Position,
}

impl Training<'_> {
    pub fn state(&mut self) -> State<'_> {
        let mut state = self.position.state();
        state.include(self.system.state());
        state
    }
}
