//! What the files of a run folder are called.

/// Every setting of a run, resolved.
pub(crate) const CONFIG: &str = "config.toml";
/// When the run was gone on with, or set back.
pub(crate) const EVENTS: &str = "events.jsonl";
/// Which checkpoint is the best.
pub(crate) const BEST: &str = "best.json";
/// What kinds of numbers the log holds.
pub(crate) const NUMBERS: &str = "numbers.json";
/// The folder of images.
pub(crate) const SAMPLES: &str = "samples";
/// Says that this is the folder of a run.
pub(crate) const MARKER: &str = ".gan-run";
