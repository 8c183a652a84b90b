//! A folder of images, as people have them: JPEG, PNG, WebP, BMP and GIF, of any size and kind; or such a folder packed
//! into a zip or tar archive.

mod layout;

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::archive::{Archive, MAX_FILE};
use crate::decode::decode;
use crate::{Dataset, Error, Image, Result, Sample, Split, Watch, digest, files};

/// Endings of the files that are taken for images; all others are left alone.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];
/// Folders within folders, no deeper than this.
const MAX_DEPTH: usize = 16;

/// The images of a folder or an archive, each decoded anew when it is asked for, as RGB.
///
/// Gray and palette become colour, 16 bits become 8, alpha is left out, of an animation the first frame counts, and a
/// photo stands upright as its EXIF orientation says.
#[derive(Debug)]
pub struct Folder {
    name: String,
    place: Place,
    images: Vec<Entry>,
    classes: Vec<String>,
    left_out: usize,
}

/// Where the files lie.
#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Archive(Archive),
}

/// An image file.
#[derive(Clone, Debug)]
struct Entry {
    /// Within the folder or archive.
    path: PathBuf,
    /// What the archive knows it by.
    number: usize,
    label: Option<u32>,
}

impl Folder {
    /// The images in a folder, in the order of their names: `PATH/IMAGE`, or `PATH/CLASS/.../IMAGE`, or either in
    /// `PATH/train` and `PATH/test` (or `val`). `PATH` can also be an archive of such a folder: `.zip`, `.tar` or
    /// `.tar.gz`, known by its content; what is in a single folder in it counts as in the archive itself.
    ///
    /// Only names are read (but a `.tar.gz` is unpacked into a temporary file, of which `watch` is told). Hidden files
    /// are left out, and links to folders are not followed.
    ///
    /// # Errors
    /// If there is no such folder or archive, no image in it, or a part of it cannot be read.
    pub fn open(path: &Path, split: Split, watch: &Watch) -> Result<Self> {
        let found = files::metadata(path)?.ok_or_else(|| Error::NoFolder { path: path.to_owned() })?;
        let mut left_out = 0;
        let (place, mut files) = if found.is_dir() {
            let mut files = Vec::new();
            walk(path, Path::new(""), MAX_DEPTH, &mut files, &mut left_out)?;
            (Place::Folder(path.to_owned()), files)
        } else {
            let is_wanted = |name: &Path| {
                let (hidden, image) = (layout::is_hidden(name), is_image(name));
                left_out += usize::from(!hidden && !image);
                !hidden && image
            };
            let (archive, files) = Archive::open(path, is_wanted, watch)?;
            (Place::Archive(archive), files)
        };
        files.sort();
        if matches!(place, Place::Archive(_)) {
            // Of files of one name the last counts, as where an archive is unpacked.
            files.dedup_by(|(next, number), (one, kept)| {
                let same = next == one;
                if same {
                    *kept = *number;
                }
                same
            });
            // Whoever packs a folder packs its name too.
            files = layout::without_common_folder(files);
        }
        let empty = || Error::NoImages { folder: path.to_owned() };
        let (images, classes) = layout::arrange(path, files, split)?;
        if images.is_empty() {
            return Err(empty());
        }
        if left_out > 0 {
            tracing::info!(
                "{}: files left out, as their names are not those of images: {left_out}",
                path.display()
            );
        }
        Ok(Self { name: format!("folder:{}", path.display()), place, images, classes, left_out })
    }

    /// How many files were left out because their names do not end as those of images do.
    pub fn other_files(&self) -> usize {
        self.left_out
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
        3
    }

    fn classes(&self) -> Option<usize> {
        (!self.classes.is_empty()).then_some(self.classes.len())
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.clone()
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
        let image = decode_file(&bytes, || self.path(entry))?;
        Ok(Sample { image, label: entry.label })
    }

    /// Of the names, classes and lengths of all files, and the pixels of some.
    fn digest(&self) -> [u8; 32] {
        let mut sha = Sha256::new().chain_update(digest::of_some_images(self));
        for entry in &self.images {
            digest::add_text(&mut sha, entry.path.as_os_str().as_encoded_bytes());
            let label = entry.label.map_or(u64::MAX, u64::from);
            sha.update(label.to_le_bytes());
            sha.update(self.length(entry).to_le_bytes());
        }
        sha.finalize().into()
    }
}

/// The images in a folder and in those within it, by their paths within `root`.
fn walk(
    root: &Path,
    folder: &Path,
    depth: usize,
    images: &mut Vec<(PathBuf, usize)>,
    left_out: &mut usize,
) -> Result<()> {
    let path = root.join(folder);
    if depth == 0 {
        tracing::warn!("{} lies too deep: it is left out", path.display());
        return Ok(());
    }
    for entry in fs::read_dir(&path).map_err(Error::reading(&path))? {
        let entry = entry.map_err(Error::reading(&path))?;
        let name = folder.join(entry.file_name());
        if layout::is_hidden(Path::new(&entry.file_name())) {
            continue;
        }
        // Of a link this is the link itself: one to a folder could lead round in a circle.
        let kind = entry.file_type().map_err(Error::reading(&entry.path()))?;
        if kind.is_dir() {
            walk(root, &name, depth - 1, images, left_out)?;
        } else if is_image(&name) {
            images.push((name, 0));
        } else {
            *left_out += 1;
        }
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let (file, length) = files::open(path)?;
    if length > MAX_FILE {
        return Err(Error::malformed(path, format!("{length} bytes are too many for an image")));
    }
    let mut bytes = Vec::with_capacity(length as usize + 1); // one more, to see its end without growing
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(Error::reading(path))?;
    Ok(bytes)
}

/// Decodes an image file, whatever its ending says it is.
fn decode_file(bytes: &[u8], path: impl Fn() -> PathBuf) -> Result<Image> {
    if bytes.is_empty() {
        return Err(Error::malformed(&path(), "is empty"));
    }
    decode(bytes).map_err(|source| Error::Decode { path: path(), source })
}

#[cfg(test)]
mod tests;
