//! The weights of a model.

use gan_data::{Error, Hub, HubModel, Result};
use std::path::PathBuf;
use tempfile::TempDir;

use crate::server::{Manner, Server};
use crate::{assert_readable, notes};

const MODEL: HubModel = HubModel { owner: "somebody", name: "a.network", file: "model.safetensors" };

fn fetch(server: &Server, cache: &TempDir) -> Result<PathBuf> {
    Hub::at(&server.endpoint(), cache.path())?.model_file(MODEL, &notes().0)
}

#[test]
fn a_file_arrives_once_and_is_kept_where_everybody_keeps_it() {
    let (server, cache) = (Server::start(b"weights".to_vec(), Manner::Whole), tempfile::tempdir().unwrap());
    let path = fetch(&server, &cache).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"weights");
    assert!(path.starts_with(cache.path().join("models--somebody--a.network/snapshots")), "{path:?}");
    let asked = server.requests();
    assert_eq!(asked, ["GET /somebody/a.network/resolve/main/model.safetensors"]);
    assert_eq!((fetch(&server, &cache).unwrap(), server.requests()), (path, asked));
}

#[test]
fn what_breaks_off_is_not_kept() {
    for manner in [Manner::Half, Manner::HalfUnannounced, Manner::ErrorPage] {
        let (server, cache) = (Server::start(b"weights".to_vec(), manner), tempfile::tempdir().unwrap());
        let error = fetch(&server, &cache).unwrap_err();
        assert!(matches!(error, Error::HubDownload { .. }), "{error:?}");
        assert_readable(&error);
        server.change(b"weights".to_vec(), Manner::Whole);
        assert_eq!(std::fs::read(fetch(&server, &cache).unwrap()).unwrap(), b"weights");
    }
}
