//! Which columns of a parquet file hold the images, the labels and the captions.

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::file::metadata::FileMetaData;
use ::parquet::schema::types::{ColumnDescPtr, ColumnDescriptor, SchemaDescriptor};
use serde_json::Value;

use super::one_line;

/// What a column of labels may be called, the likeliest first.
const LABELS: [&str; 4] = ["label", "labels", "class", "fine_label"];
/// What a column of captions may be called.
const CAPTIONS: [&str; 2] = ["text", "caption"];

/// The places of the columns in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) image: usize,
    pub(super) label: Option<usize>,
    pub(super) caption: Option<usize>,
}

impl Columns {
    /// Finds the columns, or says why there is no telling which holds the images.
    pub(super) fn find(schema: &SchemaDescriptor) -> Result<Self, String> {
        // Of a repeated column a row may hold several values, and those are none of the three.
        let single = || schema.columns().iter().enumerate().filter(|(_, column)| column.max_rep_level() == 0);
        let named = |names: &[&str], fits: &dyn Fn(&ColumnDescriptor) -> bool| {
            names.iter().find_map(|name| {
                let mut found =
                    single().filter(|(_, column)| column.path().parts() == [*name] && fits(column));
                Some(found.next()?.0)
            })
        };
        Ok(Self {
            image: image(single())?,
            label: named(&LABELS, &|column| matches!(column.physical_type(), Type::INT64 | Type::INT32)),
            caption: named(&CAPTIONS, &is_text),
        })
    }
}

/// Whether any column is one of images.
pub(super) fn has_images(schema: &SchemaDescriptor) -> bool {
    schema.columns().iter().any(|column| image_name(column).is_some())
}

/// What a column is called that holds the bytes of images.
fn image_name(column: &ColumnDescriptor) -> Option<&String> {
    match column.path().parts() {
        [name, field] if field == "bytes" && column.physical_type() == Type::BYTE_ARRAY => Some(name),
        _ => None,
    }
}

/// The place of the image bytes: of several columns of images, the one called `image`.
fn image<'a>(columns: impl Iterator<Item = (usize, &'a ColumnDescPtr)>) -> Result<usize, String> {
    let found: Vec<(usize, String)> =
        columns.filter_map(|(place, column)| Some((place, image_name(column)?.clone()))).collect();
    match &found[..] {
        [] => Err("has no column of images (a struct with the field bytes)".to_owned()),
        [(place, _)] => Ok(*place),
        several => match several.iter().find(|(_, name)| name == "image") {
            Some((place, _)) => Ok(*place),
            None => {
                let names: Vec<&str> = several.iter().map(|(_, name)| name.as_str()).collect();
                Err(one_line(&format!(
                    "has several columns of images, none of them called image: {}",
                    names.join(", ")
                )))
            }
        },
    }
}

fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY
        && (column.converted_type() == ConvertedType::UTF8
            || matches!(column.logical_type_ref(), Some(LogicalType::String)))
}

/// What the classes of the column of labels are called, if the hub's library has noted it in the file.
pub(super) fn class_names(file: &FileMetaData, columns: &Columns) -> Option<Vec<String>> {
    let label = file.schema_descr().column(columns.label?);
    let notes = file.key_value_metadata()?.iter().find(|note| note.key == "huggingface")?.value.as_ref()?;
    let notes: Value = serde_json::from_str(notes).ok()?;
    let names = notes.get("info")?.get("features")?.get(label.name())?.get("names")?.as_array()?;
    names.iter().map(|name| name.as_str().map(|name| one_line(&name))).collect()
}
