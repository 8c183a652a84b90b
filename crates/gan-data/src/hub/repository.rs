//! Any data set of the hub that has its images in parquet files.

use std::fs;
use std::path::PathBuf;

use hf_hub::{HFRepositorySync, RepoTypeDataset};
use reqwest::Url;
use serde_json::Value;

use super::listing::{self, Listed, Listing};
use super::store::Store;
use super::web::Fault;
use super::{CONVERTED, Hub};
use crate::parquet::{of_one_config, of_split};
use crate::{Error, OpenOptions, Parquet, Progress, ProgressCallback, Result, Split, Unit};

/// No listing of a repository is longer than this.
const MAX_ENTRIES: usize = 100_000;

/// Opens a data set of the Hugging Face hub: `repository` is `OWNER/NAME`.
///
/// As [`Hub::open_with`], with the hub, the cache and the token that the environment asks for: `HF_ENDPOINT`, `HF_HOME`,
/// `HF_TOKEN`.
///
/// # Errors
/// As [`Hub::open_with`].
pub fn open_from_hub(repository: &str, revision: Option<&str>, options: &OpenOptions) -> Result<Parquet> {
    Hub::from_env()?.open_with(repository, revision, options)
}

impl Hub {
    /// Opens a data set of the hub that has its images in parquet files; `repository` is `OWNER/NAME`.
    ///
    /// Without a revision what the hub itself has converted to parquet is taken, and of that one configuration: `default`,
    /// or the only one, or else the first. `revision` is a branch, tag or commit with parquet files of its own. Which
    /// files belong to a split is told by their names, as [`Parquet::open`] does.
    ///
    /// What has been fetched once stays in the hub's usual cache and is read from there, without a network, even if the
    /// branch goes on. Of what was interrupted the missing files are fetched. `watch` is told the bytes that are fetched
    /// and the images that are read.
    ///
    /// # Errors
    /// If the repository or revision is not the name of one; if the hub cannot be reached, or does not give the
    /// repository, the revision, a file of the split, or all of a file; and as [`Parquet::open`].
    pub fn open(
        &self,
        repository: &str,
        revision: Option<&str>,
        split: Split,
        watch: &ProgressCallback,
    ) -> Result<Parquet> {
        let options = OpenOptions { split, watch: watch.clone(), ..OpenOptions::default() };
        self.open_with(repository, revision, &options)
    }

    /// The same with the columns that the options name, as [`Parquet::open_with`].
    ///
    /// # Errors
    /// As [`Hub::open`] and [`Parquet::open_with`].
    pub fn open_with(
        &self,
        repository: &str,
        revision: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Parquet> {
        let source = Source::new(repository, revision)?;
        let files = match self.kept(&source, options.split) {
            Some(files) => files,
            None => self.fetch(&source, options.split, &options.watch)?,
        };
        Parquet::read(source.dataset, files, options)
    }

    /// The files of the split, if all of them are in the cache.
    fn kept(&self, source: &Source, split: Split) -> Option<Vec<PathBuf>> {
        let listing = Listing::load(&self.listing_file(source))?;
        let files = source.choose(&listing, split).ok()?;
        files.iter().map(|file| self.kept_file(source, &listing.commit, file)).collect()
    }

    /// The file in the cache, if all of it is there.
    fn kept_file(&self, source: &Source, commit: &str, file: &Listed) -> Option<PathBuf> {
        let repository = self.dataset(source);
        let request = repository.download_file().filename(&file.path).revision(commit);
        let path = request.local_files_only(true).send().ok()?;
        (fs::metadata(&path).ok()?.len() == file.size).then_some(path)
    }

    /// Asks the hub for its files of the split, and fetches those that are not in the cache.
    fn fetch(&self, source: &Source, split: Split, watch: &ProgressCallback) -> Result<Vec<PathBuf>> {
        let listing = self.list(source)?;
        let files = source.choose(&listing, split)?;
        listing.store(&self.listing_file(source))?;
        let total = files.iter().map(|file| file.size).fold(0, u64::saturating_add);
        let what = format!("fetching {}", source.dataset);
        let mut before = 0;
        let mut paths = Vec::with_capacity(files.len());
        for file in files {
            let path = match self.kept_file(source, &listing.commit, &file) {
                Some(path) => path,
                None => {
                    let mut tell = |done| {
                        let done = before + done;
                        watch.tell(Progress { what: &what, done, total: Some(total), unit: Unit::Bytes });
                    };
                    self.fetch_file(source, &listing.commit, &file, &mut tell)?
                }
            };
            before = u64::saturating_add(before, file.size);
            paths.push(path);
        }
        Ok(paths)
    }

    /// Fetches a file of the listing; `tell` is told how many bytes of it have come.
    fn fetch_file(
        &self,
        source: &Source,
        commit: &str,
        file: &Listed,
        tell: &mut dyn FnMut(u64),
    ) -> Result<PathBuf> {
        tracing::info!("fetching {} of {} from {}", file.path, source.dataset, self.endpoint);
        let Source { owner, name, .. } = source;
        let address = ["datasets", owner, name, "resolve", commit].into_iter().chain(file.path.split('/'));
        let address = self.web.address(address);
        let refusal = |fault| self.refusal(source, &address, fault);
        let store = Store::of(&self.cache, owner, name);
        let mut incoming = store.begin()?;
        self.web
            .get(&address)
            .and_then(|answer| answer.copy(file.size, &mut incoming, tell))
            .map_err(refusal)?;
        if incoming.length != file.size {
            let reason = format!("{} bytes came, and the hub lists {}", incoming.length, file.size);
            return Err(refusal(Fault::Broken(reason)));
        }
        store.keep(incoming, commit, &file.path)
    }

    /// What parquet files the repository has.
    fn list(&self, source: &Source) -> Result<Listing> {
        let Source { owner, name, revision, .. } = source;
        let api = |what, which| self.web.address(["api", "datasets", owner, name, what, which]);
        // First the commit: what a branch names may change while its files are fetched.
        let address = api("revision", revision);
        let (info, _) = self.json(source, &address)?;
        let damaged = |reason| self.fault(&source.dataset, &address, Fault::Broken(reason));
        let commit = info.get("sha").and_then(Value::as_str).unwrap_or_default().to_owned();
        let listing = Listing::new(commit, Vec::new()).map_err(damaged)?;

        let mut tree = api("tree", &listing.commit);
        tree.set_query(Some("recursive=true"));
        let (mut files, mut entries, mut next) = (Vec::new(), 0, Some(tree));
        while let Some(address) = next {
            let (page, after) = self.json(source, &address)?;
            let page = page.as_array().ok_or_else(|| damaged("the hub sends no list".to_owned()))?;
            entries += page.len();
            if entries >= MAX_ENTRIES {
                return Err(damaged(format!("the repository has {MAX_ENTRIES} files and folders or more")));
            }
            for entry in page {
                files.extend(parquet_file(entry).map_err(damaged)?);
            }
            next = after.filter(|_| !page.is_empty());
        }
        Listing::new(listing.commit, files).map_err(damaged)
    }

    /// What an address gives, and the address that goes on with it.
    fn json(&self, source: &Source, address: &Url) -> Result<(Value, Option<Url>)> {
        let refusal = |fault| self.refusal(source, address, fault);
        let answer = self.web.get(address).map_err(refusal)?;
        let (mut text, next) = (Vec::new(), answer.next.clone());
        answer.copy(listing::MAX_BYTES, &mut text, &mut |_| {}).map_err(refusal)?;
        let value = serde_json::from_slice(&text)
            .map_err(|error| refusal(Fault::Broken(format!("it is no JSON: {error}"))))?;
        Ok((value, next))
    }

    /// What it means that the hub does not give what is at an address.
    fn refusal(&self, source: &Source, address: &Url, fault: Fault) -> Error {
        match fault {
            Fault::Refused { status, code, reason } if matches!(status.as_u16(), 401 | 403 | 404) => {
                if code == "RevisionNotFound" {
                    let (dataset, revision) = (source.dataset.clone(), source.revision.clone());
                    return Error::HubRevision { dataset, revision };
                }
                let (dataset, endpoint) = (source.dataset.clone(), self.endpoint.clone());
                Error::HubRefused { dataset, endpoint, reason }
            }
            fault => self.fault(&source.dataset, address, fault),
        }
    }

    fn dataset(&self, source: &Source) -> HFRepositorySync<RepoTypeDataset> {
        self.client.dataset(&source.owner, &source.name)
    }

    /// Where the listing of this revision is kept: in the repository's folder of the cache, beside what others keep there.
    fn listing_file(&self, source: &Source) -> PathBuf {
        let folder = self.cache.join(format!("datasets--{}--{}", source.owner, source.name)).join("gan");
        folder.join(format!("{}.json", source.revision.replace('/', "%2F")))
    }
}

/// An entry of the hub's list of files, if it is a parquet file; or what is wrong with it.
fn parquet_file(entry: &Value) -> std::result::Result<Option<Listed>, String> {
    let text = |key| entry.get(key).and_then(Value::as_str);
    let Some(path) = text("path").filter(|path| path.ends_with(".parquet") && text("type") == Some("file"))
    else {
        return Ok(None);
    };
    let size = entry.get("size").and_then(Value::as_u64);
    let size = size.ok_or_else(|| format!("the hub does not say how large {path:?} is"))?;
    Ok(Some(Listed { path: path.to_owned(), size }))
}

/// A revision of a repository.
#[derive(Debug)]
struct Source {
    /// What the data set calls itself: `hub:OWNER/NAME`, or `hub:OWNER/NAME@REVISION`.
    dataset: String,
    owner: String,
    name: String,
    revision: String,
}

impl Source {
    /// Both become part of an address and of paths in the cache: they are held to what the hub allows.
    fn new(repository: &str, revision: Option<&str>) -> Result<Self> {
        let given = match revision {
            Some(revision) => format!("{repository}@{revision}"),
            None => repository.to_owned(),
        };
        let wrong = |reason| Error::HubName { given: given.clone(), reason };
        let (owner, name) = repository.split_once('/').ok_or_else(|| wrong("it has no owner"))?;
        if !is_name(owner) || !is_name(name) {
            return Err(wrong("an owner and a name are letters, digits and single characters of -_."));
        }
        if !revision.is_none_or(|revision| revision.len() < 200 && revision.split('/').all(is_name)) {
            return Err(wrong("a revision is letters, digits and single characters of -_./"));
        }
        let (owner, name) = (owner.to_owned(), name.to_owned());
        let revision = revision.unwrap_or(CONVERTED).to_owned();
        Ok(Self { dataset: format!("hub:{given}"), owner, name, revision })
    }

    /// The files of the split, of one configuration.
    fn choose(&self, listing: &Listing, split: Split) -> Result<Vec<Listed>> {
        let files = of_one_config(listing.files.clone(), Listed::as_path, &self.dataset);
        of_split(files, Listed::as_path, split, &self.dataset)
    }
}

fn is_name(name: &str) -> bool {
    let ends = |end: Option<char>| end.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    name.len() <= 96
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && ends(name.chars().next())
        && ends(name.chars().next_back())
        && !name.contains("..")
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_to_what_the_hub_allows() {
        let source = Source::new("Owner-1/some.name_2", Some("refs/pr/3")).unwrap();
        assert_eq!(source.dataset, "hub:Owner-1/some.name_2@refs/pr/3");
        assert_eq!(Source::new("a/b", None).unwrap().revision, CONVERTED);
        for repository in
            ["", "mnist", "/", "a/", "/b", "a/b/c", "../b", "a/..", "a b/c", "a/b\n", "a--b/c", "ä/b"]
        {
            let error = Source::new(repository, None).unwrap_err();
            assert!(matches!(error, Error::HubName { .. }), "{repository}: {error:?}");
            assert!(
                !error.to_string().contains('\n') && error.hint().contains("hub:ylecun/mnist"),
                "{error}"
            );
        }
        for revision in ["", "/", "..", "a/../b", "/a", "a/", "a b", "a%2Fb", "a\\b", &"a".repeat(300)] {
            let error = Source::new("a/b", Some(revision)).unwrap_err();
            assert!(matches!(error, Error::HubName { .. }), "{revision}: {error:?}");
        }
    }
}
