//! Images kept from one epoch to the next, as bytes, so that each is read and decoded once.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use sysinfo::{CGroupLimits, MemoryRefreshKind, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::{Image, Result, Sample, spool};

/// With [`CacheMode::Auto`] images may take this share of the memory that is free ...
const AUTO_SHARE: u64 = 4;
/// ... and as much as this where the system does not say how much is free, bytes.
const AUTO_UNKNOWN: u64 = 1 << 30;
/// What an image takes beside its values, bytes.
const OVERHEAD: u64 = 80;

/// Where a loader keeps images from one epoch to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum CacheMode {
    /// In memory, as many as fit in a quarter of what is free when the loader is made, to this process: a container,
    /// or another control group, may have less than the machine. The others are read each time.
    #[default]
    Auto,
    /// In memory, all of them.
    Ram,
    /// In a temporary file, which goes with the loader. The variable TMPDIR says on which disk.
    Disk,
    /// Nowhere: each is read and decoded in every epoch.
    Off,
}

impl CacheMode {
    /// How many bytes of memory images may take now; `None` if they are not kept in memory.
    pub fn memory(self) -> Option<u64> {
        match self {
            Self::Auto => Some(auto_memory(free_memory(), &limits())),
            Self::Ram => Some(u64::MAX),
            Self::Disk | Self::Off => None,
        }
    }
}

pub(super) enum Cache {
    Memory { slots: Vec<OnceLock<Sample>>, left: AtomicU64 },
    Disk(Disk),
    Off,
}

impl Cache {
    /// A cache for `len` images, empty yet.
    pub(super) fn new(mode: CacheMode, len: usize) -> Self {
        match (mode, mode.memory()) {
            (_, Some(bytes)) => Self::with_memory(bytes, len),
            (CacheMode::Disk, None) => match Disk::new(len) {
                Ok(disk) => Self::Disk(disk),
                Err(error) => {
                    tracing::warn!("no cache on disk, images are read each time: {error}");
                    Self::Off
                }
            },
            _ => Self::Off,
        }
    }

    /// A cache in so many bytes of memory.
    pub(super) fn with_memory(bytes: u64, len: usize) -> Self {
        Self::Memory { slots: slots(len), left: AtomicU64::new(bytes) }
    }

    /// Image `index` from here; or what `read` gives, which is kept if there is room.
    pub(super) fn get_or(&self, index: usize, read: impl FnOnce() -> Result<Sample>) -> Result<Sample> {
        match self {
            Self::Off => read(),
            Self::Memory { slots, left } => {
                if let Some(kept) = slots[index].get() {
                    return Ok(kept.clone());
                }
                let sample = read()?;
                let size = sample.image.pixels.len() as u64 + OVERHEAD;
                let fits = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(size)).is_ok();
                if fits && slots[index].set(sample.clone()).is_err() {
                    left.fetch_add(size, Relaxed); // another thread was first, with the same
                }
                Ok(sample)
            }
            Self::Disk(disk) => disk.get_or(index, read),
        }
    }
}

fn slots<T>(len: usize) -> Vec<OnceLock<T>> {
    (0..len).map(|_| OnceLock::new()).collect()
}

/// Images in a temporary file.
pub(super) struct Disk {
    file: File,
    /// Where an image lies, once it does, and all of it but its values.
    slots: Vec<OnceLock<(u64, Sample)>>,
    /// Where the next one goes. Held while it is written.
    end: Mutex<u64>,
    full: AtomicBool,
}

impl Disk {
    fn new(len: usize) -> io::Result<Self> {
        let (file, end) = (tempfile::tempfile()?, Mutex::default());
        Ok(Self { file, slots: slots(len), end, full: AtomicBool::new(false) })
    }

    fn get_or(&self, index: usize, read: impl FnOnce() -> Result<Sample>) -> Result<Sample> {
        if let Some((place, Sample { image, label })) = self.slots[index].get() {
            let mut pixels = vec![0; image.width * image.height * image.channels];
            // What the disk does not give back is read anew from where it came.
            if spool::read_exact_at(&self.file, &mut pixels, *place).is_ok() {
                return Ok(Sample { image: Image { pixels, ..*image }, label: *label });
            }
        }
        let sample = read()?;
        if !self.full.load(Relaxed)
            && let Err(error) = self.keep(index, &sample)
            && !self.full.swap(true, Relaxed)
        {
            tracing::warn!("the cache on disk takes no more, other images are read each time: {error}");
        }
        Ok(sample)
    }

    fn keep(&self, index: usize, sample: &Sample) -> io::Result<()> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if self.slots[index].get().is_some() {
            return Ok(()); // another thread was first
        }
        spool::write_all_at(&self.file, &sample.image.pixels, *end)?;
        let Sample { ref image, label } = *sample;
        let without_values = Sample { image: Image { pixels: Vec::new(), ..*image }, label };
        let _ = self.slots[index].set((*end, without_values)); // the lock is held: nobody was faster
        *end += image.pixels.len() as u64;
        Ok(())
    }
}

/// What [`CacheMode::Auto`] may take, bytes, of the memory that is free on the machine, if that is known, and to
/// the control groups of the process, whichever is least.
fn auto_memory(free: Option<u64>, limits: &[CGroupLimits]) -> u64 {
    // What the kernel keeps of files counts as taken too, but makes room: on the machine as in its groups.
    let left = limits.iter().map(|limits| limits.total_memory.saturating_sub(limits.rss));
    free.into_iter().chain(left).min().map_or(AUTO_UNKNOWN, |free| free / AUTO_SHARE)
}

/// How much memory programs could still take on this machine, bytes.
fn free_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    Some(system.available_memory()).filter(|_| system.total_memory() > 0)
}

/// The limits of the control group of this process (as of a batch job), and of the outermost that it sees (as of
/// a container). None but Linux has them.
fn limits() -> Vec<CGroupLimits> {
    let mut system = System::new();
    let mut of_process = None;
    if let Ok(process) = sysinfo::get_current_pid() {
        let nothing = ProcessRefreshKind::nothing().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, nothing);
        of_process = system.process(process).and_then(Process::cgroup_limits);
    }
    of_process.into_iter().chain(system.cgroup_limits()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_automatic_cache_keeps_within_the_machine_and_within_every_control_group() {
        let group = |total_memory, rss| CGroupLimits { total_memory, rss, ..CGroupLimits::default() };
        const GIB: u64 = 1 << 30;
        for (free, limits, budget) in [
            (Some(64 * GIB), &[][..], 16 * GIB),
            (Some(64 * GIB), &[group(8 * GIB, 0)], 2 * GIB),
            (Some(64 * GIB), &[group(8 * GIB, 4 * GIB)], GIB),
            (Some(64 * GIB), &[group(16 * GIB, 0), group(12 * GIB, 8 * GIB)], GIB),
            (Some(4 * GIB), &[group(64 * GIB, 8 * GIB)], GIB),
            (Some(64 * GIB), &[group(GIB, 2 * GIB)], 0),
            (None, &[group(8 * GIB, 0)], 2 * GIB),
            (None, &[], AUTO_UNKNOWN),
        ] {
            assert_eq!(auto_memory(free, limits), budget, "{free:?} {limits:?}");
        }
        // What files take of a group is no less free than what they take of the machine.
        let full_of_files = CGroupLimits { free_memory: 0, ..group(8 * GIB, 0) };
        assert_eq!(auto_memory(Some(64 * GIB), &[full_of_files]), 2 * GIB);
    }

    #[test]
    fn this_machine_says_how_much_it_has() {
        let budget = CacheMode::Auto.memory().unwrap();
        assert!(budget > 1 << 20, "{budget}");
        if cfg!(target_os = "linux") {
            assert!(free_memory().is_some_and(|free| budget <= free.max(AUTO_UNKNOWN)));
        }
    }
}
