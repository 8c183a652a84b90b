//! `[run]`

use crate::config::limits::{MOST_COUNTED, MOST_ROLLBACKS};
use crate::config::setting::section;
use crate::config::{OnDivergence, Range};

section! {
    /// How long a run lasts, what it leaves behind, and what becomes of it when it diverges.
    RunSettings = "run" {
        /// Updates of the generator
        steps: Option<u64> = None, is_common = true, may_change = true, unset = "2000",
            range = Range::whole(1, MOST_COUNTED);
        /// Passes over the data, in place of --steps
        epochs: Option<u64> = None, may_change = true, range = Range::whole(1, MOST_COUNTED);
        /// Everything random follows from it
        seed: u64 = 0, is_common = true;
        /// Steps from one log line to the next
        log_every: u64 = 50, value_name = "STEPS", may_change = true, range = Range::whole(1, MOST_COUNTED);
        /// Steps from one sample grid to the next
        sample_every: u64 = 250, value_name = "STEPS", may_change = true,
            range = Range::whole(1, MOST_COUNTED);
        /// Steps from one checkpoint to the next
        checkpoint_every: u64 = 500, value_name = "STEPS", may_change = true, aliases = &["save_every"],
            range = Range::whole(1, MOST_COUNTED);
        /// Checkpoints to keep, the newest ones; at least 2
        keep: usize = 3, may_change = true, range = Range::whole(2, MOST_COUNTED),
            hint = "so that one is left if the newest is damaged";
        /// What to do when a loss or gradient is no longer a number: stop, or go back to the last checkpoint
        /// with half the learning rate and other batches
        on_divergence: OnDivergence = OnDivergence::Stop, may_change = true;
        /// How often a run may go back so
        max_rollbacks: u64 = 3, may_change = true, range = Range::whole(0, MOST_ROLLBACKS);
    }
}
