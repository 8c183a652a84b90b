//! Labelled images in a parquet file, in the layout of the Hugging Face hub: a column that is a struct with the bytes
//! of an encoded image, and a column of labels.

use std::fs::File;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::image::{ColorType, ImageDecoder, ImageReader, Limits};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader};
use ::parquet::data_type::{ByteArrayType, DataType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::SerializedFileReader;
use ::parquet::schema::types::SchemaDescriptor;
use candle_datasets::hub::FileReader;

use crate::dataset::CLASSES;
use crate::{Error, LabelledImages, Result, files};

/// Rows taken out of a column at a time.
const CHUNK: usize = 256;
/// More memory than decoding an image of the sizes read here can need.
const DECODER_BYTES: u64 = 1 << 20;

/// The size every image of a data set has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 1 (gray) or 3 (red, green, blue).
    pub(crate) channels: usize,
}

impl Shape {
    fn values(self) -> usize {
        self.width * self.height * self.channels
    }
}

/// How many rows the file says it has.
pub(crate) fn count_rows(path: &Path) -> Result<i64> {
    guarded(path, || Ok(open(path)?.metadata().file_metadata().num_rows()))
}

/// Reads every row of the file; `name` is what the data set will call itself.
///
/// A small file can repeat one image without end: `most` rows are read, and a file that goes on is refused.
///
/// # Errors
/// If the file is not parquet or lacks the columns, or if a row has no image or label, an image that does not decode
/// to exactly the shape, or a label that is not below 10.
pub(crate) fn read(path: &Path, name: &str, shape: Shape, most: usize) -> Result<LabelledImages> {
    guarded(path, || read_rows(path, name, shape, most))
}

/// Some damage inside pages is met by the parquet reader with a failed assertion where it should give an error.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let damaged = |_| Err(Error::malformed(path, "is a parquet file so damaged that its reader gave up"));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged) // what a panic leaves half done is dropped with it
}

fn read_rows(path: &Path, name: &str, shape: Shape, most: usize) -> Result<LabelledImages> {
    let malformed = |reason: String| Error::malformed(path, reason);
    let unreadable = |error| fault(path, &error);
    let reader = open(path)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let [image_column, label_column] = columns(schema).map_err(malformed)?;

    let mut data = LabelledImages {
        name: name.to_owned(),
        width: shape.width,
        height: shape.height,
        channels: shape.channels,
        pixels: Vec::new(),
        labels: Vec::new(),
    };
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(unreadable)?;
        let column = |place| {
            let chunk = group.metadata().column(place);
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            if start < 0 || chunk.compressed_size() < 0 {
                return Err(malformed("has a column that starts or ends before the file".to_owned()));
            }
            group.get_column_reader(place).map_err(unreadable)
        };
        let mut images: Column<ByteArrayType> = Column::new(column(image_column)?, schema, image_column);
        let mut labels: Column<Int64Type> = Column::new(column(label_column)?, schema, label_column);
        loop {
            let first = data.labels.len();
            let images = images.next(first, "image").map_err(malformed)?;
            let labels = labels.next(first, "label").map_err(malformed)?;
            if images.len() != labels.len() {
                let row = first + images.len().min(labels.len());
                return Err(malformed(format!("row {row} lacks its image or its label")));
            }
            if images.len() > most - first {
                return Err(malformed(format!("has more rows than the {most} it should have")));
            }
            if images.is_empty() {
                break;
            }
            for (image, label) in images.iter().zip(labels) {
                let row = data.labels.len();
                append(&mut data, shape, image.data(), *label)
                    .map_err(|reason| malformed(format!("row {row}: {reason}")))?;
            }
        }
    }
    Ok(data)
}

fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let (file, length) = files::open(path)?;
    if length > files::MAX_BYTES {
        return Err(Error::malformed(path, format!("has {length} bytes, more than {}", files::MAX_BYTES)));
    }
    SerializedFileReader::new(file).map_err(|error| fault(path, &error))
}

/// The places of the image bytes and of the labels among the file's columns.
fn columns(schema: &SchemaDescriptor) -> std::result::Result<[usize; 2], String> {
    let find = |what: &str, kind, wanted: &dyn Fn(&[String]) -> bool| {
        let mut found = schema.columns().iter().enumerate().filter(|(_, column)| {
            wanted(column.path().parts()) && column.physical_type() == kind && column.max_rep_level() == 0
        });
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            (None, _) => Err(format!("has no column of {what}")),
            _ => Err(format!("has more than one column of {what}")),
        }
    };
    let image =
        find("images (a struct with the field bytes)", ByteArrayType::get_physical_type(), &|path| {
            path.len() == 2 && path[1] == "bytes"
        })?;
    let label =
        find("labels (the integers label)", Int64Type::get_physical_type(), &|path| path == ["label"])?;
    Ok([image, label])
}

/// A column of one row group, read in chunks: one value a row, none missing.
struct Column<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
    /// The definition levels of the last rows read, if values may be missing.
    levels: Vec<i16>,
    /// The level of a value that is there.
    present: i16,
}

impl<T: DataType> Column<T> {
    /// The reader's physical type must be `T`: [`columns`] has seen to it.
    fn new(reader: ColumnReader, schema: &SchemaDescriptor, place: usize) -> Self {
        let present = schema.column(place).max_def_level();
        Self { reader: get_typed_column_reader(reader), values: Vec::new(), levels: Vec::new(), present }
    }

    /// The values of the next rows, the first of which is row `first`; none at the end of the row group.
    fn next(&mut self, first: usize, what: &str) -> std::result::Result<&[T::T], String> {
        self.values.clear();
        self.levels.clear();
        let (rows, values, _) =
            self.reader.read_records(CHUNK, Some(&mut self.levels), None, &mut self.values).map_err(
                |error| format!("the {what} column breaks off after row {first}: {}", one_line(&error)),
            )?;
        if values != rows {
            let missing = self.levels.iter().position(|&level| level < self.present).unwrap_or_default();
            return Err(format!("row {}: its {what} is missing", first + missing));
        }
        Ok(&self.values)
    }
}

/// Adds one row, or says what is wrong with it.
fn append(
    data: &mut LabelledImages,
    shape: Shape,
    bytes: &[u8],
    label: i64,
) -> std::result::Result<(), String> {
    let label = u8::try_from(label)
        .ok()
        .filter(|&label| label < CLASSES)
        .ok_or_else(|| format!("its label {label} is not one of 0 to {}", CLASSES - 1))?;
    let undecodable = |error: ::image::ImageError| format!("its image does not decode: {}", one_line(&error));

    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| undecodable(::image::ImageError::IoError(error)))?;
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(undecodable)?;

    // The header is compared with what must be there before anything is taken for pixels.
    let wanted = if shape.channels == 1 { ColorType::L8 } else { ColorType::Rgb8 };
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    if (width as usize, height as usize, color) != (shape.width, shape.height, wanted) {
        return Err(format!(
            "its image is {width}x{height} {color:?}, not {}x{} {wanted:?}",
            shape.width, shape.height
        ));
    }
    let start = data.pixels.len();
    data.pixels.resize(start + shape.values(), 0);
    decoder.read_image(&mut data.pixels[start..]).map_err(undecodable)?;
    data.labels.push(label);
    Ok(())
}

fn fault(path: &Path, error: &ParquetError) -> Error {
    Error::malformed(path, format!("is not a parquet file that can be read: {}", one_line(error)))
}

/// What a library says, or a server through it, without line breaks and whatever else would move a terminal's cursor.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    let words = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(char::is_control, "")
}
