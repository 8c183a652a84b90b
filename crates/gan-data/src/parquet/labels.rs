//! The classes of the rows of parquet files.

use std::path::{Path, PathBuf};

use super::table::{Row, Table};
use crate::labels::{Classes, NO_CLASS, Unfit, Values};
use crate::{Error, Result};

/// The labels of all rows of all files, while they are read.
pub(super) struct Labels {
    /// Whether the column was asked for: one that was only found may turn out to hold no classes.
    asked_for: bool,
    /// `None` once that has turned out.
    values: Option<Values>,
    /// Of each row the number of its value.
    of_row: Vec<u32>,
    /// What the column of the file that is being read is called.
    column: Option<String>,
    /// The first row without a label.
    without: Option<(PathBuf, usize)>,
}

impl Labels {
    pub(super) fn new(asked_for: bool) -> Self {
        let values = Some(Values::default());
        Self { asked_for, values, of_row: Vec::new(), column: None, without: None }
    }

    /// Goes on with the rows of another file.
    pub(super) fn start(&mut self, path: &Path, table: &Table) -> Result<()> {
        let is_first = self.of_row.is_empty();
        self.column = table.label_column();
        let (Some(values), Some(names)) = (&self.values, table.class_names()) else { return Ok(()) };
        match values.names() {
            Some(before) if *before != names => {
                Err(Error::malformed(path, "names other classes than the files before it"))
            }
            None if is_first => {
                self.values = Some(Values::named(names));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn push(&mut self, path: &Path, row: &Row<'_>) -> Result<()> {
        let Some(values) = &mut self.values else { return Ok(()) };
        let value = row.label.as_ref().map_or(Ok(None), |cell| values.number(&cell.value()));
        let row_says = |reason: String| format!("row {}: {reason}", row.number);
        match value {
            Ok(value) => {
                if value.is_none() {
                    self.without.get_or_insert_with(|| (path.to_owned(), row.number));
                }
                self.of_row.push(value.unwrap_or(NO_CLASS));
            }
            Err(Unfit::NotNamed(reason)) => return Err(Error::malformed(path, row_says(reason))),
            Err(Unfit::NoClasses(reason)) => {
                let (path, reason) = (path.to_owned(), row_says(reason));
                let error =
                    Error::NoClasses { path, column: self.column.clone().unwrap_or_default(), reason };
                if self.asked_for {
                    return Err(error);
                }
                tracing::warn!("{error}: the images have no classes");
                (self.values, self.of_row) = (None, Vec::new());
            }
        }
        Ok(())
    }

    /// The class of each row and the classes; nothing where there are none.
    pub(super) fn finish(mut self, dataset: &str) -> (Vec<u32>, Classes) {
        let Some(values) = self.values else { return Default::default() };
        let classes = values.classes();
        classes.apply(&mut self.of_row);
        let without = self.of_row.iter().filter(|&&class| class == NO_CLASS).count();
        if without == self.of_row.len() {
            return Default::default();
        }
        if classes.renumbered {
            let count = classes.describe();
            tracing::info!(
                "{dataset}: its labels are not 0, 1, 2, ...: the classes are called by them: {count}"
            );
        }
        if without > 0 {
            let first = self.without.map(|(path, row)| format!(", such as row {row} of {}", path.display()));
            tracing::warn!(
                "{dataset}: {without} of {} images have no label{}: they are left out where classes are learnt",
                self.of_row.len(),
                first.unwrap_or_default()
            );
        }
        (self.of_row, classes)
    }
}
