//! How small and how large the numbers of a config may be, before anything is computed from them.

use super::TrainConfig;
use crate::error::{Error, Result};

/// The most of what is counted step by step: more than any run lasts, and as far as a flag goes.
const MOST_COUNTED: u64 = u32::MAX as u64;
/// Images in a batch, which is in memory as a whole.
const MOST_IN_A_BATCH: u64 = 1 << 16;
/// Batches of a kind in one step.
const MOST_BATCHES: u64 = 10_000;
/// Threads to compute on. How many make sense depends on the machine, which may be another when the run is
/// resumed.
const MOST_THREADS: u64 = 4096;
/// Threads that load images.
const MOST_WORKERS: u64 = 256;
/// Side of an image, px.
const LONGEST_SIDE: usize = 1 << 14;
/// After so many a learning rate, halved each time, is too small for any weight to move.
const MOST_ROLLBACKS: u64 = 50;

impl TrainConfig {
    /// Refuses numbers that no run can mean.
    pub(super) fn check_limits(&self) -> Result<()> {
        for (name, value, least, most) in [
            ("batch_size", self.batch_size() as u64, 1, MOST_IN_A_BATCH),
            ("n_critic", self.n_critic, 1, MOST_BATCHES),
            ("accumulate", self.accumulate, 1, MOST_BATCHES),
            ("penalty_every", self.penalty_every, 1, MOST_COUNTED),
            ("decay_steps", self.decay_steps.unwrap_or(1), 1, MOST_COUNTED),
            ("log_every", self.log_every, 1, MOST_COUNTED),
            ("sample_every", self.sample_every, 1, MOST_COUNTED),
            ("checkpoint_every", self.checkpoint_every, 1, MOST_COUNTED),
            ("threads", self.threads.unwrap_or(1) as u64, 1, MOST_THREADS),
            ("workers", self.workers.unwrap_or(1) as u64, 1, MOST_WORKERS),
            ("epochs", self.epochs.unwrap_or(1), 1, MOST_COUNTED),
            ("steps", self.steps.unwrap_or(1), 1, MOST_COUNTED),
            // Two at least, so that one is left if the newest is damaged.
            ("keep", self.keep as u64, 2, MOST_COUNTED),
            ("max_rollbacks", self.max_rollbacks, 0, MOST_ROLLBACKS),
        ] {
            if value < least {
                let why = if least > 1 { ", so that one is left if the newest is damaged" } else { "" };
                return Err(Error::config(
                    format!("{name} is {value}"),
                    format!("use at least {least}{why}"),
                ));
            }
            if value > most {
                return Err(Error::config(format!("{name} is {value}"), format!("use at most {most}")));
            }
        }
        let size = self.image_size();
        if size.height.min(size.width) == 0 || size.height.max(size.width) > LONGEST_SIDE {
            let hint = format!("give images sides of 1 to {LONGEST_SIDE} pixels");
            return Err(Error::config(format!("image_size is {size}"), hint));
        }
        Ok(())
    }
}
