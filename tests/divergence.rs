//! Runs whose numbers are none.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{TINY, checkpoint, final_generator, gan, metrics, said, saved_twice, succeed_in};
use std::fs;

#[test]
fn a_number_that_is_none_stops_the_run_before_the_update_and_names_step_and_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let reference = saved_twice(folder, "reference");
    for (place, named) in [
        // Of two critic steps a step: the sixth is the second of step 3.
        ("err-d=5*off->1*return", "errD is NaN at step 3"),
        ("err-g=2*off->1*return", "errG is NaN at step 3"),
        ("gradient-d=5*off->1*return", "the gradient of D's main.0.weight is inf at step 3"),
        ("gradient-g=2*off->1*return", "the gradient of G's main.0.weight is inf at step 3"),
    ] {
        let name = place.split('=').next().unwrap();
        let arguments = [&["train", "--out", name, "--checkpoint-every", "2"], &TINY[..]].concat();
        let mut command = gan(folder, &[&arguments[..], &["--ema", "0.9", "--n-critic", "2"]].concat());
        let said = said(command.env("FAILPOINTS", place).output().unwrap());
        assert_eq!(said.status, 1, "{}", said.stderr);
        assert!(said.stderr.contains(named) && said.stderr.contains("not applied"), "{}", said.stderr);
        assert!(said.stderr.contains("the last checkpoint is intact"), "{}", said.stderr);
        let run = folder.join(name);
        assert!(!run.join("checkpoints/step-000004").exists());
        assert!(checkpoint(&run, 2) == checkpoint(&reference, 2), "{name}: the last good checkpoint stays");
        succeed_in(folder, &["resume", name]);
        assert!(checkpoint(&run, 4) == checkpoint(&reference, 4), "{name}: nothing of that step was applied");
    }
}

#[test]
fn a_run_that_diverges_goes_back_with_half_the_learning_rate_and_other_batches_but_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = |name: &str, failpoints: &str, more: &[&str]| {
        let arguments = ["train", "--out", name, "--checkpoint-every", "2", "--on-divergence", "rollback"];
        let arguments = [&arguments[..], &TINY[..], &["--log-every", "1"], more].concat();
        said(gan(folder, &arguments).env("FAILPOINTS", failpoints).output().unwrap())
    };
    let events = |name: &str| {
        let text = fs::read_to_string(folder.join(name).join("events.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    // At step 3 and again at the step that takes its place.
    let twice = train("twice", "err-g=2*off->2*return->off", &["--lr", "0.0008"]);
    assert_eq!(twice.status, 0, "{}", twice.stderr);
    assert!(
        twice.stderr.contains("errG is NaN at step 3") && twice.stderr.contains("back to step 2"),
        "{}",
        twice.stderr
    );
    let events = events("twice");
    assert_eq!(events.len(), 2);
    for (event, (times, rate)) in events.iter().zip([(1, 0.5), (2, 0.25)]) {
        assert_eq!((event["event"].as_str(), event["to_step"].as_u64()), (Some("rollback"), Some(2)));
        assert_eq!((event["times"].as_u64(), event["lr_factor"].as_f64()), (Some(times), Some(rate)));
    }
    let steps: Vec<_> =
        metrics(&folder.join("twice")).iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 3, 4], "no gap and no repeat");
    train("never", "err-g=off", &["--lr", "0.0008"]);
    assert!(checkpoint(&folder.join("never"), 2) == checkpoint(&folder.join("twice"), 2));
    assert!(final_generator(&folder.join("never")) != final_generator(&folder.join("twice")));
    // It stays so after a stop.
    train("stopped", "err-g=2*off->1*return->off", &[]);
    succeed_in(folder, &["resume", "stopped", "--steps", "6"]);
    let whole =
        ["train", "--out", "whole", "--checkpoint-every", "2", "--on-divergence", "rollback", "--steps", "6"];
    let mut whole = gan(folder, &[&whole[..], &TINY[..6]].concat());
    assert!(whole.env("FAILPOINTS", "err-g=2*off->1*return->off").output().unwrap().status.success());
    assert!(
        checkpoint(&folder.join("stopped"), 6)["training.safetensors"]
            == checkpoint(&folder.join("whole"), 6)["training.safetensors"]
    );

    // Before the first checkpoint it goes back to the start.
    let start = train("start", "err-d=1*off->1*return->off", &[]);
    assert!(start.status == 0 && start.stderr.contains("back to step 0"), "{}", start.stderr);
    let always = train("always", "err-d=2*off->return", &["--max-rollbacks", "2"]);
    assert_eq!(always.status, 1, "{}", always.stderr);
    assert_eq!(always.stderr.matches("back to step 2").count(), 2, "{}", always.stderr);
    assert!(always.stderr.contains("error: errD is NaN at step 3"), "{}", always.stderr);
}

#[test]
fn a_run_that_diverges_before_its_first_checkpoint_is_told_that_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut command = gan(folder, &[&["train", "--out", "run"], &TINY[..], &["--lr", "0.0008"]].concat());
    let said = said(command.env("FAILPOINTS", "err-g=2*off->return").output().unwrap());
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(said.stderr.contains("errG is NaN at step 3"), "{}", said.stderr);
    assert!(said.stderr.contains("help: there is no checkpoint yet"), "{}", said.stderr);
    assert!(!said.stderr.contains("intact"), "{}", said.stderr);
    // What it advises is possible.
    succeed_in(folder, &["resume", "run", "--on-divergence", "rollback"]);
}

#[test]
fn a_state_that_is_not_finite_is_not_saved_and_the_one_before_it_is_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = |name: &str, failpoints: &str, more: &[&str]| {
        let arguments = [&["train", "--out", name, "--checkpoint-every", "2"], &TINY[..], more].concat();
        said(gan(folder, &arguments).env("FAILPOINTS", failpoints).output().unwrap())
    };
    let stopped = train("stopped", "state=1*off->return", &[]);
    assert_eq!(stopped.status, 1, "{}", stopped.stderr);
    assert!(stopped.stderr.contains("error: a tensor holds NaN after step 4"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("the last checkpoint is intact, that of step 2"), "{}", stopped.stderr);
    assert!(!folder.join("stopped/checkpoints/step-000004").exists());

    let rollback = ["--on-divergence", "rollback"];
    let back = train("back", "state=1*off->1*return->off", &rollback);
    assert_eq!(back.status, 0, "{}", back.stderr);
    assert!(back.stderr.contains("holds NaN after step 4") && back.stderr.contains("back to step 2"));
    assert!(folder.join("back/checkpoints/step-000004").is_dir());
    let start = train("start", "state=1*return->off", &rollback);
    assert!(start.status == 0 && start.stderr.contains("back to step 0"), "{}", start.stderr);
}
