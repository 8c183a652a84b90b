//! Signals, and two processes on one run.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{TINY, files_under, gan, long_run, metrics, refusal, succeed_in};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Whether SIGHUP is ignored here, and so in what is started from here.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1)
}

#[cfg(unix)]
#[test]
fn one_signal_ends_the_step_saves_and_says_how_to_go_on() {
    for (name, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        if name == "HUP" && hangup_is_ignored() {
            eprintln!(
                "skipped: these tests were started to outlive their terminal, and the runs they start do too"
            );
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut child = long_run(folder.path(), &[]);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(status));
        std::thread::sleep(std::time::Duration::from_millis(200)); // for the thread that writes what it said
        let said = fs::read_to_string(folder.path().join("said")).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        let [.., stopped, report, _, _, _, _, sample, _, command] = lines[..] else { panic!("{said}") };
        assert!(stopped.contains("Stopped at step ") && stopped.contains("everything is saved"), "{said}");
        assert!(report.ends_with("run/report.html"), "{said}");
        assert!(command.ends_with("resume run"), "{said}");
        assert!(sample.ends_with("sample run --seed 1"), "{said}");
        succeed_in(folder.path(), &["sample", "run", "--seed", "1"]);

        let run = folder.path().join("run");
        let newest = files_under(&run.join("checkpoints")).into_iter().next_back().unwrap();
        let step: u64 = newest["step-".len()..].split('/').next().unwrap().parse().unwrap();
        assert!(run.join(format!("samples/step-{step:06}.png")).is_file(), "what it had learned is shown");
        let more = (step + 2).to_string();
        let again = succeed_in(folder.path(), &["resume", "run", "--steps", &more]);
        assert!(again.contains(&format!("from:    step {step}")), "{again}");
        let steps: Vec<_> = metrics(&run).iter().map(|line| line["step"].as_u64().unwrap()).collect();
        assert_eq!(steps, (1..=step + 2).collect::<Vec<_>>(), "no gap and no repeat");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_was_started_to_outlive_its_terminal_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let run = "trap '' HUP; exec \"$@\"";
    command.args(["-c", run, "sh", env!("CARGO_BIN_EXE_gan"), "train", "--out", "run", "--log-every", "1"]);
    command.args(&TINY[..6]).args(["--steps", "1000000"]).current_dir(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut reach = |step: u64| lines.any(|line| line.starts_with(&format!("step {step}/")));
    assert!(reach(3));
    signal(&child, "HUP");
    assert!(reach(300), "it goes on");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // A step of these takes many seconds: the first signal waits for its end, the second does not.
    let slow = ["train", "--out", "run", "--image-size", "64", "--batch-size", "4096", "--steps", "5"];
    let mut child = gan(folder.path(), &slow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("results:")));
    let real = folder.path().join("run/samples/real.png");
    while !real.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "one signal waits for the step");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("run/checkpoints/step-000001").exists());
}

#[test]
fn two_processes_cannot_write_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = long_run(folder.path(), &[]);
    let (what, help) = refusal(folder.path(), &["resume", "run"], 1);
    assert!(what.contains(&format!("another process ({}) is writing to run", child.id())), "{what}");
    assert!(help.contains("stop it"), "{help}");
    fs::remove_file(folder.path().join("run/lock")).unwrap();
    let (what, _) = refusal(folder.path(), &["resume", "run"], 1);
    assert!(what.contains("another process (unknown) is writing to run"), "{what}");
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock of who is gone locks nothing.
    succeed_in(folder.path(), &["resume", "run", "--steps", "5"]);
}
