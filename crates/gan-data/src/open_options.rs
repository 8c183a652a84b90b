//! What is asked of a data set beside where it lies.

use std::path::PathBuf;

use crate::{Background, ProgressCallback, Split};

/// What a source needs to know to open.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Which part of it.
    pub split: Split,
    /// What drawn sets are drawn from.
    pub seed: u64,
    /// The side of the images of drawn sets, pixels; at least 16.
    pub size: usize,
    /// Which column is the class, of a parquet file or a table of labels; by itself if `None`.
    pub label_column: Option<String>,
    /// Which column of a parquet file holds the images; by itself if `None`.
    pub image_column: Option<String>,
    /// A table of labels for the images of a folder or archive.
    pub labels: Option<PathBuf>,
    /// What stands behind transparent images of a folder, archive or parquet file.
    pub background: Background,
    /// Is told how it is going.
    pub watch: ProgressCallback,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            split: Split::Train,
            seed: 0,
            size: 32,
            label_column: None,
            image_column: None,
            labels: None,
            background: Background::default(),
            watch: ProgressCallback::default(),
        }
    }
}
