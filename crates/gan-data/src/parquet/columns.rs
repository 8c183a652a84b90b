//! Which columns of a parquet file hold the images, the labels and the captions.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::file::metadata::FileMetaData;
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use serde_json::Value;

use super::cells::Cells;
use super::one_line;
use crate::labels::{CAPTION_COLUMNS, LABEL_COLUMNS, MAX_CLASSES, some};
use crate::{Error, Result};

/// What is noted beside the columns is read up to so many bytes.
const MAX_NOTES: usize = 16 << 20;

/// The columns that are asked for by name; the others are found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) image: Option<&'a str>,
    pub(crate) label: Option<&'a str>,
}

/// The places of the columns in the file.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) image: usize,
    pub(super) label: Option<usize>,
    pub(super) caption: Option<usize>,
    /// What the classes are called, if the hub's library has noted it in the file.
    pub(super) class_names: Option<Vec<String>>,
    /// What was taken and what was left out, for a person to read.
    pub(super) found: String,
}

impl Columns {
    /// Finds the columns.
    ///
    /// # Errors
    /// If there is no telling which column holds the images, or one that is wanted is not there.
    pub(super) fn find(path: &Path, file: &FileMetaData, wanted: Wanted<'_>) -> Result<Self> {
        let schema = file.schema_descr();
        let named = ClassLabels::of(file);
        let image = image(path, schema, wanted.image)?;
        let is_class = |name: &str| named.names(name).is_some();
        let label = match wanted.label {
            Some(name) => Some(asked_for(path, schema, name)?),
            None => usual(schema, &LABEL_COLUMNS, Cells::can_read).or_else(|| {
                top_level(schema)
                    .find(|(_, name, column)| is_class(name) && Cells::can_read(column))
                    .map(|(place, ..)| place)
            }),
        };
        let caption =
            usual(schema, &CAPTION_COLUMNS, |column| is_text(column) && column.max_rep_level() == 0);
        let caption = caption.filter(|place| Some(*place) != label);

        let name = |place: usize| top_name(schema.column(place).path().parts());
        let mut found = format!("images from the column {}", name(image));
        let others = [("labels", label), ("captions", caption)];
        for (what, place) in others.into_iter().filter_map(|(what, place)| Some((what, place?))) {
            found += &format!(", {what} from {}", name(place));
        }
        let left_out = columns(schema)
            .filter(|(place, column)| image_name(column).is_some() && *place != image)
            .map(|(place, _)| format!("{} (images)", name(place)));
        let classes = top_level(schema).filter(|(place, name, _)| {
            Some(*place) != label && (is_class(name) || LABEL_COLUMNS.contains(name))
        });
        let left_out: Vec<_> =
            left_out.chain(classes.map(|(place, ..)| format!("{} (labels)", name(place)))).collect();
        if !left_out.is_empty() {
            found += &format!("; left out: {}", some(left_out));
        }
        if label.is_none() {
            let others = columns(schema)
                .filter(|(_, column)| Cells::can_read(column))
                .filter(|(place, column)| {
                    *place != image && Some(*place) != caption && column.path().parts().len() == 1
                })
                .map(|(place, _)| name(place));
            let others: Vec<_> = others.collect();
            if !others.is_empty() {
                found += &format!("; no labels, unless --label-column names one of {}", some(others));
            }
        }
        let class_names = label.and_then(|place| named.names(schema.column(place).name()));
        Ok(Self { image, label, caption, class_names, found })
    }
}

fn columns(schema: &SchemaDescriptor) -> impl Iterator<Item = (usize, &ColumnDescriptor)> {
    schema.columns().iter().map(|column| &**column).enumerate()
}

/// The columns that are no parts of others, with their places and names.
fn top_level(schema: &SchemaDescriptor) -> impl Iterator<Item = (usize, &str, &ColumnDescriptor)> {
    columns(schema).filter_map(|(place, column)| match column.path().parts() {
        [name] => Some((place, name.as_str(), column)),
        _ => None,
    })
}

/// The column with the first of these names that fits.
fn usual(
    schema: &SchemaDescriptor,
    names: &[&str],
    fits: impl Fn(&ColumnDescriptor) -> bool,
) -> Option<usize> {
    names.iter().find_map(|usual| {
        let mut found = top_level(schema).filter(|(_, name, column)| name == usual && fits(column));
        found.next().map(|(place, ..)| place)
    })
}

/// The column of labels that is called so: `breed`, or `animal.breed` for a part of a column.
fn asked_for(path: &Path, schema: &SchemaDescriptor, wanted: &str) -> Result<usize> {
    let called = |column: &ColumnDescriptor| column.path().string();
    let readable = columns(schema).filter(|(_, column)| Cells::can_read(column));
    match columns(schema).find(|(_, column)| called(column) == wanted) {
        Some((place, column)) if Cells::can_read(column) => Ok(place),
        Some(_) => Err(Error::Column {
            path: path.to_owned(),
            reason: format!(
                "has no classes in its column {}: those are words or whole numbers, one a row",
                { one_line(&wanted) }
            ),
            flag: "--label-column",
        }),
        None => {
            let there = readable.filter(|(_, column)| image_name(column).is_none());
            Err(not_there(path, wanted, there.map(|(_, column)| called(column)).collect(), "--label-column"))
        }
    }
}

/// Whether any column is one of images.
pub(super) fn has_images(schema: &SchemaDescriptor) -> bool {
    schema.columns().iter().any(|column| image_name(column).is_some())
}

/// The place of the image bytes: of several columns of images, the one called `image`.
fn image(path: &Path, schema: &SchemaDescriptor, wanted: Option<&str>) -> Result<usize> {
    let structs: Vec<(usize, &str)> =
        columns(schema).filter_map(|(place, column)| Some((place, image_name(column)?))).collect();
    // Plain columns of bytes may hold anything.
    let plain: Vec<(usize, &str)> = top_level(schema)
        .filter(|(_, _, column)| {
            column.physical_type() == Type::BYTE_ARRAY && column.max_rep_level() == 0 && !is_text(column)
        })
        .map(|(place, name, _)| (place, name))
        .collect();
    let names = |columns: &[(usize, &str)]| -> Vec<String> {
        columns.iter().map(|(_, name)| (*name).to_owned()).collect()
    };
    let choose = |reason: String| {
        Err(Error::Column { path: path.to_owned(), reason: one_line(&reason), flag: "--image-column" })
    };
    if let Some(wanted) = wanted {
        let all = [structs, plain].concat();
        return match all.iter().find(|(_, name)| *name == wanted) {
            Some((place, _)) => Ok(*place),
            None => Err(not_there(path, wanted, names(&all), "--image-column")),
        };
    }
    match (&structs[..], &plain[..]) {
        ([], []) => Err(Error::malformed(path, "has no column of images (a struct with the field bytes)")),
        ([], plain) => choose(format!(
            "has no column of images (a struct with the field bytes), but some of bytes: {}",
            some(names(plain))
        )),
        ([(place, _)], _) => Ok(*place),
        (several, _) => match several.iter().find(|(_, name)| *name == "image") {
            Some((place, _)) => Ok(*place),
            None => choose(format!(
                "has several columns of images, none of them called image: {}",
                some(names(several))
            )),
        },
    }
}

fn not_there(path: &Path, wanted: &str, there: Vec<String>, flag: &'static str) -> Error {
    let there = if there.is_empty() { "none that would do".to_owned() } else { some(there) };
    let reason = one_line(&format!("has no column {wanted}; there are: {there}"));
    Error::Column { path: path.to_owned(), reason, flag }
}

/// What a column is called that holds the bytes of images.
fn image_name(column: &ColumnDescriptor) -> Option<&str> {
    match column.path().parts() {
        [name, field]
            if field == "bytes"
                && column.physical_type() == Type::BYTE_ARRAY
                && column.max_rep_level() == 0 =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// What people call a column, of which there may be several parts.
fn top_name(parts: &[String]) -> String {
    one_line(match parts {
        [name, field] if field == "bytes" => name,
        _ => return one_line(&parts.join(".")),
    })
}

fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY
        && (column.converted_type() == ConvertedType::UTF8
            || matches!(column.logical_type_ref(), Some(LogicalType::String)))
}

/// The columns of classes that the hub's library has noted in the file, with the names of the classes.
struct ClassLabels(Option<Value>);

impl ClassLabels {
    fn of(file: &FileMetaData) -> Self {
        let note = file.key_value_metadata().and_then(|notes| {
            let note = notes.iter().find(|note| note.key == "huggingface")?.value.as_ref()?;
            (note.len() <= MAX_NOTES).then_some(note)
        });
        let note = note.and_then(|note| serde_json::from_str::<Value>(note).ok());
        Self(note.and_then(|mut note| Some(note.get_mut("info")?.get_mut("features")?.take())))
    }

    /// What the classes of a column are called, if it is one of classes.
    fn names(&self, column: &str) -> Option<Vec<String>> {
        let names = self.0.as_ref()?.get(column)?.get("names")?.as_array()?;
        if names.len() > MAX_CLASSES {
            return None;
        }
        names.iter().map(|name| name.as_str().map(|name| one_line(&name))).collect()
    }
}
