//! Small data sets, as the files their makers publish and as the hub's parquet.

use std::fs;
use std::io::Cursor;
use std::sync::Arc;

use gan_data::{LabelledImages, Split, load_cifar10, load_mnist};
use image::{DynamicImage, ImageFormat};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// An image, encoded, and its label; what is `None` is missing.
#[derive(Clone)]
pub struct Row {
    pub image: Option<Vec<u8>>,
    pub label: Option<i64>,
}

/// The value of image `i` at a place: no two of row, column and channel can be exchanged without a trace.
fn value(i: usize, row: usize, column: usize, channel: usize) -> u8 {
    (i * 29 + row * 7 + column * 3 + channel * 101 + row * column) as u8
}

fn label(i: usize) -> u8 {
    (i * 7 % 10) as u8
}

/// `count` gray images as rows of parquet, and as the IDX reader reads them.
pub fn gray(count: usize) -> (Vec<Row>, LabelledImages) {
    let places = |i| (0..28 * 28).map(move |at| value(i, at / 28, at % 28, 0));
    let rows = (0..count).map(|i| Row {
        image: Some(png(image::GrayImage::from_raw(28, 28, places(i).collect()).unwrap().into())),
        label: Some(label(i).into()),
    });

    let folder = tempfile::tempdir().unwrap();
    let idx = |magic: u32, dims: &[usize], bytes: Vec<u8>| {
        let dims = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
        magic.to_be_bytes().into_iter().chain(dims).chain(bytes).collect::<Vec<u8>>()
    };
    let images = idx(0x803, &[count, 28, 28], (0..count).flat_map(places).collect());
    let labels = idx(0x801, &[count], (0..count).map(label).collect());
    fs::write(folder.path().join("train-images-idx3-ubyte"), images).unwrap();
    fs::write(folder.path().join("train-labels-idx1-ubyte"), labels).unwrap();
    (rows.collect(), load_mnist(folder.path(), Split::Train, "mnist").unwrap())
}

/// `count` colour images as rows of parquet, and as the reader of CIFAR-10's binary files reads them.
pub fn color(count: usize) -> (Vec<Row>, LabelledImages) {
    let rows = (0..count).map(|i| {
        let pixels = (0..32 * 32 * 3).map(|at| value(i, at / 96, at / 3 % 32, at % 3)).collect();
        let image = image::RgbImage::from_raw(32, 32, pixels).unwrap();
        Row { image: Some(png(image.into())), label: Some(label(i).into()) }
    });

    let folder = tempfile::tempdir().unwrap();
    let planes = |i| (0..3 * 1024).map(move |at| value(i, at / 32 % 32, at % 32, at / 1024));
    let records = (0..count).flat_map(|i| [label(i)].into_iter().chain(planes(i)));
    fs::write(folder.path().join("data_batch_1.bin"), records.collect::<Vec<u8>>()).unwrap();
    (rows.collect(), load_cifar10(folder.path(), Split::Train).unwrap())
}

pub fn png(image: DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Writes rows as the hub does: the image a struct of bytes and path, all of it optional, snappy, in row groups.
/// `column` is what the image is called: `image`, or `img` as in CIFAR-10.
pub fn parquet(rows: &[Row], column: &str) -> Vec<u8> {
    let schema = format!("{} optional int64 label;", image_column(column));
    let images = rows.iter().map(|row| row.image.clone()).collect();
    let labels = rows.iter().map(|row| row.label).collect();
    table(&schema, vec![Column::Image(images), Column::Path(rows.len()), Column::Int64(labels)], None)
}

/// The schema of a column of images.
pub fn image_column(name: &str) -> String {
    format!("optional group {name} {{ optional binary bytes; optional binary path (UTF8); }}")
}

/// The values of an optional column.
pub enum Column {
    /// The first field of a column of images.
    Image(Vec<Option<Vec<u8>>>),
    /// The second one, of so many rows: nothing.
    Path(usize),
    Int64(Vec<Option<i64>>),
    Int32(Vec<Option<i32>>),
    Text(Vec<Option<String>>),
    Bool(Vec<Option<bool>>),
    Double(Vec<Option<f64>>),
    /// Of a required column of bytes.
    Bare(Vec<Vec<u8>>),
}

impl Column {
    fn slice(&self, from: usize, to: usize) -> Self {
        match self {
            Self::Image(values) => Self::Image(values[from..to].to_vec()),
            Self::Path(_) => Self::Path(to - from),
            Self::Int64(values) => Self::Int64(values[from..to].to_vec()),
            Self::Int32(values) => Self::Int32(values[from..to].to_vec()),
            Self::Text(values) => Self::Text(values[from..to].to_vec()),
            Self::Bool(values) => Self::Bool(values[from..to].to_vec()),
            Self::Double(values) => Self::Double(values[from..to].to_vec()),
            Self::Bare(values) => Self::Bare(values[from..to].to_vec()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Image(values) => values.len(),
            Self::Path(rows) => *rows,
            Self::Int64(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bare(values) => values.len(),
        }
    }

    fn write(self, writer: &mut SerializedColumnWriter<'_>) {
        match self {
            Self::Image(values) => write::<ByteArrayType>(writer, 2, arrays(values)),
            Self::Path(rows) => write::<ByteArrayType>(writer, 2, vec![None; rows]),
            Self::Int64(values) => write::<Int64Type>(writer, 1, values),
            Self::Int32(values) => write::<Int32Type>(writer, 1, values),
            Self::Bool(values) => write::<BoolType>(writer, 1, values),
            Self::Double(values) => write::<DoubleType>(writer, 1, values),
            Self::Bare(values) => {
                write::<ByteArrayType>(writer, 0, arrays(values.into_iter().map(Some).collect()));
            }
            Self::Text(values) => {
                let values = values.into_iter().map(|text| text.map(String::into_bytes)).collect();
                write::<ByteArrayType>(writer, 1, arrays(values));
            }
        }
    }
}

fn arrays(values: Vec<Option<Vec<u8>>>) -> Vec<Option<ByteArray>> {
    values.into_iter().map(|value| value.map(ByteArray::from)).collect()
}

fn write<T: DataType>(writer: &mut SerializedColumnWriter<'_>, present: i16, values: Vec<Option<T::T>>) {
    let levels: Vec<i16> = values.iter().map(|value| present - i16::from(value.is_none())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
}

/// A parquet file with these columns, in groups of 300 rows. `notes` is what the hub's library writes beside them.
pub fn table(schema: &str, columns: Vec<Column>, notes: Option<&str>) -> Vec<u8> {
    compressed_table(schema, columns, notes, Compression::SNAPPY)
}

/// The same, compressed in another way.
pub fn compressed_table(
    schema: &str,
    columns: Vec<Column>,
    notes: Option<&str>,
    compression: Compression,
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message schema {{ {schema} }}")).unwrap());
    let notes = notes.map(|notes| vec![KeyValue::new("huggingface".to_owned(), notes.to_owned())]);
    let properties = WriterProperties::builder().set_compression(compression);
    let properties = Arc::new(properties.set_key_value_metadata(notes).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let rows = columns[0].len();
    for from in (0..rows).step_by(300) {
        let mut group = writer.next_row_group().unwrap();
        for column in &columns {
            let mut writer = group.next_column().unwrap().unwrap();
            column.slice(from, rows.min(from + 300)).write(&mut writer);
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}
