//! Images kept from one epoch to the next, as bytes, so that each is read and decoded once.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

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
    /// In memory, as many as fit in a quarter of what is free when the loader is made; the others are read each time.
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
            Self::Auto => Some(free_memory().map_or(AUTO_UNKNOWN, |free| free / AUTO_SHARE)),
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

/// How much memory programs could still take, bytes, as Linux tells it.
fn free_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = status.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = free.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
