//! A file of a model of the hub: the weights of a network.

use std::path::PathBuf;

use super::store::Store;
use super::web::Fault;
use super::{Hub, listing};
use crate::{Progress, ProgressCallback, Result, Unit};

/// The branch that a model is taken from.
const BRANCH: &str = "main";
/// A file of weights is at most so long, bytes.
const MAX_WEIGHTS: u64 = 1 << 30;

/// A model of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubModel {
    /// Who has published it.
    pub owner: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The file of its weights.
    pub file: &'static str,
}

/// Where a file of a model lies on this machine, fetched if it is not there yet.
///
/// Which hub is asked, and where files are kept, is up to the environment, as with
/// [`load_from_hub`](crate::load_from_hub).
///
/// # Errors
/// As [`Hub::model_file`].
pub fn model_file_from_hub(model: HubModel, watch: &ProgressCallback) -> Result<PathBuf> {
    Hub::from_env()?.model_file(model, watch)
}

impl Hub {
    /// Where a file of a model lies on this machine: in the hub's usual cache, into which it is fetched the
    /// first time. `watch` is told the bytes that are fetched.
    ///
    /// # Errors
    /// If it is not there and the hub cannot be reached, or does not give it.
    pub fn model_file(&self, model: HubModel, watch: &ProgressCallback) -> Result<PathBuf> {
        let HubModel { owner, name, file } = model;
        let repository = self.client.model(owner, name);
        let cached = repository.download_file().filename(file).revision(BRANCH);
        if let Ok(path) = cached.local_files_only(true).send() {
            return Ok(path);
        }
        let called = format!("{owner}/{name}");
        tracing::info!("fetching {file} of {called} from {}", self.endpoint);
        let address = self.web.address([owner, name, "resolve", BRANCH, file]);
        let fault = |fault| self.fault(&called, &address, fault);
        let answer = self.web.get(&address).map_err(fault)?;
        let commit = answer.commit.clone().unwrap_or_default();
        if !listing::is_commit(&commit) {
            return Err(fault(Fault::Broken(format!("the hub names no commit, but {commit:.60?}"))));
        }
        let store = Store::of_model(&self.cache, owner, name);
        let mut incoming = store.begin()?;
        let Some(total) = answer.length() else {
            return Err(fault(Fault::Broken("the hub does not say how long the file is".to_owned())));
        };
        let what = format!("fetching {called}");
        let mut tell =
            |done| watch.tell(Progress { what: &what, done, total: Some(total), unit: Unit::Bytes });
        answer.copy(MAX_WEIGHTS, &mut incoming, &mut tell).map_err(fault)?;
        if incoming.length != total {
            let reason = format!("{} bytes came of {total}", incoming.length);
            return Err(fault(Fault::Broken(reason)));
        }
        let path = store.keep(incoming, &commit, file)?;
        store.note(BRANCH, &commit)?;
        Ok(path)
    }
}
