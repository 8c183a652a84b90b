//! Parquet files of published sets: images of one size, all in memory, each with a label.

use std::io::Cursor;
use std::path::Path;

use ::image::{ColorType, ImageDecoder, ImageReader, Limits};

use super::cells::Cell;
use super::columns::Wanted;
use super::one_line;
use super::table::{Row, Table};
use crate::published::known;
use crate::{Error, LabelledImages, Progress, ProgressCallback, Result, Unit};

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

/// Reads every row of the file; `name` is what the data set will call itself.
///
/// A small file can repeat one image without end: `most` rows are read, and a file that goes on is refused.
///
/// # Errors
/// If the file is not parquet or lacks the columns, or if a row has no image or label, an image that does not decode
/// to exactly the shape, or a label that is not one of its classes; of a set that is not known by name
/// there are ten.
pub(crate) fn read(
    path: &Path,
    name: &str,
    shape: Shape,
    most: usize,
    watch: &ProgressCallback,
) -> Result<LabelledImages> {
    let table = Table::open(path, Wanted::default())?;
    if table.label_column().is_none() {
        return Err(Error::malformed(path, "has no column of labels (the integers label)"));
    }
    let (classes, class_names) = known(name).unwrap_or((10, Vec::new()));
    let mut data = LabelledImages {
        name: name.to_owned(),
        width: shape.width,
        height: shape.height,
        channels: shape.channels,
        pixels: Vec::new(),
        labels: Vec::new(),
        classes,
        class_names,
    };
    let what = format!("reading {name}");
    table.for_each_row(|row| {
        if row.number == most {
            return Err(Error::malformed(path, format!("has more rows than the {most} it should have")));
        }
        append(&mut data, shape, &row)
            .map_err(|reason| Error::malformed(path, format!("row {}: {reason}", row.number)))?;
        let done = data.labels.len() as u64;
        watch.tell(Progress { what: &what, done, total: Some(most as u64), unit: Unit::Images });
        Ok(())
    })?;
    Ok(data)
}

/// Adds one row, or says what is wrong with it.
fn append(data: &mut LabelledImages, shape: Shape, row: &Row<'_>) -> std::result::Result<(), String> {
    let bytes = row.image.ok_or("its image is missing")?;
    let label = match row.label.as_ref().ok_or("its label is missing")? {
        Cell::Int(label) => *label,
        _ => return Err("its label is no integer".to_owned()),
    };
    let label = u8::try_from(label)
        .ok()
        .filter(|&label| usize::from(label) < data.classes)
        .ok_or_else(|| format!("its label {label} is not one of 0 to {}", data.classes - 1))?;
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
