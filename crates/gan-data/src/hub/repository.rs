//! Any data set of the hub that has its images in parquet files.

use std::fs;
use std::path::PathBuf;

use hf_hub::repository::RepoTreeEntry;
use hf_hub::{HFError, HFRepositorySync, RepoTypeDataset};

use super::download::Download;
use super::listing::{Listed, Listing};
use super::{CONVERTED, Hub};
use crate::parquet::{of_one_config, of_split};
use crate::{Error, Parquet, Result, Split, Watch};

/// No listing of a repository is longer than this.
const MAX_ENTRIES: usize = 100_000;

/// Opens a data set of the Hugging Face hub: `repository` is `OWNER/NAME`.
///
/// As [`Hub::open`], with the hub, the cache and the token that the environment asks for: `HF_ENDPOINT`, `HF_HOME`,
/// `HF_TOKEN`.
///
/// # Errors
/// As [`Hub::open`].
pub fn open_from_hub(
    repository: &str,
    revision: Option<&str>,
    split: Split,
    watch: &Watch,
) -> Result<Parquet> {
    Hub::from_env()?.open(repository, revision, split, watch)
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
        watch: &Watch,
    ) -> Result<Parquet> {
        let source = Source::new(repository, revision)?;
        let files = match self.kept(&source, split) {
            Some(files) => files,
            None => self.fetch(&source, split, watch)?,
        };
        Parquet::read(source.dataset, files, watch)
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
    fn fetch(&self, source: &Source, split: Split, watch: &Watch) -> Result<Vec<PathBuf>> {
        let listing = self.list(source)?;
        let files = source.choose(&listing, split)?;
        listing.store(&self.listing_file(source))?;
        let total = files.iter().map(|file| file.size).sum();
        let mut before = 0;
        let mut paths = Vec::with_capacity(files.len());
        for file in files {
            let path = match self.kept_file(source, &listing.commit, &file) {
                Some(path) => path,
                None => {
                    let progress = || Download::within(&source.dataset, before, total, watch);
                    self.fetch_file(source, &listing.commit, &file, progress)?
                }
            };
            before += file.size;
            paths.push(path);
        }
        Ok(paths)
    }

    fn fetch_file(
        &self,
        source: &Source,
        commit: &str,
        file: &Listed,
        progress: impl Fn() -> Download,
    ) -> Result<PathBuf> {
        tracing::info!("fetching {} of {} from {}", file.path, source.dataset, self.endpoint);
        let repository = self.dataset(source);
        let address = self.address(source, &file.path);
        let mut found = 0;
        // The cache keeps whatever the hub or the way to it made of the file: what has another size is fetched anew.
        for anew in [false, true] {
            let request = repository.download_file().filename(&file.path).revision(commit);
            let sent = request.force_download(anew).progress(progress()).send();
            let path = sent.map_err(|error| self.refusal(source, &file.path, &error))?;
            found = fs::metadata(&path).map_err(Error::reading(&path))?.len();
            if found == file.size {
                return Ok(path);
            }
        }
        let reason = format!("{found} bytes came, and the hub lists {}", file.size);
        Err(Error::HubDownload { dataset: source.dataset.clone(), file: address, reason })
    }

    /// What parquet files the repository has.
    fn list(&self, source: &Source) -> Result<Listing> {
        let repository = self.dataset(source);
        let revision = &source.revision;
        // First the commit: what a branch names may change while its files are fetched.
        let info = repository.info().revision(revision).send();
        let commit = info.map_err(|error| self.refusal(source, "", &error))?.sha.unwrap_or_default();
        let damaged = |reason| Error::HubDownload {
            dataset: source.dataset.clone(),
            file: self.address(source, ""),
            reason,
        };
        let mut listing = Listing::new(commit, Vec::new()).map_err(damaged)?;
        let tree = repository.list_tree().revision(&listing.commit).recursive(true).limit(MAX_ENTRIES).send();
        let entries = tree.map_err(|error| self.refusal(source, "", &error))?;
        if entries.len() == MAX_ENTRIES {
            return Err(damaged(format!("the repository has {MAX_ENTRIES} files and folders or more")));
        }
        let files = entries.into_iter().filter_map(|entry| match entry {
            RepoTreeEntry::File { path, size, .. } if path.ends_with(".parquet") => {
                Some(Listed { path, size })
            }
            _ => None,
        });
        listing = Listing::new(listing.commit, files.collect()).map_err(damaged)?;
        Ok(listing)
    }

    /// What it means that the hub does not give `file`, or the listing if that is empty.
    fn refusal(&self, source: &Source, file: &str, error: &HFError) -> Error {
        let context = match error {
            HFError::Http { context }
            | HFError::AuthRequired { context }
            | HFError::Forbidden { context } => Some(context),
            HFError::RevisionNotFound { context, .. } => context.as_ref(),
            _ => None,
        };
        let Some(context) = context.filter(|context| matches!(context.status.as_u16(), 401 | 403 | 404))
        else {
            return self.fault(&source.dataset, self.address(source, file), error);
        };
        if context.error_code.as_deref() == Some("RevisionNotFound") {
            return Error::HubRevision { dataset: source.dataset.clone(), revision: source.revision.clone() };
        }
        let reason = match &context.server_message {
            Some(message) => format!("{}: {}", context.status, crate::parquet::one_line(message)),
            None => context.status.to_string(),
        };
        let reason = reason.chars().take(300).collect();
        Error::HubRefused { dataset: source.dataset.clone(), endpoint: self.endpoint.clone(), reason }
    }

    fn dataset(&self, source: &Source) -> HFRepositorySync<RepoTypeDataset> {
        self.client.dataset(&source.owner, &source.name)
    }

    fn address(&self, source: &Source, file: &str) -> String {
        let Source { owner, name, revision, .. } = source;
        format!("{}/datasets/{owner}/{name}/resolve/{revision}/{file}", self.endpoint)
    }

    /// Where the listing of this revision is kept: in the repository's folder of the cache, beside what others keep there.
    fn listing_file(&self, source: &Source) -> PathBuf {
        let folder = self.cache.join(format!("datasets--{}--{}", source.owner, source.name)).join("gan");
        folder.join(format!("{}.json", source.revision.replace('/', "%2F")))
    }
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
