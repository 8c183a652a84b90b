//! The IDX files of MNIST and Fashion-MNIST: a magic number, big-endian dimensions, then bytes.
//! The format is described at the end of <http://yann.lecun.com/exdb/mnist/>.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::dataset::CLASSES;
use crate::image::MAX_SIDE;
use crate::{Error, LabelledImages, Result, Split, files, tarball};

const IMAGES_MAGIC: u32 = 0x0000_0803; // unsigned bytes, three dimensions
const LABELS_MAGIC: u32 = 0x0000_0801; // unsigned bytes, one dimension

/// Reads MNIST, or a set published in the same form (Fashion-MNIST), from its IDX files, raw or `.gz`:
/// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and `t10k-...` for the test split.
///
/// `path` is the folder they are in, a folder with a single `.tar.gz`, `.tgz` or `.tar` that holds them, or such an
/// archive. `name` is what the data set will call itself. Images have one channel, labels are 0 to 9.
///
/// # Errors
/// If a file is missing, unreadable, twice in the archive, or not exactly what its header says; if images and labels
/// differ in number; if a label is not below 10.
pub fn load_mnist(path: &Path, split: Split, name: &str) -> Result<LabelledImages> {
    let prefix = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images = names(&format!("{prefix}-images"), "idx3-ubyte");
    let labels = names(&format!("{prefix}-labels"), "idx1-ubyte");
    let (images, labels) = tarball::folder_or_archive(
        path,
        None,
        |folder| from_folder(folder, &images, &labels),
        |archive| from_archive(archive, &images, &labels),
    )?;
    join(images, labels, name)
}

/// The names a file goes by: as published, or with a dot as some unpackers leave it.
fn names(stem: &str, kind: &str) -> Vec<String> {
    ["-", "."].map(|dot| [format!("{stem}{dot}{kind}"), format!("{stem}{dot}{kind}.gz")]).concat()
}

fn from_folder(folder: &Path, images: &[String], labels: &[String]) -> Result<(Images, Labels)> {
    let (images, labels) = (open(folder, images)?, open(folder, labels)?);
    Ok((read_images(&images.0, images.1)?, read_labels(&labels.0, labels.1)?))
}

/// The first of these files that a folder has.
fn open(folder: &Path, names: &[String]) -> Result<(PathBuf, Box<dyn Read>)> {
    for name in names {
        let path = folder.join(name);
        if files::metadata(&path)?.is_some() {
            let (file, _) = files::open(&path)?;
            return Ok((path, files::unpacked(name, file)));
        }
    }
    let looked_for = names.iter().cloned().chain([tarball::LOOKED_FOR.to_owned()]).collect();
    Err(Error::MissingFile { folder: folder.to_owned(), looked_for })
}

/// Reads the images and the labels of these names from an archive, whatever folders of it they are in.
fn from_archive(archive: &Path, images: &[String], labels: &[String]) -> Result<(Images, Labels)> {
    let (mut found_images, mut found_labels) = (None, None);
    tarball::visit(archive, |member| {
        let once = |first: Option<&PathBuf>| match first {
            Some(first) => Err(tarball::second(&member.path, first)),
            None => Ok(()),
        };
        if images.contains(&member.name) {
            once(found_images.as_ref().map(|images: &Images| &images.path))?;
            found_images = Some(read_images(&member.path, files::unpacked(&member.name, member.content))?);
        } else if labels.contains(&member.name) {
            once(found_labels.as_ref().map(|labels: &Labels| &labels.path))?;
            found_labels = Some(read_labels(&member.path, files::unpacked(&member.name, member.content))?);
        }
        Ok(())
    })?;
    let missing =
        |names: &[String]| Error::MissingFile { folder: archive.to_owned(), looked_for: names.to_vec() };
    Ok((found_images.ok_or_else(|| missing(images))?, found_labels.ok_or_else(|| missing(labels))?))
}

/// The images of an IDX file.
pub(crate) struct Images {
    path: PathBuf,
    count: usize,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

/// The labels of an IDX file.
pub(crate) struct Labels {
    path: PathBuf,
    labels: Vec<u8>,
}

/// Reads the content of an IDX file of images. `path` is what messages call it.
pub(crate) fn read_images(path: &Path, reader: impl Read) -> Result<Images> {
    let ([count, height, width], pixels) = read::<3>(path, reader, IMAGES_MAGIC, "images")?;
    if height > MAX_SIDE || width > MAX_SIDE {
        return Err(Error::malformed(path, format!("images of {width}x{height} pixels are too large")));
    }
    Ok(Images { path: path.to_owned(), count, height, width, pixels })
}

/// Reads the content of an IDX file of labels. `path` is what messages call it.
pub(crate) fn read_labels(path: &Path, reader: impl Read) -> Result<Labels> {
    let (_, labels) = read::<1>(path, reader, LABELS_MAGIC, "labels")?;
    if let Some(record) = labels.iter().position(|&label| label >= CLASSES) {
        let reason = format!("label {} of record {record} is not below {CLASSES}", labels[record]);
        return Err(Error::malformed(path, reason));
    }
    Ok(Labels { path: path.to_owned(), labels })
}

/// Gives every image its label.
pub(crate) fn join(images: Images, labels: Labels, name: &str) -> Result<LabelledImages> {
    let Images { count, height, width, pixels, .. } = images;
    let Labels { path, labels } = labels;
    if labels.len() != count {
        return Err(Error::malformed(&path, format!("has {} labels for {count} images", labels.len())));
    }
    Ok(LabelledImages { name: name.to_owned(), width, height, channels: 1, pixels, labels })
}

/// Reads an IDX file of bytes with `DIMS` dimensions: these, and the bytes.
fn read<const DIMS: usize>(
    path: &Path,
    mut reader: impl Read,
    magic: u32,
    what: &str,
) -> Result<([usize; DIMS], Vec<u8>)> {
    let found = read_u32(path, &mut reader)?;
    if found != magic {
        let reason = format!("is not an IDX file of {what}: it starts with {found:#010x}, not {magic:#010x}");
        return Err(Error::malformed(path, reason));
    }
    let mut dims = [0; DIMS];
    let mut length: u64 = 1;
    for dim in &mut dims {
        let declared = read_u32(path, &mut reader)?;
        if declared == 0 {
            return Err(Error::malformed(path, "its header declares a dimension of 0"));
        }
        *dim = declared as usize;
        length = length.saturating_mul(declared.into());
    }
    if length > files::MAX_BYTES {
        let reason = format!("its header declares {what} of {dims:?}, more than {} bytes", files::MAX_BYTES);
        return Err(Error::malformed(path, reason));
    }
    let bytes = files::read_exactly(path, reader, length, what)?;
    Ok((dims, bytes))
}

fn read_u32(path: &Path, reader: &mut impl Read) -> Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).map_err(|error| files::read_fault(path, error))?;
    Ok(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tempfile::TempDir;

    use super::*;
    use crate::Dataset;

    const IMAGES: &str = "train-images-idx3-ubyte";
    const LABELS: &str = "train-labels-idx1-ubyte";

    fn idx(magic: u32, dims: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = magic.to_be_bytes().to_vec();
        dims.iter().for_each(|dim| file.extend(dim.to_be_bytes()));
        file.extend(bytes);
        file
    }

    /// Three images of 4x2 pixels (width x height) holding 0, 1, 2, ...
    fn images() -> Vec<u8> {
        idx(IMAGES_MAGIC, &[3, 2, 4], &(0..24).collect::<Vec<u8>>())
    }

    fn labels() -> Vec<u8> {
        idx(LABELS_MAGIC, &[3], &[7, 0, 9])
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn load(folder: &TempDir) -> Result<LabelledImages> {
        load_mnist(folder.path(), Split::Train, "mnist")
    }

    /// The message of loading these bytes as the images, beside good labels.
    fn images_fault(name: &str, bytes: &[u8]) -> String {
        let error = load(&folder(&[(name, bytes), (LABELS, &labels())])).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "the file is not named: {error}");
        error.to_string()
    }

    #[test]
    fn raw_and_compressed_files_under_either_name_give_the_same_images() {
        let layouts = [
            folder(&[(IMAGES, &images()), (LABELS, &labels())]),
            folder(&[
                ("train-images-idx3-ubyte.gz", &gz(&images())),
                ("train-labels-idx1-ubyte.gz", &gz(&labels())),
            ]),
            folder(&[("train-images.idx3-ubyte", &images()), ("train-labels.idx1-ubyte.gz", &gz(&labels()))]),
        ];
        for layout in layouts {
            let data = load(&layout).unwrap();
            assert_eq!((data.len(), data.channels(), data.classes(), data.name()), (3, 1, Some(10), "mnist"));
            let sample = data.get(1).unwrap();
            assert_eq!((sample.image.width, sample.image.height, sample.label), (4, 2, Some(0)));
            assert_eq!(sample.image.pixels, (8..16).collect::<Vec<u8>>());
            assert!(matches!(data.get(3), Err(Error::OutOfRange { index: 3, len: 3, .. })));
        }
    }

    #[test]
    fn the_test_split_has_its_own_files() {
        let only_train = folder(&[(IMAGES, &images()), (LABELS, &labels())]);
        let error = load_mnist(only_train.path(), Split::Test, "mnist").unwrap_err().to_string();
        assert!(error.contains("t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz"), "{error}");
    }

    #[test]
    fn a_file_of_another_kind_is_an_error() {
        assert!(images_fault(IMAGES, &labels()).contains("not an IDX file of images"));
        assert!(images_fault("train-images-idx3-ubyte.gz", &images()).contains("does not decompress"));
    }

    #[test]
    fn a_file_cut_at_any_length_is_an_error() {
        for length in 0..images().len() {
            images_fault(IMAGES, &images()[..length]);
        }
        let compressed = gz(&images());
        for length in 0..compressed.len() {
            images_fault("train-images-idx3-ubyte.gz", &compressed[..length]);
        }
    }

    #[test]
    fn bytes_after_the_last_image_are_an_error() {
        let long = [images(), vec![0]].concat();
        assert!(images_fault(IMAGES, &long).contains("goes on"));
        assert!(images_fault("train-images-idx3-ubyte.gz", &gz(&long)).contains("goes on"));
    }

    #[test]
    fn a_header_that_promises_more_than_there_is_is_an_error() {
        for dims in [[u32::MAX; 3], [1 << 31, 1, 1], [60_000, 28, 28], [1, 1 << 16, 1 << 16]] {
            let lying = idx(IMAGES_MAGIC, &dims, &[0; 24]);
            images_fault(IMAGES, &lying);
            images_fault("train-images-idx3-ubyte.gz", &gz(&lying));
        }
        assert!(images_fault(IMAGES, &idx(IMAGES_MAGIC, &[0, 28, 28], &[])).contains("dimension of 0"));
        let wide = idx(IMAGES_MAGIC, &[1, 1, 20_000], &[0; 20_000]);
        assert!(images_fault(IMAGES, &wide).contains("too large"));
    }

    /// A small gzip file can stand for any number of bytes: no more are taken than the header says, and one.
    #[test]
    fn bytes_without_end_are_an_error() {
        let images = images();
        let endless = images.chain(std::io::repeat(0));
        let error = read_images(Path::new(IMAGES), endless).err().unwrap().to_string();
        assert!(error.contains("goes on after the 24 bytes of images"), "{error}");
    }

    #[test]
    fn labels_that_do_not_fit_are_an_error() {
        let two = idx(LABELS_MAGIC, &[2], &[1, 2]);
        let error = load(&folder(&[(IMAGES, &images()), (LABELS, &two)])).unwrap_err().to_string();
        assert!(error.contains("2 labels for 3 images"), "{error}");

        let eleven = idx(LABELS_MAGIC, &[3], &[1, 10, 2]);
        let error = load(&folder(&[(IMAGES, &images()), (LABELS, &eleven)])).unwrap_err().to_string();
        assert!(error.contains("label 10 of record 1"), "{error}");
    }

    #[test]
    fn a_missing_folder_or_file_is_named() {
        let empty = folder(&[]);
        assert!(matches!(load(&empty), Err(Error::MissingFile { .. })));

        let gone = empty.path().join("gone");
        let error = load_mnist(&gone, Split::Train, "mnist").unwrap_err();
        assert!(matches!(error, Error::NoFolder { .. }) && error.to_string().contains("gone"), "{error}");

        let no_labels = folder(&[(IMAGES, &images())]);
        assert!(load(&no_labels).unwrap_err().to_string().contains(LABELS));

        let file = no_labels.path().join(IMAGES);
        assert!(matches!(load_mnist(&file, Split::Train, "mnist"), Err(Error::NotAFolder { .. })));
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = folder(&[(LABELS, &labels())]);
        fs::create_dir(folder.path().join(IMAGES)).unwrap();
        assert!(matches!(load(&folder), Err(Error::NotAFile { .. })));
    }

    /// Opening a pipe waits until somebody writes to it.
    #[cfg(unix)]
    #[test]
    fn a_pipe_does_not_hang() {
        let folder = folder(&[(LABELS, &labels())]);
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(IMAGES)).status().unwrap();
        assert!(made.success());
        assert!(matches!(load(&folder), Err(Error::NotAFile { .. })));
    }
}
