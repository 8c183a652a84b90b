//! What tables say of images: their classes and captions.

use std::path::Path;

use super::columns::{Asked, Columns};
use super::index::Index;
use super::table::{Kind, Row, Table};
use super::{Classes, NO_CLASS, Unfit, Values, one_line};
use crate::spool::{Spool, SpoolWriter};
use crate::{Error, Result};

/// The longest caption that is kept, bytes.
const MAX_CAPTION: usize = 1 << 16;

/// What is asked of the labels of images.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// A table of labels that lies elsewhere.
    pub(crate) table: Option<&'a Path>,
    /// Which column of a table is the class.
    pub(crate) column: Option<&'a str>,
}

/// What is known of images beside their pixels.
#[derive(Debug)]
pub(crate) struct Annotations {
    /// Whether tables say which classes there are, if only that there are none.
    pub(crate) decide: bool,
    /// The class of each image, or [`NO_CLASS`]; empty where there are no classes.
    pub(crate) labels: Vec<u32>,
    pub(crate) classes: Classes,
    captions: Spool,
    /// The place of each image's caption, or [`NO_CLASS`].
    caption_of: Vec<u32>,
    /// What was found and what is missing, each with whether it is a warning.
    pub(crate) notes: Vec<(String, bool)>,
}

impl Annotations {
    /// The caption of an image by its number.
    pub(crate) fn caption(&self, image: usize) -> Result<Option<String>> {
        match self.caption_of.get(image) {
            None | Some(&NO_CLASS) => Ok(None),
            Some(&place) => {
                Ok(Some(String::from_utf8_lossy(&self.captions.get(place as usize)?).into_owned()))
            }
        }
    }

    /// Whether any image has a caption.
    pub(crate) fn has_captions(&self) -> bool {
        self.captions.bytes() > 0
    }
}

/// Reads the tables beside the images, and the one that is wanted. `names` are those of all images, with slashes between
/// folders; tables in deeper folders go before others, and the one that is wanted before all.
///
/// # Errors
/// If the table that is wanted cannot be read, has not the columns, gives no classes, or names none of the images; if one
/// beside the images is damaged half-way; or if a column is wanted that no table has.
pub(crate) fn annotate(
    dataset: &str,
    names: &[String],
    mut beside: Vec<Table>,
    wanted: Wanted<'_>,
) -> Result<Annotations> {
    beside.sort_by_key(|table| (std::cmp::Reverse(table.depth()), table.kind as u8));
    let mut reader = Reader::new(names)?;
    if let Some(path) = wanted.table {
        let table = Table::at(path)?;
        let asked = Asked { labels: true, column: wanted.column };
        let found = reader.read(&table, asked, true)?;
        if found.named == 0 {
            let of_images = names.first().map_or("", String::as_str);
            let in_table = found.missing.unwrap_or_default();
            let reason =
                format!("names none of the images: they are called as {of_images}, in it as {in_table}");
            return Err(Error::LabelTable { path: table.path, reason: one_line(&reason) });
        }
    }
    let mut folder_read: Option<(String, Kind)> = None;
    let mut lacking = None;
    for table in &beside {
        let same_folder = folder_read.as_ref().filter(|(folder, _)| *folder == table.folder);
        if same_folder.is_some() && table.kind != Kind::DatasetJson {
            let text = format!("{}: left out, as there is another table beside it", table.path.display());
            reader.notes.push((text, true));
            continue;
        }
        // The column is that of the table that was asked for, if one was.
        let column = wanted.column.filter(|_| wanted.table.is_none() && table.kind != Kind::DatasetJson);
        match reader.read(table, Asked { labels: false, column }, wanted.table.is_none()) {
            Err(error @ Error::Column { .. }) if column.is_some() => lacking = Some(error),
            // It may be a table of something else.
            Err(error @ (Error::LabelTable { .. } | Error::Malformed { .. })) if reader.is_unread() => {
                reader.notes.push((format!("{error}: it is left out"), true));
                continue;
            }
            other => drop(other?),
        }
        folder_read = Some((table.folder.clone(), table.kind));
    }
    if let (Some(column), None, false) = (wanted.column, wanted.table, reader.decide) {
        return Err(lacking.unwrap_or_else(|| Error::LabelTable {
            path: dataset.into(),
            reason: one_line(&format!("has no table of labels that could have the column {column}")),
        }));
    }
    reader.finish(dataset, names)
}

/// What a table was found to say.
#[derive(Default)]
struct Found {
    /// How many images it names, and how many names in it are of none, with an example.
    named: usize,
    missing_count: usize,
    missing: Option<String>,
    /// How many images it gives a label.
    labelled: usize,
    again: usize,
    long_captions: usize,
}

struct Reader<'a> {
    names: &'a [String],
    values: Values,
    decide: bool,
    labels: Vec<u32>,
    captions: SpoolWriter,
    caption_of: Vec<u32>,
    /// The number of the table that named an image last.
    named_by: Vec<u32>,
    tables: u32,
    notes: Vec<(String, bool)>,
}

impl<'a> Reader<'a> {
    fn new(names: &'a [String]) -> Result<Self> {
        Ok(Self {
            names,
            values: Values::default(),
            decide: false,
            labels: Vec::new(),
            captions: SpoolWriter::new()?,
            caption_of: Vec::new(),
            named_by: vec![0; names.len()],
            tables: 0,
            notes: Vec::new(),
        })
    }

    /// Whether the last table has told of no image.
    fn is_unread(&self) -> bool {
        !self.named_by.contains(&self.tables)
    }

    /// Reads a table; its labels only if they are of use.
    fn read(&mut self, table: &Table, asked: Asked<'_>, labels: bool) -> Result<Found> {
        let index = Index::new(self.names, &table.folder);
        let (mut found, mut unfit) = (Found::default(), None);
        self.tables += 1;
        let is_image = |name: &str| index.find(name).is_some();
        let columns = table.read(asked, &is_image, &mut |row| {
            if unfit.is_none() {
                unfit = self.take(&index, row, labels, &mut found)?;
            }
            Ok(())
        })?;
        let path = table.path.display();
        let Some(columns) = columns else {
            let text = format!("{path}: left out, as it has no column of the images' file names");
            self.notes.push((text, true));
            return Ok(found);
        };
        if let Some(reason) = unfit {
            let column = columns.label.unwrap_or_default();
            let error = Error::NoClasses { path: table.path.clone(), column, reason };
            if asked.labels || asked.column.is_some() {
                return Err(error);
            }
            self.notes.push((format!("{error}: it is passed over"), true));
            return Ok(found);
        }
        if found.named == 0 && !asked.labels && found.missing_count > 0 {
            let example = found.missing.as_deref().unwrap_or_default();
            let text = format!("{path}: left out, as it names none of the images, but for one {example}");
            self.notes.push((text, true));
            return Ok(found);
        }
        // A column without values leaves the classes to the folders.
        self.decide |= labels && columns.decides && (found.labelled > 0 || columns.label.is_none());
        self.tell(table, &columns, &index, labels, &found);
        Ok(found)
    }

    /// Takes in what a row says; gives why its label is no class.
    fn take(
        &mut self,
        index: &Index<'_>,
        row: Row<'_>,
        labels: bool,
        found: &mut Found,
    ) -> Result<Option<String>> {
        let Some(image) = index.find(row.file) else {
            found.missing_count += 1;
            found.missing.get_or_insert_with(|| one_line(row.file).chars().take(100).collect());
            return Ok(None);
        };
        if self.named_by[image] == self.tables {
            found.again += 1;
            return Ok(None);
        }
        self.named_by[image] = self.tables;
        found.named += 1;
        let value = match row.label {
            _ if !labels => Ok(None),
            Ok(None) => Ok(None),
            Ok(Some(value)) => self.values.number(&value).map_err(|unfit| match unfit {
                Unfit::NotNamed(reason) | Unfit::NoClasses(reason) => reason,
            }),
            Err(reason) => Err(reason.to_owned()),
        };
        match value {
            Ok(Some(value)) => {
                found.labelled += 1;
                set_first(&mut self.labels, self.names.len(), image, value);
            }
            Ok(None) => {}
            Err(reason) => return Ok(Some(format!("{}: {reason}", one_line(row.file)))),
        }
        let caption = row.caption.trim();
        if caption.len() > MAX_CAPTION {
            found.long_captions += 1;
        } else if !caption.is_empty() {
            let place = self.captions.len() as u32;
            self.captions.push(one_line(caption).as_bytes())?;
            set_first(&mut self.caption_of, self.names.len(), image, place);
        }
        Ok(None)
    }

    fn tell(&mut self, table: &Table, columns: &Columns, index: &Index<'_>, labels: bool, found: &Found) {
        let path = table.path.display();
        let mut parts = Vec::new();
        if let Some(label) = columns.label.as_ref().filter(|_| labels) {
            parts.push(format!("labels from {label}"));
        }
        parts.extend(columns.caption.as_ref().map(|caption| format!("captions from {caption}")));
        if columns.decides && columns.label.is_none() {
            parts.push("it says that there are no classes".to_owned());
        }
        if parts.is_empty() {
            parts.push("neither labels nor captions (--label-column chooses a column)".to_owned());
        }
        let mut say = |text: String, warning| self.notes.push((format!("{path}: {text}"), warning));
        say(parts.join(", "), false);
        if found.missing_count > 0 {
            let example = found.missing.as_deref().unwrap_or_default();
            say(format!("{} names in it are of no image, such as {example}", found.missing_count), true);
        }
        if found.again > 0 {
            say(format!("{} rows name an image again: the first counts", found.again), true);
        }
        if found.long_captions > 0 {
            let count = found.long_captions;
            say(format!("{count} captions of more than {MAX_CAPTION} bytes are left out"), true);
        }
        let images = index.images().len();
        if found.named < images && (columns.label.is_some() || columns.caption.is_some()) {
            let is_missing = |&&(_, image): &&(&str, usize)| self.named_by[image] != self.tables;
            let example = index.images().iter().find(is_missing).map_or("", |(name, _)| name);
            let text =
                format!("{} of {images} images are not in it, such as {example}", images - found.named);
            self.notes.push((format!("{path}: {text}"), true));
        }
    }

    fn finish(mut self, dataset: &str, names: &[String]) -> Result<Annotations> {
        let classes = self.values.classes();
        classes.apply(&mut self.labels);
        if self.labels.iter().all(|&label| label == NO_CLASS) {
            self.labels = Vec::new();
        }
        if !self.labels.is_empty() && self.decide {
            let text = format!("{dataset}: classes: {}", classes.describe());
            self.notes.push((text, false));
        }
        debug_assert!(self.labels.is_empty() || self.labels.len() == names.len());
        Ok(Annotations {
            decide: self.decide,
            labels: self.labels,
            classes,
            captions: self.captions.finish()?,
            caption_of: self.caption_of,
            notes: self.notes,
        })
    }
}

/// Notes the number of an image that has none yet. The list is as long as there are images once one of them has a number.
fn set_first(of_images: &mut Vec<u32>, images: usize, image: usize, number: u32) {
    if of_images.is_empty() {
        of_images.resize(images, NO_CLASS);
    }
    let place = &mut of_images[image];
    if *place == NO_CLASS {
        *place = number;
    }
}
