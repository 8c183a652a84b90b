//! What to do about an error.

use super::Error;
use crate::source_names;

impl Error {
    /// One line: what to do about it.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Read { .. } => "check the path and its permissions",
            Self::Write { .. } => "check that the folder exists, can be written to, and has space left",
            Self::Temporary { .. } => "make room there, or name another folder with the variable TMPDIR",
            Self::NoFolder { .. } | Self::NotAFolder { .. } => {
                "give the folder or the archive that holds the data set's files"
            }
            Self::NotEmpty { .. } => "name a folder that does not exist yet",
            Self::UnknownDataset { .. } => {
                return format!(
                    "the data sets are {}; or give the path of your own",
                    source_names::NAMES.join(", ")
                );
            }
            Self::WithoutHub { dataset } => {
                return format!("build with --features hub, or {}", own_files(dataset));
            }
            Self::MissingFile { .. } => {
                "put the data set's files there as they were published, or give the folder they are in"
            }
            Self::NotAFile { .. } => "replace it by the data set's file",
            Self::Malformed { .. } => "the file is damaged or of another kind: fetch it again",
            Self::Unsupported { advice, .. } => return advice.clone(),
            Self::Arrays { .. } => {
                "give height * width * channels bytes and one label for each image, and a name for each \
                 class or none"
            }
            Self::NeedsFiles { .. } => "give the folder or archive that holds them with --data-dir DIR",
            Self::Png { .. } => "check that the image is of a kind PNG can hold",
            Self::Decode { .. } => "replace it by a whole image, or take it out of the folder",
            Self::UnreadFormat { hint, .. } => hint,
            Self::NoImages { unread: true, .. } => "convert the images to PNG or JPEG",
            Self::NoImages { .. } => {
                "give the folder with the images (JPEG, PNG, WebP, BMP, GIF, TIFF, PNM), or with a folder \
                 for each class"
            }
            Self::MissingSplit { .. } => {
                "give the path of one of these folders; or rename them, if they are no splits"
            }
            Self::TooManyFiles { .. } => {
                "give a part of it, or parquet files; and see whether links in it lead round in circles"
            }
            Self::Column { flag, .. } => return format!("give the name of one of these columns with {flag}"),
            Self::LabelTable { .. } => {
                "a table of labels has the names of the images' files in one column and their classes in \
                 another (docs/data.md)"
            }
            Self::NotTaken { flag: "--labels", .. } => {
                "leave --labels out: it is for a folder or an archive of images"
            }
            Self::NotTaken { flag, .. } => {
                return format!("leave {flag} out: it is for parquet files and tables of labels");
            }
            Self::NoClasses { .. } => {
                "name another column with --label-column, or leave it out to train without classes"
            }
            Self::ImageSize { .. } => {
                "choose another image size (--image-size), or make all images gray or colour (--channels)"
            }
            Self::Image { source, .. } => return source.hint(),
            Self::Transform { .. } => "correct the transform's parameters",
            Self::MixedSizes { .. } => {
                "bring the images to one size with a resize and a crop, and to one number of channels"
            }
            Self::Empty { .. } => "give at least one image",
            Self::OutOfRange { .. } => "ask for an index below the number of images",
            Self::ZeroBatch => "choose a batch size of 1 or more",
            Self::BatchTooLarge { len, .. } => {
                return format!("choose a batch size of at most {len}, or keep the last partial batch");
            }
            Self::NotImages { .. } => "give a batch of images, [N, C, H, W]",
            Self::NoColumns => "choose 1 or more images in a row",
            Self::GridSize { .. } => "show fewer images, or more of them in a row",
            Self::Worker(_) => "this is a fault of the data set's code or of the machine: please report it",
            Self::NotTheDataset { dataset, .. } => {
                return format!(
                    "it is fetched again the next time; if that gives the same, {}",
                    own_files(dataset)
                );
            }
            Self::NotOnHub { .. } => "the sets that can be fetched are mnist, fashion-mnist and cifar10",
            Self::HubUnreachable { dataset, .. } => {
                return format!("check the network, or {}", own_files(dataset));
            }
            Self::HubDownload { dataset, .. } => {
                return format!("try again later, or {}", own_files(dataset));
            }
            Self::HubRefused { dataset, .. } => {
                return format!(
                    "check the name; if the data set is private or asks for consent, set HF_TOKEN to a token \
                     that may read it; or {}",
                    own_files(dataset)
                );
            }
            Self::HubRevision { .. } => {
                "name a branch, tag or commit that has parquet files, as in hub:OWNER/NAME@main"
            }
            Self::HubName { .. } => {
                "give OWNER/NAME, as in hub:ylecun/mnist, or OWNER/NAME@REVISION, as in hub:ylecun/mnist@main"
            }
            Self::Codec { .. } => {
                "write the file again with zstd, lz4_raw or snappy compression, or with none"
            }
            Self::NoSplit { .. } => {
                "name the files after their split, as in train-00000-of-00001.parquet, or give one file"
            }
            Self::HubClient(_) => {
                "check HF_ENDPOINT, the address of the hub, and that this machine has root certificates"
            }
            Self::Tensor(_) => "a smaller batch or image size may fit where this one does not",
        };
        hint.to_owned()
    }
}

/// How to do without the hub.
fn own_files(dataset: &str) -> String {
    let files = match dataset {
        "cifar10" => "data_batch_1.bin to data_batch_5.bin and test_batch.bin",
        hub if hub.starts_with("hub:") => {
            return "put its parquet files in a folder and give it with --dataset parquet:FOLDER".to_owned();
        }
        _ => {
            "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and \
             t10k-labels-idx1-ubyte.gz"
        }
    };
    format!("put {files} in a folder and give it with --data-dir DIR")
}
