//! Images that cannot be read, and reading that fails for a moment.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use crate::{Error, Result};

/// How long to wait before reading is tried again.
const PAUSES: [Duration; 2] = match cfg!(test) {
    true => [Duration::ZERO; 2],
    false => [Duration::from_millis(200), Duration::from_secs(2)],
};

/// What is done about an image that cannot be read or prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum OnBadImage {
    /// Its error ends the batch.
    #[default]
    Stop,
    /// The next image of the data set that can be read takes its place. A warning names it, once, and
    /// [`DataLoader::bad_images`](crate::DataLoader::bad_images) counts it.
    ///
    /// If the image itself is at fault, see [`Error::is_of_image`]: an error of the machine ends the batch all the same.
    Skip,
}

/// Images of a data set that could not be read so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct BadImages(Arc<Mutex<BTreeSet<usize>>>);

impl BadImages {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.lock().contains(&index)
    }

    /// Names the image in a warning, if it is new.
    pub(super) fn note(&self, index: usize, error: &Error) {
        if self.lock().insert(index) {
            tracing::warn!("skipped: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `read` gives; three tries where an error may pass, as those of a network disk do.
pub(super) fn retried<T>(read: impl Fn() -> Result<T>) -> Result<T> {
    for pause in PAUSES {
        match read() {
            Err(error) if error.may_pass() => {
                tracing::warn!("{error}; trying again in {} s", pause.as_secs_f32());
                thread::sleep(pause);
            }
            other => return other,
        }
    }
    read()
}
