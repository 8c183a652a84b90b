//! A data set of parquet files: images of any size, which may together be larger than memory.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::columns::Wanted;
use super::labels::Labels;
use super::one_line;
use super::splits::of_split;
use super::table::Table;
use crate::decode::{Decoding, Fault};
use crate::labels::{Classes, NO_CLASS};
use crate::spool::{Spool, SpoolWriter};
use crate::{
    Background, Dataset, Error, OpenOptions, Progress, ProgressCallback, Result, Sample, Split, Unit,
    dataset, digest, files,
};

/// Folders within folders, no deeper than this.
const MAX_DEPTH: usize = 8;
/// What a row costs beside its bytes, counted generously: rows of nothing must come to an end too.
const ROW: u64 = 64;
/// What a row without an image costs.
const EMPTY_ROW: u64 = 1024;

/// The images of parquet files, each decoded anew when it is asked for, as RGB.
///
/// A row is an image in the layout of the Hugging Face hub (a struct with the field `bytes`: an image file), and may have
/// a class (a whole number, a word, or true or false) and a caption (a string, called `text` or `caption`). The encoded
/// images wait in a temporary file, not in memory.
#[derive(Debug)]
pub struct Parquet {
    name: String,
    /// The files, each with the index of its first image.
    files: Vec<(PathBuf, usize)>,
    images: Spool,
    /// One for each image, empty where there is none.
    captions: Spool,
    /// One for each image, [`NO_CLASS`] where it has none; none at all if no image has one.
    labels: Vec<u32>,
    classes: Classes,
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
    /// As [`Parquet::open_with`].
    pub fn open(path: &Path, split: Split, watch: &ProgressCallback) -> Result<Self> {
        Self::open_with(path, &OpenOptions { split, watch: watch.clone(), ..OpenOptions::default() })
    }

    /// The same with the columns that the options name. Those that they do not name are found: of images the only one, or
    /// `image`; of classes the one called `label`, `labels`, `class`, `fine_label`, `class_name` or `category`, or else
    /// one that the hub's library has noted to be of classes.
    ///
    /// A row without an image is an image that cannot be read, and one without a label (-1 stands for none) has no class.
    ///
    /// # Errors
    /// If there is no such file or folder, or no file of the split; if a file is not parquet, lacks a column that is asked
    /// for, has no column of images or several with none called `image`; if no row has an image, a row's label is none of
    /// the classes that the file names, or a column that is asked for has no classes; or if much more comes out of a file
    /// than is in it. Whether an image decodes shows when it is asked for.
    pub fn open_with(path: &Path, options: &OpenOptions) -> Result<Self> {
        let name = format!("parquet:{}", path.display());
        let files = match files::metadata(path)? {
            Some(found) if found.is_dir() => {
                let mut files = Vec::new();
                collect(path, MAX_DEPTH, &mut files)?;
                files.sort();
                of_split(files, |file| file.strip_prefix(path).unwrap_or(file), options.split, &name)?
            }
            _ => vec![path.to_owned()],
        };
        Self::read(name, files, options)
    }

    /// Reads these files, in this order.
    pub(crate) fn read(name: String, files: Vec<PathBuf>, options: &OpenOptions) -> Result<Self> {
        read(name, files, options, files::MAX_BYTES)
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
        (self.classes.count > 0).then_some(self.classes.count)
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.names.clone()
    }

    fn unlabelled(&self) -> Vec<usize> {
        (0..self.labels.len()).filter(|&index| self.labels[index] == NO_CLASS).collect()
    }

    fn caption(&self, index: usize) -> Result<Option<String>> {
        self.check(index)?;
        let caption = String::from_utf8_lossy(&self.captions.get(index)?).into_owned();
        Ok((!caption.is_empty()).then_some(caption))
    }

    fn get(&self, index: usize) -> Result<Sample> {
        self.check(index)?;
        let bytes = self.images.get(index)?;
        let (path, row) = self.place(index);
        if bytes.is_empty() {
            return Err(Error::malformed(path, format!("row {row}: its image is missing")));
        }
        let name = || PathBuf::from(format!("{}: row {row}", path.display()));
        let image = self.decoding.decode(&bytes, name).map_err(|fault| match fault {
            Fault::Decoder(error) => {
                Error::malformed(path, format!("row {row}: its image does not decode: {}", one_line(&error)))
            }
            unread => unread.at(name()),
        })?;
        let label = self.labels.get(index).copied().filter(|&label| label != NO_CLASS);
        Ok(Sample { image, label })
    }

    /// Of the lengths of all images, their labels and captions, and the pixels of some.
    fn digest(&self) -> [u8; 32] {
        let mut sha = Sha256::new().chain_update(dataset::digest_of_some_images(self));
        (0..self.len()).for_each(|index| sha.update(self.images.length(index).to_le_bytes()));
        self.labels.iter().for_each(|label| sha.update(label.to_le_bytes()));
        if self.captions.bytes() > 0 {
            for index in 0..self.len() {
                // One that cannot be read is an error where it is asked for.
                digest::add_text(&mut sha, &self.captions.get(index).unwrap_or_default());
            }
        }
        sha.finalize().into()
    }
}

/// Reads the files. Of each, no more comes out than 16 times its size, or than `least` bytes if that is more: a small
/// file can repeat one image without end.
fn read(name: String, paths: Vec<PathBuf>, options: &OpenOptions, least: u64) -> Result<Parquet> {
    let wanted = Wanted { image: options.image_column.as_deref(), label: options.label_column.as_deref() };
    let mut total = 0u64;
    for path in &paths {
        total = total.saturating_add(Table::open(path, wanted)?.rows());
    }
    let watch = &options.watch;
    let what = format!("reading {name}");
    let tell =
        |done, total| watch.tell(Progress { what: &what, done, total: Some(total), unit: Unit::Images });

    let mut images = SpoolWriter::new()?;
    let mut captions = SpoolWriter::new()?;
    let mut labels = Labels::new(wanted.label.is_some());
    let mut files = Vec::with_capacity(paths.len());
    let (mut done, mut empty, mut found) = (0, 0, String::new());
    for path in paths {
        let table = Table::open(&path, wanted)?;
        if found != table.found() {
            tracing::info!("{}: {}", path.display(), table.found());
            table.found().clone_into(&mut found);
        }
        labels.start(&path, &table)?;
        let most = least.max(table.bytes().saturating_mul(16));
        let before = images.bytes() + captions.bytes();
        files.push((path.clone(), done));
        table.for_each_row(|row| {
            let fault = |reason: String| Error::malformed(&path, format!("row {}: {reason}", row.number));
            let (image, caption) = (row.image.unwrap_or_default(), row.caption.unwrap_or_default());
            empty += usize::from(image.is_empty());
            let bytes = images.bytes() + captions.bytes() - before
                + (image.len() + caption.len()) as u64
                + ROW * (row.number as u64 + 1)
                + EMPTY_ROW * empty as u64;
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
    if empty == done {
        let path = files.first().map_or(Path::new(&name), |(path, _)| path);
        return Err(Error::malformed(path, "has no image in any of its rows"));
    }
    let (labels, classes) = labels.finish(&name);
    let (images, captions) = (images.finish()?, captions.finish()?);
    let decoding = Decoding::new(options.background);
    Ok(Parquet { name, files, images, captions, labels, classes, decoding })
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
