//! Requests to a hub, none of which may last or grow without end.
//!
//! hf-hub's own requests are not used. hf-hub 1.0.0 takes two headers of an answer, `ETag` (or `X-Linked-ETag`) and
//! `X-Repo-Commit`, for parts of paths as they are (`download_file_to_cache_network` in its repository/download.rs, by
//! `blob_path`, `lock_path` and `snapshot_path` of its cache/storage.rs): a hub, or whoever is on the way to it, can have
//! any file of the user written. It also waits for ever, and reads listings of any length into memory.

use std::io::{Read, Write};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{LINK, LOCATION};
use reqwest::redirect::Policy;

use super::innermost;
use crate::parquet::one_line;

/// So long the hub may be silent, unless another time is asked for.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// So long it may take to answer at all.
const CONNECT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 8;
/// Tries of a request that a hub was too busy for, and the time before the second one.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// How we ask a hub.
pub(super) struct Web {
    client: Client,
    endpoint: Url,
    token: Option<String>,
}

/// What a hub answers.
pub(super) struct Answer {
    response: Response,
    /// What it says in `X-Repo-Commit`: anything.
    pub(super) commit: Option<String>,
    /// The address of the next part of a list.
    pub(super) next: Option<Url>,
}

/// Why there is no answer, or not all of one.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody answers, or nobody goes on to.
    Unreachable(String),
    /// The hub does not want to, or has no such thing.
    Refused { status: StatusCode, code: String, reason: String },
    /// What comes makes no sense, or ends early, or does not end.
    Broken(String),
}

impl Web {
    pub(super) fn new(
        endpoint: &str,
        token: Option<String>,
        patience: Duration,
    ) -> std::result::Result<Self, String> {
        let client = Client::builder()
            .user_agent(concat!("gan/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none()) // they are looked at first
            .connect_timeout(CONNECT.min(patience))
            .timeout(patience) // of each read
            .build()
            .map_err(|error| innermost(&error))?;
        let endpoint = Url::parse(endpoint).map_err(|error| error.to_string())?;
        if !endpoint.has_host() {
            return Err(format!("{endpoint} names no host"));
        }
        Ok(Self { client, endpoint, token })
    }

    /// The address of these segments of a path; what is no letter in them is encoded.
    pub(super) fn address<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut address = self.endpoint.clone();
        if let Ok(mut path) = address.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        address
    }

    /// Asks for an address, and follows where it leads.
    pub(super) fn get(&self, address: &Url) -> std::result::Result<Answer, Fault> {
        let (mut address, mut commit) = (address.clone(), None);
        for _ in 0..MAX_REDIRECTS {
            let response = self.ask(&address)?;
            commit = commit.or_else(|| header(&response, "x-repo-commit"));
            let status = response.status();
            if status.is_redirection() {
                let to = header(&response, LOCATION.as_str()).unwrap_or_default();
                let next = address.join(&to).map_err(|error| Fault::Broken(format!("{to:?}: {error}")))?;
                if next.scheme() != "https" && next.scheme() != address.scheme() {
                    return Err(Fault::Broken(format!("it redirects to {:?}", next.scheme())));
                }
                address = next;
            } else if status.is_success() {
                let link = header(&response, LINK.as_str());
                let next = link.map_or(Ok(None), |link| next_in(&link, &self.endpoint))?;
                return Ok(Answer { response, commit, next });
            } else {
                let code = header(&response, "x-error-code").unwrap_or_default();
                let reason = match header(&response, "x-error-message") {
                    Some(message) => format!("{status}: {}", one_line(&message)),
                    None => status.to_string(),
                };
                let reason = reason.chars().take(300).collect();
                return Err(Fault::Refused { status, code, reason });
            }
        }
        Err(Fault::Broken("it redirects without end".to_owned()))
    }

    fn ask(&self, address: &Url) -> std::result::Result<Response, Fault> {
        let mut pause = PAUSE;
        for left in (0..TRIES).rev() {
            let mut request = self.client.get(address.clone());
            // Nobody but the hub may see the token.
            if let (Some(token), true) = (&self.token, address.origin() == self.endpoint.origin()) {
                request = request.bearer_auth(token);
            }
            match request.send() {
                Ok(response) if left > 0 && is_busy(response.status()) => {}
                Ok(response) => return Ok(response),
                Err(error) if left > 0 && error.is_connect() && !error.is_timeout() => {}
                Err(error) => return Err(Fault::Unreachable(innermost(&error))),
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        Err(Fault::Unreachable("it is busy".to_owned()))
    }
}

impl Answer {
    /// How long it says that it is.
    pub(super) fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Hands on what comes, which may be so many bytes; `tell` is told how many have come.
    pub(super) fn copy(
        mut self,
        most: u64,
        to: &mut dyn Write,
        tell: &mut dyn FnMut(u64),
    ) -> std::result::Result<(), Fault> {
        let too_long = || Fault::Broken(format!("more than {most} bytes come"));
        if self.length().is_some_and(|length| length > most) {
            return Err(too_long());
        }
        let mut buffer = vec![0; 1 << 16];
        let mut done = 0;
        loop {
            let count = match self.response.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(&error)),
            };
            done += count as u64;
            if done > most {
                return Err(too_long());
            }
            to.write_all(&buffer[..count])
                .map_err(|error| Fault::Broken(format!("cannot keep it: {error}")))?;
            tell(done);
        }
    }
}

/// How a transfer ended.
fn broken(error: &std::io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    let silent =
        error.kind() == std::io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout);
    match silent {
        true => Fault::Unreachable("it went silent".to_owned()),
        false => Fault::Broken(innermost(error)),
    }
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// The address in a `Link` header that goes on with a list, which only the hub itself may have: a list that ends there
/// instead would be short of files, and nobody would know.
fn next_in(link: &str, endpoint: &Url) -> std::result::Result<Option<Url>, Fault> {
    let Some(part) = link.split(',').find(|part| part.contains("rel=\"next\"")) else {
        return Ok(None);
    };
    let address =
        part.split_once('<').and_then(|(_, rest)| Some(rest.split_once('>')?.0)).unwrap_or_default();
    let next = endpoint.join(address).map_err(|error| Fault::Broken(format!("{address:?}: {error}")))?;
    match next.origin() == endpoint.origin() {
        true => Ok(Some(next)),
        false => Err(Fault::Broken(format!("its list goes on elsewhere, at {address:?}"))),
    }
}

/// The token to show the hub, found as hf-hub finds it: `HF_TOKEN`, the file `HF_TOKEN_PATH`, or the file `token` in
/// `HF_HOME` (`~/.cache/huggingface` where that is not set).
pub(super) fn token() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if variable("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some() {
        return None;
    }
    let home = || {
        let of_user = |home: String| std::path::Path::new(&home).join(".cache");
        let caches = variable("XDG_CACHE_HOME").map(Into::into).or_else(|| variable("HOME").map(of_user));
        let of_caches = |caches: std::path::PathBuf| caches.join("huggingface");
        variable("HF_HOME").map(Into::into).or_else(|| caches.map(of_caches))
    };
    let file = || variable("HF_TOKEN_PATH").map(Into::into).or_else(|| Some(home()?.join("token")));
    let stored = || std::fs::read_to_string(file()?).ok().map(|token| token.trim().to_owned());
    variable("HF_TOKEN").or_else(stored).filter(|token| !token.is_empty())
}
