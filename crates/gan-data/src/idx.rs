//! The IDX files of MNIST and the sets published in its form: a magic number, big-endian dimensions, then the values.
//! The format is described at the end of <http://yann.lecun.com/exdb/mnist/>.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::image::MAX_SIDE;
use crate::published::{Found, Part, PublishedFiles, Symbols, known};
use crate::{Error, LabelledImages, Result, Split, files};

const IMAGES_MAGIC: u32 = 0x0000_0803; // unsigned bytes, three dimensions
const LABELS_MAGIC: u32 = 0x0000_0801; // unsigned bytes, one dimension
const ROWS_MAGIC: u32 = 0x0000_0c02; // 32-bit integers, two dimensions

/// A file may have so many labels.
const MAX_LABELS: u64 = 1 << 26;
/// QMNIST has eight numbers for each image.
const MAX_COLUMNS: usize = 64;

/// Reads MNIST, or a set published in the same form, from its IDX files, raw or `.gz`: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, and `t10k-...` for the test split.
///
/// `path` is the folder they are in, a folder with a single `.tar.gz`, `.tgz` or `.tar` that holds them, or such an
/// archive. They may be called `train-images.idx3-ubyte`, or lie in folders of their own names. `name` is what the data
/// set will call itself. Images have one channel; `mnist`, `fashion-mnist` and `kmnist` have ten classes, and any other
/// set as many as its largest label says.
///
/// # Errors
/// If a file is missing, unreadable, in the archive twice and not the same, or not exactly what its header says; if images
/// and labels differ in number; if a label is not below the number of classes.
pub fn load_mnist(path: &Path, split: Split, name: &str) -> Result<LabelledImages> {
    load(&IdxSet::named(name), path, split)
}

/// What is to be known of a set to read it.
pub(crate) struct IdxSet {
    name: String,
    /// How many classes there are, and what they are called; as many as the labels say, without names, if `None`.
    classes: Option<(usize, Vec<String>)>,
    /// The label of the first class.
    first: u8,
}

impl IdxSet {
    /// The set of this name; of one that is not known, the usual form.
    pub(crate) fn named(name: &str) -> Self {
        let first = u8::from(name == "emnist-letters");
        Self { name: name.to_owned(), classes: known(name), first }
    }

    fn is_emnist(&self) -> bool {
        self.classes.is_some() && self.name.starts_with("emnist-") // a path may begin so too
    }

    fn files(&self, split: Split) -> PublishedFiles<'_> {
        let (start, labels) = match (self.name.as_str(), split) {
            ("qmnist", Split::Train) => ("qmnist-train".to_owned(), "idx2-int"),
            ("qmnist", Split::Test) => ("qmnist-test".to_owned(), "idx2-int"),
            (emnist, Split::Train) if self.is_emnist() => (format!("{emnist}-train"), "idx1-ubyte"),
            (emnist, Split::Test) if self.is_emnist() => (format!("{emnist}-test"), "idx1-ubyte"),
            (_, Split::Train) => ("train".to_owned(), "idx1-ubyte"),
            (_, Split::Test) => ("t10k".to_owned(), "idx1-ubyte"),
        };
        // As published, or with a dot as some unpackers leave it.
        let names = |of: &str, kind: &str| ["-", "."].map(|dot| format!("{start}-{of}{dot}{kind}"));
        let mut parts =
            vec![Part::required(names("images", "idx3-ubyte")), Part::required(names("labels", labels))];
        if self.is_emnist() {
            parts.push(Part::optional(format!("{}-mapping.txt", self.name)));
        }
        let folders: &[&str] = match self.name.as_str() {
            "mnist" => &["MNIST/raw", "raw"],
            "fashion-mnist" => &["FashionMNIST/raw", "raw"],
            "kmnist" => &["KMNIST/raw", "raw"],
            "qmnist" => &["QMNIST/raw", "raw"],
            _ if self.is_emnist() => &["gzip", "raw", "EMNIST/raw", "EMNIST/raw/gzip"],
            _ => &["raw"],
        };
        PublishedFiles { set: &self.name, archive: None, folders, parts }
    }
}

/// Reads a part of this set from the folder or archive at `path`.
pub(crate) fn load(set: &IdxSet, path: &Path, split: Split) -> Result<LabelledImages> {
    let (mut images, mut labels, mut names) = (None, None, None);
    set.files(split).read(path, |Found { part, path, content, .. }| {
        match (part, &set.classes) {
            (0, _) => images = Some(read_images(path, content)?),
            (1, _) if set.name == "qmnist" => labels = Some(read_rows(path, content)?),
            (1, _) => labels = Some(read_labels(path, content)?),
            (_, Some((classes, _))) => names = Symbols::of_mapping(path, content, set.first, *classes),
            (_, None) => {}
        }
        Ok(())
    })?;
    let (Some(mut images), Some(labels)) = (images, labels) else {
        // Nothing is read unless both are there.
        return Err(Error::MissingFile { folder: path.to_owned(), looked_for: Vec::new() });
    };
    if set.is_emnist() {
        images.transpose();
    }
    let mut data = join(images, labels, set)?;
    data.class_names = names.unwrap_or(data.class_names);
    Ok(data)
}

/// The images of an IDX file.
pub(crate) struct Images {
    count: usize,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

impl Images {
    /// EMNIST's images lie on their side, mirrored: columns are written where others write rows.
    fn transpose(&mut self) {
        (self.height, self.width) = (self.width, self.height);
        let (height, width) = (self.height, self.width);
        let mut columns = Vec::with_capacity(height * width);
        for image in self.pixels.chunks_exact_mut(height * width) {
            columns.clear();
            columns.extend_from_slice(image);
            for (place, pixel) in image.iter_mut().enumerate() {
                *pixel = columns[(place % width) * height + place / width];
            }
        }
    }
}

/// The labels of an IDX file.
pub(crate) struct Labels {
    path: PathBuf,
    labels: Vec<u8>,
}

/// Reads the content of an IDX file of images. `path` is what messages call it.
pub(crate) fn read_images(path: &Path, reader: impl Read) -> Result<Images> {
    let ([count, height, width], pixels) = read::<3>(path, reader, IMAGES_MAGIC, files::MAX_BYTES, "images")?;
    if height > MAX_SIDE || width > MAX_SIDE {
        return Err(Error::malformed(path, format!("images of {width}x{height} pixels are too large")));
    }
    Ok(Images { count, height, width, pixels })
}

/// Reads the content of an IDX file of labels. `path` is what messages call it.
pub(crate) fn read_labels(path: &Path, reader: impl Read) -> Result<Labels> {
    let (_, labels) = read::<1>(path, reader, LABELS_MAGIC, MAX_LABELS, "labels")?;
    Ok(Labels { path: path.to_owned(), labels })
}

/// Reads an IDX file of QMNIST's labels: a row of numbers for each image, of which the first is the class.
pub(crate) fn read_rows(path: &Path, mut reader: impl Read) -> Result<Labels> {
    let [count, columns] = read_header::<2>(path, &mut reader, ROWS_MAGIC, "rows of labels")?;
    if count as u64 > MAX_LABELS || columns > MAX_COLUMNS {
        let reason = format!("its header declares {count} rows of {columns} numbers, more than there can be");
        return Err(Error::malformed(path, reason));
    }
    let mut labels = Vec::new();
    let mut row = vec![0; 4 * columns];
    for record in 0..count {
        reader.read_exact(&mut row).map_err(|error| files::read_fault(path, error))?;
        let label = u32::from_be_bytes([row[0], row[1], row[2], row[3]]);
        let label = u8::try_from(label)
            .map_err(|_| Error::malformed(path, format!("label {label} of record {record} is above 255")))?;
        labels.push(label);
    }
    files::read_exactly(path, reader, 0, "labels")?;
    Ok(Labels { path: path.to_owned(), labels })
}

/// Gives every image its label.
pub(crate) fn join(images: Images, labels: Labels, set: &IdxSet) -> Result<LabelledImages> {
    let Images { count, height, width, pixels } = images;
    let Labels { path, mut labels } = labels;
    if labels.len() != count {
        return Err(Error::malformed(&path, format!("has {} labels for {count} images", labels.len())));
    }
    let by_labels = || (usize::from(labels.iter().copied().max().unwrap_or(0)) + 1, Vec::new());
    let (classes, class_names) = set.classes.clone().unwrap_or_else(by_labels);
    let (first, end) = (usize::from(set.first), usize::from(set.first) + classes);
    if let Some(record) = labels.iter().position(|&label| !(first..end).contains(&label.into())) {
        let label = labels[record];
        let of = if first == 0 { format!("below {end}") } else { format!("one of {first} to {}", end - 1) };
        return Err(Error::malformed(&path, format!("label {label} of record {record} is not {of}")));
    }
    labels.iter_mut().for_each(|label| *label -= set.first);
    Ok(LabelledImages {
        name: set.name.clone(),
        width,
        height,
        channels: 1,
        pixels,
        labels,
        classes,
        class_names,
    })
}

/// Reads an IDX file of bytes with `DIMS` dimensions: these, and the bytes, `most` at most.
fn read<const DIMS: usize>(
    path: &Path,
    mut reader: impl Read,
    magic: u32,
    most: u64,
    what: &str,
) -> Result<([usize; DIMS], Vec<u8>)> {
    let dims = read_header::<DIMS>(path, &mut reader, magic, what)?;
    let length = dims.iter().fold(1u64, |length, &dim| length.saturating_mul(dim as u64));
    if length > most {
        let reason = format!("its header declares {what} of {dims:?}, more than {most} bytes");
        return Err(Error::malformed(path, reason));
    }
    let bytes = files::read_exactly(path, reader, length, what)?;
    Ok((dims, bytes))
}

/// Reads the dimensions, none of which is 0.
fn read_header<const DIMS: usize>(
    path: &Path,
    reader: &mut impl Read,
    magic: u32,
    what: &str,
) -> Result<[usize; DIMS]> {
    let found = read_u32(path, reader)?;
    if found != magic {
        let reason = format!("is not an IDX file of {what}: it starts with {found:#010x}, not {magic:#010x}");
        return Err(Error::malformed(path, reason));
    }
    let mut dims = [0; DIMS];
    for dim in &mut dims {
        *dim = read_u32(path, reader)? as usize;
        if *dim == 0 {
            return Err(Error::malformed(path, "its header declares a dimension of 0"));
        }
    }
    Ok(dims)
}

fn read_u32(path: &Path, reader: &mut impl Read) -> Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).map_err(|error| files::read_fault(path, error))?;
    Ok(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests;
