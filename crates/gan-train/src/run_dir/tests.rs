use super::*;
use crate::durable::synced;
use std::collections::BTreeMap;

fn config() -> TrainConfig {
    TrainConfig::default().resolve().unwrap()
}

fn metadata() -> Metadata {
    Metadata::new(&config(), &gan_data::Digits::train(0, 16).unwrap(), &candle_core::Device::Cpu)
}

/// Everything under a folder: files with what is in them, folders and links without.
fn everything(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        found.insert(entry.path(), kind.is_file().then(|| fs::read(entry.path()).unwrap()));
        if kind.is_dir() {
            found.extend(everything(&entry.path()));
        }
    }
    found
}

fn put(folder: &Path, files: &[&str]) {
    for file in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
}

#[test]
fn the_names_of_what_is_made_are_brought_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (root, runs) = (folder.path().to_path_buf(), folder.path().join("runs"));
    synced::take();
    let run = next_number(&runs).unwrap();
    assert_eq!(synced::take(), [root.clone(), runs]);
    assert!(run.ends_with("0001"));
    let path = root.join("a/b");
    let run = RunDir::create(Some(&path), &config()).unwrap();
    assert_eq!(synced::take(), [root.clone(), root.join("a"), path.clone(), path.clone()]);
    assert!(path.join("samples").is_dir() && path.join("checkpoints").is_dir());
    run.note(&"first").unwrap();
    run.note(&"second").unwrap();
    assert_eq!(synced::take(), [path], "once, when the file was made");
}

#[test]
fn a_number_that_no_run_has_is_not_counted_on_from() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["18446744073709551615", "9999999999", "0007", "12x", "999999999999999999999999"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    assert!(next_number(folder.path()).unwrap().ends_with("0008"));
    fs::create_dir(folder.path().join("999999999")).unwrap();
    assert!(next_number(folder.path()).unwrap().ends_with("1000000000"));
}

#[test]
fn a_folder_that_is_no_run_is_refused_before_anything_in_it_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["config.toml", "lock", "notes.partial", "samples/a.tmp", "checkpoints/x.partial"];
    put(folder.path(), &files);
    fs::write(folder.path().join("config.toml"), "seed = 1\n").unwrap();
    let before = everything(folder.path());
    assert!(matches!(RunDir::open(folder.path()), Err(Error::NotARun { .. })));
    let refused = RunDir::create(Some(folder.path()), &config()).err().unwrap();
    assert!(refused.to_string().contains("is not empty"), "{refused}");
    assert_eq!(everything(folder.path()), before);

    let with_lock = tempfile::tempdir().unwrap();
    put(with_lock.path(), &["lock"]);
    assert!(RunDir::create(Some(with_lock.path()), &config()).is_err(), "that lock is not ours");
    assert_eq!(fs::read(with_lock.path().join("lock")).unwrap(), b"mine");
}

#[test]
fn a_run_that_is_opened_is_not_written_to_before_it_begins_and_only_our_leftovers_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    drop(RunDir::create(Some(&path), &config()).unwrap());
    fs::remove_file(path.join(".gan-run")).unwrap(); // as those made before there was such a file
    fs::write(path.join("metrics.jsonl"), "{\"step\":1}\n").unwrap();
    let ours = [
        "config.toml.partial",
        ".gan-run.partial",
        "metrics.jsonl.partial",
        "metrics.jsonl.damaged-1.partial",
        "checkpoints/step-000002.partial/training.safetensors",
        "samples/real.png.123.tmp",
        "samples/step-000050.png.4000000000.tmp",
    ];
    let others = [
        "notes.partial",
        "metrics.jsonl.damaged-1",
        "samples/a.tmp",
        "samples/real.png.tmp",
        "samples/step-50.png.1.tmp",
        "checkpoints/mine.partial",
        "checkpoints/step-2.partial",
    ];
    put(&path, &ours);
    put(&path, &others);
    let before = everything(&path);
    let run = RunDir::open(&path).unwrap();
    assert_eq!(everything(&path), before);
    assert!(matches!(RunDir::open(&path), Err(Error::Locked { .. })));

    run.begin(0, &metadata()).unwrap();
    for gone in ours {
        assert!(!path.join(gone).exists(), "{gone}");
    }
    for stays in others {
        assert_eq!(fs::read(path.join(stays)).unwrap(), b"mine", "{stays}");
    }
    assert!(marker::is_marked(&path), "it has the marker now");
    let events = fs::read_to_string(path.join("events.jsonl")).unwrap();
    assert!(events.starts_with("{\"event\":\"resume\",\"step\":0,"), "{events}");
}

#[cfg(unix)]
#[test]
fn what_links_in_a_run_folder_point_to_is_not_touched() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    put(&elsewhere, &["file", "step-000004/checkpoint.json", "step-000004.partial", "real.png.1.tmp"]);
    let before = everything(&elsewhere);
    for (number, name) in
        ["metrics.jsonl", "events.jsonl", "lock", "config.toml", "samples", "checkpoints"].iter().enumerate()
    {
        let path = folder.path().join(number.to_string());
        drop(RunDir::create(Some(&path), &config()).unwrap());
        let link = path.join(name);
        let of_folder = link.is_dir();
        let _ = if of_folder { fs::remove_dir(&link) } else { fs::remove_file(&link) };
        symlink(if of_folder { elsewhere.clone() } else { elsewhere.join("file") }, &link).unwrap();
        let error = RunDir::open(&path).and_then(|run| run.begin(0, &metadata())).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("is a link"), "{error}");
        assert_eq!(everything(&elsewhere), before, "{name}");
        // The whole folder may be reached through one.
        fs::remove_file(&link).unwrap();
        if *name != "config.toml" {
            let through = folder.path().join(format!("link-{number}"));
            symlink(&path, &through).unwrap();
            RunDir::open(&through).unwrap().begin(0, &metadata()).unwrap();
        }
    }
}

#[test]
fn a_run_that_never_began_is_begun_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    put(&path, &[".gan-run.partial"]);
    drop(RunDir::create(Some(&path), &config()).unwrap());
    fs::remove_file(path.join("config.toml")).unwrap();
    fs::remove_dir(path.join("samples")).unwrap();
    fs::remove_dir(path.join("checkpoints")).unwrap();
    put(&path, &["config.toml.partial"]);
    drop(RunDir::create(Some(&path), &config()).unwrap());
    let refused = RunDir::create(Some(&path), &config()).err().unwrap();
    assert!(refused.hint().contains("gan resume"), "{}", refused.hint());
}
