//! Shows what a run folder holds: to people as a page, to other programs as tables and event files.
//!
//! - [`write()`] makes `report.html` of a run, one file that needs nothing else; [`write_comparison()`] sets
//!   runs side by side.
//! - [`watch::Server`] shows the same page live, and a folder of runs as a table.
//! - [`tensorboard::write`] makes event files for TensorBoard, [`csv::write`] a table, [`film::write`] a film
//!   of the samples.
//! - [`RunRecord::read`] is what all of them read a run by, [`runs()`] lists those of a folder.
//!
//! ```no_run
//! # fn main() -> gan_report::Result<()> {
//! let page = gan_report::write("runs/0001")?; // runs/0001/report.html
//! gan_report::write_comparison(&["runs/0001", "runs/0002"], "comparison.html")?;
//! gan_report::film::write("runs/0001", "", "samples.gif")?;
//! for run in gan_report::runs("runs")? {
//!     assert!(run.steps_done <= run.steps.unwrap_or(u64::MAX));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run folder may be written while it is read, cut off by a kill, or made by somebody else. Only regular
//! files of a bounded size are read, and no links; what is damaged is left out and said to be; and nothing of
//! it reaches a page unescaped. Nothing here knows how a run is trained: the folder is all there is.

mod chart;
mod compare;
pub mod csv;
mod error;
mod files;
pub mod film;
mod numbers;
mod page;
mod pictures;
mod record;
mod report;
mod runs;
pub mod tensorboard;
mod text;
mod thin;
pub mod watch;

pub use compare::{compare, write_comparison};
pub use error::{Error, Result};
pub use record::{
    Best, Better, Event, Facts, Health, Kind, Metrics, Number, Protocol, RunRecord, Sample, Series, Setting,
    Severity, State,
};
pub use report::{render, write};
pub use runs::{RunSummary, runs};
