//! Runs that are killed, at random instants and at every stage of a save, and go on to the same bytes.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test fails by panicking; the long form says what it did

mod common;
use common::{checkpoint, gan, gan_in, metrics};
use gan_rng::Stream;
use std::path::Path;
use std::time::Duration;

/// A run of tiny networks with everything random on. A step takes about a millisecond.
const RUN: [&str; 20] = [
    "--image-size",
    "16",
    "--base-width",
    "4",
    "--batch-size",
    "8",
    "--n-critic",
    "2",
    "--ema",
    "0.9",
    "--flip",
    "--crop",
    "random-resized",
    "--log-every",
    "3",
    "--sample-every",
    "50",
    "--keep",
    "2",
    "--checkpoint-every",
];

fn train<'a>(steps: &'a str, every: &'a str, out: &'a str) -> Vec<&'a str> {
    [&["train", "--steps", steps, "--out", out], &RUN[..], &[every]].concat()
}

/// What resumes a run; what begins it, where it was killed before it had a config.
fn go_on<'a>(folder: &Path, steps: &'a str, every: &'a str, out: &'a str) -> Vec<&'a str> {
    if folder.join(out).join("config.toml").exists() { vec!["resume", out] } else { train(steps, every, out) }
}

/// Kills runs at random instants until so many were killed, and compares each that comes to its end with one that was
/// never stopped. `GAN_KILLS=100 cargo test --test survival -- --nocapture` is the long form.
#[test]
fn a_run_killed_at_random_instants_ends_with_the_bytes_of_one_that_was_not() {
    let kills: u64 = std::env::var("GAN_KILLS").map_or(8, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (steps, last) = ("600", 600);
    assert_eq!(gan_in(folder, &train(steps, "7", "reference")).status, 0);
    let (wanted, wanted_log) =
        (checkpoint(&folder.join("reference"), last), metrics(&folder.join("reference")));

    let mut instants = Stream::new(std::process::id().into(), "instants", 0);
    let (mut killed, mut before_config, mut whole_runs) = (0, 0, 0);
    while killed < kills {
        let out = format!("run-{whole_runs}");
        loop {
            let mut child = gan(folder, &go_on(folder, steps, "7", &out))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            if killed < kills {
                std::thread::sleep(Duration::from_secs_f64(instants.uniform_in(0.0, 0.6)));
                child.kill().unwrap(); // SIGKILL
            }
            let status = child.wait().unwrap();
            if status.success() {
                break;
            }
            assert_eq!(status.code(), None, "killed, and not ended with an error");
            killed += 1;
            before_config += u64::from(!folder.join(&out).join("config.toml").exists());
        }
        whole_runs += 1;
        let run = folder.join(&out);
        assert!(checkpoint(&run, last) == wanted, "other bytes after {killed} kills");
        assert_eq!(metrics(&run), wanted_log, "another log after {killed} kills");
        let left: Vec<_> =
            common::files_under(&run).into_iter().filter(|name| name.contains("partial")).collect();
        assert_eq!(left, [""; 0], "what was not finished is removed");
    }
    println!(
        "{killed} kills, {before_config} of them before the run had a config; {whole_runs} runs came to their end, each equal to the reference"
    );
}

/// Breaks a run off at every place of every save, and resumes it.
fn break_off_everywhere(how: &str, mut check: impl FnMut(&Path, common::Said)) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(gan_in(folder, &train("8", "2", "reference")).status, 0);
    let (wanted, wanted_log) = (checkpoint(&folder.join("reference"), 8), metrics(&folder.join("reference")));
    let mut broken_off = 0;
    for place in [
        "save-config",
        "save-begin",
        "save-write",
        "save-sync-file",
        "save-sync-partial",
        "save-rename",
        "save-sync-folder",
        "save-remove",
    ] {
        // The first time the run comes to this place, the second, ... until it does not come there so often.
        for times in 0.. {
            let out = format!("{place}-{times}");
            let failpoints = format!("{place}={times}*off->1*return({how})->off");
            let mut command = gan(folder, &train("8", "2", &out));
            let said = common::said(command.env("FAILPOINTS", failpoints).output().unwrap());
            if said.status == 0 {
                assert!(times > 0, "{place} was never reached");
                break;
            }
            check(&folder.join(&out), said);
            broken_off += 1;
            let resumed = gan_in(folder, &go_on(folder, "8", "2", &out));
            assert_eq!(resumed.status, 0, "{out}: {}", resumed.stderr);
            assert!(checkpoint(&folder.join(&out), 8) == wanted, "{out}");
            assert_eq!(metrics(&folder.join(&out)), wanted_log, "{out}");
        }
    }
    broken_off
}

#[test]
fn a_kill_at_any_stage_of_a_save_loses_nothing() {
    let kills =
        break_off_everywhere("kill", |_, said| assert_eq!(said.status, -1, "killed: {}", said.stderr));
    println!("killed at {kills} places of saves");
    assert!(kills > 50, "{kills}");
}

#[test]
fn a_kill_while_a_run_goes_back_leaves_the_newest_checkpoint_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = |out: &str| {
        let mut arguments: Vec<String> = train("8", "2", out).into_iter().map(String::from).collect();
        for (flag, value) in [("--keep", "9"), ("--log-every", "1")] {
            let at = arguments.iter().position(|argument| argument == flag).unwrap();
            arguments[at + 1] = value.into();
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(gan_in(folder, &arguments).status, 0);
    };
    train("reference");
    let (wanted, wanted_log) = (checkpoint(&folder.join("reference"), 8), metrics(&folder.join("reference")));
    let mut kills = 0;
    for place in ["go-back-aside", "go-back-log"] {
        for times in 0.. {
            let out = format!("{place}-{times}");
            train(&out);
            let mut back = gan(folder, &["resume", &format!("{out}/checkpoints/step-000002")]);
            let failpoints = format!("{place}={times}*off->1*return(kill)->off");
            if back.env("FAILPOINTS", failpoints).output().unwrap().status.success() {
                break;
            }
            kills += 1;
            let run = folder.join(&out);
            let newest = (1..=4)
                .rev()
                .map(|half| 2 * half)
                .find(|step| run.join(format!("checkpoints/step-{step:06}")).exists());
            let logged = metrics(&run).last().unwrap()["step"].as_u64().unwrap();
            assert!(logged >= newest.unwrap(), "{out}: {newest:?} has a log that ends at {logged}");
            let resumed = gan_in(folder, &["resume", &out]);
            assert_eq!(resumed.status, 0, "{out}: {}", resumed.stderr);
            assert!(checkpoint(&run, 8) == wanted, "{out}");
            assert_eq!(metrics(&run), wanted_log, "{out}");
        }
    }
    assert_eq!(kills, 4, "three checkpoints were to be set aside, and a log to be cut");
}

#[test]
fn a_full_disk_at_any_stage_of_a_save_is_a_clear_error_and_loses_nothing() {
    break_off_everywhere("full", |run, said| {
        assert_eq!(said.status, 1, "{}", said.stderr);
        let lines: Vec<&str> = said.stderr.lines().collect();
        assert!(lines.len() == 2 && lines[0].contains("no storage space"), "{lines:?}");
        assert!(lines[0].starts_with("error: cannot ") && lines[1].starts_with(" help: "), "{lines:?}");
        assert!(
            lines[0].contains(run.file_name().unwrap().to_str().unwrap()),
            "the place is named: {lines:?}"
        );
    });
}
