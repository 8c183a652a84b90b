//! Data sets from a hub: the real client against a server on loopback.

#![allow(clippy::unwrap_used)] // as in every test

mod damage;
mod liars;
mod model_file;
mod open;
mod parquet_files;
mod parquet_labels;
mod same_images;
mod server;
mod sets;

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use gan_data::{
    Dataset, Error, Fingerprint, Hub, LabelledImages, Progress, ProgressCallback, Result, Split, Unit,
};
use server::{Manner, Server};
use sets::{Row, color, gray, parquet, png};
use tempfile::TempDir;

/// What is told: what is done, how much of it, of how much, in which unit.
type Note = (String, u64, Option<u64>, Unit);

/// Somebody who notes what is told.
fn notes() -> (ProgressCallback, Arc<Mutex<Vec<Note>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&notes);
    let tell = move |Progress { what, done, total, unit }: Progress<'_>| {
        kept.lock().unwrap().push((what.to_owned(), done, total, unit));
    };
    (ProgressCallback::new(tell), notes)
}

fn mnist(endpoint: &str, cache: &Path, expected: Fingerprint) -> Result<LabelledImages> {
    Hub::at(endpoint, cache)?.load_expecting("mnist", Split::Train, expected, &ProgressCallback::default())
}

fn assert_same(one: &LabelledImages, other: &LabelledImages) {
    assert_eq!((one.len(), one.channels(), one.name()), (other.len(), other.channels(), other.name()));
    for index in 0..one.len() {
        assert_eq!(one.get(index).unwrap(), other.get(index).unwrap(), "image {index}");
    }
}

/// One line, nothing of the program's inside.
fn assert_readable(error: &Error) {
    for text in [error.to_string(), error.hint()] {
        assert!(!text.contains(['\n', '\r']) && text.len() < 600, "{text}");
        assert!(!text.contains("backtrace") && !text.contains(".rs:"), "{text}");
    }
}

/// The message of fetching these rows from a hub that gives them as they are.
fn fault(rows: &[Row]) -> String {
    let expected = Fingerprint { records: rows.len(), sha256: [0; 32] };
    let server = Server::start(parquet(rows, "image"), Manner::Whole);
    let cache = tempfile::tempdir().unwrap();
    let error = mnist(&server.endpoint(), cache.path(), expected).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains("mnist/train/0000.parquet"), "the file is not named: {error}");
    assert_readable(&error);
    error.to_string()
}

#[test]
fn gray_images_arrive_as_they_are_in_the_published_files() {
    let (rows, published) = gray(605); // several row groups, and several chunks of rows in a group
    let server = Server::start(parquet(&rows, "image"), Manner::Whole);
    let cache = tempfile::tempdir().unwrap();
    let fetched = mnist(&server.endpoint(), cache.path(), published.fingerprint()).unwrap();
    assert_same(&fetched, &published);
    let path = "/datasets/ylecun/mnist/resolve/refs%2Fconvert%2Fparquet/mnist/train/0000.parquet";
    assert_eq!(server.requests(), [format!("GET {path}")]);
}

#[test]
fn colour_images_arrive_with_rows_columns_and_channels_in_place() {
    let (rows, published) = color(12);
    let server = Server::start(parquet(&rows, "img"), Manner::Whole);
    let cache = TempDir::new().unwrap();
    let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
    let fetched = hub
        .load_expecting("cifar10", Split::Train, published.fingerprint(), &ProgressCallback::default())
        .unwrap();
    assert_same(&fetched, &published);
}

#[test]
fn the_second_load_needs_no_hub() {
    let (rows, published) = gray(20);
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(parquet(&rows, "image"), Manner::Whole);
    let endpoint = server.endpoint();
    mnist(&endpoint, cache.path(), published.fingerprint()).unwrap();
    let asked = server.requests();
    assert_same(&mnist(&endpoint, cache.path(), published.fingerprint()).unwrap(), &published);
    assert_eq!(server.requests(), asked);
    drop(server);
    assert_same(&mnist(&endpoint, cache.path(), published.fingerprint()).unwrap(), &published);
}

#[test]
fn bytes_fetched_and_images_read_are_told() {
    let (rows, published) = gray(20);
    let file = parquet(&rows, "image");
    let size = file.len() as u64;
    let server = Server::start(file, Manner::Whole);
    let cache = tempfile::tempdir().unwrap();
    let (watch, notes) = notes();
    let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
    hub.load_expecting("mnist", Split::Train, published.fingerprint(), &watch).unwrap();
    let notes = notes.lock().unwrap();
    assert!(notes.contains(&("fetching mnist".to_owned(), size, Some(size), Unit::Bytes)), "{notes:?}");
    assert_eq!(notes.last(), Some(&("reading mnist".to_owned(), 20, Some(20), Unit::Images)));
    assert!(notes.iter().all(|(_, done, total, _)| total.is_none_or(|total| *done <= total)), "{notes:?}");
}

#[test]
fn a_hub_that_lies_is_refused_until_it_tells_the_truth() {
    let (rows, published) = gray(20);
    let expected = published.fingerprint();
    let cache = tempfile::tempdir().unwrap();
    let mut wrong_label = rows.clone();
    wrong_label[7].label = Some(3);
    let server = Server::start(parquet(&wrong_label, "image"), Manner::Whole);

    for lie in [&wrong_label[..], &rows[1..]] {
        server.change(parquet(lie, "image"), Manner::Whole);
        let error = mnist(&server.endpoint(), cache.path(), expected).unwrap_err();
        assert!(
            matches!(&error, Error::NotTheDataset { expected: named, .. } if **named == expected),
            "{error:?}"
        );
        assert!(error.to_string().contains(&expected.to_string()), "{error}");
        assert_readable(&error);
    }

    // What was refused lies in the cache and is not believed the next time either.
    server.change(parquet(&rows, "image"), Manner::Whole);
    assert_same(&mnist(&server.endpoint(), cache.path(), expected).unwrap(), &published);
}

#[test]
fn the_published_sets_cannot_be_replaced_by_others() {
    let (rows, _) = gray(5);
    let server = Server::start(parquet(&rows, "image"), Manner::Whole);
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
    let error = hub.load("mnist", Split::Test, &ProgressCallback::default()).unwrap_err();
    assert!(matches!(error, Error::NotTheDataset { .. }), "{error:?}");
    assert!(
        error.to_string().contains("10000 records") && error.to_string().contains("5 records"),
        "{error}"
    );
    assert!(matches!(
        hub.load("imagenet", Split::Train, &ProgressCallback::default()),
        Err(Error::NotOnHub { .. })
    ));
}

#[test]
fn a_transfer_that_breaks_off_is_an_error_and_the_next_one_counts() {
    let (rows, published) = gray(20);
    let whole = parquet(&rows, "image");
    for manner in [Manner::Half, Manner::HalfUnannounced, Manner::ErrorPage] {
        let server = Server::start(whole.clone(), manner);
        let cache = tempfile::tempdir().unwrap();
        let error = mnist(&server.endpoint(), cache.path(), published.fingerprint()).unwrap_err();
        let announced = manner != Manner::HalfUnannounced;
        assert_eq!(matches!(error, Error::HubDownload { .. }), announced, "{error:?}");
        assert_eq!(matches!(error, Error::Malformed { .. }), !announced, "{error:?}");
        assert!(error.to_string().contains("mnist/train/0000.parquet"), "{error}");
        assert_readable(&error);

        server.change(whole.clone(), Manner::Whole);
        assert_same(&mnist(&server.endpoint(), cache.path(), published.fingerprint()).unwrap(), &published);
    }
}

#[test]
fn a_row_that_is_no_image_of_the_set_is_named() {
    let (rows, _) = gray(10);
    let with = |image: Option<Vec<u8>>, label| {
        let mut rows = rows.clone();
        rows[6] = Row { image, label };
        fault(&rows)
    };
    let good = rows[6].image.clone();
    let sized = |width, height| Some(png(image::GrayImage::new(width, height).into()));

    assert!(with(Some(b"not an image".to_vec()), Some(1)).contains("row 6: its image does not decode"));
    let mut cut = good.clone().unwrap();
    cut.truncate(60);
    assert!(with(Some(cut), Some(1)).contains("row 6: its image does not decode"));
    assert!(with(None, Some(1)).contains("row 6: its image is missing"));
    assert!(with(good.clone(), None).contains("row 6: its label is missing"));
    for label in [10, -1, 256, i64::MAX] {
        assert!(
            with(good.clone(), Some(label))
                .contains(&format!("row 6: its label {label} is not one of 0 to 9"))
        );
    }
    assert!(with(sized(27, 28), Some(1)).contains("row 6: its image is 27x28 L8, not 28x28 L8"));
    assert!(with(sized(28, 29), Some(1)).contains("row 6: its image is 28x29 L8, not 28x28 L8"));
    let rgb = Some(png(image::RgbImage::new(28, 28).into()));
    assert!(with(rgb, Some(1)).contains("row 6: its image is 28x28 Rgb8, not 28x28 L8"));
}

#[test]
fn a_damaged_file_is_an_error() {
    let (rows, published) = gray(4);
    let whole = parquet(&rows, "image");
    let server = Server::start(whole.clone(), Manner::Whole);
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at(&server.endpoint(), cache.path()).unwrap();
    let mut refused = 0;
    // Every byte of the footer, and some of the pages before it.
    let footer = whole.len() - 700;
    for at in (0..footer).step_by(23).chain(footer..whole.len()) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        server.change(damaged, Manner::Whole);
        match hub.load_expecting("mnist", Split::Train, published.fingerprint(), &ProgressCallback::default())
        {
            Ok(fetched) => assert_same(&fetched, &published), // a byte that nothing depends on
            Err(error) => {
                let known = matches!(
                    error,
                    Error::Malformed { .. } | Error::Codec { .. } | Error::NotTheDataset { .. }
                );
                assert!(known, "{error:?}");
                assert_readable(&error);
                refused += 1;
            }
        }
        // A damaged file is fetched again, one that passes is taken from the cache: start over.
        std::fs::remove_dir_all(cache.path()).unwrap();
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn no_hub_and_no_cache_says_what_to_do() {
    let (_, published) = gray(1);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(); // closed again
    let cache = tempfile::tempdir().unwrap();
    let error = mnist(&format!("http://{nobody}"), cache.path(), published.fingerprint()).unwrap_err();
    assert!(matches!(error, Error::HubUnreachable { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with(&format!("cannot reach the hub http://{nobody} for mnist: ")),
        "{error}"
    );
    assert!(error.hint().contains("--data-dir") && error.hint().contains("train-images-idx3-ubyte.gz"));
    assert_readable(&error);
}

#[test]
fn an_address_that_is_none_is_an_error() {
    let error = Hub::at("not an address", Path::new("cache")).err().unwrap();
    assert!(matches!(error, Error::HubClient(_)), "{error:?}");
    assert_readable(&error);
}
