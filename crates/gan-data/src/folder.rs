//! A folder of images, as people have them: JPEG, PNG, WebP, BMP and GIF, of any size and kind.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::decode::decode;
use crate::{Dataset, Error, Image, Result, Sample, Split, files};

/// Endings of the files that are taken for images; all others are left alone.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];
/// The largest file that is read, bytes.
const MAX_FILE: u64 = 256 << 20;
/// Folders within folders, no deeper than this.
const MAX_DEPTH: usize = 16;

/// The images of a folder, each decoded anew when it is asked for, as RGB.
///
/// Gray and palette become colour, 16 bits become 8, alpha is left out, of an animation the first frame counts, and a
/// photo stands upright as its EXIF orientation says.
#[derive(Clone, Debug)]
pub struct Folder {
    name: String,
    files: Vec<(PathBuf, Option<u32>)>,
    classes: Vec<String>,
}

impl Folder {
    /// The images in a folder, in the order of their names: `PATH/IMAGE`, or `PATH/CLASS/.../IMAGE`. If PATH has a
    /// folder `train` or `test`, the one of this split is taken in its place.
    ///
    /// Nothing but names is read yet. Hidden files are left out, and links to folders are not followed.
    ///
    /// # Errors
    /// If there is no such folder, no image in it, or a part of it cannot be read.
    pub fn open(path: &Path, split: Split) -> Result<Self> {
        files::require_folder(path)?;
        let name = format!("folder:{}", path.display());
        let part = path.join(match split {
            Split::Train => "train",
            Split::Test => "test",
        });
        let root = if part.is_dir() { &part } else { path };

        let entries = entries(root)?;
        let mut images: Vec<_> = entries.files.into_iter().map(|file| (file, None)).collect();
        let mut classes = Vec::new();
        if images.is_empty() {
            for folder in &entries.folders {
                let mut of_class = Vec::new();
                collect(folder, MAX_DEPTH, &mut of_class)?;
                if of_class.is_empty() {
                    tracing::warn!("{} holds no image: it is no class", folder.display());
                    continue;
                }
                let label = Some(classes.len() as u32);
                classes.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
                images.extend(of_class.into_iter().map(|file| (file, label)));
            }
        } else if !entries.folders.is_empty() {
            tracing::warn!("{} holds images: the folders in it are left out", root.display());
        }
        if images.is_empty() {
            return Err(Error::NoImages { folder: root.to_owned() });
        }
        Ok(Self { name, files: images, classes })
    }
}

impl Dataset for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.files.len()
    }

    fn channels(&self) -> usize {
        3
    }

    fn classes(&self) -> Option<usize> {
        (!self.classes.is_empty()).then_some(self.classes.len())
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let Some((path, label)) = self.files.get(index) else {
            return Err(Error::OutOfRange { dataset: self.name.clone(), index, len: self.len() });
        };
        Ok(Sample { image: read_image(path)?, label: *label })
    }
}

/// Images and folders that lie in a folder, each in the order of their names.
struct Entries {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

fn entries(folder: &Path) -> Result<Entries> {
    let mut found = Entries { files: Vec::new(), folders: Vec::new() };
    for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
        let entry = entry.map_err(Error::reading(folder))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Of a link this is the link itself: one to a folder could lead round in a circle.
        let kind = entry.file_type().map_err(Error::reading(&path))?;
        if kind.is_dir() {
            found.folders.push(path);
        } else if is_image(&path) {
            found.files.push(path);
        }
    }
    found.files.sort();
    found.folders.sort();
    Ok(found)
}

/// All images in a folder and in those within it.
fn collect(folder: &Path, depth: usize, images: &mut Vec<PathBuf>) -> Result<()> {
    if depth == 0 {
        tracing::warn!("{} lies too deep: it is left out", folder.display());
        return Ok(());
    }
    let Entries { files, folders } = entries(folder)?;
    images.extend(files);
    folders.iter().try_for_each(|folder| collect(folder, depth - 1, images))
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Reads and decodes an image file, whatever its ending says it is.
fn read_image(path: &Path) -> Result<Image> {
    let (file, len) = files::open(path)?;
    if len > MAX_FILE {
        return Err(Error::malformed(path, format!("{len} bytes are too many for an image")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(Error::reading(path))?;
    if bytes.is_empty() {
        return Err(Error::malformed(path, "is empty"));
    }
    decode(&bytes).map_err(|source| Error::Decode { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
