//! How good a run is: measured while it trains, and by `gan eval`.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Device, Tensor};
use common::{gan_in, metrics, png_size, succeed_in, write_broken_png, write_png};
use serde_json::Value;
use std::path::Path;

/// A small run that is measured at steps 10 and 20.
const SMALL: [&str; 12] = [
    "--steps",
    "20",
    "--base-width",
    "4",
    "--batch-size",
    "16",
    "--log-every",
    "5",
    "--threads",
    "1",
    "--seed",
    "3",
];
const MEASURED: [&str; 4] = ["--eval-every", "10", "--eval-samples", "200"];

fn train(folder: &Path, out: &str, more: &[&str]) -> String {
    succeed_in(folder, &[&["train", "--out", out], &SMALL[..], more].concat())
}

fn fail_in(folder: &Path, arguments: &[&str]) -> String {
    let said = gan_in(folder, arguments);
    assert_ne!(said.status, 0, "{arguments:?} did not fail:\n{}", said.stdout);
    said.stderr
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn samples_are_measured_while_training_and_nothing_that_is_learned_changes() {
    let folder = tempfile::tempdir().unwrap();
    let said = train(folder.path(), "measured", &[&MEASURED[..], &["--metrics", "fd,is,classes"]].concat());
    train(folder.path(), "plain", &["--eval-every", "0"]);
    let run = folder.path().join("measured");

    let log = metrics(&run);
    let measured: Vec<&Value> = log.iter().filter(|line| line.get("fd").is_some()).collect();
    assert_eq!(measured.iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [10, 20]);
    for line in &measured {
        assert!(line["fd"].as_f64().unwrap() > 0.0 && line["is"].as_f64().unwrap() >= 1.0, "{line}");
        assert!(line["class_divergence"].as_f64().unwrap() >= 0.0, "{line}");
    }
    let best = json(&run.join("best.json"));
    let lowest =
        measured.iter().min_by(|a, b| a["fd"].as_f64().unwrap().total_cmp(&b["fd"].as_f64().unwrap()));
    assert_eq!((&best["step"], &best["score"]), (&lowest.unwrap()["step"], &lowest.unwrap()["fd"]));
    assert_eq!(best["metric"], "fd");
    let protocol = &best["protocol"];
    assert_eq!((&protocol["features"], &protocol["n_fake"]), (&"digits classifier".into(), &200.into()));
    assert_eq!(protocol["digest"].as_str().unwrap().len(), 64);
    assert!(said.contains("Best: fd (digits classifier) "), "{said}");

    let numbers = json(&run.join("numbers.json"));
    assert_eq!((&numbers["fd"]["kind"], &numbers["fd"]["better"]), (&"score".into(), &"lower".into()));
    assert_eq!((&numbers["errD"]["kind"], &numbers["d_x"]["kind"]), (&"loss".into(), &"probability".into()));

    let generator = |run: &str| {
        std::fs::read(folder.path().join(run).join("checkpoints/step-000020/generator.safetensors")).unwrap()
    };
    assert!(generator("measured") == generator("plain"), "to measure changes nothing");
    assert!(!folder.path().join("plain/best.json").exists());
}

#[test]
fn sample_takes_the_best_checkpoint_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), "run", &MEASURED);
    let said = succeed_in(folder.path(), &["sample", "run", "--count", "4"]);
    let step = json(&folder.path().join("run/best.json"))["step"].as_u64().unwrap();
    assert!(said.contains(&format!("step {step}, the best by fd")), "{said}");
    // Whatever the score says is what is taken.
    let best = folder.path().join("run/best.json");
    std::fs::write(&best, r#"{"step": 10, "metric": "fd", "score": 1.0}"#).unwrap();
    let file = |flags: &[&str]| {
        succeed_in(folder.path(), &[&["sample", "run", "--count", "4", "--out", "grid.png"], flags].concat());
        std::fs::read(folder.path().join("grid.png")).unwrap()
    };
    assert_eq!(file(&[]), file(&["--checkpoint", "10"]));
    assert_ne!(file(&[]), file(&["--checkpoint", "latest"]));
    assert_eq!(file(&["--checkpoint", "20"]), file(&["--checkpoint", "latest"]));
    let refused = fail_in(folder.path(), &["sample", "run", "--checkpoint", "15"]);
    assert!(refused.contains("no checkpoint of step 15") && refused.contains("10, 20"), "{refused}");
    // A score whose checkpoint is gone is told of.
    std::fs::write(&best, r#"{"step": 15, "metric": "fd", "score": 1.0}"#).unwrap();
    assert_eq!(file(&[]), file(&["--checkpoint", "latest"]));
}

#[test]
fn a_resumed_run_may_be_measured_in_another_way_and_forgets_what_cannot_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let best = folder.path().join("run/best.json");
    train(folder.path(), "run", &["--eval-every", "0"]);
    assert!(!best.exists());
    let resume = |steps: &str, more: &[&str]| {
        let said = gan_in(folder.path(), &[&["resume", "run", "--steps", steps], more].concat());
        assert_eq!(said.status, 0, "{}", said.stderr);
        said.stderr
    };
    let warned = resume("30", &MEASURED);
    assert!(!warned.contains("forgotten") && json(&best)["step"] == 30, "{warned}");
    // A score that nothing can beat is one of another number of images.
    let text = std::fs::read_to_string(&best).unwrap();
    assert!(text.contains("\"n_fake\":200"), "{text}");
    let warned = resume("40", &["--eval-samples", "100"]);
    assert!(warned.contains("the best so far is forgotten"), "{warned}");
    assert_eq!((&json(&best)["step"], &json(&best)["protocol"]["n_fake"]), (&40.into(), &100.into()));
    // Going back to an earlier checkpoint goes back to the best of that time.
    let said = gan_in(
        folder.path(),
        &["resume", "run/checkpoints/step-000030", "--steps", "31", "--eval-every", "50"],
    );
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(!best.exists() || json(&best)["step"] == 30, "{}", std::fs::read_to_string(&best).unwrap());
}

#[test]
fn patience_ends_a_run() {
    let folder = tempfile::tempdir().unwrap();
    // With a learning rate of next to nothing no measurement is better than the first by much, but some may
    // be.
    let flags =
        ["--eval-every", "2", "--eval-samples", "50", "--patience", "1", "--lr", "1e-12", "--ema", "0"];
    let said = train(folder.path(), "run", &flags);
    let steps = metrics(&folder.path().join("run")).last().unwrap()["step"].as_u64().unwrap();
    assert!(steps < 20 && said.contains("no better score"), "{steps}: {said}");
}

#[test]
fn runs_files_and_folders_are_measured_against_the_data_or_each_other() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), "run", &MEASURED);
    succeed_in(folder.path(), &["data", "export", "digits", "real", "--count", "300"]);
    succeed_in(folder.path(), &["sample", "run", "--count", "300", "--out", "fake/", "--checkpoint", "20"]);

    let said = succeed_in(folder.path(), &["eval", "run", "--count", "300", "--checkpoint", "20"]);
    for word in ["digits (train)", "digits classifier", "FD", "KID", "±", "precision", "coverage"] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let scores = |arguments: &[&str]| -> Vec<Value> {
        let said = succeed_in(folder.path(), &[&["eval", "--json", "--count", "300"], arguments].concat());
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let value = |row: &Value, kind: &str| -> f64 {
        let all = row["scores"].as_array().unwrap();
        all.iter().find(|score| score["kind"] == kind).unwrap()["value"].as_f64().unwrap()
    };
    // The same images, by the generator and as files; and real images beside them.
    let file = "run/checkpoints/step-000020/generator.safetensors";
    let rows = scores(&["run", file, "fake", "real", "--against", "digits", "--checkpoint", "20"]);
    assert_eq!(rows.len(), 4);
    assert_eq!(value(&rows[0], "fd"), value(&rows[1], "fd"));
    assert_eq!(value(&rows[0], "fd"), value(&rows[2], "fd"), "files hold what is measured");
    assert!(value(&rows[3], "fd") < 0.2 * value(&rows[0], "fd"), "{rows:?}");
    assert!(value(&rows[3], "coverage") > 0.8 && value(&rows[0], "coverage") < 0.3, "{rows:?}");
    // Real images fewer than a batch of the run are enough.
    succeed_in(folder.path(), &["data", "export", "digits", "few", "--count", "6"]);
    let few = scores(&["run", "--against", "few", "--features", "random", "--metrics", "fd,kid"]);
    assert_eq!(few[0]["scores"][0]["protocol"]["n_real"], 6);
    let itself = scores(&["real", "--against", "real", "--features", "random", "--metrics", "fd,copies"]);
    assert!(value(&itself[0], "fd") < 1e-6 && value(&itself[0], "copies") == 1.0, "{itself:?}");
    assert_eq!(itself[0]["scores"][0]["protocol"]["features"], "random convolutions");
}

#[test]
fn what_cannot_be_measured_is_refused_in_two_lines() {
    let folder = tempfile::tempdir().unwrap();
    succeed_in(folder.path(), &["data", "export", "digits", "few", "--count", "4"]);
    for (arguments, named) in [
        (&["eval", "few"][..], "--against"),
        (&["eval", "few", "--against", "few", "--metrics", "prdc"], "6 images or more"),
        (&["eval", "few", "--against", "few", "--features", "random", "--metrics", "is"], "know no classes"),
        (&["eval", "few", "--against", "few", "--metrics", "fid"], "fd,kid,prdc"),
        (&["eval", "few", "--against", "few", "--count", "0"], "--count is 0"),
        (&["eval", "nothing", "--against", "few"], "nothing"),
        (&["train", "--dataset", "ring", "--eval-every", "5"], "counted by mode"),
        (&["train", "--metrics", "fd,fd"], "twice"),
        (&["eval", "few", "--against", "few", "--features", "inception"], "--feature-weights FILE"),
        (
            &["eval", "few", "--against", "few", "--features", "lite0", "--feature-weights", "few"],
            "cannot take the weights of few",
        ),
        (&["train", "--eval-every", "5", "--eval-features", "inception"], "--feature-weights FILE"),
        (&["train", "--eval-every", "5", "--feature-weights", "few"], "take none"),
    ] {
        let said = fail_in(folder.path(), arguments);
        assert!(said.contains(named), "{arguments:?}: {named} in {said}");
        assert!(said.lines().count() <= 4, "{said}");
    }
}

#[test]
fn a_discriminator_scores_images_from_the_most_real_one() {
    let folder = tempfile::tempdir().unwrap();
    let digits = ["--recipe", "digits", "--base-width", "8", "--batch-size", "16", "--steps", "60"];
    succeed_in(folder.path(), &[&["train", "--out", "run"], &digits[..]].concat());
    succeed_in(folder.path(), &["data", "export", "digits", "real", "--count", "30"]);
    write_png(&folder.path().join("real/1/noise.png"), 32, 32, 1, 7);
    write_broken_png(&folder.path().join("real/1/broken.png"));
    let said = gan_in(folder.path(), &["score", "run", "real", "--json", "--sheet", "sheet.png"]);
    assert!(said.status == 0 && said.stderr.contains("broken.png is left out"), "{}", said.stderr);
    let lines = said.stdout.lines().filter(|line| line.starts_with('{'));
    let all: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let logits: Vec<f64> = all.iter().map(|one| one["logit"].as_f64().unwrap()).collect();
    assert!(all.len() == 31 && logits.is_sorted_by(|a, b| a >= b), "{logits:?}");
    let last = &all[30];
    assert!(last["image"].as_str().unwrap().contains("noise.png"), "what is no digit comes last: {last}");
    let probability = last["probability"].as_f64().unwrap();
    assert!((probability - 1.0 / (1.0 + (-logits[30]).exp())).abs() < 1e-6);
    assert_eq!(png_size(&folder.path().join("sheet.png")).0, 8 * 34 + 2);

    succeed_in(folder.path(), &["score", "run", "real", "--csv", "scores.csv"]);
    let table = std::fs::read_to_string(folder.path().join("scores.csv")).unwrap();
    assert!(table.starts_with("image,probability,logit\n") && table.lines().count() == 32);
    succeed_in(folder.path(), &["train", "--recipe", "ring", "--steps", "2", "--out", "points"]);
    for (arguments, why) in
        [(["points", "real"], "judges points of the plane"), (["run", "ring"], "of points")]
    {
        let refused = gan_in(folder.path(), &[&["score"], &arguments[..]].concat());
        assert!(refused.status == 2 && refused.stderr.contains(why), "{}", refused.stderr);
    }
}

#[test]
fn statistics_of_others_give_a_distance_by_the_features_that_they_are_of() {
    let folder = tempfile::tempdir().unwrap();
    succeed_in(folder.path(), &["data", "export", "digits", "few", "--count", "40"]);
    let dim = 240;
    let mu = Tensor::zeros(dim, DType::F64, &Device::Cpu).unwrap();
    let sigma = Tensor::eye(dim, DType::F64, &Device::Cpu).unwrap();
    Tensor::write_npz(&[("mu", mu), ("sigma", sigma)], folder.path().join("real.npz")).unwrap();
    let said = succeed_in(folder.path(), &["eval", "few", "--against", "real.npz", "--features", "random"]);
    assert!(said.contains("the statistics real.npz") && said.contains("FD"), "{said}");
    let refused = gan_in(folder.path(), &["eval", "few", "--against", "real.npz", "--features", "digits"]);
    assert!(
        refused.status == 2 && refused.stderr.contains("of features of 240 numbers"),
        "{}",
        refused.stderr
    );
}
