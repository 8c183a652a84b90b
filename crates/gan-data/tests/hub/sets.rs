//! Small data sets, as the files their makers publish and as the hub's parquet.

use std::fs;
use std::io::Cursor;
use std::sync::Arc;

use gan_data::{LabelledImages, Split, load_cifar10, load_mnist};
use image::{DynamicImage, ImageFormat};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
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
    let schema = format!(
        "message schema {{ optional group {column} {{ optional binary bytes; optional binary path (UTF8); }}
         optional int64 label; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for rows in rows.chunks(300) {
        let mut group = writer.next_row_group().unwrap();

        let images: Vec<ByteArray> =
            rows.iter().filter_map(|row| row.image.clone()).map(ByteArray::from).collect();
        let levels: Vec<i16> = rows.iter().map(|row| if row.image.is_some() { 2 } else { 1 }).collect();
        let mut bytes = group.next_column().unwrap().unwrap();
        bytes.typed::<ByteArrayType>().write_batch(&images, Some(&levels), None).unwrap();
        bytes.close().unwrap();

        let mut path = group.next_column().unwrap().unwrap();
        path.typed::<ByteArrayType>().write_batch(&[], Some(&vec![1; rows.len()]), None).unwrap();
        path.close().unwrap();

        let labels: Vec<i64> = rows.iter().filter_map(|row| row.label).collect();
        let levels: Vec<i16> = rows.iter().map(|row| row.label.is_some().into()).collect();
        let mut label = group.next_column().unwrap().unwrap();
        label.typed::<Int64Type>().write_batch(&labels, Some(&levels), None).unwrap();
        label.close().unwrap();

        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}
