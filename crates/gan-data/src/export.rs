//! A data set written to files: a folder of PNG images, or IDX files like MNIST's.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{Dataset, Error, Image, OnBadImage, Progress, Result, Sample, Split, Transforms, Unit, Watch};

/// What [`export`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// `CLASS/000000.png`, or `000000.png` where there are no classes, which [`Folder`](crate::Folder) reads; and
    /// `metadata.jsonl` with a line of `file_name` and `text` for each image where there are captions.
    ///
    /// Whoever reads it numbers the classes in the order of their names.
    Folder,
    /// `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (`t10k-...` of the test split), which
    /// [`load_mnist`](crate::load_mnist) reads. Images must be gray and of one size, labels below 256; where there are
    /// no classes, each label is 0.
    Idx,
}

impl ExportFormat {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 2] = [("folder", Self::Folder), ("idx", Self::Idx)];
}

/// What is to be written, and how.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The files' form.
    pub format: ExportFormat,
    /// The split whose name IDX files get.
    pub split: Split,
    /// No more images than this, from the first on.
    pub count: Option<usize>,
    /// What is done to each image before. Random steps are left out.
    pub transforms: Transforms,
    /// What is done about an image that cannot be read.
    pub on_bad_image: OnBadImage,
    /// Is told how many images are written.
    pub watch: Watch,
}

/// Writes a data set into the folder `out`, which must not exist or be empty; gives the number of images written.
///
/// The folder appears when it is whole: until then its name ends in `.partial`.
///
/// # Errors
/// If there is something in the folder, an image cannot be read (unless it is to be skipped), the images do not suit
/// the format, or a file cannot be written.
pub fn export(dataset: &dyn Dataset, out: &Path, options: &ExportOptions) -> Result<usize> {
    let occupied = || Error::NotEmpty { folder: out.to_owned() };
    match fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(occupied()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::reading(out)(error)),
    }
    let out = &out.components().collect::<PathBuf>(); // without a slash at the end
    let mut partial = out.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // The folders to make around it, the innermost first.
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let around: Vec<&Path> = out.ancestors().skip(1).take_while(is_new).collect();
    fs::create_dir_all(out.parent().unwrap_or(Path::new(""))).map_err(Error::writing(out))?;
    fs::create_dir(&partial).map_err(Error::writing(&partial))?;

    let written = write_all(dataset, &partial, options);
    let finished = written.and_then(|count| {
        let _ = fs::remove_dir(out); // an empty one: some systems rename nothing onto it
        fs::rename(&partial, out).map_err(Error::writing(out))?;
        Ok(count)
    });
    if finished.is_err() {
        // The first error says more than those of these.
        let _ = fs::remove_dir_all(&partial);
        for folder in around {
            let _ = fs::remove_dir(folder);
        }
    }
    finished
}

fn write_all(dataset: &dyn Dataset, folder: &Path, options: &ExportOptions) -> Result<usize> {
    let mut writer = match options.format {
        ExportFormat::Folder => Writer::Folder(FolderWriter::new(dataset, folder)?),
        ExportFormat::Idx => Writer::Idx(IdxWriter::new(folder, options.split)?),
    };
    let (fixed, _) = options.transforms.split_at_random();
    let count = options.count.unwrap_or(usize::MAX).min(dataset.len());
    let what = format!("writing {}", dataset.name());
    let mut written = 0;
    for index in 0..count {
        match fixed.prepare(dataset, index) {
            Ok(sample) => {
                match &mut writer {
                    Writer::Folder(writer) => writer.write(index, &sample, dataset.caption(index)?)?,
                    Writer::Idx(writer) => writer.write(&dataset.describe(index), &sample)?,
                }
                written += 1;
            }
            Err(error) if options.on_bad_image == OnBadImage::Skip => tracing::warn!("skipped: {error}"),
            Err(error) => return Err(error),
        }
        let (done, total) = (index as u64 + 1, Some(count as u64));
        options.watch.tell(Progress { what: &what, done, total, unit: Unit::Images });
    }
    match writer {
        Writer::Folder(writer) => writer.finish()?,
        Writer::Idx(writer) => writer.finish()?,
    }
    Ok(written)
}

enum Writer {
    Folder(FolderWriter),
    Idx(IdxWriter),
}

struct FolderWriter {
    folder: PathBuf,
    /// Names of the classes' folders.
    classes: Vec<String>,
    captions: Vec<u8>,
}

impl FolderWriter {
    fn new(dataset: &dyn Dataset, folder: &Path) -> Result<Self> {
        let names = dataset.class_names();
        let count = dataset.classes().unwrap_or(0);
        let digits = count.saturating_sub(1).to_string().len();
        let mut classes: Vec<String> = Vec::with_capacity(count);
        for label in 0..count {
            let number = format!("{label:0digits$}");
            let name = names.get(label).map_or(number.clone(), |name| file_name(name));
            let taken = name.is_empty() || classes.contains(&name);
            classes.push(if taken { format!("{number}-{name}") } else { name });
        }
        for class in &classes {
            let class = folder.join(class);
            fs::create_dir(&class).map_err(Error::writing(&class))?;
        }
        Ok(Self { folder: folder.to_owned(), classes, captions: Vec::new() })
    }

    fn write(&mut self, index: usize, sample: &Sample, caption: Option<String>) -> Result<()> {
        let class = sample.label.and_then(|label| self.classes.get(label as usize));
        let name = match class {
            Some(class) => format!("{class}/{index:06}.png"),
            None => format!("{index:06}.png"),
        };
        sample.image.save_png(&self.folder.join(&name))?;
        if let Some(text) = caption {
            // JSON, in the form that readers of image folders expect.
            let line = format!("{{\"file_name\": {}, \"text\": {}}}\n", json(&name), json(&text));
            self.captions.extend(line.into_bytes());
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        let path = self.folder.join("metadata.jsonl");
        if self.captions.is_empty() {
            Ok(())
        } else {
            fs::write(&path, self.captions).map_err(Error::writing(&path))
        }
    }
}

/// A name as a folder can have it on any system.
fn file_name(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_alphanumeric() || "-_ ".contains(c) { c } else { '_' });
    kept.take(100).collect::<String>().trim().to_owned()
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct IdxWriter {
    images: (PathBuf, BufWriter<File>),
    labels_path: PathBuf,
    labels: Vec<u8>,
    /// Of the first image.
    size: Option<(usize, usize)>,
}

impl IdxWriter {
    fn new(folder: &Path, split: Split) -> Result<Self> {
        let prefix = match split {
            Split::Train => "train",
            Split::Test => "t10k",
        };
        let path = folder.join(format!("{prefix}-images-idx3-ubyte"));
        let file = File::create_new(&path).map_err(Error::writing(&path))?;
        let labels_path = folder.join(format!("{prefix}-labels-idx1-ubyte"));
        Ok(Self { images: (path, BufWriter::new(file)), labels_path, labels: Vec::new(), size: None })
    }

    fn write(&mut self, name: &str, sample: &Sample) -> Result<()> {
        let Image { width, height, channels, ref pixels } = sample.image;
        let refuse = |reason| {
            Err(Error::of_image(name.to_owned(), Error::ImageSize { width, height, channels, reason }))
        };
        if channels != 1 {
            return refuse("is in colour, and IDX files hold gray ones");
        }
        if *self.size.get_or_insert((width, height)) != (width, height) {
            return refuse("differs from the first, and those of IDX files have one size");
        }
        let label = sample.label.unwrap_or(0);
        let Ok(label) = u8::try_from(label) else {
            return refuse("has a label above 255, which IDX files do not hold");
        };
        let (path, file) = &mut self.images;
        if self.labels.is_empty() {
            file.write_all(&[0; 16]).map_err(Error::writing(path))?; // the header, once the number is known
        }
        self.labels.push(label);
        file.write_all(pixels).map_err(Error::writing(path))
    }

    fn finish(self) -> Result<()> {
        let (path, file) = self.images;
        let (width, height) = self.size.unwrap_or_default();
        let count = self.labels.len();
        let header = |magic: u32, dims: &[usize]| -> Vec<u8> {
            let dims = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
            magic.to_be_bytes().into_iter().chain(dims).collect()
        };
        let file = file.into_inner().map_err(|error| Error::writing(&path)(error.into_error()))?;
        crate::spool::write_all_at(&file, &header(0x803, &[count, height, width]), 0)
            .map_err(Error::writing(&path))?;
        let labels = [header(0x801, &[count]), self.labels].concat();
        fs::write(&self.labels_path, labels).map_err(Error::writing(&self.labels_path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digits, Folder, Shapes, Transform, load_mnist};

    fn options(format: ExportFormat) -> ExportOptions {
        ExportOptions {
            format,
            split: Split::Train,
            count: Some(40),
            transforms: Transforms::default(),
            on_bad_image: OnBadImage::Stop,
            watch: Watch::default(),
        }
    }

    #[test]
    fn idx_files_read_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("deep/out");
        let digits = Digits::train(0, 28).unwrap();
        assert_eq!(export(&digits, &out, &options(ExportFormat::Idx)).unwrap(), 40);
        let read = load_mnist(&out, Split::Train, "mnist").unwrap();
        assert_eq!(read.len(), 40);
        for index in 0..40 {
            assert_eq!(read.get(index).unwrap(), digits.get(index).unwrap());
        }
    }

    #[test]
    fn a_folder_reads_back_with_its_classes_and_captions() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap(); // an empty folder is taken
        let shapes = Shapes::train(0, 16).unwrap();
        export(&shapes, &out, &options(ExportFormat::Folder)).unwrap();
        let read = Folder::open(&out, Split::Train, &Watch::default()).unwrap();
        assert_eq!(read.len(), 40);
        let mut names = shapes.class_names();
        names.sort();
        assert_eq!(read.class_names(), names);
        for index in 0..40 {
            let name = read.describe(index);
            let number: usize = name[name.len() - 10..name.len() - 4].parse().unwrap();
            let original = shapes.get(number).unwrap();
            let found = read.get(index).unwrap();
            assert_eq!(found.image, original.image);
            let class =
                |set: &dyn Dataset, label: Option<u32>| set.class_names()[label.unwrap() as usize].clone();
            assert_eq!(class(&read, found.label), class(&shapes, original.label));
        }
        let lines = fs::read_to_string(out.join("metadata.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), 40);
        let caption = shapes.caption(3).unwrap().unwrap();
        assert!(
            lines.lines().nth(3).unwrap().ends_with(&format!("/000003.png\", \"text\": \"{caption}\"}}")),
            "{lines}"
        );
    }

    #[test]
    fn what_does_not_suit_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let shapes = Shapes::train(0, 16).unwrap();
        let error = export(&shapes, &out, &options(ExportFormat::Idx)).unwrap_err();
        assert!(error.to_string().contains("gray"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let gray = Transforms::new(vec![Transform::Channels(1)]);
        export(&shapes, &out, &ExportOptions { transforms: gray, ..options(ExportFormat::Idx) }).unwrap();
        let again = export(&shapes, &out, &options(ExportFormat::Folder)).unwrap_err();
        assert!(matches!(again, Error::NotEmpty { .. }), "{again}");
        assert_eq!(load_mnist(&out, Split::Train, "mnist").unwrap().len(), 40);
    }
}
