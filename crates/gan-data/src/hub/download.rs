//! From the hub client's reports on a transfer to ours.

use std::sync::atomic::{AtomicU64, Ordering};

use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};

use crate::{Progress, Unit, Watch};

/// Tells how far the transfer of one file has come, which may be one of several.
pub(super) struct Download {
    watch: Watch,
    what: String,
    /// Bytes of the files before this one.
    before: u64,
    /// Bytes of all files; 0 while that is not known.
    total: AtomicU64,
    /// Bytes of this file so far.
    done: AtomicU64,
}

impl Download {
    /// For the only file of `dataset`.
    pub(super) fn of(dataset: &str, watch: &Watch) -> Self {
        Self::within(dataset, 0, 0, watch)
    }

    /// For one of the files of `dataset`, which together have `total` bytes, of which `before` are here.
    pub(super) fn within(dataset: &str, before: u64, total: u64, watch: &Watch) -> Self {
        let (what, watch) = (format!("fetching {dataset}"), watch.clone());
        Self { watch, what, before, total: AtomicU64::new(total), done: AtomicU64::new(0) }
    }
}

impl ProgressHandler for Download {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else { return };
        // Of some transfers the client reports the file and the batch it is in: what is further counts.
        let done = match event {
            DownloadEvent::Start { total_bytes, .. } => {
                let _ = self.total.compare_exchange(0, *total_bytes, Ordering::Relaxed, Ordering::Relaxed);
                0
            }
            DownloadEvent::Progress { files } => {
                files.iter().map(|file| file.bytes_completed).max().unwrap_or(0)
            }
            DownloadEvent::AggregateProgress { bytes_completed, .. } => *bytes_completed,
            DownloadEvent::Complete => return,
        };
        let done = self.before + self.done.fetch_max(done, Ordering::Relaxed).max(done);
        let total = Some(self.total.load(Ordering::Relaxed)).filter(|&total| total >= done && total > 0);
        self.watch.tell(Progress { what: &self.what, done, total, unit: Unit::Bytes });
    }
}
