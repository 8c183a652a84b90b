//! Stopping, going on and looking at runs, as a person does it.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{TINY, checkpoint, files_under, gan_in, metrics, refusal, saved_twice, succeed_in, train_tiny};
use std::fs;

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
