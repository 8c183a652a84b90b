//! A hub on this machine, small and, if asked to, faulty.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How the hub gives a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Whole,
    /// It says how long the file is, gives half and hangs up.
    Half,
    /// It gives half and hangs up, and has not said how long the file is.
    HalfUnannounced,
    /// It gives an error page when asked for it.
    ErrorPage,
    /// It takes the request and says nothing.
    Silent,
    /// It gives half and says nothing more, with the line left open.
    Stalls,
    /// It never stops.
    Endless,
    /// It gives the file, and says this of its content (`ETag`) and its commit (`X-Repo-Commit`).
    Named(&'static str, &'static str),
    /// It sends whoever asks elsewhere.
    Elsewhere(&'static str),
}

/// A repository of the hub, with one commit.
#[derive(Default)]
pub struct Repository {
    /// Its files, each by its path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The file of which half is given and no more.
    pub broken: Option<String>,
    /// The hub answers everything with this status and error code.
    pub refuses: Option<(&'static str, &'static str)>,
    /// The only revision there is, or else every one is.
    pub revision: Option<&'static str>,
    /// The list of files never ends.
    pub endless_list: bool,
    /// What it says of the content of each file, in place of its path.
    pub etag: Option<&'static str>,
    /// Files that are longer than the list says.
    pub longer: bool,
    /// Where it says that its list goes on.
    pub next: Option<&'static str>,
    /// It does not say how large its files are.
    pub sizeless: bool,
}

/// The commit of every repository.
pub const COMMIT: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

/// What the hub has, and what it has been asked.
struct State {
    file: Vec<u8>,
    manner: Manner,
    /// In place of the file.
    repository: Option<Repository>,
    requests: Vec<String>,
    stopped: bool,
    /// Lines that are left open.
    open: Vec<TcpStream>,
}

/// A hub that gives one file for every address, until it is dropped.
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(file: Vec<u8>, manner: Manner) -> Self {
        Self::of(State {
            file,
            manner,
            repository: None,
            requests: Vec::new(),
            stopped: false,
            open: Vec::new(),
        })
    }

    /// A hub that has a repository, under any name.
    pub fn with(repository: Repository) -> Self {
        let (file, manner, repository) = (Vec::new(), Manner::Whole, Some(repository));
        Self::of(State { file, manner, repository, requests: Vec::new(), stopped: false, open: Vec::new() })
    }

    fn of(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut state = shared.lock().unwrap();
                if state.stopped {
                    break;
                }
                // A client that hangs up early is the client's affair.
                let _ = answer(stream.unwrap(), &mut state);
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the hub has this file and gives it so.
    pub fn change(&self, file: Vec<u8>, manner: Manner) {
        let mut state = self.state.lock().unwrap();
        state.file = file;
        state.manner = manner;
    }

    /// Changes the repository.
    pub fn repository(&self, change: impl FnOnce(&mut Repository)) {
        change(self.state.lock().unwrap().repository.as_mut().unwrap());
    }

    /// The method and path of each request so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.lock().unwrap().stopped = true;
        let _ = TcpStream::connect(self.address); // wakes the thread up
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, state: &mut State) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (method, rest) = request.split_once(' ').unwrap_or_default();
    let path = rest.split(' ').next().unwrap_or_default();
    state.requests.push(format!("{method} {path}"));

    let get = method == "GET";
    if let Some(repository) = &state.repository {
        let (status, code, etag, body) = repository.answer(path);
        let half = get && etag.is_some() && etag == repository.broken;
        let etag = etag.map(|etag| repository.etag.map_or(etag, str::to_owned));
        if repository.endless_list && path.contains("/tree/") {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[")?;
            return endless(stream, br#"{"type": "directory", "oid": "0", "path": "x"}, "#);
        }
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nX-Repo-Commit: {COMMIT}\r\n")?;
        write!(stream, "X-Error-Code: {code}\r\nContent-Length: {}\r\n", body.len())?;
        if let Some(next) = repository.next.filter(|_| path.contains("/tree/")) {
            write!(stream, "Link: <{next}>; rel=\"next\"\r\n")?;
        }
        write!(stream, "ETag: \"{}\"\r\n\r\n", etag.unwrap_or_default())?;
        if get {
            stream.write_all(&body[..if half { body.len() / 2 } else { body.len() }])?;
        }
        return stream.shutdown(Shutdown::Write);
    }
    match state.manner {
        Manner::Silent => {
            state.open.push(stream);
            return Ok(());
        }
        Manner::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Repo-Commit: {COMMIT}\r\n\r\n")?;
            return endless(stream, &[7; 1 << 16]);
        }
        Manner::Elsewhere(address) => {
            write!(stream, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {address}\r\n\r\n")?;
            return stream.shutdown(Shutdown::Write);
        }
        _ => {}
    }
    let (etag, commit) = match state.manner {
        Manner::Named(etag, commit) => (etag, commit),
        // The name of the content stays the same when the content changes, as on a hub that lies.
        _ => ("0123456789abcdef", COMMIT),
    };
    let (status, body): (_, &[u8]) = match state.manner {
        Manner::ErrorPage if get => ("404 Not Found", b"<html>no such file</html>"),
        _ => ("200 OK", &state.file),
    };
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    write!(stream, "ETag: \"{etag}\"\r\nX-Repo-Commit: {commit}\r\n")?;
    if !(get && state.manner == Manner::HalfUnannounced) {
        write!(stream, "Content-Length: {}\r\n", body.len())?;
    }
    write!(stream, "\r\n")?;
    if get {
        let half = matches!(state.manner, Manner::Half | Manner::HalfUnannounced | Manner::Stalls);
        stream.write_all(&body[..if half { body.len() / 2 } else { body.len() }])?;
    }
    if state.manner == Manner::Stalls {
        state.open.push(stream);
        return Ok(());
    }
    stream.shutdown(Shutdown::Write)
}

/// Sends this until nobody takes it any more.
fn endless(mut stream: TcpStream, part: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(part)?;
    }
}

impl Repository {
    /// The status, the error code, the name of the content and the content that the hub has for an address.
    fn answer(&self, path: &str) -> (&'static str, &'static str, Option<String>, Vec<u8>) {
        if let Some((status, code)) = self.refuses {
            return (status, code, None, Vec::new());
        }
        // /api/datasets/OWNER/NAME/revision/REVISION, /api/datasets/OWNER/NAME/tree/COMMIT,
        // /datasets/OWNER/NAME/resolve/COMMIT/PATH
        let parts: Vec<&str> = path.split(['/', '?']).skip(1).collect();
        match parts[..] {
            ["api", "datasets", owner, name, "revision", revision]
                if self.revision.is_none_or(|there| there == revision) =>
            {
                ("200 OK", "", None, format!(r#"{{"id": "{owner}/{name}", "sha": "{COMMIT}"}}"#).into())
            }
            ["api", "datasets", _, _, "revision", _] => {
                ("404 Not Found", "RevisionNotFound", None, Vec::new())
            }
            ["api", "datasets", _, _, "tree", COMMIT, "recursive=true"] => {
                let entry = |(path, file): (&String, &Vec<u8>)| {
                    let size = if self.sizeless { "length" } else { "size" };
                    format!(r#"{{"type": "file", "oid": "0", "{size}": {}, "path": "{path}"}}"#, file.len())
                };
                let mut entries = vec![r#"{"type": "directory", "oid": "0", "path": "x"}"#.to_owned()];
                entries.extend(self.files.iter().map(entry));
                ("200 OK", "", None, format!("[{}]", entries.join(", ")).into())
            }
            ["datasets", _, _, "resolve", COMMIT, ..] => {
                let file = parts[5..].join("/");
                match self.files.get(&file) {
                    Some(bytes) => {
                        let more = if self.longer { &b"and more"[..] } else { &[] };
                        ("200 OK", "", Some(file), [bytes, more].concat())
                    }
                    None => ("404 Not Found", "EntryNotFound", None, Vec::new()),
                }
            }
            _ => ("404 Not Found", "RepoNotFound", None, Vec::new()),
        }
    }
}
