//! A folder of images, as people have them, of any size and kind; or such a folder packed into a zip or tar archive.

mod found;
mod junk;
mod kind;
mod layout;
mod left_out;
mod limits;
mod splits;
mod told;
mod walk;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::found::InArchive;
pub(crate) use self::kind::is_image;
use self::left_out::{LeftOut, Note};
use self::told::Captions;
use crate::archive::{Archive, MAX_FILE};
use crate::decode::Decoding;
use crate::{
    Background, Dataset, Error, OpenOptions, ProgressCallback, Result, Sample, Split, dataset, digest, files,
    names,
};

/// The images of a folder or an archive, each decoded anew when it is asked for, as RGB.
///
/// Gray and palette become colour, 16 bits become 8, what is transparent is put on white (see
/// [`Folder::with_background`]), of an animation the first frame counts, and a photo stands upright as its EXIF
/// orientation says.
#[derive(Debug)]
pub struct Folder {
    name: String,
    place: Place,
    images: Vec<Entry>,
    classes: Vec<String>,
    left_out: LeftOut,
    notes: Vec<Note>,
    captions: Option<Captions>,
    decoding: Decoding,
}

/// Where the files lie.
#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Archive(Archive),
}

impl Place {
    fn root(&self) -> &Path {
        match self {
            Self::Folder(root) => root,
            Self::Archive(archive) => archive.path(),
        }
    }
}

/// An image file.
#[derive(Clone, Debug)]
struct Entry {
    /// Within the folder or archive, or the one folder in it that holds all images.
    path: PathBuf,
    /// What the archive knows it by.
    number: usize,
    label: Option<u32>,
}

impl Folder {
    /// The images in a folder, in the order of their names: `PATH/IMAGE`, or `PATH/CLASS/.../IMAGE`, or either in
    /// folders that are called as splits are (`train`, `Testing`, `val_set`). A single folder that holds all images
    /// is looked through. `PATH` can also be an archive of such a folder: `.zip`, `.tar`, `.tar.gz`, `.tar.xz` or
    /// `.tar.zst`, known by its content.
    ///
    /// Only names are read, and the first bytes of files whose endings say nothing (but a compressed tar
    /// archive is unpacked into a temporary file, of which `watch` is told). Links are followed. Hidden files are left out, and what systems
    /// and runs of `gan` leave behind; [`notes`](Self::notes) says what else is.
    ///
    /// Tables called `metadata.csv`, `metadata.jsonl`, `metadata.parquet` and, of StyleGAN's dataset tool,
    /// `dataset.json` tell classes and captions; where they tell classes, folders do not.
    ///
    /// # Errors
    /// As [`Folder::open_with`].
    pub fn open(path: &Path, split: Split, watch: &ProgressCallback) -> Result<Self> {
        Self::open_with(path, &OpenOptions { split, watch: watch.clone(), ..OpenOptions::default() })
    }

    /// The same with the table of labels and the column that the options name: the table goes before those beside
    /// the images.
    ///
    /// # Errors
    /// If there is no such folder or archive, no image in it or none of the split, too many files, or a part of it
    /// that cannot be read; if a table is damaged, names none of the images, or lacks what is asked of it.
    pub fn open_with(path: &Path, options: &OpenOptions) -> Result<Self> {
        let OpenOptions { split, ref watch, .. } = *options;
        let there = files::metadata(path)?.ok_or_else(|| Error::NoFolder { path: path.to_owned() })?;
        let (mut place, found) = if there.is_dir() {
            (Place::Folder(path.to_owned()), walk::walk(path)?)
        } else {
            let mut in_archive = InArchive::new(path);
            let (archive, wanted) = Archive::open(path, |name| in_archive.wants(name), watch)?;
            let found = in_archive.finish(&archive, wanted);
            (Place::Archive(archive), found)
        };
        if found.images.is_empty() {
            let (found, unread) = (found.left_out.describe(), found.left_out.has_unread());
            return Err(Error::NoImages { folder: path.to_owned(), found, unread });
        }
        let mut layout = layout::arrange(path, &found.images, split)?;
        let captions = told::tell(&place, &found.images, &found.tables, &mut layout, options)?;
        // Images are known by their names within the folder that holds them all.
        let mut notes = found.left_out.notes(path);
        if let Place::Folder(root) = &mut place
            && layout.wrap != Path::new("")
        {
            root.push(&layout.wrap);
            notes.push(Note::info(format!(
                "{}: all images lie in {}",
                path.display(),
                names::shown(layout.wrap.as_os_str())
            )));
        }
        notes.extend(layout.notes);
        notes.extend(layout.no_classes);
        for Note { text, warning } in &notes {
            match warning {
                true => tracing::warn!("{text}"),
                false => tracing::info!("{text}"),
            }
        }
        let name = format!("folder:{}", path.display());
        let (images, classes, left_out) = (layout.images, layout.classes, found.left_out);
        let decoding = Decoding::new(options.background);
        Ok(Self { name, place, images, classes, left_out, notes, captions, decoding })
    }

    /// The same with another background behind what is transparent than white.
    pub fn with_background(self, background: Background) -> Self {
        Self { decoding: Decoding::new(background), ..self }
    }

    /// How many files were left out for what they are: no images, or of a kind that is not read.
    pub fn other_files(&self) -> usize {
        self.left_out.files()
    }

    /// What was left out and what was guessed, a line each.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(|note| note.text.as_str())
    }

    fn read(&self, entry: &Entry) -> Result<Vec<u8>> {
        match &self.place {
            Place::Folder(root) => read_file(&root.join(&entry.path)),
            Place::Archive(archive) => archive.read(entry.number, &entry.path),
        }
    }

    /// How long a file is, as far as the file system or the archive's list says; 0 if that cannot be read.
    fn length(&self, entry: &Entry) -> u64 {
        match &self.place {
            Place::Folder(root) => fs::metadata(root.join(&entry.path)).map_or(0, |found| found.len()),
            Place::Archive(archive) => archive.length(entry.number),
        }
    }

    /// The path of a file in messages.
    fn path(&self, entry: &Entry) -> PathBuf {
        match &self.place {
            Place::Folder(root) => root.join(&entry.path),
            Place::Archive(archive) => archive.describe(&entry.path),
        }
    }

    fn entry(&self, index: usize) -> Result<&Entry> {
        let out_of_range = || Error::OutOfRange { dataset: self.name.clone(), index, len: self.len() };
        self.images.get(index).ok_or_else(out_of_range)
    }
}

impl Dataset for Folder {
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
        (!self.classes.is_empty()).then_some(self.classes.len())
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn unlabelled(&self) -> Vec<usize> {
        let without = |index: &usize| self.images[*index].label.is_none();
        if self.classes.is_empty() { Vec::new() } else { (0..self.len()).filter(without).collect() }
    }

    fn caption(&self, index: usize) -> Result<Option<String>> {
        self.entry(index)?;
        self.captions.as_ref().map_or(Ok(None), |captions| captions.get(index))
    }

    fn describe(&self, index: usize) -> String {
        match self.images.get(index) {
            Some(entry) => self.path(entry).display().to_string(),
            None => format!("image {index} of {}", self.name),
        }
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let entry = self.entry(index)?;
        let bytes = self.read(entry)?;
        let image = self.decoding.image(&bytes, || self.path(entry))?;
        Ok(Sample { image, label: entry.label })
    }

    /// Of the names, classes, captions and lengths of all files, and the pixels of some.
    fn digest(&self) -> [u8; 32] {
        let mut sha = Sha256::new().chain_update(dataset::digest_of_some_images(self));
        for entry in &self.images {
            digest::add_text(&mut sha, entry.path.as_os_str().as_encoded_bytes());
            let label = entry.label.map_or(u64::MAX, u64::from);
            sha.update(label.to_le_bytes());
            sha.update(self.length(entry).to_le_bytes());
        }
        for index in 0..self.captions.as_ref().map_or(0, |_| self.len()) {
            // One that cannot be read is an error where it is asked for.
            let caption = self.caption(index).ok().flatten().unwrap_or_default();
            digest::add_text(&mut sha, caption.as_bytes());
        }
        sha.finalize().into()
    }
}

/// The bytes of an image file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let (file, length) = files::open(path)?;
    if length > MAX_FILE {
        return Err(Error::malformed(path, format!("{length} bytes are too many for an image")));
    }
    let mut bytes = Vec::with_capacity(length as usize + 1); // one more, to see its end without growing
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(Error::reading(path))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
