//! A parquet file of words and numbers: a table of labels.

use std::fs::File;
use std::path::{Path, PathBuf};

use ::parquet::file::reader::SerializedFileReader;
use candle_datasets::hub::FileReader;

use super::cells::{Cell, Cells};
use super::one_line;
use super::table::{column, fault, guarded};
use crate::{Error, Result};

/// A parquet file with columns of words and numbers.
pub(crate) struct Sheet {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// The columns that can be read, with their places in the file.
    places: Vec<usize>,
    names: Vec<String>,
}

impl Sheet {
    /// Reads the end of the file, which says what it holds. `path` is for messages.
    pub(crate) fn open(path: &Path, file: File) -> Result<Self> {
        guarded(path, || {
            let reader = SerializedFileReader::new(file).map_err(|error| fault(path, &error))?;
            let columns = reader.metadata().file_metadata().schema_descr().columns();
            let readable = columns.iter().enumerate().filter(|(_, column)| Cells::can_read(column));
            let (places, names) = readable.map(|(place, column)| (place, column.path().string())).unzip();
            Ok(Self { path: path.to_owned(), reader, places, names })
        })
    }

    /// What its columns are called that can be read.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Shows `visit` the values of these columns, by their places among the names, row by row.
    pub(crate) fn for_each_row<const N: usize>(
        &self,
        columns: [Option<usize>; N],
        mut visit: impl FnMut([&Option<Cell>; N]) -> Result<()>,
    ) -> Result<()> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        guarded(&self.path, || {
            for group in 0..self.reader.num_row_groups() {
                let group = self.reader.get_row_group(group).map_err(|error| fault(&self.path, &error))?;
                let mut readers = Vec::with_capacity(N);
                for place in columns {
                    readers.push(match place.and_then(|place| self.places.get(place)) {
                        Some(&place) => {
                            let reader = column(&self.path, group.as_ref(), place)?;
                            Some(Cells::new(reader, &schema.column(place)))
                        }
                        None => None,
                    });
                }
                while let Some(rows) = self.next_rows(&mut readers)? {
                    for row in 0..rows.iter().map(Vec::len).max().unwrap_or(0) {
                        visit(std::array::from_fn(|place| rows[place].get(row).unwrap_or(&None)))?;
                    }
                }
            }
            Ok(())
        })
    }

    /// The next rows of each column, empty for those that are not read; `None` at the end.
    fn next_rows(&self, readers: &mut [Option<Cells>]) -> Result<Option<Vec<Vec<Option<Cell>>>>> {
        let breaks_off = |error| Error::malformed(&self.path, format!("breaks off: {}", one_line(&error)));
        let rows = readers.iter_mut().map(|reader| reader.as_mut().map_or(Ok(Vec::new()), Cells::next));
        let rows = rows.collect::<std::result::Result<Vec<_>, _>>().map_err(breaks_off)?;
        Ok(rows.iter().any(|rows| !rows.is_empty()).then_some(rows))
    }
}
