//! Stopping, going on and looking at runs, as a person does it; and what is promised when things go wrong.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{
    TINY, checkpoint, files_under, final_generator, gan, gan_in, metrics, said, succeed_in, train_tiny,
};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A run with averaged weights and two critic steps, saved at steps 2 and 4.
fn saved_twice(folder: &Path, name: &str) -> std::path::PathBuf {
    train_tiny(folder, name, &["--checkpoint-every", "2", "--ema", "0.9", "--n-critic", "2"])
}

/// The two lines of an error, and the exit status.
fn refusal(folder: &Path, arguments: &[&str], status: i32) -> (String, String) {
    let said = gan_in(folder, arguments);
    assert_eq!(said.status, status, "gan {arguments:?}: {}{}", said.stdout, said.stderr);
    let lines: Vec<&str> = said.stderr.lines().collect();
    let [.., what, help] = lines[..] else { panic!("gan {arguments:?}: {}", said.stderr) };
    assert!(what.starts_with("error: ") && help.starts_with(" help: "), "{}", said.stderr);
    (what.to_owned(), help.to_owned())
}

#[test]
fn a_run_goes_on_with_one_thread_or_two_under_either_name_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let settings = ["--ema", "0.9", "--n-critic", "2", "--flip", "--crop", "random", "--log-every", "1"];
    let whole = train_tiny(folder, "whole", &[&settings[..], &["--threads", "1"]].concat());
    let wanted = checkpoint(&whole, 4);
    for (first, second) in [("1", "2"), ("2", "1")] {
        for stop in ["1", "2", "3"] {
            let name = format!("{first}-{stop}");
            let shorter = [&settings[..], &["--threads", first, "--keep", "2", "--workers", "2"]].concat();
            let arguments: Vec<&str> = ["train", "--out", &name].iter().chain(&TINY[..6]).copied().collect();
            succeed_in(folder, &[&arguments[..], &shorter, &["--steps", stop]].concat());
            let again: &[&str] = if stop == "2" { &["train", "--resume"] } else { &["resume"] };
            let said = succeed_in(folder, &[again, &[&name, "--steps", "4", "--threads", second]].concat());
            assert!(said.contains(&format!("from:    step {stop}")), "{said}");
            let run = folder.join(&name);
            for (file, bytes) in checkpoint(&run, 4).iter().filter(|(file, _)| file.ends_with("tensors")) {
                assert!(*bytes == wanted[file], "{name}: {file}");
            }
            assert_eq!(metrics(&run), metrics(&whole), "{name}");
        }
    }
    // No tensor is made before the threads are set, which would be told here.
    let said = gan_in(folder, &["resume", "1-1", "--threads", "2", "--dry-run"]);
    assert!(said.status == 0 && !said.stderr.contains("threads"), "{}", said.stderr);
}

#[test]
fn what_is_complete_is_left_alone_and_a_dry_run_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = saved_twice(folder.path(), "run");
    fs::remove_file(run.join(".gan-run")).unwrap(); // a run made before there was such a file
    for unfinished in ["config.toml.partial", "samples/real.png.7.tmp"] {
        fs::write(run.join(unfinished), "").unwrap();
    }
    let before = (checkpoint(&run, 4), files_under(&run));
    succeed_in(folder.path(), &["inspect", "run"]);
    let said = succeed_in(folder.path(), &["resume", "run"]);
    assert!(said.contains("4 of 4 steps are done") && said.contains("resume run --steps 8"), "{said}");
    let said = succeed_in(folder.path(), &["resume", "run", "--steps", "9", "--dry-run"]);
    assert!(said.contains("steps = 9") && said.contains("from:    step 4"), "{said}");
    assert_eq!((checkpoint(&run, 4), files_under(&run)), before);
    assert!(!fs::read_to_string(run.join("config.toml")).unwrap().contains("steps = 9"));
}

#[test]
fn a_run_past_the_end_of_its_schedule_is_refused_unless_the_schedule_is_stretched() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = train_tiny(folder, "a run", &["--schedule", "linear", "--log-every", "1"]);
    let (what, help) = refusal(folder, &["resume", "a run", "--steps", "8"], 2);
    assert!(what.contains("steps 5 to 8 would learn nothing") && what.contains("0 at step 4"), "{what}");
    for way in [
        "resume 'a run' --steps 8 --decay-steps 8",
        "train --config 'a run'/config.toml --steps 8 --decay-steps 8",
    ] {
        assert!(help.contains(way), "{help}");
    }
    assert!(fs::read_to_string(run.join("config.toml")).unwrap().contains("\nsteps = 4"));

    // What the program itself advises works, and the weights move.
    let said = succeed_in(folder, &["resume", "a run"]);
    let advice = said.lines().last().unwrap().trim();
    assert!(advice.ends_with("resume 'a run' --steps 8 --decay-steps 8"), "{said}");
    let said = gan_in(folder, &["resume", "a run", "--steps", "8", "--decay-steps", "8"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(said.stderr.contains("goes down to 0 at step 8, not at step 4"), "{}", said.stderr);
    let rates: Vec<f64> = metrics(&run).iter().map(|line| line["lr"].as_f64().unwrap()).collect();
    let wanted = [1.0, 0.75, 0.5, 0.25, 0.5, 0.375, 0.25, 0.125].map(|left| 4e-4 * left);
    let close = |(rate, wanted): (&f64, &f64)| (rate - wanted).abs() < 1e-12; // reading a log rounds
    assert!(rates.len() == 8 && rates.iter().zip(&wanted).all(close), "{rates:?}");
    let weights = |step| checkpoint(&run, step)["discriminator.safetensors"].clone();
    assert!(weights(4) != weights(8));
    // Once changed it is the run's own: nothing has to be given again.
    let said = succeed_in(folder, &["resume", "a run/checkpoints/step-000004", "--dry-run"]);
    assert!(said.contains("decay_steps = 8"), "{said}");

    // Of steps that were planned so, or that learn in part, there is a warning.
    let early = ["--schedule", "cosine", "--decay-steps", "3", "--checkpoint-every", "2"];
    train_tiny(folder, "early", &early);
    let said = gan_in(folder, &["resume", "early/checkpoints/step-000002", "--steps", "6", "--dry-run"]);
    assert!(
        said.status == 0 && said.stderr.contains("steps 4 to 6 will change no weights"),
        "{}",
        said.stderr
    );
    // A constant rate has no end.
    train_tiny(folder, "constant", &[]);
    succeed_in(folder, &["resume", "constant", "--steps", "6"]);
}

#[test]
fn a_run_that_is_longer_than_asked_for_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    saved_twice(folder.path(), "run");
    let said = succeed_in(folder.path(), &["resume", "run", "--steps", "3"]);
    assert!(said.contains("the run is at step 4, past the 3 asked for"), "{said}");
    let earlier = said.lines().last().unwrap().trim();
    assert!(earlier.ends_with("resume run/checkpoints/step-000002 --steps 3"), "{said}");
    assert!(said.contains("resume run --steps 8"), "{said}");
    let said = succeed_in(folder.path(), &["resume", "run/checkpoints/step-000002", "--steps", "3"]);
    assert!(said.contains("run/samples/step-000003.png"), "{said}");
}

#[test]
fn a_run_can_be_resumed_from_another_folder_and_says_where_its_data_was() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("here");
    common::write_pets(&here.join("pets"));
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    for (name, source) in [("bare", "pets"), ("kind", "folder:./pets")] {
        let run = train_tiny(&here, name, &["--dataset", source]);
        let record = String::from_utf8(checkpoint(&run, 4)["checkpoint.json"].clone()).unwrap();
        assert!(record.contains("\"name\": \"folder:pets\""), "as its user calls it: {record}");
        let from = format!("../here/{name}");
        succeed_in(&folder.path().join("elsewhere"), &["resume", &from, "--steps", "5"]);
    }
    fs::rename(here.join("pets"), here.join("moved")).unwrap();
    let (what, help) = refusal(&here, &["resume", "bare", "--steps", "6"], 2);
    let pets = here.join("pets");
    assert!(what.contains(&format!("there is nothing at {}", pets.display())), "{what}");
    assert!(help.contains("resume bare --dataset PATH"), "{help}");
    succeed_in(&here, &["resume", "bare", "--dataset", "moved", "--steps", "6"]);
}

#[test]
fn another_seed_network_or_data_set_is_refused_with_the_difference_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    common::write_pets(&folder.join("pets"));
    let pets = ["--dataset", "pets", "--checkpoint-every", "2"];
    let run = train_tiny(folder, "run", &[&pets[..], &["--on-bad-image", "skip"]].concat());
    let before = checkpoint(&run, 4);
    for (change, named) in [
        (&["--seed", "7"][..], "seed is 0 there and 7 here"),
        (&["--base-width", "8"], "base_width is 4 there and 8 here"),
        (
            &["--model", "mlp", "--lr", "0.1"],
            "lr is 0.0002 there and 0.1 here; model is \"dcgan\" there and \"mlp\" here",
        ),
    ] {
        let (what, help) = refusal(folder, &[&["resume", "run", "--steps", "6"], change].concat(), 2);
        assert!(what.contains(named) && help.contains("--force"), "{what}\n{help}");
        let (same, _) = refusal(folder, &[&["train", "--resume", "run", "--steps", "6"], change].concat(), 2);
        assert_eq!(what, same);
    }
    fs::rename(folder.join("pets"), folder.join("moved")).unwrap();
    succeed_in(folder, &["resume", "run", "--dataset", "moved", "--dry-run", "--steps", "6"]);
    common::write_png(&folder.join("moved/cats/new.png"), 20, 20, 3, 9);
    let moved = ["resume", "run", "--dataset", "moved", "--steps", "6"];
    let (what, _) = refusal(folder, &moved, 2);
    assert!(what.contains("the data set is 12 images with SHA-256 ") && what.contains("13 images"), "{what}");
    assert_eq!(checkpoint(&run, 4), before);

    let forced = gan_in(folder, &[&moved[..], &["--force", "--lr", "0.001"]].concat());
    assert_eq!(forced.status, 0, "{}", forced.stderr);
    assert!(forced.stderr.contains("lr is 0.0002 there and 0.001 here"), "a warning: {}", forced.stderr);
    assert!(run.join("checkpoints/step-000006").is_dir());
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(config.contains("lr = 0.001"), "{config}");
    // Not even force makes the weights of one network those of another; and then nothing has changed.
    let (what, _) = refusal(folder, &["resume", "run", "--steps", "8", "--base-width", "8", "--force"], 1);
    assert!(what.contains("main.0.weight is f32 [4, 3, 4, 4], not f32 [8, 3, 4, 4]"), "{what}");
    assert_eq!(fs::read_to_string(run.join("config.toml")).unwrap(), config);
    succeed_in(folder, &["resume", "run", "--steps", "8"]);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_a_warning_but_not_where_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = saved_twice(folder, "run");
    let wanted = checkpoint(&run, 4);
    let file = run.join("checkpoints/step-000004/training.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&file, &bytes).unwrap();

    let named = ["resume", "run/checkpoints/step-000004"];
    let (what, help) = refusal(folder, &named, 1);
    assert!(what.contains("step-000004 is not whole") && what.contains("training.safetensors"), "{what}");
    assert!(help.contains("gan resume run"), "{help}");
    let (what, _) = refusal(folder, &["resume", "run/checkpoints/step-000003"], 1);
    assert!(what.contains("step-000003") && what.contains("cannot be read"), "{what}");
    let (what, _) = refusal(folder, &["inspect", "run"], 1);
    assert!(what.contains("step-000004 is not whole"), "{what}");
    let said = gan_in(folder, &["sample", "run", "--count", "1"]);
    assert!(said.stderr.contains("step-000004 is not whole"), "{}", said.stderr);
    assert!(said.stdout.contains("step-000002"), "the one before it: {}", said.stdout);

    let said = gan_in(folder, &["resume", "run"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(said.stderr.contains("step-000004 is not whole"), "{}", said.stderr);
    assert!(said.stdout.contains("from:    step 2"), "{}", said.stdout);
    assert_eq!(checkpoint(&run, 4), wanted);
    let aside = fs::read(run.join("checkpoints/step-000004.aside-1/training.safetensors")).unwrap();
    assert_eq!(aside, bytes, "nothing is lost, not even what is broken");

    for step in [2, 4] {
        fs::remove_file(run.join(format!("checkpoints/step-00000{step}/SHA256SUMS"))).unwrap();
    }
    let (what, _) = refusal(folder, &["resume", "run"], 1);
    assert!(what.contains("none of the checkpoints in run is whole"), "never a silent fresh start: {what}");
}

#[test]
fn an_earlier_checkpoint_can_be_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let run = saved_twice(folder.path(), "run");
    let (wanted, log) = (checkpoint(&run, 4), metrics(&run));
    let said = succeed_in(folder.path(), &["resume", "run/checkpoints/step-000002"]);
    assert!(said.contains("from:    step 2"), "{said}");
    assert_eq!((checkpoint(&run, 4), metrics(&run)), (wanted, log));
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for path in ["empty", "missing"] {
        let (what, help) = refusal(folder.path(), &["resume", path], 1);
        assert!(what.contains(&format!("{path} is not the folder of a run")), "{what}");
        assert!(help.contains("runs/0001"), "{help}");
    }
    let (what, help) = {
        saved_twice(folder.path(), "run");
        refusal(folder.path(), &["train", "--out", "run"], 2)
    };
    assert!(what.contains("run is not empty") && help.contains("gan resume run"), "{what} {help}");
}

#[test]
fn a_run_that_was_stopped_before_its_first_checkpoint_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = saved_twice(folder.path(), "run");
    let wanted = checkpoint(&run, 4);
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    fs::remove_dir_all(run.join("samples")).unwrap();
    let said = succeed_in(folder.path(), &["resume", "run"]);
    assert!(said.contains("from:    the start"), "{said}");
    assert_eq!(checkpoint(&run, 4), wanted);
    let steps: Vec<_> = metrics(&run).iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 4], "the log of the first attempt is not repeated");
}

/// A run that would go on for minutes, once it has done a few steps.
fn long_run(folder: &Path, more: &[&str]) -> Child {
    let long =
        ["train", "--out", "run", "--steps", "1000000", "--log-every", "1", "--checkpoint-every", "100000"];
    let arguments = [&long[..], &TINY[..6], more].concat();
    let mut child = gan(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reached = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("step 3/"));
    assert!(reached.is_some(), "it ended early");
    // Read on, so that the run does not wait for a reader; what it says in the end goes to a file.
    let rest = folder.join("said");
    std::thread::spawn(move || fs::write(rest, lines.map_while(Result::ok).collect::<Vec<_>>().join("\n")));
    child
}

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

#[test]
fn inspect_says_what_a_run_a_checkpoint_and_a_file_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = saved_twice(folder, "run");
    let said = succeed_in(folder, &["inspect", "run"]);
    for line in
        ["run: a run", "step 2: whole", "step 4: whole", "done: 4 of 4 steps", "data: digits, 60000 images"]
    {
        assert!(said.contains(line), "{line} in {said}");
    }
    let said = succeed_in(folder, &["inspect", "run/checkpoints/step-000002"]);
    for line in [
        "a checkpoint",
        "dcgan, 1x16x16 images",
        "done: 2 of 4 steps",
        "checksums: hold",
        "optimizer_d.steps 4",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let file = run.join("checkpoints/step-000004/generator.safetensors");
    let path = file.to_str().unwrap();
    let said = succeed_in(folder, &["inspect", path]);
    for line in [
        "a generator of gan",
        "checksum: holds",
        "main.0.weight",
        "f32 [100, 8, 4, 4]",
        "13 tensors, 13400 parameters",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for command in ["inspect", "sample"] {
        let (what, _) = refusal(folder, &[command, path], 1);
        assert!(what.contains("checksum") && what.contains("does not hold"), "{what}");
    }
    fs::write(&file, &bytes[..last]).unwrap();
    let (what, _) = refusal(folder, &["inspect", path], 1);
    assert!(what.contains("is not a safetensors file that can be read"), "{what}");
    refusal(folder, &["inspect", "missing"], 1);
    fs::create_dir(folder.join("empty")).unwrap();
    refusal(folder, &["inspect", "empty"], 1);
}

#[test]
fn names_from_files_are_no_commands_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let safetensors = |name: &str, header: &str| {
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
        fs::write(folder.join(name), bytes).unwrap();
    };
    let tensor = r#""a\u001b[2J\nb":{"dtype":"F32","shape":[],"data_offsets":[0,4]}"#;
    safetensors("name", &format!("{{{tensor}}}"));
    let said = succeed_in(folder, &["inspect", "name"]);
    assert!(said.contains(r"a\u{1b}[2J\nb") && !said.contains('\u{1b}'), "{said:?}");
    let metadata = r#""__metadata__":{"gan":"{\"a\\u001b[31mb\":1}"}"#;
    safetensors("metadata", &format!("{{{metadata},{tensor}}}"));
    let (what, _) = refusal(folder, &["inspect", "metadata"], 1);
    assert!(what.contains(r"a\u{1b}[31mb") && !what.contains('\u{1b}'), "{what:?}");
}

#[cfg(unix)]
#[test]
fn nor_is_the_name_of_a_folder_where_a_warning_or_a_result_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = saved_twice(folder, "run");
    fs::write(run.join("checkpoints/step-000004/training.safetensors"), "").unwrap();
    fs::rename(&run, folder.join("r\u{1b}[2J\rn")).unwrap();
    let said = gan_in(folder, &["sample", "r\u{1b}[2J\rn", "--count", "1"]);
    assert!(said.stderr.contains(r"r\u{1b}[2J\rn/checkpoints/step-000004 is not whole"), "{:?}", said.stderr);
    assert!(said.stdout.contains(r"r\u{1b}[2J\rn/checkpoints/step-000002"), "{:?}", said.stdout);
    assert!(!(said.stdout + &said.stderr).contains(['\u{1b}', '\r']));
}
