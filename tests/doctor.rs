//! `gan doctor`, and what a run says of its own health.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{gan_in, succeed_in};
use serde_json::Value;
use std::path::Path;

/// Whether a run is called healthy, and what was said.
fn doctor(folder: &Path, flags: &[&str]) -> (bool, String) {
    let said = gan_in(folder, &[&["doctor"], flags].concat());
    (said.status == 0, said.stdout + &said.stderr)
}

#[test]
fn a_broken_run_says_so_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let frozen = ["train", "--recipe", "ring", "--lr", "1e-9", "--lr-d", "0.0002", "--out", "frozen"];
    let short = ["--steps", "200", "--log-every", "10", "--sample-every", "100"];
    let said = succeed_in(folder.path(), &[&frozen[..], &short].concat());
    assert!(said.contains("A network stands still: the weights of G have not moved in 200 steps."), "{said}");
    assert!(said.contains("(a network stands still?)"), "while it trains: {said}");
    let (is_well, said) = doctor(folder.path(), &["frozen"]);
    assert!(!is_well && said.contains("frozen, step 200: one thing is wrong."), "{said}");
    let try_this = said.lines().find_map(|line| line.trim().strip_prefix("try: ")).unwrap();
    let try_this = &try_this[try_this.find("train ").unwrap()..];
    assert_eq!(try_this, "train --config frozen/config.toml --lr 0.0002");
    let again: Vec<&str> = try_this.split(' ').collect();
    succeed_in(folder.path(), &[&again[..], &["--steps", "3", "--out", "again"]].concat());

    let (_, json) = doctor(folder.path(), &["frozen", "--json", "--log-only"]);
    let examined: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(examined["findings"][0]["name"], "dead-start");
    let health: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("frozen/health.json")).unwrap()).unwrap();
    assert_eq!(health[0]["name"], "dead-start");
    let page = std::fs::read_to_string(folder.path().join("frozen/report.html")).unwrap();
    assert!(page.contains("have not moved in 200 steps"), "the page has the verdict too");
}

#[test]
fn a_healthy_run_is_called_healthy_and_what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = ["train", "--recipe", "digits", "--base-width", "4", "--batch-size", "8", "--out", "run"];
    let said = succeed_in(folder.path(), &[&run[..], &["--steps", "60", "--log-every", "5"]].concat());
    assert!(!said.contains("Something is wrong"), "{said}");
    let (is_well, said) = doctor(folder.path(), &["run", "--count", "40"]);
    assert!(is_well && said.contains("run, step 60: nothing wrong was found."), "{said}");

    let (is_well, said) = doctor(folder.path(), &["run", "nothing-here"]);
    assert!(!is_well && said.contains("nothing-here"), "{said}");
}

#[test]
fn the_samples_of_a_run_whose_data_is_gone_are_left_out_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    succeed_in(folder.path(), &["data", "export", "digits", "photos", "--count", "30"]);
    let run =
        ["train", "--dataset", "photos", "--image-size", "16", "--base-width", "4", "--batch-size", "8"];
    succeed_in(folder.path(), &[&run[..], &["--steps", "4", "--out", "run"]].concat());
    std::fs::rename(folder.path().join("photos"), folder.path().join("elsewhere")).unwrap();
    let (is_well, said) = doctor(folder.path(), &["run"]);
    assert!(is_well && said.contains("Its samples were not looked at:") && said.contains("photos"), "{said}");
}
