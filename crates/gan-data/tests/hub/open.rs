//! Any data set of a hub with parquet files: `hub:OWNER/NAME`.

use std::net::TcpListener;
use std::path::Path;

use gan_data::{Dataset, Error, Hub, Parquet, ProgressCallback, Result, Split, Unit};

use crate::server::{COMMIT, Repository, Server};
use crate::sets::{Column, Row, color, image_column, parquet, png, table};
use crate::{assert_readable, notes};

/// Rows `from..to` of a set with names and captions, as a file.
fn file(from: u8, to: u8) -> Vec<u8> {
    let schema = format!("{} optional int64 label; optional binary text (UTF8);", image_column("image"));
    let image = |i| Some(png(image::RgbImage::from_pixel(8 + u32::from(i), 9, image::Rgb([i, 2, 3])).into()));
    let columns = vec![
        Column::Image((from..to).map(image).collect()),
        Column::Path((to - from).into()),
        Column::Int64((from..to).map(|i| Some(i64::from(i % 3))).collect()),
        Column::Text((from..to).map(|i| (i != 1).then(|| format!("a picture of {i}"))).collect()),
    ];
    let names =
        r#"{"info": {"features": {"label": {"names": ["one", "two", "three"], "_type": "ClassLabel"}}}}"#;
    table(&schema, columns, Some(names))
}

/// Ten images for training in three files, two for testing, as the hub has converted them.
fn repository() -> Repository {
    let files = [
        ("default/train/0000.parquet", file(0, 4)),
        ("default/train/0001.parquet", file(4, 7)),
        ("default/train/0002.parquet", file(7, 10)),
        ("default/test/0000.parquet", file(20, 22)),
        ("other/train/0000.parquet", b"not asked for".to_vec()),
        ("README.md", b"words".to_vec()),
    ];
    let files = files.map(|(path, bytes)| (path.to_owned(), bytes)).into();
    Repository { files, revision: Some("refs%2Fconvert%2Fparquet"), ..Repository::default() }
}

fn open(endpoint: &str, cache: &Path, split: Split) -> Result<Parquet> {
    Hub::at(endpoint, cache)?.open("some-one/pictures", None, split, &ProgressCallback::default())
}

/// That this is what [`repository`] has, from image `first` on.
fn assert_whole(set: &Parquet, first: u8, count: usize) {
    assert_eq!((set.name(), set.len(), set.channels()), ("hub:some-one/pictures", count, 3));
    assert_eq!(set.classes(), Some(3));
    assert_eq!(set.class_names(), ["one", "two", "three"]);
    for index in 0..count {
        let i = first + index as u8;
        let sample = set.get(index).unwrap();
        assert_eq!((sample.image.width, sample.image.height), (8 + usize::from(i), 9));
        assert_eq!(sample.image.pixels[..3], [i, 2, 3]);
        assert_eq!(sample.label, Some(u32::from(i % 3)));
        assert_eq!(set.caption(index).unwrap(), (i != 1).then(|| format!("a picture of {i}")));
    }
    assert!(matches!(set.get(count), Err(Error::OutOfRange { .. })));
    assert!(matches!(set.caption(count), Err(Error::OutOfRange { .. })));
}

#[test]
fn a_set_arrives_and_the_second_time_needs_no_hub() {
    let server = Server::with(repository());
    let endpoint = server.endpoint();
    let cache = tempfile::tempdir().unwrap();
    assert_whole(&open(&endpoint, cache.path(), Split::Train).unwrap(), 0, 10);
    let asked = server.requests();
    assert!(!asked.iter().any(|path| path.contains("/test/") || path.contains("/other/")), "{asked:?}");
    assert_whole(&open(&endpoint, cache.path(), Split::Train).unwrap(), 0, 10);
    assert_eq!(server.requests(), asked);
    assert_whole(&open(&endpoint, cache.path(), Split::Test).unwrap(), 20, 2);
    drop(server);
    assert_whole(&open(&endpoint, cache.path(), Split::Train).unwrap(), 0, 10);
    assert_whole(&open(&endpoint, cache.path(), Split::Test).unwrap(), 20, 2);
}

#[test]
fn what_was_interrupted_is_not_taken_for_the_whole() {
    let server =
        Server::with(Repository { broken: Some("default/train/0001.parquet".to_owned()), ..repository() });
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let error = open(&server.endpoint(), cache.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
        assert!(error.to_string().contains("default/train/0001.parquet"), "{error}");
        assert_readable(&error);
    }
    server.repository(|repository| repository.broken = None);
    assert_whole(&open(&server.endpoint(), cache.path(), Split::Train).unwrap(), 0, 10);
    let first = |path: &String| path.starts_with("GET") && path.ends_with("/train/0000.parquet");
    assert_eq!(server.requests().iter().filter(|path| first(path)).count(), 1);
}

#[test]
fn a_cached_file_of_another_size_is_fetched_again() {
    let server = Server::with(repository());
    let cache = tempfile::tempdir().unwrap();
    open(&server.endpoint(), cache.path(), Split::Test).unwrap();
    let repository = cache.path().join("datasets--some-one--pictures");
    let blob = repository.join(format!("snapshots/{COMMIT}/default/test/0000.parquet"));
    let blob = blob.canonicalize().unwrap();
    std::fs::write(&blob, b"<html>an error page</html>").unwrap();
    assert_whole(&open(&server.endpoint(), cache.path(), Split::Test).unwrap(), 20, 2);
    assert_eq!(std::fs::metadata(&blob).unwrap().len(), file(20, 22).len() as u64);
}

#[test]
fn without_a_listing_the_hub_is_asked_again() {
    let server = Server::with(repository());
    let cache = tempfile::tempdir().unwrap();
    open(&server.endpoint(), cache.path(), Split::Train).unwrap();
    let listing = cache.path().join("datasets--some-one--pictures/gan/refs%2Fconvert%2Fparquet.json");
    let asked = server.requests().len();
    for damage in ["", "{}", "[1, 2", "{\"commit\": \"..\", \"files\": []}"] {
        std::fs::write(&listing, damage).unwrap();
        assert_whole(&open(&server.endpoint(), cache.path(), Split::Train).unwrap(), 0, 10);
    }
    // The listing alone: the files were there.
    assert_eq!(server.requests().len(), asked + 4 * 2);
}

#[test]
fn a_revision_has_files_of_its_own() {
    let (rows, published) = color(6);
    let file = |rows: &[Row]| parquet(rows, "img");
    let files = [
        ("data/train-00000-of-00002.parquet".to_owned(), file(&rows[..3])),
        ("data/train-00001-of-00002.parquet".to_owned(), file(&rows[3..])),
    ];
    let server =
        Server::with(Repository { files: files.into(), revision: Some("v1.0"), ..Repository::default() });
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
    let set = hub.open("a/b", Some("v1.0"), Split::Train, &ProgressCallback::default()).unwrap();
    assert_eq!((set.name(), set.len(), set.classes()), ("hub:a/b@v1.0", 6, Some(9)));
    for index in 0..6 {
        assert_eq!(set.get(index).unwrap(), published.get(index).unwrap());
    }

    let error = hub.open("a/b", Some("v2.0"), Split::Train, &ProgressCallback::default()).unwrap_err();
    assert_eq!(error.to_string(), "hub:a/b@v2.0: the hub has no revision v2.0 of it");
    assert_readable(&error);
    let error = hub.open("a/b", None, Split::Train, &ProgressCallback::default()).unwrap_err();
    assert!(matches!(&error, Error::HubRevision { revision, .. } if revision == "refs/convert/parquet"));
    assert!(error.hint().contains("@main"), "{}", error.hint());
}

#[test]
fn a_path_that_leads_out_of_the_cache_is_refused() {
    for path in ["../../../../escaped-train.parquet", "/tmp/escaped-train.parquet", "a/../../train.parquet"] {
        let files = [("train.parquet".to_owned(), file(0, 1)), (path.to_owned(), file(1, 2))];
        let server = Server::with(Repository { files: files.into(), ..Repository::default() });
        let cache = tempfile::tempdir().unwrap();
        let error = open(&server.endpoint(), cache.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
        assert!(error.to_string().contains("outside of the cache"), "{error}");
        assert_readable(&error);
        assert!(!server.requests().iter().any(|path| path.contains("resolve")));
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_hub_that_refuses_says_what_to_do() {
    for (refuses, said) in [
        (("401 Unauthorized", "RepoNotFound"), "401 Unauthorized"),
        (("403 Forbidden", "GatedRepo"), "403 Forbidden"),
        (("404 Not Found", "RepoNotFound"), "404 Not Found"),
    ] {
        let server = Server::with(Repository { refuses: Some(refuses), ..Repository::default() });
        let cache = tempfile::tempdir().unwrap();
        let error = open(&server.endpoint(), cache.path(), Split::Train).unwrap_err();
        assert!(matches!(error, Error::HubRefused { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!("the hub {} does not give hub:some-one/pictures: {said}", server.endpoint())
        );
        assert!(error.hint().contains("HF_TOKEN") && error.hint().contains("parquet:FOLDER"));
        assert_readable(&error);
    }
}

#[test]
fn a_split_that_is_not_there_is_an_error_that_says_what_is() {
    let files = [("default/validation/0000.parquet".to_owned(), file(0, 2))];
    let server = Server::with(Repository { files: files.into(), ..Repository::default() });
    let cache = tempfile::tempdir().unwrap();
    let error = open(&server.endpoint(), cache.path(), Split::Train).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hub:some-one/pictures has no parquet files of its Train split: but some of Validation"
    );
    assert_readable(&error);
    assert_eq!(open(&server.endpoint(), cache.path(), Split::Test).unwrap().len(), 2);

    let files = [("photos/1.png".to_owned(), vec![1])];
    let server = Server::with(Repository { files: files.into(), ..Repository::default() });
    let cache = tempfile::tempdir().unwrap();
    let error = open(&server.endpoint(), cache.path(), Split::Train).unwrap_err();
    assert!(error.to_string().ends_with("none at all"), "{error}");
}

#[test]
fn no_hub_and_no_cache_says_where_the_files_go() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(); // closed again
    let cache = tempfile::tempdir().unwrap();
    let error = open(&format!("http://{nobody}"), cache.path(), Split::Train).unwrap_err();
    assert!(matches!(error, Error::HubUnreachable { .. }), "{error:?}");
    assert!(error.hint().contains("--dataset parquet:FOLDER"), "{}", error.hint());
    assert_readable(&error);
}

#[test]
fn bytes_and_images_are_told_for_all_files_together() {
    let server = Server::with(repository());
    let cache = tempfile::tempdir().unwrap();
    let (watch, notes) = notes();
    let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
    hub.open("some-one/pictures", None, Split::Train, &watch).unwrap();
    let notes = notes.lock().unwrap();
    let size = Some((file(0, 4).len() + file(4, 7).len() + file(7, 10).len()) as u64);
    let bytes: Vec<u64> = notes.iter().filter(|note| note.3 == Unit::Bytes).map(|note| note.1).collect();
    assert!(bytes.is_sorted() && bytes.last().copied() == size, "{bytes:?}");
    for (what, _, total, unit) in notes.iter() {
        match unit {
            Unit::Bytes => assert_eq!((what.as_str(), *total), ("fetching hub:some-one/pictures", size)),
            Unit::Images => assert_eq!((what.as_str(), *total), ("reading hub:some-one/pictures", Some(10))),
        }
    }
    assert_eq!(notes.last().unwrap().1, 10);
}
