//! What a run shows of itself: its page, lists of runs, tables, films.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{gan_in, succeed_in, train_tiny};
use std::io::{Read, Write};

#[test]
fn every_run_has_a_page_that_says_what_it_is_and_what_repeats_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = train_tiny(folder.path(), "run", &["--sample-every", "2", "--lr", "3e-4"]);
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    for word in ["digits", "dcgan", "complete", "errD", "--lr 0.0003", "data:image/"] {
        assert!(page.contains(word), "{word} is not on the page");
    }
    assert!(!page.contains("src=\"http") && page.len() < 3_000_000);
    // The command on the page trains the same run.
    let command = page.split("gan train ").nth(1).unwrap().split('<').next().unwrap();
    let again: Vec<&str> =
        ["train", "--out", "again"].into_iter().chain(command.split_whitespace()).collect();
    succeed_in(folder.path(), &again);
    let generator = "checkpoints/step-000004/generator.safetensors";
    let bytes = |run: &str| std::fs::read(folder.path().join(run).join(generator)).unwrap();
    assert!(bytes("run") == bytes("again"), "{command}");
}

#[test]
fn runs_are_listed_compared_tabulated_and_filmed() {
    let folder = tempfile::tempdir().unwrap();
    for (name, lr) in [("runs/a", "1e-4"), ("runs/b", "3e-4")] {
        train_tiny(folder.path(), name, &["--lr", lr, "--sample-every", "1", "--log-every", "1"]);
    }
    let said = succeed_in(folder.path(), &["runs"]);
    assert!(said.lines().count() == 2 && said.contains("complete") && said.contains("lr = 0.0003"), "{said}");
    succeed_in(folder.path(), &["report", "runs/a", "runs/b", "--compare", "--out", "both.html"]);
    let page = std::fs::read_to_string(folder.path().join("both.html")).unwrap();
    assert!(page.contains("0.0001") && page.contains("0.0003"));
    let table = succeed_in(folder.path(), &["log", "runs/a"]);
    assert!(table.lines().count() == 5 && table.starts_with("step,epoch,errD,errG"), "{table}");
    succeed_in(folder.path(), &["film", "runs/a", "--out", "film.gif"]);
    assert!(std::fs::read(folder.path().join("film.gif")).unwrap().starts_with(b"GIF89a"));
    succeed_in(folder.path(), &["report", "runs/a", "--tensorboard"]);
    assert!(folder.path().join("runs/a/tensorboard").is_dir());
    train_tiny(folder.path(), "with", &["--tensorboard", "--sample-every", "2"]);
    let events = std::fs::read_dir(folder.path().join("with/tensorboard")).unwrap();
    assert!(events.map(|entry| entry.unwrap().file_name()).all(|name| name == "events.out.tfevents.gan"));
    assert!(folder.path().join("with/tensorboard/events.out.tfevents.gan").is_file());
    let refused = gan_in(folder.path(), &["report", "nothing"]);
    assert!(refused.status == 1 && refused.stderr.contains("nothing"), "{}", refused.stderr);
}

#[test]
fn a_run_is_shown_live_on_this_computer_alone() {
    let folder = tempfile::tempdir().unwrap();
    train_tiny(folder.path(), "run", &[]);
    let mut server = common::gan(folder.path(), &["watch", "run", "--port", "0"]);
    let mut server = server.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stdout = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let (page, outside) = (get("/"), get("/../../etc/passwd"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("errD"), "{}", &page[..200.min(page.len())]);
    assert!(!outside.starts_with("HTTP/1.1 200"), "{outside}");
}
