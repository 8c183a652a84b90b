//! What the files of a run folder are called.

/// Every setting of a run, resolved.
pub(crate) const CONFIG: &str = "config.toml";
/// When the run was gone on with, or set back.
pub(crate) const EVENTS: &str = "events.jsonl";
/// The folder of images.
pub(crate) const SAMPLES: &str = "samples";
/// Says that this is the folder of a run.
pub(crate) const MARKER: &str = ".gan-run";
