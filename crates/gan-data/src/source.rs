//! From the name of a data set to its images.

mod parquet_set;
mod told;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::told::told_by_names;
#[cfg(feature = "hub")]
use crate::Parquet;
use crate::published::other_form;
use crate::{
    Dataset, Digits, Error, Folder, OpenOptions, Points, Result, Shapes, Split, files, source_names,
};
use crate::{Published, load_cifar10, load_mnist, load_published};

/// Where images come from: what `--dataset` names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `digits`: drawn by the program itself, gray.
    Digits,
    /// `shapes`: drawn by the program itself, in colour, with captions.
    Shapes,
    /// `ring`: points of the plane in eight modes.
    Ring,
    /// `grid`: points of the plane in twenty-five modes.
    Grid,
    /// `mnist`, from a folder of its files or from the hub.
    Mnist(Option<PathBuf>),
    /// `fashion-mnist`, from a folder of its files or from the hub.
    FashionMnist(Option<PathBuf>),
    /// `cifar10`, from a folder of its files or from the hub.
    Cifar10(Option<PathBuf>),
    /// Another published set, from a folder of its files.
    Published {
        /// Which one.
        set: Published,
        /// Where its files are.
        files: Option<PathBuf>,
    },
    /// The path of a folder of IDX files like MNIST's.
    Idx(PathBuf),
    /// `folder:PATH`, or the path of a folder or archive of images.
    Folder(PathBuf),
    /// `parquet:PATH`, or the path of a parquet file.
    Parquet(PathBuf),
    /// `hub:OWNER/NAME`, `hub:OWNER/NAME@REVISION`.
    Hub {
        /// OWNER/NAME.
        repository: String,
        /// A branch, tag or commit.
        revision: Option<String>,
    },
}

impl Source {
    /// The names there are.
    pub const NAMES: [&str; 21] = source_names::NAMES;

    /// The name that is meant by a text in which case and dashes are not as in the name: `cifar-10` is `cifar10`. What lies at a
    /// path of this name is meant first.
    pub fn spelled(text: &str) -> Option<&'static str> {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
        };
        let is_separator = |c: char| "-_ ".contains(c);
        let meant = |name: &&str| *name == text || !name.contains(':') && plain(name) == plain(text);
        let is_a_word = text.chars().all(|c| c.is_alphanumeric() || is_separator(c));
        let found = Self::NAMES.into_iter().filter(|_| is_a_word).find(meant)?;
        (found == text || !Path::new(text).exists()).then_some(found)
    }

    /// The source of this name, or what lies at this path; `data_dir` is where the files of a set that is known by name
    /// are.
    ///
    /// # Errors
    /// If there is no such name, and nothing at such a path.
    pub fn find(name: &str, data_dir: Option<&Path>) -> Result<Self> {
        let files = data_dir.map(Path::to_owned);
        Ok(match name.split_once(':') {
            None if name == "digits" => Self::Digits,
            None if name == "shapes" => Self::Shapes,
            None if name == "ring" => Self::Ring,
            None if name == "grid" => Self::Grid,
            None if name == "mnist" => Self::Mnist(files),
            None if name == "fashion-mnist" => Self::FashionMnist(files),
            None if name == "cifar10" => Self::Cifar10(files),
            Some(("folder", path)) if !path.is_empty() => Self::Folder(path.into()),
            Some(("parquet", path)) if !path.is_empty() => Self::Parquet(path.into()),
            Some(("hub", repository)) if !repository.is_empty() => match repository.split_once('@') {
                Some((repository, revision)) => {
                    Self::Hub { repository: repository.into(), revision: Some(revision.into()) }
                }
                None => Self::Hub { repository: repository.into(), revision: None },
            },
            None if let Some(set) = Published::named(name) => Self::Published { set, files },
            _ if files::metadata(name.as_ref()).is_ok_and(|found| found.is_some()) => at(name.as_ref())?,
            None if let Some(meant) = Self::spelled(name).filter(|meant| *meant != name) => {
                Self::find(meant, data_dir)?
            }
            _ => return Err(Error::UnknownDataset { name: name.to_owned() }),
        })
    }

    /// Opens it.
    ///
    /// # Errors
    /// If it cannot be reached or read, or is not what its name says.
    pub fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Dataset>> {
        let OpenOptions { split, seed, size, .. } = *options;
        self.refuse_what_is_not_taken(options)?;
        Ok(match self {
            Self::Digits if split == Split::Train => Arc::new(Digits::train(seed, size)?),
            Self::Digits => Arc::new(Digits::test(seed, size)?),
            Self::Shapes if split == Split::Train => Arc::new(Shapes::train(seed, size)?),
            Self::Shapes => Arc::new(Shapes::test(seed, size)?),
            Self::Ring => Arc::new(Points::ring(seed)),
            Self::Grid => Arc::new(Points::grid(seed)),
            Self::Mnist(Some(path)) => Arc::new(load_mnist(path, split, "mnist")?),
            Self::FashionMnist(Some(path)) => Arc::new(load_mnist(path, split, "fashion-mnist")?),
            Self::Cifar10(Some(path)) => Arc::new(load_cifar10(path, split)?),
            Self::Idx(path) => Arc::new(load_mnist(path, split, &path.display().to_string())?),
            Self::Published { set, files: Some(path) } => Arc::new(load_published(*set, path, split)?),
            Self::Published { set, files: None } => {
                return Err(Error::NeedsFiles { dataset: set.name().to_owned() });
            }
            Self::Folder(path) => {
                // What has no images may be a published set in a form that is not read.
                let other = |error| other_form(path).unwrap_or(error);
                Arc::new(Folder::open_with(path, options).map_err(other)?)
            }
            #[cfg(feature = "hub")]
            Self::Parquet(path) => Arc::new(Parquet::open_with(path, options)?),
            #[cfg(feature = "hub")]
            Self::Mnist(None) | Self::FashionMnist(None) | Self::Cifar10(None) => {
                Arc::new(crate::load_from_hub(&self.to_string(), split, &options.watch)?)
            }
            #[cfg(feature = "hub")]
            Self::Hub { repository, revision } => {
                Arc::new(crate::open_from_hub(repository, revision.as_deref(), options)?)
            }
            #[cfg(not(feature = "hub"))]
            _ => return Err(Error::WithoutHub { dataset: self.to_string() }),
        })
    }
}

impl Source {
    /// An error where labels or columns are asked for that this source has no use for.
    fn refuse_what_is_not_taken(&self, options: &OpenOptions) -> Result<()> {
        let (is_folder, is_parquet) =
            (matches!(self, Self::Folder(_)), matches!(self, Self::Parquet(_) | Self::Hub { .. }));
        let asked = [
            ("--labels", options.labels.is_some(), is_folder),
            ("--label-column", options.label_column.is_some(), is_folder || is_parquet),
            ("--image-column", options.image_column.is_some(), is_parquet),
        ];
        match asked.into_iter().find(|(_, asked, taken)| *asked && !taken) {
            Some((flag, ..)) => Err(Error::NotTaken { dataset: self.to_string(), flag }),
            None => Ok(()),
        }
    }
}

/// Its name, as [`Source::find`] takes it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => f.write_str("digits"),
            Self::Shapes => f.write_str("shapes"),
            Self::Ring => f.write_str("ring"),
            Self::Grid => f.write_str("grid"),
            Self::Mnist(_) => f.write_str("mnist"),
            Self::FashionMnist(_) => f.write_str("fashion-mnist"),
            Self::Cifar10(_) => f.write_str("cifar10"),
            Self::Published { set, .. } => f.write_str(set.name()),
            Self::Idx(path) => write!(f, "{}", path.display()),
            Self::Folder(path) => write!(f, "folder:{}", path.display()),
            Self::Parquet(path) => write!(f, "parquet:{}", path.display()),
            Self::Hub { repository, revision: None } => write!(f, "hub:{repository}"),
            Self::Hub { repository, revision: Some(revision) } => write!(f, "hub:{repository}@{revision}"),
        }
    }
}

/// What lies at a path, judged by the names of the files in a folder (and by the columns of a parquet file among
/// them), or by the first bytes of a file.
fn at(path: &Path) -> Result<Source> {
    let own = || path.to_owned();
    if let Some(published) = told_by_names(path)? {
        return Ok(published);
    }
    if path.is_dir() {
        let is_parquet = parquet_set::is_parquet_set(path)?;
        return Ok(if is_parquet { Source::Parquet(own()) } else { Source::Folder(own()) });
    }
    let (file, _) = files::open(path)?;
    let mut start = Vec::new();
    file.take(4).read_to_end(&mut start).map_err(Error::reading(path))?;
    Ok(match start.as_slice() {
        b"PAR1" => Source::Parquet(own()),
        _ => Source::Folder(own()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_source_and_every_source_its_name() {
        for name in [
            "digits",
            "shapes",
            "ring",
            "grid",
            "mnist",
            "fashion-mnist",
            "cifar10",
            "cifar100-coarse",
            "stl10",
            "emnist-letters",
            "folder:a b",
            "folder:C:\\photos",
            "parquet:x/y.parquet",
            "hub:owner/name",
            "hub:owner/name@v1.0",
        ] {
            assert_eq!(Source::find(name, None).unwrap().to_string(), name);
        }
        let dir = Path::new("data");
        assert_eq!(Source::find("mnist", Some(dir)).unwrap(), Source::Mnist(Some(dir.into())));
        for (name, set) in Published::ALL {
            assert!(Source::NAMES.contains(&name), "{name}");
            let found = Source::find(name, Some(dir)).unwrap();
            assert_eq!((&found, set.name()), (&Source::Published { set, files: Some(dir.into()) }, name));
            let error = Source::find(name, None).unwrap().open(&OpenOptions::default()).err().unwrap();
            assert!(error.to_string().contains(name) && error.hint().contains("--data-dir"), "{error}");
        }
        for unknown in ["", "mnits", "folder:", "hub:", "parquet:", "zip:x", "no/such/path"] {
            let error = Source::find(unknown, None).unwrap_err();
            assert!(matches!(error, Error::UnknownDataset { .. }), "{unknown}: {error}");
            assert!(error.hint().contains("digits, shapes, ring, grid, mnist"), "{}", error.hint());
        }
    }

    #[test]
    fn case_and_dashes_do_not_matter() {
        for (text, name) in [
            ("MNIST", "mnist"),
            ("CIFAR10", "cifar10"),
            ("cifar-10", "cifar10"),
            ("Fashion_MNIST", "fashion-mnist"),
            ("fashionmnist", "fashion-mnist"),
            ("CIFAR-100", "cifar100"),
            ("stl-10", "stl10"),
        ] {
            assert_eq!(Source::spelled(text), Some(name), "{text}");
            let dir = Path::new("data");
            assert_eq!(Source::find(text, Some(dir)).unwrap(), Source::find(name, Some(dir)).unwrap());
        }
        for other in ["mnits", "", "src", "folder:x", "hub:a/mnist", "./mnist", "folderPATH"] {
            assert_eq!(Source::spelled(other), None, "{other}");
        }
    }

    #[test]
    fn what_a_set_has_no_use_for_is_refused() {
        let refused = |name: &str, options: OpenOptions| {
            let error = Source::find(name, None).unwrap().open(&options).err().unwrap();
            assert!(matches!(error, Error::NotTaken { .. }), "{name}: {error}");
            (error.to_string(), error.hint())
        };
        let some = || Some("x".to_owned());
        let column = OpenOptions { label_column: some(), ..OpenOptions::default() };
        let (message, hint) = refused("digits", column);
        assert_eq!(message, "the data set digits takes no --label-column");
        assert!(hint.contains("tables of labels"), "{hint}");
        let table = || OpenOptions { labels: Some("x.csv".into()), ..OpenOptions::default() };
        assert!(refused("mnist", table()).1.contains("a folder or an archive"));
        refused("parquet:x", table());
        refused("folder:x", OpenOptions { image_column: some(), ..OpenOptions::default() });
    }

    #[test]
    fn a_path_is_told_by_what_lies_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for file in
            ["idx/t10k-images-idx3-ubyte.gz", "cifar/data_batch_1.bin", "parquet/0000.parquet", "x/y.jpg"]
        {
            std::fs::create_dir_all(path(file).parent().unwrap()).unwrap();
            std::fs::write(path(file), "").unwrap();
        }
        std::fs::write(path("one"), "PAR1 and so on").unwrap();
        std::fs::write(path("cifar-10-binary.tar.gz"), "").unwrap();
        std::fs::write(path("x.zip"), "PK").unwrap();
        let found = |name| Source::find(path(name).to_str().unwrap(), None).unwrap();
        assert_eq!(found("idx"), Source::Idx(path("idx")));
        assert_eq!(found("cifar"), Source::Cifar10(Some(path("cifar"))));
        assert_eq!(found("parquet"), Source::Parquet(path("parquet")));
        assert_eq!(found("one"), Source::Parquet(path("one")));
        assert_eq!(found("cifar-10-binary.tar.gz"), Source::Cifar10(Some(path("cifar-10-binary.tar.gz"))));
        for name in ["x", "x.zip"] {
            assert_eq!(found(name), Source::Folder(path(name)));
        }
    }

    /// A parquet file with a column of images is a data set; one without is a table beside images.
    #[cfg(feature = "hub")]
    #[test]
    fn a_folder_with_parquet_files_is_told_by_their_columns() {
        use ::parquet::file::properties::WriterProperties;
        use ::parquet::file::writer::SerializedFileWriter;
        use ::parquet::schema::parser::parse_message_type;
        let parquet = |schema: &str| {
            let schema = Arc::new(parse_message_type(schema).unwrap());
            let properties = Arc::new(WriterProperties::builder().build());
            let writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
            writer.into_inner().unwrap()
        };
        let images = parquet("message schema { required group image { required binary bytes; } }");
        let table = parquet("message schema { required binary file_name; required int64 label; }");
        for (files, is_set) in [
            (&["README.md", "data/train-00000-of-00001.parquet"][..], true),
            (&["README.md", "cover.png", "assets/x.png", "data/train-00000-of-00001.parquet"], true),
            (&["README.md", "plain_text/train/0000.parquet"], true),
            (&["x.png", "0000.parquet"], true),
            (&["x.png", "metadata.table"], false),
            (&["cats/x.png", "dogs/y.png", "train.table"], false),
            (&["train/x.png", "train/metadata.table", "metadata.table"], false),
            (&["metadata.table"], true), // and opening it says what it lacks
            (&["README.md", "data/x.png"], false),
            (&["README.md", ".cache/0000.parquet"], false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                let (name, content) = match file.strip_suffix(".table") {
                    Some(stem) => (format!("{stem}.parquet"), &table),
                    None => ((*file).to_owned(), &images),
                };
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
            let path = folder.path().to_owned();
            let expected = if is_set { Source::Parquet(path) } else { Source::Folder(path) };
            assert_eq!(Source::find(folder.path().to_str().unwrap(), None).unwrap(), expected, "{files:?}");
        }
    }

    /// Where there are no images, the form that a published set is in is named; where there are, they are what is meant.
    #[test]
    fn a_set_in_a_form_that_is_not_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train_32x32.mat"), "MATLAB 5.0 MAT-file").unwrap();
        let file = folder.path().join("train_32x32.mat");
        for path in [folder.path(), &file] {
            let source = Source::find(path.to_str().unwrap(), None).unwrap();
            let error = source.open(&OpenOptions::default()).err().unwrap();
            assert!(
                error.to_string().ends_with("train_32x32.mat is SVHN as MATLAB files, which are not read")
            );
            assert!(error.hint().contains("PNG"), "{}", error.hint());
        }
        let image = crate::Image { width: 1, height: 1, channels: 1, pixels: vec![0] };
        image.save_png(&folder.path().join("1.png")).unwrap();
        let source = Source::find(folder.path().to_str().unwrap(), None).unwrap();
        assert_eq!(source.open(&OpenOptions::default()).unwrap().len(), 1);
    }
}
