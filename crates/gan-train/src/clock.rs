//! Where the time of a run goes.

use std::time::{Duration, Instant};

/// Time spent in training steps and the images that went through them.
pub(crate) struct Clock {
    started: Instant,
    /// In steps.
    pub time: Duration,
    /// In which the loop stood still for checkpoints.
    pub checkpoints: Duration,
    /// In which it stood still to measure samples.
    pub evaluations: Duration,
    images: u64,
    recent_time: Duration,
    recent_images: u64,
    images_seen: u64,
}

impl Clock {
    /// Starts when so many images were seen.
    pub fn starting_at(images_seen: u64) -> Self {
        Self {
            started: Instant::now(),
            time: Duration::ZERO,
            checkpoints: Duration::ZERO,
            evaluations: Duration::ZERO,
            images: 0,
            recent_time: Duration::ZERO,
            recent_images: 0,
            images_seen,
        }
    }

    /// Takes in a step.
    pub fn tick(&mut self, time: Duration, images_seen: u64) {
        // After a rollback fewer were seen than before.
        let images = images_seen.saturating_sub(self.images_seen);
        self.images_seen = images_seen;
        self.time += time;
        self.images += images;
        self.recent_time += time;
        self.recent_images += images;
    }

    /// Begins to measure the recent rate anew.
    pub fn forget_recent(&mut self) {
        (self.recent_time, self.recent_images) = (Duration::ZERO, 0);
    }

    /// Images a second since it last began.
    pub fn recent_rate(&self) -> f64 {
        self.recent_images as f64 / self.recent_time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Images a second over all.
    pub fn rate(&self) -> f64 {
        self.images as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Seconds since it started, to the millisecond.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_millis() as f64 / 1e3
    }
}
