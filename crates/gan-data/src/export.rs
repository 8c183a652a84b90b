//! A data set written to files: a folder of PNG images, or IDX files like MNIST's.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use crate::files::MAX_BYTES;
use crate::{
    Dataset, Error, Image, OnBadImage, Progress, ProgressCallback, Result, Sample, Split, Transforms, Unit,
};

/// What [`export`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum ExportFormat {
    /// `CLASS/000000.png`, or `000000.png` where there are no classes, which [`Folder`](crate::Folder) reads; and
    /// `metadata.jsonl` with a line of `file_name` and `text` for each image where there are captions.
    ///
    /// Whoever reads it numbers the classes in the order of their names.
    Folder,
    /// `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (`t10k-...` of the test split), which
    /// [`load_mnist`](crate::load_mnist) reads. Images must be gray, of one size, and no more than 2 GiB in all, classes
    /// no more than 256; where there are no classes, each label is 0.
    Idx,
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
    pub watch: ProgressCallback,
}

/// Writes a data set into the folder `out`, which must not exist or be empty; gives the number of images written.
///
/// The folder appears when it is whole: until then its name ends in `.partial`. What an export left that was broken off
/// stays as it is, and is told of.
///
/// # Errors
/// If there is something in the folder, an image cannot be read (unless it is to be skipped), the images do not suit
/// the format, there are none, or a file cannot be written.
pub fn export(dataset: &dyn Dataset, out: &Path, options: &ExportOptions) -> Result<usize> {
    let occupied = || Error::NotEmpty { folder: out.to_owned() };
    match fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(occupied()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::reading(out)(error)),
    }
    let out = &out.components().collect::<PathBuf>(); // without a slash at the end
    // The folders to make around it, the innermost first.
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let around: Vec<&Path> = out.ancestors().skip(1).take_while(is_new).collect();
    fs::create_dir_all(out.parent().unwrap_or(Path::new(""))).map_err(Error::writing(out))?;
    let partial = partial(out)?;

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

/// Makes the folder that `out` is until it is whole: one that is there already may be another export's, at work or broken
/// off, or the user's own.
fn partial(out: &Path) -> Result<PathBuf> {
    for number in 1.. {
        let mut name = out.as_os_str().to_owned();
        name.push(if number == 1 { ".partial".to_owned() } else { format!(".partial-{number}") });
        let folder = PathBuf::from(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tracing::warn!(
                "{} is of an export that was broken off or is at work: if it is not, it can be removed",
                folder.display()
            ),
            Err(error) => return Err(Error::writing(&folder)(error)),
        }
    }
    Err(Error::NotEmpty { folder: out.to_owned() })
}

fn write_all(dataset: &dyn Dataset, folder: &Path, options: &ExportOptions) -> Result<usize> {
    let mut writer = match options.format {
        ExportFormat::Folder => Writer::Folder(FolderWriter::new(dataset, folder)?),
        ExportFormat::Idx => Writer::Idx(IdxWriter::new(dataset, folder, options.split)?),
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
            Err(error) if options.on_bad_image == OnBadImage::Skip && error.is_of_image() => {
                tracing::warn!("skipped: {error}")
            }
            Err(error) => return Err(error),
        }
        let (done, total) = (index as u64 + 1, Some(count as u64));
        options.watch.tell(Progress { what: &what, done, total, unit: Unit::Images });
    }
    if written == 0 {
        return Err(Error::Empty { what: dataset.name().to_owned() });
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
    /// Names of the classes' folders, of those that have names; the others are numbers of so many digits.
    classes: Vec<String>,
    digits: usize,
    /// Those whose folders are made.
    made: HashSet<u32>,
    captions: Option<BufWriter<File>>,
}

impl FolderWriter {
    fn new(dataset: &dyn Dataset, folder: &Path) -> Result<Self> {
        let count = dataset.classes().unwrap_or(0);
        let digits = count.saturating_sub(1).to_string().len();
        let mut taken = HashSet::new();
        let mut classes: Vec<String> = Vec::new();
        for (label, name) in dataset.class_names().iter().take(count).enumerate() {
            let mut name = file_name(name);
            // Some systems take `a` and `A` for one folder.
            while name.is_empty() || !taken.insert(name.to_lowercase()) {
                name = format!("{label:0digits$}-{name}");
            }
            classes.push(name);
        }
        Ok(Self { folder: folder.to_owned(), classes, digits, made: HashSet::new(), captions: None })
    }

    fn write(&mut self, index: usize, sample: &Sample, caption: Option<String>) -> Result<()> {
        let name = match sample.label {
            Some(label) => {
                let digits = self.digits;
                let class = self.classes.get(label as usize).cloned();
                let class = class.unwrap_or_else(|| format!("{label:0digits$}"));
                if self.made.insert(label) {
                    let folder = self.folder.join(&class);
                    fs::create_dir(&folder).map_err(Error::writing(&folder))?;
                }
                format!("{class}/{index:06}.png")
            }
            None => format!("{index:06}.png"),
        };
        sample.image.save_png(&self.folder.join(&name))?;
        if let Some(text) = caption {
            let path = self.folder.join("metadata.jsonl");
            let file = match &mut self.captions {
                Some(file) => file,
                none => none.insert(BufWriter::new(File::create_new(&path).map_err(Error::writing(&path))?)),
            };
            // JSON, in the form that readers of image folders expect.
            writeln!(file, "{{\"file_name\": {}, \"text\": {}}}", json(&name), json(&text))
                .map_err(Error::writing(&path))?;
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        let path = self.folder.join("metadata.jsonl");
        self.captions.map_or(Ok(()), |mut file| file.flush().map_err(Error::writing(&path)))
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

/// A label of an IDX file is a byte.
const LABELS: usize = 256;

struct IdxWriter {
    images: (PathBuf, BufWriter<File>),
    labels_path: PathBuf,
    labels: Vec<u8>,
    /// Of the first image.
    size: Option<(usize, usize)>,
}

impl IdxWriter {
    fn new(dataset: &dyn Dataset, folder: &Path, split: Split) -> Result<Self> {
        if let Some(classes) = dataset.classes().filter(|&classes| classes > LABELS) {
            return Err(Error::Unsupported {
                path: dataset.name().into(),
                reason: format!("has {classes} classes, and IDX files hold at most {LABELS}"),
                advice: "export a folder".to_owned(),
            });
        }
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
        if (self.labels.len() as u64 + 1) * pixels.len() as u64 > MAX_BYTES {
            return refuse("is one too many: IDX files of more than 2 GiB are not read");
        }
        let Ok(label) = u8::try_from(sample.label.unwrap_or(0)) else {
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
mod tests;
