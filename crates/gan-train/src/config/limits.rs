//! How large the numbers of a config may be, before anything is computed from them.

/// The most of what is counted step by step: more than any run lasts.
pub(super) const MOST_COUNTED: u64 = u32::MAX as u64;
/// Images in a batch, which is in memory as a whole.
pub(super) const MOST_IN_A_BATCH: u64 = 1 << 16;
/// Batches of a kind in one step.
pub(super) const MOST_BATCHES: u64 = 10_000;
/// Threads to compute on. How many make sense depends on the machine, which may be another when the run is
/// resumed.
pub(super) const MOST_THREADS: u64 = 4096;
/// Threads that load images.
pub(super) const MOST_WORKERS: u64 = 256;
/// Side of an image, px.
pub(super) const LONGEST_SIDE: u64 = 1 << 14;
/// After so many a learning rate, halved each time, is too small for any weight to move.
pub(super) const MOST_ROLLBACKS: u64 = 50;
