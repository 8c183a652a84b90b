//! How much of a folder is looked at.

/// The most files and folders in a folder, and the most bytes that their names may take. The paths of ten
/// million images take about a gigabyte.
pub(super) const MOST_FILES: usize = 10_000_000;
pub(super) const MOST_NAMES: usize = 1 << 30;
/// Folders within folders, no deeper than this.
pub(super) const MAX_DEPTH: usize = 32;
