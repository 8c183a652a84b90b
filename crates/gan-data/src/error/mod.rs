//! What can go wrong, in words for the person who has to put it right.

mod fault;
mod hint;

use std::io;
use std::path::{Path, PathBuf};

use crate::{Fingerprint, Split};

/// Why data could not be read, prepared or written. `Display` says in one line what is wrong and where,
/// [`Error::hint`] what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not read a file or folder.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The operating system could not write a file.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// A temporary file could not be made, written or read.
    #[error("a temporary file in {folder} failed: {source}", folder = folder.display())]
    Temporary {
        /// The folder for temporary files.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// There is no folder at this path.
    #[error("there is no folder {path}", path = path.display())]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
    },

    /// A folder of data was named, and something else lies there.
    #[error("{path} is not a folder", path = path.display())]
    NotAFolder {
        /// The path that was given.
        path: PathBuf,
    },

    /// A folder to write into that holds something already.
    #[error("{folder} is not empty, and nothing is overwritten", folder = folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },

    /// A data set that nobody knows.
    #[error("there is no data set {name}, and no file or folder of that name")]
    UnknownDataset {
        /// The name that was given.
        name: String,
    },

    /// A data set that takes the feature `hub`.
    #[error("the data set {dataset} is to come from the hub or a parquet file, and this build has neither")]
    WithoutHub {
        /// Its name.
        dataset: String,
    },

    /// The folder lacks a file of the data set.
    #[error("{folder} holds none of {names}", folder = folder.display(), names = looked_for.join(", "))]
    MissingFile {
        /// The folder that was searched.
        folder: PathBuf,
        /// The names any one of which would have done.
        looked_for: Vec<String>,
    },

    /// A folder, pipe or device stands where a file of data should.
    #[error("{path} is not a regular file", path = path.display())]
    NotAFile {
        /// The path of it.
        path: PathBuf,
    },

    /// The content of a file is not what its format says it must be.
    #[error("{path}: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and at which record.
        reason: String,
    },

    /// A file that may be sound, of a kind or in a form that is not read.
    #[error("{path} {reason}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
        /// What to make of it.
        advice: String,
    },

    /// Arrays that are no data set together.
    #[error("the arrays of {dataset} are no data set: {reason}")]
    Arrays {
        /// What the data set was to be called.
        dataset: String,
        /// What is wrong with them.
        reason: String,
    },

    /// A data set that is read from files of one's own alone.
    #[error("{dataset} is read from files of one's own, and it is not said where they are")]
    NeedsFiles {
        /// Its name.
        dataset: String,
    },

    /// The pixels of an image could not be encoded or decoded.
    #[error("{path}: {source}", path = path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// What the codec said.
        source: ::image::ImageError,
    },

    /// An image file that cannot be decoded, or would take too much memory.
    #[error("{path}: {source}", path = path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: ::image::ImageError,
    },

    /// A file of a format, or of a kind of it, that is not read.
    #[error("{path} is {what}, which is not read", path = path.display())]
    UnreadFormat {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },

    /// A folder of images without images.
    #[error("{folder} holds no images that are read: {found}", folder = folder.display())]
    NoImages {
        /// The folder that was searched.
        folder: PathBuf,
        /// What is there, in words.
        found: String,
        /// Whether images of other kinds are there.
        unread: bool,
    },

    /// A folder with splits, of which the one that was asked for has no images.
    #[error("{folder} has no images of its {split:?} split: its folders are {found}", folder = folder.display())]
    MissingSplit {
        /// The folder.
        folder: PathBuf,
        /// The split that was asked for.
        split: Split,
        /// The folders in it that hold images.
        found: String,
    },

    /// More files than can be listed.
    #[error("{path} holds {what}", path = path.display())]
    TooManyFiles {
        /// The folder or archive.
        path: PathBuf,
        /// What there is too much of.
        what: String,
    },

    /// A table that has not the column it should have, or several that might be it.
    #[error("{path} {reason}", path = path.display())]
    Column {
        /// The table, or the parquet file.
        path: PathBuf,
        /// What is wrong, and which columns there are.
        reason: String,
        /// The setting that chooses a column.
        flag: &'static str,
    },

    /// A table of labels that cannot be read, or is none of these images.
    #[error("{path} {reason}", path = path.display())]
    LabelTable {
        /// The table, or the data set that lacks one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A setting of labels or columns for a data set that has no use for it.
    #[error("the data set {dataset} takes no {flag}")]
    NotTaken {
        /// The data set's name.
        dataset: String,
        /// The setting.
        flag: &'static str,
    },

    /// A column whose values are no classes.
    #[error("the column {column} of {path} gives no classes: {reason}", path = path.display())]
    NoClasses {
        /// The table, or the parquet file.
        path: PathBuf,
        /// The name of the column.
        column: String,
        /// What is wrong with it, and in which row.
        reason: String,
    },

    /// An image whose size cannot be worked with.
    #[error("an image of {width}x{height} pixels with {channels} channels {reason}")]
    ImageSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Values per pixel.
        channels: usize,
        /// What is wrong with that.
        reason: &'static str,
    },

    /// An image of a data set that cannot be prepared.
    #[error("{image}: {source}")]
    Image {
        /// Its file, or its number and the data set.
        image: String,
        /// What is wrong with it.
        source: Box<Error>,
    },

    /// A transform whose parameters cannot be.
    #[error("the transform `{transform}` cannot be: {reason}")]
    Transform {
        /// The transform in words.
        transform: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The images of one batch differ in size or channels.
    #[error("image {index} of the batch is {found}, the first is {first}")]
    MixedSizes {
        /// The place in the batch of the image that differs.
        index: usize,
        /// Its size, as `WIDTHxHEIGHT, N channels`.
        found: String,
        /// The size of the first image.
        first: String,
    },

    /// No images where some are needed.
    #[error("{what} is empty")]
    Empty {
        /// What is empty.
        what: String,
    },

    /// An index past the end of a data set.
    #[error("{dataset} has {len} images, there is no image {index}")]
    OutOfRange {
        /// The data set's name.
        dataset: String,
        /// The index that was asked for.
        index: usize,
        /// How many images there are.
        len: usize,
    },

    /// A batch size that cannot be.
    #[error("a batch must hold at least one image")]
    ZeroBatch,

    /// Every batch would be an incomplete last one, and those are dropped.
    #[error("a batch of {batch_size} is larger than the data: {dataset} has {len} images")]
    BatchTooLarge {
        /// The data set's name.
        dataset: String,
        /// The batch size that was asked for.
        batch_size: usize,
        /// How many images there are.
        len: usize,
    },

    /// A tensor that is not a batch of images.
    #[error("expected images of shape [N, C, H, W] with 1 to 4 channels, got {shape:?}")]
    NotImages {
        /// The tensor's shape.
        shape: Vec<usize>,
    },

    /// A grid needs columns.
    #[error("a grid must have at least one image in a row")]
    NoColumns,

    /// More images, or larger ones, than one grid can show.
    #[error("a grid of {width}x{height} pixels is too large: a side has at most 16384")]
    GridSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },

    /// The thread that loads batches could not be started, or panicked.
    #[error("the loading thread failed: {0}")]
    Worker(String),

    /// A file holds other images than those its data set was published with.
    #[error("{path} is not {dataset}: its {split:?} split is {expected}, and here are {found}", path = path.display())]
    NotTheDataset {
        /// The file.
        path: PathBuf,
        /// The data set's name.
        dataset: String,
        /// The part of it that the file should be.
        split: Split,
        /// What was published.
        expected: Box<Fingerprint>,
        /// What is in the file.
        found: String,
    },

    /// A data set that this crate does not fetch.
    #[error("there is no data set {dataset} to fetch")]
    NotOnHub {
        /// The name that was given.
        dataset: String,
    },

    /// No hub answers, and the data set is not in the cache.
    #[error("cannot reach the hub {endpoint} for {dataset}: {reason}")]
    HubUnreachable {
        /// The data set's name.
        dataset: String,
        /// The address of the hub.
        endpoint: String,
        /// What the connection came to.
        reason: String,
    },

    /// The hub does not give a file, or not all of it.
    #[error("cannot fetch {file}: {reason}")]
    HubDownload {
        /// The data set's name.
        dataset: String,
        /// The address of the file.
        file: String,
        /// What the hub said, or how the transfer ended.
        reason: String,
    },

    /// The hub knows no such repository, or keeps it from whoever asks.
    #[error("the hub {endpoint} does not give {dataset}: {reason}")]
    HubRefused {
        /// The data set's name.
        dataset: String,
        /// The address of the hub.
        endpoint: String,
        /// What the hub said.
        reason: String,
    },

    /// The repository has no such revision.
    #[error("{dataset}: the hub has no revision {revision} of it")]
    HubRevision {
        /// The data set's name.
        dataset: String,
        /// The branch, tag or commit that was asked for.
        revision: String,
    },

    /// What was given does not name a repository of the hub.
    #[error("{given:?} does not name a data set on the hub: {reason}")]
    HubName {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// A parquet file is compressed in a way that this crate does not know.
    #[error("{path} is compressed with {codec}, which cannot be read", path = path.display())]
    Codec {
        /// The file.
        path: PathBuf,
        /// The compression, as in `ZSTD`.
        codec: String,
    },

    /// Of the parquet files of a data set, none is of the split that was asked for.
    #[error("{dataset} has no parquet files of its {split:?} split: {found}")]
    NoSplit {
        /// The data set's name.
        dataset: String,
        /// The split that was asked for.
        split: Split,
        /// What there is in place of it.
        found: String,
    },

    /// The client of the hub could not be set up.
    #[error("cannot set up the connection to the hub: {0}")]
    HubClient(String),

    /// Candle could not make or move a tensor.
    #[error("tensor error: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For `map_err`: a failed read of this path.
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// For `map_err`: a failed write of this path.
    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    /// What is wrong with this image.
    pub(crate) fn of_image(image: String, source: Self) -> Self {
        Self::Image { image, source: Box::new(source) }
    }

    /// A file of a kind or in a form that is not read.
    pub(crate) fn unsupported(path: &Path, reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), reason: reason.into(), advice: advice.into() }
    }

    /// A file whose content is not what it must be.
    pub(crate) fn malformed(path: &Path, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), reason: reason.into() }
    }
}
