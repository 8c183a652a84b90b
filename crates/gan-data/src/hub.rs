//! Data sets from the Hugging Face hub. The published ones known by name are believed only after their content has been
//! compared with what their makers published.

mod download;
mod listing;
mod repository;

use std::path::{Path, PathBuf};

use hf_hub::{HFClient, HFClientBuilder, HFClientSync, HFError, HFRepositorySync, RepoTypeDataset, split_id};

use self::download::Download;
pub use self::repository::open_from_hub;
use crate::parquet::{self, Shape, Table, one_line};
use crate::{Error, Fingerprint, LabelledImages, Result, Split, Watch};

/// Where the hub keeps what it has converted to parquet.
const CONVERTED: &str = "refs/convert/parquet";
const GRAY: Shape = Shape { width: 28, height: 28, channels: 1 };
const COLOR: Shape = Shape { width: 32, height: 32, channels: 3 };

/// Reads `mnist`, `fashion-mnist` or `cifar10` from the Hugging Face hub.
///
/// What has been fetched once stays in the hub's usual cache and is read from there, without a network. Where that is,
/// which hub is asked and as whom is up to the environment: `HF_HOME`, `HF_ENDPOINT`, `HF_TOKEN`.
///
/// # Errors
/// As [`Hub::load`].
pub fn load_from_hub(name: &str, split: Split, watch: &Watch) -> Result<LabelledImages> {
    Hub::from_env()?.load(name, split, watch)
}

/// A hub and the folder on this machine where its files are cached.
pub struct Hub {
    client: HFClientSync,
    endpoint: String,
    cache: PathBuf,
}

impl Hub {
    /// The hub and the cache that the environment asks for: `HF_ENDPOINT`, `HF_TOKEN`, and `HF_HUB_CACHE` or `HF_HOME`.
    ///
    /// # Errors
    /// If `HF_ENDPOINT` is no URL, or the client cannot be set up.
    pub fn from_env() -> Result<Self> {
        Self::new(HFClient::builder())
    }

    /// The hub at this URL, with its cache in this folder.
    ///
    /// # Errors
    /// If the URL is none, or the client cannot be set up.
    pub fn at(endpoint: &str, cache: &Path) -> Result<Self> {
        Self::new(HFClient::builder().endpoint(endpoint).cache_dir(cache))
    }

    fn new(client: HFClientBuilder) -> Result<Self> {
        let client = client.build().and_then(|client| {
            let (endpoint, cache) = (client.endpoint().to_owned(), client.cache_dir().to_owned());
            Ok(Self { client: HFClientSync::from_inner(client)?, endpoint, cache })
        });
        client.map_err(|error| Error::HubClient(innermost(&error)))
    }

    /// Reads `mnist`, `fashion-mnist` or `cifar10`, exactly as published. `watch` is told the bytes that are fetched and
    /// the images that are read.
    ///
    /// # Errors
    /// If the set is another; if it is not in the cache and the hub cannot be reached or does not give it; if a row is
    /// not an image and a label of the set, or the whole is not the set that was published.
    pub fn load(&self, name: &str, split: Split, watch: &Watch) -> Result<LabelledImages> {
        let unknown = || Error::NotOnHub { dataset: name.to_owned() };
        self.load_expecting(name, split, Fingerprint::canonical(name, split).ok_or_else(unknown)?, watch)
    }

    /// As [`Hub::load`], from a hub on which the set of that name has other content: a test's, or a mirror of one's own.
    ///
    /// # Errors
    /// As [`Hub::load`].
    pub fn load_expecting(
        &self,
        name: &str,
        split: Split,
        expected: Fingerprint,
        watch: &Watch,
    ) -> Result<LabelledImages> {
        let source = Source::find(name, split)?;
        let cached = self.cached(&source);
        if let Some(path) = &cached {
            match source.read(path, expected, watch) {
                Ok(data) => return Ok(data),
                // The cache keeps whatever the hub or the way to it made of the file: ask once more.
                Err(error) => tracing::warn!("{error}: fetching it again"),
            }
        }
        let path = self.download(&source, cached.is_some(), watch)?;
        source.read(&path, expected, watch)
    }

    fn repository(&self, source: &Source) -> HFRepositorySync<RepoTypeDataset> {
        let (owner, name) = split_id(source.repository);
        self.client.dataset(owner, name)
    }

    /// The file in the cache, if it is there.
    fn cached(&self, source: &Source) -> Option<PathBuf> {
        let repository = self.repository(source);
        let file = repository.download_file().filename(source.file()).revision(CONVERTED);
        file.local_files_only(true).send().ok()
    }

    /// Fetches the file into the cache; `replace` what is there.
    fn download(&self, source: &Source, replace: bool, watch: &Watch) -> Result<PathBuf> {
        let (file, endpoint) = (source.file(), &self.endpoint);
        tracing::info!("fetching {file} of {} from {endpoint}", source.repository);
        let repository = self.repository(source);
        let download = repository.download_file().filename(&file).revision(CONVERTED);
        let download = download.force_download(replace).progress(Download::of(source.name, watch));
        let address = format!("{endpoint}/datasets/{}/resolve/{CONVERTED}/{file}", source.repository);
        download.send().map_err(|error| self.fault(source.name, address, &error))
    }

    /// What it means that the file at this address cannot be had.
    fn fault(&self, dataset: &str, address: String, error: &HFError) -> Error {
        let (dataset, reason) = (dataset.to_owned(), innermost(error));
        match error {
            HFError::Request { source, .. } if source.is_connect() || source.is_timeout() => {
                Error::HubUnreachable { dataset, endpoint: self.endpoint.clone(), reason }
            }
            _ => Error::HubDownload { dataset, file: address, reason },
        }
    }
}

/// Where a data set lies on the hub, and what its images are.
struct Source {
    name: &'static str,
    split: Split,
    repository: &'static str,
    folder: &'static str,
    shape: Shape,
}

impl Source {
    fn find(name: &str, split: Split) -> Result<Self> {
        let (name, repository, folder, shape) = match name {
            "mnist" => ("mnist", "ylecun/mnist", "mnist", GRAY),
            "fashion-mnist" => ("fashion-mnist", "zalando-datasets/fashion_mnist", "fashion_mnist", GRAY),
            "cifar10" => ("cifar10", "uoft-cs/cifar10", "plain_text", COLOR),
            _ => return Err(Error::NotOnHub { dataset: name.to_owned() }),
        };
        Ok(Self { name, split, repository, folder, shape })
    }

    /// The path of the split's file in the repository.
    fn file(&self) -> String {
        let split = match self.split {
            Split::Train => "train",
            Split::Test => "test",
        };
        format!("{}/{split}/0000.parquet", self.folder)
    }

    /// Reads a file that should be this split.
    fn read(&self, path: &Path, expected: Fingerprint, watch: &Watch) -> Result<LabelledImages> {
        let refused = |found: String| Error::NotTheDataset {
            path: path.to_owned(),
            dataset: self.name.to_owned(),
            split: self.split,
            expected: Box::new(expected),
            found,
        };
        let rows = Table::open(path)?.rows();
        if usize::try_from(rows) != Ok(expected.records) {
            return Err(refused(format!("{rows} records")));
        }
        let data = parquet::read(path, self.name, self.shape, expected.records, watch)?;
        let found = data.fingerprint();
        if found != expected {
            return Err(refused(found.to_string()));
        }
        Ok(data)
    }
}

/// The cause of the causes in one line of a bearable length: "Connection refused" says more than "error sending request".
fn innermost(error: &HFError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    one_line(cause).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_where_the_hub_has_them() {
        let file = |name, split| {
            let source = Source::find(name, split).unwrap();
            format!("{}: {}", source.repository, source.file())
        };
        assert_eq!(file("mnist", Split::Train), "ylecun/mnist: mnist/train/0000.parquet");
        assert_eq!(
            file("fashion-mnist", Split::Test),
            "zalando-datasets/fashion_mnist: fashion_mnist/test/0000.parquet"
        );
        assert_eq!(file("cifar10", Split::Train), "uoft-cs/cifar10: plain_text/train/0000.parquet");
    }
}
