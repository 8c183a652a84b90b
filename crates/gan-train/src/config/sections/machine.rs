//! `[machine]`

use crate::config::Range;
use crate::config::limits::{MOST_THREADS, MOST_WORKERS};
use crate::config::setting::section;
use gan_data::CacheMode;
use gan_ops::Precision;

section! {
    /// Where and how fast a run computes.
    MachineSettings = "machine" {
        /// auto, cpu, cuda, cuda:N or metal
        device: String = "auto".into(), value_name = "DEVICE", is_common = true, may_change = true;
        /// Threads to compute on
        threads: Option<usize> = None, unset = "one a core", may_change = true,
            range = Range::whole(1, MOST_THREADS);
        /// Precision of the convolutions; bf16 is for CPUs with AMX
        precision: Precision = Precision::F32;
        /// Threads that load images
        workers: Option<usize> = None, unset = "one a core, at most 4", may_change = true,
            range = Range::whole(1, MOST_WORKERS);
        /// Where decoded images are kept: memory if they fit (auto), ram, disk, or off
        cache: CacheMode = CacheMode::Auto, may_change = true;
    }
}
