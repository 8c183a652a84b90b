//! What tables say of the images of a folder or archive.

use std::collections::HashMap;
use std::io::{Seek, Write};
use std::path::{Component, Path};

use super::layout::Layout;
use super::left_out::Note;
use super::{Entry, Place};
use crate::labels::{Annotations, NO_CLASS, Table, Wanted, annotate};
use crate::{Error, OpenOptions, Result, files};

/// The captions of images, by what tables say.
#[derive(Debug)]
pub(super) struct Captions {
    annotations: Annotations,
    /// The number that each image of the split has there.
    numbers: Vec<usize>,
}

impl Captions {
    /// The caption of an image of the split.
    pub(super) fn get(&self, index: usize) -> Result<Option<String>> {
        self.numbers.get(index).map_or(Ok(None), |&number| self.annotations.caption(number))
    }
}

/// Reads the tables and puts the classes that they tell in the place of those of the folders. `place` is that of all
/// files, before any folder of it is looked through; `images` are all of them, of every split: a table may tell of more
/// than one, and a class has one number in all.
pub(super) fn tell(
    place: &Place,
    images: &[(std::path::PathBuf, usize)],
    tables: &[(std::path::PathBuf, usize)],
    layout: &mut Layout,
    options: &OpenOptions,
) -> Result<Option<Captions>> {
    let wanted = Wanted { table: options.labels.as_deref(), column: options.label_column.as_deref() };
    if tables.is_empty() && wanted.table.is_none() && wanted.column.is_none() {
        return Ok(None);
    }
    let names: Vec<String> = images.iter().map(|(path, _)| slashes(path)).collect();
    let beside =
        tables.iter().map(|(path, number)| open(place, path, *number)).collect::<Result<Vec<_>>>()?;
    let root = place.root().display().to_string();
    let annotations = annotate(&root, &names, beside, wanted)?;
    layout.notes.extend(annotations.notes.iter().map(|(text, warning)| match warning {
        true => Note::warning(text.clone()),
        false => Note::info(text.clone()),
    }));

    let number_of: HashMap<&Path, usize> =
        images.iter().enumerate().map(|(number, (path, _))| (path.as_path(), number)).collect();
    let numbers: Vec<usize> = layout
        .images
        .iter()
        .map(|image| number_of.get(&*layout.wrap.join(&image.path)).copied().unwrap_or(usize::MAX))
        .collect();
    if annotations.decide {
        relabel(&root, layout, &numbers, &annotations);
    }
    Ok(annotations.has_captions().then_some(Captions { annotations, numbers }))
}

/// Gives each image the class that the tables tell.
fn relabel(root: &str, layout: &mut Layout, numbers: &[usize], annotations: &Annotations) {
    for (image, &number) in layout.images.iter_mut().zip(numbers) {
        image.label = annotations.labels.get(number).copied().filter(|&label| label != NO_CLASS);
    }
    layout.no_classes = None;
    let classes = &annotations.classes;
    layout.classes = match annotations.labels.is_empty() {
        true => Vec::new(),
        false if classes.names.is_empty() => (0..classes.count).map(|class| class.to_string()).collect(),
        false => classes.names.clone(),
    };
    let without: Vec<&Entry> = layout.images.iter().filter(|image| image.label.is_none()).collect();
    if without.len() == layout.images.len() {
        layout.classes = Vec::new();
    } else if let Some(first) = without.first() {
        layout.notes.push(Note::warning(format!(
            "{root}: {} of {} images have no class, such as {}: they are left out where classes are learnt",
            without.len(),
            layout.images.len(),
            slashes(&first.path)
        )));
    }
}

/// A table that lies among the images.
fn open(place: &Place, path: &Path, number: usize) -> Result<Table> {
    let name = slashes(path);
    match place {
        Place::Folder(root) => {
            let path = root.join(path);
            let (file, _) = files::open(&path)?;
            Table::beside(path, &name, file)
        }
        Place::Archive(archive) => {
            let bytes = archive.read(number, path)?;
            let temporary = || -> std::io::Result<std::fs::File> {
                let mut file = tempfile::tempfile()?;
                file.write_all(&bytes)?;
                file.rewind()?;
                Ok(file)
            };
            let fault = |source| Error::Temporary { folder: std::env::temp_dir(), source };
            Table::beside(archive.describe(path), &name, temporary().map_err(fault)?)
        }
    }
}

/// A path as tables write it.
fn slashes(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}
