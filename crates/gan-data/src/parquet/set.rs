//! A data set of parquet files: images of any size, which may together be larger than memory.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::one_line;
use super::splits::of_split;
use super::table::{Row, Table};
use crate::decode::{Decoding, Fault};
use crate::spool::{Spool, SpoolWriter};
use crate::{Background, Dataset, Error, Progress, Result, Sample, Split, Unit, Watch, digest, files};

/// Folders within folders, no deeper than this.
const MAX_DEPTH: usize = 8;
/// What a row costs beside its bytes, counted generously: rows of nothing must come to an end too.
const ROW: u64 = 64;

/// The images of parquet files, each decoded anew when it is asked for, as RGB.
///
/// A row is an image in the layout of the Hugging Face hub (a struct with the field `bytes`: an image file), and may have
/// a label (an integer, called `label`, `labels`, `class` or `fine_label`) and a caption (a string, called `text` or
/// `caption`). The encoded images wait in a temporary file, not in memory.
#[derive(Debug)]
pub struct Parquet {
    name: String,
    /// The files, each with the index of its first image.
    files: Vec<(PathBuf, usize)>,
    images: Spool,
    /// One for each image, empty where there is none.
    captions: Spool,
    /// One for each image, or none at all.
    labels: Vec<u32>,
    class_names: Vec<String>,
    decoding: Decoding,
}

impl Parquet {
    /// Reads a parquet file, or those of a folder that belong to a split.
    ///
    /// A file belongs to the split that its name holds, or that of the folder it lies in: `train-00000-of-00005.parquet`,
    /// `test/0000.parquet`. Where no name holds a split, all files are for training; where none holds `test`, those with
    /// `validation` are taken for it. Hidden files are left out, and links to folders are not followed.
    ///
    /// `watch` is told how many images are read.
    ///
    /// # Errors
    /// If there is no such file or folder, or no file of the split; if a file is not parquet, has no column of images or
    /// several with none called `image`; if a row has no image, a label below -1, or none where others have one (-1 stands
    /// for none); or if much more comes out of a file than is in it. Whether an image decodes shows when it is asked for.
    pub fn open(path: &Path, split: Split, watch: &Watch) -> Result<Self> {
        let name = format!("parquet:{}", path.display());
        let files = match files::metadata(path)? {
            Some(found) if found.is_dir() => {
                let mut files = Vec::new();
                collect(path, MAX_DEPTH, &mut files)?;
                files.sort();
                of_split(files, |file| file.strip_prefix(path).unwrap_or(file), split, &name)?
            }
            _ => vec![path.to_owned()],
        };
        Self::read(name, files, watch)
    }

    /// Reads these files, in this order.
    pub(crate) fn read(name: String, files: Vec<PathBuf>, watch: &Watch) -> Result<Self> {
        read(name, files, watch, files::MAX_BYTES)
    }

    /// The same with another background behind what is transparent than white.
    pub fn with_background(self, background: Background) -> Self {
        Self { decoding: Decoding::new(background), ..self }
    }

    /// The file that an image is in, and which row of it.
    fn place(&self, index: usize) -> (&Path, usize) {
        let after = self.files.partition_point(|(_, first)| *first <= index);
        match after.checked_sub(1).map(|at| &self.files[at]) {
            Some((path, first)) => (path, index - first),
            None => (Path::new(&self.name), index), // not reached: the first file begins at 0
        }
    }

    fn check(&self, index: usize) -> Result<()> {
        if index >= self.len() {
            return Err(Error::OutOfRange { dataset: self.name.clone(), index, len: self.len() });
        }
        Ok(())
    }
}

impl Dataset for Parquet {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    fn channels(&self) -> usize {
        self.decoding.channels()
    }

    fn classes(&self) -> Option<usize> {
        let largest = *self.labels.iter().max()? as usize;
        Some(self.class_names.len().max(largest + 1))
    }

    fn class_names(&self) -> Vec<String> {
        self.class_names.clone()
    }

    fn caption(&self, index: usize) -> Result<Option<String>> {
        self.check(index)?;
        let caption = String::from_utf8_lossy(&self.captions.get(index)?).into_owned();
        Ok((!caption.is_empty()).then_some(caption))
    }

    fn get(&self, index: usize) -> Result<Sample> {
        self.check(index)?;
        let (path, row) = self.place(index);
        let name = || PathBuf::from(format!("{}: row {row}", path.display()));
        let image = self.decoding.decode(&self.images.get(index)?, name).map_err(|fault| match fault {
            Fault::Decoder(error) => {
                Error::malformed(path, format!("row {row}: its image does not decode: {}", one_line(&error)))
            }
            unread => unread.at(name()),
        })?;
        Ok(Sample { image, label: self.labels.get(index).copied() })
    }

    /// Of the lengths of all images and their labels, and the pixels of some.
    fn digest(&self) -> [u8; 32] {
        let mut sha = Sha256::new().chain_update(digest::of_some_images(self));
        (0..self.len()).for_each(|index| sha.update(self.images.length(index).to_le_bytes()));
        self.labels.iter().for_each(|label| sha.update(label.to_le_bytes()));
        sha.finalize().into()
    }
}

/// Reads the files. Of each, no more comes out than 16 times its size, or than `least` bytes if that is more: a small
/// file can repeat one image without end.
fn read(name: String, paths: Vec<PathBuf>, watch: &Watch, least: u64) -> Result<Parquet> {
    let mut total = 0u64;
    for path in &paths {
        total = total.saturating_add(Table::open(path)?.rows());
    }
    let what = format!("reading {name}");
    let tell =
        |done, total| watch.tell(Progress { what: &what, done, total: Some(total), unit: Unit::Images });

    let mut images = SpoolWriter::new()?;
    let mut captions = SpoolWriter::new()?;
    let mut labels = Labels::default();
    let mut files = Vec::with_capacity(paths.len());
    let mut done = 0;
    for path in paths {
        let table = Table::open(&path)?;
        labels.name_classes(&path, table.class_names())?;
        let most = least.max(table.bytes().saturating_mul(16));
        let before = images.bytes() + captions.bytes();
        files.push((path.clone(), done));
        table.for_each_row(|row| {
            let fault = |reason: String| Error::malformed(&path, format!("row {}: {reason}", row.number));
            let image = row.image.filter(|image| !image.is_empty());
            let image = image.ok_or_else(|| fault("its image is missing".to_owned()))?;
            let caption = row.caption.unwrap_or_default();
            let bytes = images.bytes() + captions.bytes() - before
                + (image.len() + caption.len()) as u64
                + ROW * (row.number as u64 + 1);
            if bytes > most {
                return Err(fault(format!("more than {most} bytes of images come out of {}", table.bytes())));
            }
            images.push(image)?;
            captions.push(caption)?;
            labels.push(&path, &row)?;
            done += 1;
            tell(done as u64, total.max(done as u64));
            Ok(())
        })?;
    }
    if done == 0 {
        return Err(Error::Empty { what: name });
    }
    let (labels, class_names) = labels.finish()?;
    let decoding = Decoding::default();
    let (images, captions) = (images.finish()?, captions.finish()?);
    Ok(Parquet { name, files, images, captions, labels, class_names, decoding })
}

/// The labels of all rows: either each has one, or none has.
#[derive(Default)]
struct Labels {
    labels: Vec<u32>,
    /// The first row without a label.
    without: Option<(PathBuf, usize)>,
    class_names: Option<Vec<String>>,
}

impl Labels {
    /// Takes what the next file calls its classes.
    fn name_classes(&mut self, path: &Path, names: Option<Vec<String>>) -> Result<()> {
        match (&self.class_names, names) {
            (Some(before), Some(names)) if *before != names => {
                Err(Error::malformed(path, "names other classes than the files before it"))
            }
            (None, names) => {
                self.class_names = names;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn push(&mut self, path: &Path, row: &Row<'_>) -> Result<()> {
        let fault = |reason| Err(Error::malformed(path, format!("row {}: {reason}", row.number)));
        match row.label {
            None | Some(-1) => {
                self.without.get_or_insert_with(|| (path.to_owned(), row.number));
            }
            Some(label) => match u32::try_from(label) {
                Ok(label) if self.class_names.as_ref().is_none_or(|names| (label as usize) < names.len()) => {
                    self.labels.push(label);
                }
                Ok(_) => return fault(format!("its label {label} is none of the named classes")),
                Err(_) => return fault(format!("its label {label} is not one of 0 to {}", u32::MAX)),
            },
        }
        Ok(())
    }

    /// The labels, if there are any, and the names of the classes.
    fn finish(self) -> Result<(Vec<u32>, Vec<String>)> {
        match self.without {
            Some(_) if self.labels.is_empty() => Ok((Vec::new(), Vec::new())),
            Some((path, row)) => {
                Err(Error::malformed(&path, format!("row {row}: its label is missing, and others have one")))
            }
            None => Ok((self.labels, self.class_names.unwrap_or_default())),
        }
    }
}

/// All parquet files in a folder and in those within it.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if depth == 0 {
        tracing::warn!("{} lies too deep: it is left out", folder.display());
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
        let entry = entry.map_err(Error::reading(folder))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Of a link this is the link itself: one to a folder could lead round in a circle.
        if entry.file_type().map_err(Error::reading(&path))?.is_dir() {
            collect(&path, depth - 1, found)?;
        } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
