use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::*;

/// A file in which every row is the same: in the file that value stands once, however many rows there are.
fn repeating(value: &[u8], rows: usize) -> Vec<u8> {
    let schema = "message schema { required group image { required binary bytes; } }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values = vec![ByteArray::from(value.to_vec()); rows];
    column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn read_within(file: &[u8], least: u64) -> Result<Parquet> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repeating.parquet");
    fs::write(&path, file).unwrap();
    read("set".to_owned(), vec![path], &OpenOptions::default(), least)
}

#[test]
fn a_small_file_cannot_fill_the_disk() {
    let file = repeating(&[7; 1000], 5000);
    assert!(file.len() < 10_000, "{}", file.len());
    let error = read_within(&file, 1 << 20).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(": row 985: more than 1048576 bytes of images come out of "), "{message}");
    assert_eq!(read_within(&file, 10 << 20).unwrap().len(), 5000);
}

#[test]
fn rows_of_next_to_nothing_come_to_an_end_too() {
    let error = read_within(&repeating(&[7], 100_000), 1 << 20).unwrap_err();
    assert!(error.to_string().contains(": row 16131: more than "), "{error}");
}

#[test]
fn a_file_as_large_as_what_is_in_it_is_read() {
    let values: Vec<u8> = (0..100_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let file = repeating(&values, 1);
    assert_eq!(read_within(&file, 0).unwrap().len(), 1);
}
