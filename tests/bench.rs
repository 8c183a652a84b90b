//! `gan bench` as programs and people use it. What is fast is not tested here: times vary, what they say must not.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use common::{gan_in, succeed_in, write_mnist};
use serde_json::Value;
use std::path::Path;

/// The flags of a benchmark that takes no time.
const TINY: [&str; 12] = [
    "--image-size",
    "16",
    "--base-width",
    "4",
    "--batch-size",
    "6",
    "--steps",
    "3",
    "--min-seconds",
    "0",
    "--warmup",
    "1",
];

/// Runs a benchmark and gives its JSON, all that it printed.
fn json(what: &str, more: &[&str]) -> Value {
    let said = succeed_in(Path::new("."), &[&["bench", what, "--json"], more].concat());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with('{'), "{said}");
    serde_json::from_str(&said).unwrap()
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or_else(|| panic!("{key} in {report}"))
}

fn assert_about(value: f64, expected: f64) {
    assert!((value / expected - 1.0).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn bf16_is_said_to_be_used_or_not() {
    for (precision, expected) in [("f32", false), ("bf16", true)] {
        let report = json("train", &[&TINY[..], &["--device", "cpu", "--precision", precision]].concat());
        assert_eq!(report["device"].as_str().unwrap().contains("bf16"), expected, "{report}");
    }
}

#[test]
fn numbers_of_training_and_sampling_agree_with_each_other() {
    // G: 12,800 + 8,192 + 4,096 multiply-adds forward; D: 4,096 + 8,192 + 128. A step is 3 G (no gradient of the
    // latents), 3 D twice (no gradient of the images), and once through D and back.
    let (g, d) = (25_088.0, 12_416.0);
    let step = (3.0 * g - 12_800.0) + 2.0 * (3.0 * d - 4_096.0) + 2.0 * d;
    for (what, multiply_adds) in [("train", step), ("sample", g)] {
        let report = json(what, &[&TINY[..], &["--threads", "2", "--channels", "1"]].concat());
        assert_eq!((report["what"].as_str(), report["threads"].as_u64()), (Some(what), Some(2)));
        assert!(report["system"].as_str().unwrap().starts_with("gan "));
        assert_eq!(report["steps"], 3);
        assert_about(number(&report, "images_per_second"), 6.0 * 1e3 / number(&report, "step_ms_median"));
        assert!(number(&report, "step_ms_min") <= number(&report, "step_ms_median"));
        let operations = number(&report, "gflops") * number(&report, "step_ms_median") * 1e6;
        assert_about(operations, 2.0 * 6.0 * multiply_adds);
        assert!(report["profile"].is_null());
        if cfg!(target_os = "linux") {
            assert!((5.0..2000.0).contains(&number(&report, "peak_rss_mb")));
        }
        if !report["ceiling_gflops"].is_null() {
            let fraction = number(&report, "gflops") / number(&report, "ceiling_gflops");
            assert_about(number(&report, "fraction_of_ceiling"), fraction);
        }
    }
}

#[test]
fn sizes_beyond_powers_of_two_and_each_number_of_channels() {
    for (size, channels) in [("28", "1"), ("24", "3"), ("40", "4")] {
        json("train", &[&TINY[2..], &["--image-size", size, "--channels", channels]].concat());
    }
}

#[test]
fn a_benchmark_goes_on_until_enough_time_was_measured() {
    let report = json("sample", &[&TINY[..8], &["--min-seconds", "0.3"]].concat());
    assert!(report["steps"].as_u64().unwrap() > 3, "{report}");
}

#[test]
fn a_profile_lists_the_stages_of_a_step() {
    let stages = |report: &Value| -> Vec<String> {
        let rows = report["profile"].as_array().unwrap();
        let shares: Vec<f64> = rows.iter().map(|row| number(row, "share")).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{report}");
        assert!(shares.is_sorted_by(|a, b| a >= b), "{report}");
        assert!(rows.iter().all(|row| number(row, "ms") >= 0.0));
        rows.iter().map(|row| row["op"].as_str().unwrap().to_string()).collect()
    };
    let train = stages(&json("train", &[&TINY[..], &["--profile"]].concat()));
    for stage in [
        "data",
        "G forward",
        "D on real",
        "D on real, backward",
        "D on fake",
        "D on fake, backward",
        "optimizer",
        "D for G",
        "D and G, backward",
        "other",
    ] {
        assert!(train.iter().any(|listed| listed == stage), "{stage} in {train:?}");
    }
    let sample = stages(&json("sample", &[&TINY[..], &["--profile"]].concat()));
    assert!(sample.contains(&"G forward".into()) && sample.contains(&"latents".into()), "{sample:?}");
    assert!(!sample.contains(&"D on real".into()), "{sample:?}");
}

#[test]
fn data_is_timed_over_whole_epochs() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("mnist"), 20);
    let data_dir = folder.path().join("mnist");
    let flags = ["--dataset", "mnist", "--data-dir", data_dir.to_str().unwrap(), "--batch-size", "8"];
    let report = json("data", &[&flags[..], &["--image-size", "16x24", "--min-seconds", "0"]].concat());
    assert_eq!(report["steps"], 3, "20 images are two batches of 8 and one of 4");
    assert!(number(&report, "images_per_second") > 0.0);
    assert!(number(&report, "step_ms_min") <= number(&report, "step_ms_median"));
    assert!(report["gflops"].is_null());
}

#[test]
fn people_get_a_few_lines() {
    let said = succeed_in(Path::new("."), &[&["bench", "train", "--profile"], &TINY[..]].concat());
    for word in ["images/s", "GFLOP/s", "G forward", "other"] {
        assert!(said.contains(word), "{word} in\n{said}");
    }
}

#[test]
fn flags_that_make_no_sense_are_refused_in_two_lines() {
    for (arguments, named) in [
        (&["train", "--steps", "0"][..], "--steps is 0"),
        (&["sample", "--batch-size", "0"], "--batch-size is 0"),
        (&["train", "--threads", "0"], "--threads is 0"),
        (&["train", "--threads", "1000000"], "4096"),
        (&["train", "--image-size", "30"], "28x28 and 32x32"),
        (&["train", "--image-size", "0"], "is 0"),
        (&["sample", "--image-size", "4000000000"], "16384"),
        (&["sample", "--channels", "5"], "1 or 3 or 4"),
        (&["train", "--base-width", "4000000000"], "smaller base width"),
        (&["train", "--batch-size", "65536"], "--batch-size 4096"),
        (&["train", "--image-size", "65536", "--base-width", "1"], "16384"),
        (&["train", "--latent-dim", "0"], "--latent-dim is 0"),
        (&["train", "--min-seconds", "-1"], "--min-seconds is -1"),
        (&["data", "--min-seconds", "inf"], "--min-seconds is inf"),
        (&["sample", "--min-seconds", "nan"], "--min-seconds is NaN"),
        (&["train", "--device", "gpu"], "gpu"),
        (&["data", "--dataset", "faces"], "digits, shapes, ring, grid, mnist"),
        (&["data", "--batch-size", "0"], "--batch-size is 0"),
        (&["data", "--image-size", "0"], "--image-size is 0"),
        (&["data", "--image-size", "16000"], "memory"),
    ] {
        let said = gan_in(Path::new("."), &[&["bench"], arguments].concat());
        assert_eq!(said.status, 2, "{arguments:?}: {}", said.stderr);
        let lines: Vec<&str> = said.stderr.lines().collect();
        assert!(
            lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with(" help: "),
            "{lines:?}"
        );
        assert!(said.stderr.contains(named), "{arguments:?}: {named} in {}", said.stderr);
        assert!(said.stdout.is_empty(), "{arguments:?}: {}", said.stdout);
    }
}

#[test]
fn any_recipe_and_any_flag_of_a_run_is_timed_on_images_of_its_kind() {
    let short = ["--steps", "2", "--min-seconds", "0", "--warmup", "0", "--batch-size", "4"];
    for flags in [
        &["--recipe", "ring"][..],
        &["--recipe", "digits-cgan", "--base-width", "4"],
        &["--recipe", "mnist-wgan", "--base-width", "4"],
        &["--loss", "wgan-gp", "--n-critic", "2", "--image-size", "16", "--base-width", "4"],
        &["--model", "sngan", "--image-size", "32", "--base-width", "4"],
    ] {
        for what in ["train", "sample"] {
            let report = json(what, &[flags, &short].concat());
            assert_eq!((&report["steps"], &report["batch_size"]), (&2.into(), &4.into()), "{flags:?}");
            assert!(number(&report, "gflops") > 0.0, "{flags:?}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mine.toml");
    std::fs::write(&config, "recipe = 'none'\n[data]\nimage_size = 8\n[model]\nbase_width = 2\n").unwrap();
    let report = json("train", &[&["--config", config.to_str().unwrap()][..], &short].concat());
    let (g, d) = (25_088.0, 12_416.0); // those of 16 pixels and width 4 are more
    assert!(
        number(&report, "gflops") * number(&report, "step_ms_median") * 1e6 < 2.0 * 4.0 * (9.0 * d + 3.0 * g)
    );
}
