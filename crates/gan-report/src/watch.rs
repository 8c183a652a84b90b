//! A live page of a run, or of a folder of runs, for the browser on this computer.
//!
//! Nothing that a browser asks for becomes a path: an address is compared with those of the runs that are
//! there, and the pages hold their pictures. Only this computer is answered, and only under its own name, so
//! that no page of another server can ask through a browser.

mod address;
mod changes;
mod index;
mod pages;

use crate::error::{Error, Result};
use pages::{Answer, Pages};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tiny_http::{Header, Method, Request, Response};

/// How often the run folder is looked at for a page that is open.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often an open page hears something, so that one that is gone is noticed.
const SPEAK_EVERY: Duration = Duration::from_secs(15);
/// How many requests are answered at a time, open pages included.
const MOST_AT_A_TIME: usize = 64;

/// A server for a folder, which listens.
pub struct Server {
    server: tiny_http::Server,
    addr: SocketAddr,
    shared: Arc<Shared>,
}

/// What the threads of a server share.
struct Shared {
    pages: Pages,
    is_stopped: AtomicBool,
    /// How many requests are being answered.
    at_work: AtomicUsize,
}

impl Server {
    /// Listens for requests to see a run folder, or a folder of runs. Port 0 is any that is free.
    ///
    /// # Errors
    /// If there is no such folder, the address is not one of this computer alone, or it cannot be listened
    /// on.
    pub fn bind(folder: impl AsRef<Path>, addr: SocketAddr) -> Result<Server> {
        let folder = folder.as_ref();
        std::fs::read_dir(folder).map_err(Error::file("read", folder))?;
        if !addr.ip().is_loopback() {
            return Err(Error::NotLoopback { addr });
        }
        let listen = |what: String| Error::Listen { addr, what };
        let server = tiny_http::Server::http(addr).map_err(|error| listen(error.to_string()))?;
        let bound = server.server_addr().to_ip().ok_or_else(|| listen("it has no address".to_owned()))?;
        let shared = Shared {
            pages: Pages::of(folder),
            is_stopped: AtomicBool::new(false),
            at_work: AtomicUsize::new(0),
        };
        Ok(Server { server, addr: bound, shared: Arc::new(shared) })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until [`Server::stop`] is called.
    ///
    /// # Errors
    /// If no more requests can be received.
    pub fn run(&self) -> Result<()> {
        while !self.shared.is_stopped.load(Ordering::SeqCst) {
            match self.server.recv() {
                Ok(request) => self.answer_aside(request),
                Err(_) if self.shared.is_stopped.load(Ordering::SeqCst) => break,
                Err(error) => return Err(Error::Listen { addr: self.addr, what: error.to_string() }),
            }
        }
        Ok(())
    }

    /// Makes [`Server::run`] return, and ends the open pages' streams soon after.
    pub fn stop(&self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        self.server.unblock();
    }

    /// Answers on a thread of its own: a slow reader keeps nobody else waiting.
    fn answer_aside(&self, request: Request) {
        let shared = Arc::clone(&self.shared);
        if shared.at_work.fetch_add(1, Ordering::SeqCst) >= MOST_AT_A_TIME {
            shared.at_work.fetch_sub(1, Ordering::SeqCst);
            let _ = respond(request, Answer::Refused { status: 503, why: "too many open pages" });
            return;
        }
        std::thread::spawn(move || {
            let _at_work = AtWork(&shared);
            // Who does not wait for the answer does not get one.
            if let Err(error) = answer(&shared, request) {
                tracing::debug!("a request was not answered: {error}");
            }
        });
    }
}

/// Counts a request as answered, however that ended.
struct AtWork<'a>(&'a Shared);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

fn answer(shared: &Shared, request: Request) -> io::Result<()> {
    if !asks_for_this_computer(&request) {
        return respond(
            request,
            Answer::Refused { status: 403, why: "this server answers to localhost only" },
        );
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return respond(request, Answer::Refused { status: 405, why: "there is nothing to change here" });
    }
    match shared.pages.answer(request.url()) {
        Answer::Events { of, since } if *request.method() == Method::Get => {
            follow(shared, request, of, since)
        }
        other => respond(request, other),
    }
}

/// Whether a request names this computer: a page of another server, whose name was made to mean this
/// computer, names that.
fn asks_for_this_computer(request: &Request) -> bool {
    let mut hosts = request.headers().iter().filter(|header| header.field.equiv("Host"));
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.value.as_str();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn respond(request: Request, answer: Answer) -> io::Result<()> {
    let (status, kind, body) = match answer {
        Answer::Page(page) => (200, "text/html; charset=utf-8", page.as_bytes().to_vec()),
        Answer::Refused { status, why } => (status, "text/plain; charset=utf-8", why.as_bytes().to_vec()),
        Answer::Events { .. } => (405, "text/plain; charset=utf-8", Vec::new()),
    };
    let mut response = Response::from_data(body).with_status_code(status);
    let headers = [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
    ];
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    request.respond(response)
}

/// Says when what a page shows has changed, for as long as somebody listens.
fn follow(shared: &Shared, request: Request, of: changes::Watched, since: Option<u64>) -> io::Result<()> {
    let mut out = request.into_writer();
    // tiny_http's own streams are held back until there is much to send.
    out.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
          Connection: close\r\n\r\n\
          retry: 2000\n\n",
    )?;
    out.flush()?;
    let mut seen = since.unwrap_or_else(|| of.state());
    let mut spoke = Instant::now();
    while !shared.is_stopped.load(Ordering::SeqCst) {
        let now = of.state();
        let word: &[u8] = if now != seen {
            b"event: change\ndata: now\n\n"
        } else if spoke.elapsed() >= SPEAK_EVERY {
            b": still here\n\n"
        } else {
            std::thread::sleep(LOOK_EVERY);
            continue;
        };
        (seen, spoke) = (now, Instant::now());
        out.write_all(word)?;
        out.flush()?;
    }
    Ok(())
}
