//! The log of a run as a table.

use crate::error::Result;
use crate::record::RunRecord;
use std::io::Write;

/// Writes a row for each logged step, with a column for each number. What a step did not log is empty.
///
/// # Errors
/// If the table cannot be written.
pub fn write(run: &RunRecord, out: impl Write) -> Result<()> {
    let metrics = &run.metrics;
    let has_epochs = metrics.epochs.iter().any(Option::is_some);
    let mut table = csv::Writer::from_writer(out);
    let names = metrics.series.iter().map(|series| series.name.as_str());
    table.write_record(std::iter::once("step").chain(has_epochs.then_some("epoch")).chain(names))?;
    // Each series is read alongside the steps.
    let mut next = vec![0; metrics.series.len()];
    for (row, step) in metrics.steps.iter().enumerate() {
        table.write_field(step.to_string())?;
        if has_epochs {
            table.write_field(metrics.epochs[row].map_or(String::new(), |epoch| epoch.to_string()))?;
        }
        for (series, next) in metrics.series.iter().zip(&mut next) {
            match series.values.get(*next) {
                Some(&(at, value)) if at == row => {
                    table.write_field(value.to_string())?;
                    *next += 1;
                }
                _ => table.write_field("")?,
            }
        }
        table.write_record(None::<&[u8]>)?;
    }
    table.flush().map_err(csv::Error::from)?;
    Ok(())
}
