//! Data sets from the Hugging Face hub. The published ones known by name are believed only after their content has been
//! compared with what their makers published.

mod listing;
mod model_file;
mod repository;
mod store;
mod web;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::{HFClient, HFClientBuilder, HFClientSync, HFError, HFRepositorySync, RepoTypeDataset, split_id};
use reqwest::Url;

pub use self::model_file::{HubModel, model_file_from_hub};
pub use self::repository::open_from_hub;
use self::store::Store;
use self::web::{Fault, PATIENCE, Web};
use crate::parquet::{self, Shape, Table, Wanted, one_line};
use crate::{Error, Fingerprint, LabelledImages, Progress, ProgressCallback, Result, Split, Unit};

/// Where the hub keeps what it has converted to parquet.
const CONVERTED: &str = "refs/convert/parquet";
/// A file of a published set is at most so long, bytes; the longest has 120 MB.
const MAX_PUBLISHED: u64 = 1 << 30;
const GRAY: Shape = Shape { width: 28, height: 28, channels: 1 };
const COLOR: Shape = Shape { width: 32, height: 32, channels: 3 };

/// Reads `mnist`, `fashion-mnist` or `cifar10` from the Hugging Face hub.
///
/// What has been fetched once stays in the hub's usual cache and is read from there, without a network. Where that is,
/// which hub is asked and as whom is up to the environment: `HF_HOME`, `HF_ENDPOINT`, `HF_TOKEN`.
///
/// # Errors
/// As [`Hub::load`].
pub fn load_from_hub(name: &str, split: Split, watch: &ProgressCallback) -> Result<LabelledImages> {
    Hub::from_env()?.load(name, split, watch)
}

/// A hub and the folder on this machine where its files are cached.
pub struct Hub {
    /// Looks into the cache.
    client: HFClientSync,
    web: Web,
    endpoint: String,
    cache: PathBuf,
}

impl Hub {
    /// The hub and the cache that the environment asks for: `HF_ENDPOINT`, `HF_TOKEN`, and `HF_HUB_CACHE` or `HF_HOME`.
    ///
    /// # Errors
    /// If `HF_ENDPOINT` is no URL, or the client cannot be set up.
    pub fn from_env() -> Result<Self> {
        Self::new(HFClient::builder(), PATIENCE)
    }

    /// The hub at this URL, with its cache in this folder.
    ///
    /// # Errors
    /// If the URL is none, or the client cannot be set up.
    pub fn at(endpoint: &str, cache: &Path) -> Result<Self> {
        Self::new(HFClient::builder().endpoint(endpoint).cache_dir(cache), PATIENCE)
    }

    /// The same hub, which may be silent for so long (30 s unless it is asked for) before that is an error.
    ///
    /// # Errors
    /// If the client cannot be set up.
    pub fn with_patience(self, patience: Duration) -> Result<Self> {
        Self::new(HFClient::builder().endpoint(self.endpoint).cache_dir(self.cache), patience)
    }

    fn new(client: HFClientBuilder, patience: Duration) -> Result<Self> {
        let set_up = |error: &HFError| Error::HubClient(innermost(error));
        let client = client.build().map_err(|error| set_up(&error))?;
        let (endpoint, cache) = (client.endpoint().to_owned(), client.cache_dir().to_owned());
        let web = Web::new(&endpoint, web::token(), patience).map_err(Error::HubClient)?;
        let client = HFClientSync::from_inner(client).map_err(|error| set_up(&error))?;
        Ok(Self { client, web, endpoint, cache })
    }

    /// Reads `mnist`, `fashion-mnist` or `cifar10`, exactly as published. `watch` is told the bytes that are fetched and
    /// the images that are read.
    ///
    /// # Errors
    /// If the set is another; if it is not in the cache and the hub cannot be reached or does not give it; if a row is
    /// not an image and a label of the set, or the whole is not the set that was published.
    pub fn load(&self, name: &str, split: Split, watch: &ProgressCallback) -> Result<LabelledImages> {
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
        watch: &ProgressCallback,
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
        let path = self.download(&source, watch)?;
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

    /// Fetches the file into the cache.
    fn download(&self, source: &Source, watch: &ProgressCallback) -> Result<PathBuf> {
        let (file, (owner, name)) = (source.file(), split_id(source.repository));
        tracing::info!("fetching {file} of {} from {}", source.repository, self.endpoint);
        let address = self
            .web
            .address(["datasets", owner, name, "resolve", CONVERTED].into_iter().chain(file.split('/')));
        let fault = |fault| self.fault(source.name, &address, fault);
        let answer = self.web.get(&address).map_err(fault)?;
        let commit = answer.commit.clone().unwrap_or_default();
        if !listing::is_commit(&commit) {
            return Err(fault(Fault::Broken(format!("the hub names no commit, but {commit:.60?}"))));
        }
        let store = Store::of(&self.cache, owner, name);
        let mut incoming = store.begin()?;
        let what = format!("fetching {}", source.name);
        let total = answer.length();
        let mut tell = |done| watch.tell(Progress { what: &what, done, total, unit: Unit::Bytes });
        answer.copy(MAX_PUBLISHED, &mut incoming, &mut tell).map_err(fault)?;
        let path = store.keep(incoming, &commit, &file)?;
        store.note(CONVERTED, &commit)?;
        Ok(path)
    }

    /// What it means that what is at this address cannot be had.
    fn fault(&self, dataset: &str, address: &Url, fault: Fault) -> Error {
        let dataset = dataset.to_owned();
        match fault {
            Fault::Unreachable(reason) => {
                Error::HubUnreachable { dataset, endpoint: self.endpoint.clone(), reason }
            }
            Fault::Refused { reason, .. } | Fault::Broken(reason) => {
                Error::HubDownload { dataset, file: address.to_string(), reason }
            }
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
    fn read(&self, path: &Path, expected: Fingerprint, watch: &ProgressCallback) -> Result<LabelledImages> {
        let refused = |found: String| Error::NotTheDataset {
            path: path.to_owned(),
            dataset: self.name.to_owned(),
            split: self.split,
            expected: Box::new(expected),
            found,
        };
        let rows = Table::open(path, Wanted::default())?.rows();
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
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
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
