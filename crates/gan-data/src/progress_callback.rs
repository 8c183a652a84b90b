//! How something long is going, for whoever wants to show it.

use std::fmt;
use std::sync::Arc;

/// How far something has come that may take more than a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done, as in "reading photos.tar.gz".
    pub what: &'a str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, if that is known. At the end it is `done`.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
}

/// What a [`Progress`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Images.
    Images,
}

type Tell = dyn Fn(Progress<'_>) + Send + Sync;

/// Who is told how something long is going. The default is nobody.
#[derive(Clone, Default)]
pub struct ProgressCallback(Option<Arc<Tell>>);

impl ProgressCallback {
    /// Tells this function, on whatever thread does the work. It is called often, and should return at once.
    pub fn new(tell: impl Fn(Progress<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Tells how far something has come.
    pub fn tell(&self, progress: Progress<'_>) {
        if let Some(tell) = &self.0 {
            tell(progress);
        }
    }
}

impl fmt::Debug for ProgressCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "ProgressCallback(somebody)" } else { "ProgressCallback(nobody)" })
    }
}
