//! The live server, asked as a browser asks and as nobody should.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{Run, write};
use gan_report::{Error, watch::Server};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

/// Serves a folder for as long as something is asked.
fn serving(folder: &Path, ask: impl FnOnce(SocketAddr)) {
    let server = Server::bind(folder, "127.0.0.1:0".parse().unwrap()).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.run());
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ask(server.addr())));
        server.stop();
        running.join().unwrap().unwrap();
        asked.unwrap();
    });
}

/// Sends a request as it is, and reads the whole answer.
fn raw(addr: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(addr: SocketAddr, path: &str) -> String {
    raw(addr, &format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", addr.port()))
}

#[test]
fn a_run_is_served_as_a_page_that_listens() {
    let run = Run::small();
    serving(&run.path, |addr| {
        let page = get(addr, "/");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("data:image/png"));
        assert!(page.contains("connect-src 'self'") && page.contains("data-events=\"/events?since="));
    });
}

#[test]
fn a_folder_of_runs_is_a_table_and_each_has_its_page() {
    let run = Run::small();
    common::fill(&run.root.path().join("second run, größer"));
    serving(run.root.path(), |addr| {
        let table = get(addr, "/");
        assert!(table.contains("href=\"/run/0001\"") && table.contains("second run, größer"));
        assert_eq!(table.matches("data:image/").count(), 2);
        let encoded = table.split("href=\"/run/second").nth(1).unwrap().split('"').next().unwrap();
        assert!(get(addr, &format!("/run/second{encoded}")).contains("Losses"));
        assert!(get(addr, "/run/0001").contains("data-events=\"/run/0001/events?since="));
        assert!(get(addr, "/run/0003").starts_with("HTTP/1.1 404"));
    });
}

#[test]
fn a_page_hears_of_changes() {
    let run = Run::small();
    serving(&run.path, |addr| {
        let page = get(addr, "/");
        let events = page.split("data-events=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut stream = TcpStream::connect(addr).unwrap();
        write!(stream, "GET {events} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        assert!(lines.by_ref().any(|line| line == "Content-Type: text/event-stream"));
        assert!(lines.by_ref().any(|line| line.starts_with("retry:")));
        let more = std::fs::read_to_string(run.path.join("metrics.jsonl")).unwrap()
            + "{\"step\":110,\"errD\":4.25}\n";
        run.write("metrics.jsonl", more);
        assert!(lines.by_ref().any(|line| line == "event: change"));
        assert!(get(addr, "/").contains("errD <b>4.25</b>"));
    });
}

#[test]
fn nothing_outside_of_the_folder_is_reached() {
    let run = Run::small();
    write(run.root.path(), "outside/config.toml", "secret = \"hunter2\"\n");
    write(run.root.path(), "runs/0001/config.toml", "a = 1\n");
    let runs = run.root.path().join("runs");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(run.root.path().join("outside"), runs.join("link")).unwrap();
        std::os::unix::fs::symlink(
            run.root.path().join("outside/config.toml"),
            runs.join("0001/metrics.jsonl"),
        )
        .unwrap();
    }
    serving(&runs, |addr| {
        for path in [
            "/../outside",
            "/run/../outside",
            "/run/..%2foutside",
            "/run/%2e%2e/outside",
            "/run/%2e%2e%2foutside",
            "/run/link",
            "/run/0001/../../outside",
            "/../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/run/",
            "/run/.",
            "/run//etc",
            "//etc/passwd",
            "/run/0001/config.toml",
            "http://localhost/etc/passwd",
            "/run/link/events",
            "*",
            "/run/0001%00",
            "\\..\\outside",
        ] {
            let answer = get(addr, path);
            assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
            assert!(!answer.contains("hunter2") && !answer.contains("root:"), "{path}");
        }
        for path in ["/", "/run/0001"] {
            let answer = get(addr, path);
            assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("hunter2"), "{path}");
        }
    });
}

#[test]
fn only_this_computer_is_answered_and_only_under_its_name() {
    let run = Run::small();
    serving(&run.path, |addr| {
        let asking = |hosts: &str| raw(addr, &format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"));
        for hosts in
            ["Host: localhost\r\n", "Host: LOCALHOST:80\r\n", "Host: 127.0.0.1:8000\r\n", "Host: [::1]:1\r\n"]
        {
            assert!(asking(hosts).starts_with("HTTP/1.1 200"), "{hosts}");
        }
        for hosts in [
            "",
            "Host: evil.example\r\n",
            "Host: localhost.evil.example\r\n",
            "Host: 10.0.0.1\r\n",
            "Host: \r\n",
            "Host: localhost\r\nHost: evil.example\r\n",
            "Host: localhost@evil.example\r\n",
        ] {
            assert!(asking(hosts).starts_with("HTTP/1.1 403"), "{hosts}");
        }
        let post =
            raw(addr, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert!(post.starts_with("HTTP/1.1 405"));
    });
    let open = Server::bind(&run.path, "0.0.0.0:0".parse().unwrap());
    assert!(matches!(open, Err(Error::NotLoopback { .. })));
    assert!(Server::bind(run.root.path().join("missing"), "127.0.0.1:0".parse().unwrap()).is_err());
}
