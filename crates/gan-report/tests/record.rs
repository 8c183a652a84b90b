//! What is read of a run folder, sound or damaged.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{Run, picture};
use gan_report::{Error, RunRecord, Severity, State, csv, runs};
use proptest::prelude::*;

#[test]
fn a_run_is_read_whole() {
    let run = Run::small();
    run.write(
        "numbers.json",
        r#"{"errD": {"kind": "loss", "label": "D"}, "new": {"kind": "of a later version"}}"#,
    );
    run.write("best.json", r#"{"step": 100, "metric": "fd_digits", "score": 100.0}"#);
    run.write(
        "health.json",
        r#"[{"verdict": "fine", "severity": "good"}, {"verdict": "odd", "severity": "dire"}]"#,
    );
    run.write("events.jsonl", "{\"event\":\"resumed\",\"step\":50,\"from\":\"step-000050\"}\n");
    let record = RunRecord::read(&run.path).unwrap();
    assert_eq!(record.damage, [""; 0]);
    assert_eq!(record.metrics.steps, (1..=10).map(|i| 10 * i).collect::<Vec<u64>>());
    assert_eq!(record.metrics.get("fd_digits").unwrap().values, [(4, 250.0), (9, 100.0)]);
    assert_eq!(record.setting("lr"), Some("0.0002"));
    assert_eq!((record.data(), record.steps(), record.steps_done()), (Some("digits"), Some(100), 100));
    assert_eq!(record.state(), State::Complete);
    assert_eq!(record.samples.len(), 3);
    assert_eq!(record.newest_sample().unwrap().step, 100);
    assert_eq!(record.checkpoints, [100]);
    assert_eq!(record.health[1].severity, Severity::Warning);
    assert_eq!(record.events[0].details, [("from".to_owned(), "step-000050".to_owned())]);
}

#[test]
fn a_folder_that_is_no_run_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("missing")] {
        let error = RunRecord::read(&path).unwrap_err();
        assert!(matches!(error, Error::NotARun { .. }));
        assert!(error.hint().contains("runs/0001"));
    }
}

#[test]
fn what_is_damaged_is_left_out_and_named() {
    let run = Run::empty("0001");
    run.write(
        "metrics.jsonl",
        "{\"step\":1,\"a\":1}\nnonsense\n{\"a\":2}\n[3]\n{\"step\":2,\"a\":null}\n{\"step\":3,\"a\":4",
    );
    run.write("health.json", "{");
    run.write("best.json", "null and void");
    run.write("config.toml", "a = \n");
    let record = RunRecord::read(&run.path).unwrap();
    assert_eq!(record.metrics.steps, [1, 2]);
    assert_eq!(record.metrics.get("a").unwrap().values, [(0, 1.0)]);
    let damage = record.damage.join("\n");
    for said in [
        "config.toml",
        "3 damaged lines",
        "line 2",
        "the last line is broken off",
        "best.json",
        "health.json",
    ] {
        assert!(damage.contains(said), "{said} is not in {damage}");
    }
}

#[test]
fn steps_that_were_done_again_count_as_they_were_the_last_time() {
    let run = Run::empty("0001");
    let log = [(1, 1.0), (2, 2.0), (3, 3.0), (2, 20.0), (4, 40.0)];
    let log = log.map(|(step, value)| format!("{{\"step\":{step},\"errD\":{value},\"once\":{step}}}\n"));
    run.write("metrics.jsonl", log.concat());
    let metrics = RunRecord::read(&run.path).unwrap().metrics;
    assert_eq!(metrics.steps, [1, 2, 4]);
    assert_eq!(metrics.get("errD").unwrap().values, [(0, 1.0), (1, 20.0), (2, 40.0)]);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_read() {
    let run = Run::small();
    let secret = run.root.path().join("secret.png");
    picture(&secret, 4, [1, 2, 3]);
    std::os::unix::fs::symlink(&secret, run.path.join("samples/step-000999.png")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", run.path.join("health.json")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(run.path.join("best.json")).status().unwrap();
    assert!(pipe.success());
    let record = RunRecord::read(&run.path).unwrap();
    assert_eq!(record.newest_sample().unwrap().step, 100);
    assert_eq!(record.damage.len(), 2, "{:?}", record.damage);
    assert!(!gan_report::render(&record).contains("root:"));
}

#[test]
fn a_log_that_is_too_large_is_refused_and_not_read() {
    let run = Run::empty("0001");
    std::fs::File::create(run.path.join("metrics.jsonl")).unwrap().set_len(1 << 36).unwrap();
    let record = RunRecord::read(&run.path).unwrap();
    assert!(record.damage[0].contains("larger than 64 MB"), "{:?}", record.damage);
}

#[test]
fn the_table_has_a_column_for_each_number_and_a_row_for_each_step() {
    let run = Run::empty("0001");
    run.write(
        "metrics.jsonl",
        "{\"step\":1,\"a\":1.5}\n{\"step\":2,\"epoch\":0.5,\"b, \\\"c\\\"\":-2e-9}\n{\"step\":3,\"a\":7}\n",
    );
    let mut table = Vec::new();
    csv::write(&RunRecord::read(&run.path).unwrap(), &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert_eq!(table, "step,epoch,a,\"b, \"\"c\"\"\"\n1,,1.5,\n2,0.5,,-0.000000002\n3,,7,\n");
}

#[test]
fn the_runs_of_a_folder_are_listed_with_what_sets_them_apart() {
    let run = Run::small();
    let root = run.root.path();
    common::fill(&root.join("0002"));
    common::write(
        &root.join("0002"),
        "config.toml",
        "[data]\ndataset = \"digits\"\n[training]\nsteps = 500\nlr = 0.001\n",
    );
    common::write(root, "not-a-run/notes.txt", "");
    let listed = runs(root).unwrap();
    let names: Vec<_> = listed.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["0001", "0002"]);
    let lr = |i: usize| listed[i].settings.iter().find(|(name, _)| name == "training.lr").unwrap().1.clone();
    assert_eq!((lr(0), lr(1)), ("0.0002".to_owned(), "0.001".to_owned()));
    assert!(listed[0].settings.iter().all(|(name, _)| name != "data.dataset"));
    assert_eq!((listed[0].state, listed[1].state), (State::Complete, State::Unknown));
    assert_eq!(listed[0].best, Some(("fd_digits".to_owned(), 100.0)));
    assert!(runs(root.join("missing")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever stands in the files, the page is made.
    #[test]
    fn nothing_in_the_files_breaks_the_page(
        values in proptest::collection::vec(prop_oneof![
            any::<f64>(), Just(0.0), Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(1e16), Just(1e16 + 2.0),
            -1e3..1e3,
        ], 1..40),
        name in prop_oneof![
            Just("errD".to_owned()), Just("d_x".into()), Just("grad_norm_d".into()), Just("fd".into()), ".*"
        ],
        junk in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let run = Run::empty("0001");
        let lines = values.iter().enumerate().map(|(step, value)| {
            serde_json::json!({"step": step as u64 * u64::from(u32::MAX), &name: value}).to_string() + "\n"
        });
        run.write("metrics.jsonl", lines.collect::<String>());
        let jsons = ["events.jsonl", "numbers.json", "health.json", "best.json", "report.json"];
        for file in jsons.into_iter().chain(["samples/step-1.png"]) {
            run.write(file, &junk);
        }
        let page = gan_report::render(&RunRecord::read(&run.path).unwrap());
        prop_assert!(page.ends_with("</html>"));
    }
}
