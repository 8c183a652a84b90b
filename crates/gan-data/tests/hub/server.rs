//! A hub on this machine, small and, if asked to, faulty.

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
    /// It says that it has the file, and gives an error page when asked for it.
    ErrorPage,
}

/// What the hub has, and what it has been asked.
struct State {
    file: Vec<u8>,
    manner: Manner,
    requests: Vec<String>,
    stopped: bool,
}

/// A hub that gives one file for every address, until it is dropped.
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(file: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { file, manner, requests: Vec::new(), stopped: false }));
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
    let (status, body): (_, &[u8]) = match state.manner {
        Manner::ErrorPage if get => ("404 Not Found", b"<html>no such file</html>"),
        _ => ("200 OK", &state.file),
    };
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    // The name of the content stays the same when the content changes, as on a hub that lies.
    write!(stream, "ETag: \"0123456789abcdef\"\r\nX-Repo-Commit: {}\r\n", "a1".repeat(20))?;
    if !(get && state.manner == Manner::HalfUnannounced) {
        write!(stream, "Content-Length: {}\r\n", body.len())?;
    }
    write!(stream, "\r\n")?;
    if get {
        let half = matches!(state.manner, Manner::Half | Manner::HalfUnannounced);
        stream.write_all(&body[..if half { body.len() / 2 } else { body.len() }])?;
    }
    stream.shutdown(Shutdown::Write)
}
