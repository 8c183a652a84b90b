//! Going through a parquet file row by row.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ::parquet::basic::Compression;
use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::ByteArrayType;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::SchemaDescriptor;
use candle_datasets::hub::FileReader;

use super::cells::{Cell, Cells, Column};
use super::columns::{self, Columns, Wanted};
use super::one_line;
use crate::{Error, Result, files};

/// Whether a file is parquet and has a column of images, or several.
pub(crate) fn has_images(path: &Path) -> bool {
    let looked = guarded(path, || {
        let (file, _) = files::open(path)?;
        let reader = SerializedFileReader::new(file).map_err(|error| fault(path, &error))?;
        Ok(columns::has_images(reader.metadata().file_metadata().schema_descr()))
    });
    looked.unwrap_or(false)
}

/// A parquet file with images.
pub(crate) struct Table {
    path: PathBuf,
    bytes: u64,
    reader: SerializedFileReader<File>,
    columns: Columns,
}

/// What one row of the file holds.
pub(crate) struct Row<'a> {
    /// Which row it is, from 0.
    pub(crate) number: usize,
    /// The encoded image.
    pub(crate) image: Option<&'a [u8]>,
    pub(crate) label: Option<Cell>,
    /// The caption, which should be UTF-8.
    pub(crate) caption: Option<&'a [u8]>,
}

impl Table {
    /// Reads the end of the file, which says what it holds.
    ///
    /// # Errors
    /// If the file is not parquet, has not one column of images, or not the columns that are wanted.
    pub(crate) fn open(path: &Path, wanted: Wanted<'_>) -> Result<Self> {
        guarded(path, || {
            let (file, bytes) = files::open(path)?;
            let reader = SerializedFileReader::new(file).map_err(|error| fault(path, &error))?;
            let columns = Columns::find(path, reader.metadata().file_metadata(), wanted)?;
            Ok(Self { path: path.to_owned(), bytes, reader, columns })
        })
    }

    /// How large the file is, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many rows the file says it has.
    pub(crate) fn rows(&self) -> u64 {
        // None are fewer than none: what goes through the rows will see that the number is wrong.
        self.reader.metadata().file_metadata().num_rows().try_into().unwrap_or(0)
    }

    /// What the column of labels is called, if there is one.
    pub(crate) fn label_column(&self) -> Option<String> {
        Some(one_line(&self.schema().column(self.columns.label?).path().string()))
    }

    /// What the classes are called, if the file says so.
    pub(crate) fn class_names(&self) -> Option<Vec<String>> {
        self.columns.class_names.clone()
    }

    /// Which columns were taken and which were left out, for a person to read.
    pub(crate) fn found(&self) -> &str {
        &self.columns.found
    }

    /// Shows `visit` every row in turn, until it returns an error.
    ///
    /// # Errors
    /// If a column breaks off, or the rows are not as many as the file says.
    pub(crate) fn for_each_row(&self, mut visit: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
        guarded(&self.path, || {
            let mut row = 0;
            for group in 0..self.reader.num_row_groups() {
                let group = self.reader.get_row_group(group).map_err(|error| fault(&self.path, &error))?;
                self.visit_group(group.as_ref(), &mut row, &mut visit)?;
            }
            let said = self.rows();
            if row as u64 != said {
                return Err(self.malformed(format!("has {row} rows and says it has {said}")));
            }
            Ok(())
        })
    }

    /// Goes through a row group; `row` counts the rows of the file.
    fn visit_group(
        &self,
        group: &dyn RowGroupReader,
        row: &mut usize,
        visit: &mut impl FnMut(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let Columns { image, label, caption, .. } = self.columns;
        let mut images: Column<ByteArrayType> = Column::new(self.column(group, image)?, self.present(image));
        let mut labels = label.map(|place| self.cells(group, place)).transpose()?;
        let mut captions: Option<Column<ByteArrayType>> = match caption {
            Some(place) => Some(Column::new(self.column(group, place)?, self.present(place))),
            None => None,
        };
        loop {
            let first = *row;
            let breaks_off = |what: &str, error: &ParquetError| {
                self.malformed(format!("the {what} column breaks off after row {first}: {}", one_line(error)))
            };
            let images = images.next().map_err(|error| breaks_off("image", &error))?;
            let labels = match &mut labels {
                Some(labels) => labels.next().map_err(|error| breaks_off("label", &error))?,
                None => vec![None; images.len()],
            };
            let captions = match &mut captions {
                Some(captions) => captions.next().map_err(|error| breaks_off("caption", &error))?,
                None => vec![None; images.len()],
            };
            if images.len() != labels.len() || images.len() != captions.len() {
                let row = first + images.len().min(labels.len()).min(captions.len());
                return Err(self.malformed(format!("row {row} lacks its image, its label or its caption")));
            }
            if images.is_empty() {
                return Ok(());
            }
            for ((image, label), caption) in images.iter().zip(labels).zip(&captions) {
                visit(Row {
                    number: *row,
                    image: image.as_ref().map(|image| image.data()),
                    label,
                    caption: caption.as_ref().map(|caption| caption.data()),
                })?;
                *row += 1;
            }
        }
    }

    fn column(&self, group: &dyn RowGroupReader, place: usize) -> Result<ColumnReader> {
        column(&self.path, group, place)
    }

    fn cells(&self, group: &dyn RowGroupReader, place: usize) -> Result<Cells> {
        Ok(Cells::new(self.column(group, place)?, &self.schema().column(place)))
    }

    /// The definition level of a value that is there.
    fn present(&self, place: usize) -> i16 {
        self.schema().column(place).max_def_level()
    }

    fn schema(&self) -> &SchemaDescriptor {
        self.reader.metadata().file_metadata().schema_descr()
    }

    fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::malformed(&self.path, reason)
    }
}

/// A column of a row group, if its place and its compression can be.
pub(super) fn column(path: &Path, group: &dyn RowGroupReader, place: usize) -> Result<ColumnReader> {
    let chunk = group.metadata().column(place);
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    if start < 0 || chunk.compressed_size() < 0 {
        return Err(Error::malformed(path, "has a column that starts or ends before the file"));
    }
    // Of these the reader makes no more than the file says, a page at most of 2 GiB. It does not hold the others to it.
    let bounded = matches!(
        chunk.compression(),
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) | Compression::LZ4_RAW
    );
    if !bounded {
        let codec = chunk.compression().to_string();
        let codec = codec.split('(').next().unwrap_or_default().to_owned(); // without its level
        return Err(Error::Codec { path: path.to_owned(), codec });
    }
    group.get_column_reader(place).map_err(|error| fault(path, &error))
}

/// Some damage inside pages is met by the parquet reader with a failed assertion where it should give an error.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let damaged = |_| Err(Error::malformed(path, "is a parquet file so damaged that its reader gave up"));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged) // what a panic leaves half done is dropped with it
}

pub(super) fn fault(path: &Path, error: &ParquetError) -> Error {
    Error::malformed(path, format!("is not a parquet file that can be read: {}", one_line(error)))
}
