//! Disks that fail or take no more.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{checkpoint, long_run, refusal, said, saved_twice, succeed_in};
use std::fs;
use std::process::Command;

#[test]
fn a_folder_that_vanishes_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let child = long_run(folder.path(), &[]);
    fs::rename(folder.path().join("run"), folder.path().join("gone")).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: cannot write run/metrics.jsonl: "), "{stderr}");
    assert!(stderr.contains("\n help: check that the folder exists"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_file_system_that_takes_no_more_is_a_clear_error_and_what_was_saved_is_intact() {
    let folder = tempfile::tempdir().unwrap();
    let run = saved_twice(folder.path(), "run");
    let wanted = checkpoint(&run, 4);
    // Room for a grid, but not for all that training resumes from (in units of 512 or 1024 bytes).
    let script = "ulimit -f 80; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_gan");
    let output = Command::new("sh")
        .args(["-c", script, "sh", program, "resume", "run", "--steps", "9"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = said(output);
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(
        said.stderr.contains("error: cannot write the checkpoint run/checkpoints/step-000006"),
        "{}",
        said.stderr
    );
    assert_eq!(checkpoint(&run, 4), wanted);
    assert!(!run.join("checkpoints/step-000006.partial").exists(), "room is given back");
    succeed_in(folder.path(), &["resume", "run", "--steps", "9"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_place_where_nothing_can_be_written_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let (what, help) = refusal(folder.path(), &["train", "--out", "/proc/gan-run"], 1);
    assert!(
        what.contains("cannot create /proc/gan-run: ") && help.contains("can be written"),
        "{what}\n{help}"
    );

    use std::os::unix::fs::PermissionsExt;
    let run = saved_twice(folder.path(), "run");
    let checkpoints = run.join("checkpoints");
    fs::set_permissions(&checkpoints, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::create_dir(checkpoints.join("probe")).is_err() {
        let (what, _) = refusal(folder.path(), &["resume", "run", "--steps", "6"], 1);
        assert!(what.contains("step-000006: Permission denied"), "{what}");
    } // else it is root, whom nothing stops
    fs::set_permissions(&checkpoints, fs::Permissions::from_mode(0o755)).unwrap();
}
