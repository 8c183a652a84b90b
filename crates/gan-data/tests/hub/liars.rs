//! A hub, or somebody on the way to it, that means harm: nothing it says becomes a path, nothing lasts or grows without
//! end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gan_data::{Dataset, Error, Hub, ProgressCallback, Split};
use tempfile::TempDir;

use crate::server::{COMMIT, Manner, Repository, Server};
use crate::sets::{gray, parquet};
use crate::{assert_readable, assert_same, mnist};

/// All that lies under a folder.
fn everything(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}

/// A folder with a cache in it, and a file of the user beside that.
fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("deep/in/cache");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(home.path().join("victim"), "of the user").unwrap();
    (home, cache)
}

/// That nothing lies there which would be under another name than those that we make.
fn assert_unharmed(home: &Path, cache: &Path) {
    assert_eq!(std::fs::read_to_string(home.join("victim")).unwrap(), "of the user");
    let outside: Vec<_> = everything(home).into_iter().filter(|path| !path.starts_with(cache)).collect();
    assert_eq!(outside, [home.join("deep"), home.join("deep/in"), home.join("victim")]);
    for path in everything(cache) {
        assert!(!path.to_string_lossy().contains("victim"), "{}", path.display());
    }
}

#[test]
fn what_a_hub_calls_the_content_is_no_path() {
    let (rows, published) = gray(20);
    let (home, cache) = home();
    let absolute: &'static str = home.path().join("victim").display().to_string().leak();
    for etag in [absolute, "../../../../../../victim", "..", "a/b", "C:\\\\victim", ""] {
        let server = Server::start(parquet(&rows, "image"), Manner::Named(etag, COMMIT));
        // The content is what it should be, whatever it is called.
        assert_same(&mnist(&server.endpoint(), &cache, published.fingerprint()).unwrap(), &published);
        assert_unharmed(home.path(), &cache);
        std::fs::remove_dir_all(&cache).unwrap();
        std::fs::create_dir_all(&cache).unwrap();
    }
    let files = [("default/train/0000.parquet".to_owned(), parquet(&rows, "image"))];
    let server =
        Server::with(Repository { files: files.into(), etag: Some(absolute), ..Repository::default() });
    let set = Hub::at(&server.endpoint(), &cache).unwrap();
    assert_eq!(set.open("a/b", None, Split::Train, &ProgressCallback::default()).unwrap().len(), 20);
    assert_unharmed(home.path(), &cache);
}

#[test]
fn what_a_hub_calls_the_commit_is_no_path() {
    let (rows, published) = gray(20);
    let (home, cache) = home();
    let absolute: &'static str = home.path().join("victim").display().to_string().leak();
    for commit in
        [absolute, "../../../../../../victim", "main", "", "a1a1a1a1a1a1a1a1a1a1/1a1a1a1a1a1a1a1a1a1"]
    {
        let server = Server::start(parquet(&rows, "image"), Manner::Named("0123", commit));
        let error = mnist(&server.endpoint(), &cache, published.fingerprint()).unwrap_err();
        assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
        assert!(error.to_string().contains("names no commit"), "{error}");
        assert_readable(&error);
        assert_unharmed(home.path(), &cache);
        assert_eq!(everything(&cache).len(), 0, "nothing is kept of what is refused");
    }
}

#[test]
fn a_hub_that_leads_elsewhere_is_not_followed_to_files() {
    let (_, published) = gray(1);
    for (address, said) in [
        ("file:///etc/passwd", "redirects to \"file\""),
        ("ftp://127.0.0.1/x", "redirects to \"ftp\""),
        ("/again", "redirects without end"),
    ] {
        let server = Server::start(Vec::new(), Manner::Elsewhere(address));
        let cache = tempfile::tempdir().unwrap();
        let error = mnist(&server.endpoint(), cache.path(), published.fingerprint()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_readable(&error);
    }
}

#[test]
fn a_hub_that_is_silent_is_given_up() {
    let (rows, published) = gray(20);
    for manner in [Manner::Silent, Manner::Stalls] {
        let server = Server::start(parquet(&rows, "image"), manner);
        let cache = tempfile::tempdir().unwrap();
        let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
        let hub = hub.with_patience(Duration::from_millis(300)).unwrap();
        let loaded =
            hub.load_expecting("mnist", Split::Train, published.fingerprint(), &ProgressCallback::default());
        let error = loaded.unwrap_err();
        assert!(matches!(error, Error::HubUnreachable { .. }), "{error:?}");
        assert_readable(&error);
        let files = everything(cache.path()).into_iter().filter(|path| path.is_file());
        assert_eq!(files.count(), 0, "the part that came is removed");
    }
}

#[test]
fn a_hub_that_sends_without_end_is_given_up() {
    let (rows, published) = gray(5);
    let server = Server::start(Vec::new(), Manner::Endless);
    let cache = tempfile::tempdir().unwrap();
    let error = mnist(&server.endpoint(), cache.path(), published.fingerprint()).unwrap_err();
    assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
    assert!(error.to_string().contains("more than 1073741824 bytes come"), "{error}");
    assert_eq!(everything(cache.path()).into_iter().filter(|path| path.is_file()).count(), 0);
    drop(server);

    let files: [(String, Vec<u8>); 1] = [("default/train/0000.parquet".to_owned(), parquet(&rows, "image"))];
    for (endless_list, longer, said) in
        [(true, false, "more than 67108864 bytes come"), (false, true, "more than ")]
    {
        let repository =
            Repository { files: files.clone().into(), endless_list, longer, ..Repository::default() };
        let server = Server::with(repository);
        let cache = tempfile::tempdir().unwrap();
        let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
        let error = hub.open("a/b", None, Split::Train, &ProgressCallback::default()).unwrap_err();
        assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert_readable(&error);
        let parquet =
            everything(cache.path()).into_iter().filter(|path| path.to_string_lossy().contains("blobs/"));
        assert_eq!(parquet.count(), 0, "the part that came is removed");
    }
}

#[test]
fn a_list_that_would_be_short_of_files_is_refused() {
    let (rows, _) = gray(5);
    let files = [("default/train/0000.parquet".to_owned(), parquet(&rows, "image"))];
    for (next, sizeless, said) in [
        (
            Some("http://127.0.0.2:9/more"),
            false,
            "its list goes on elsewhere, at \"http://127.0.0.2:9/more\"",
        ),
        (None, true, "does not say how large \"default/train/0000.parquet\" is"),
    ] {
        let repository = Repository { files: files.clone().into(), next, sizeless, ..Repository::default() };
        let server = Server::with(repository);
        let cache = tempfile::tempdir().unwrap();
        let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
        let error = hub.open("a/b", None, Split::Train, &ProgressCallback::default()).unwrap_err();
        assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert_readable(&error);
    }
}
