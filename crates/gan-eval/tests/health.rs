//! The doctor on what real runs have logged: healthy ones, and ones that were broken on purpose
//! (`scripts/health_runs.py` makes them).

#![allow(clippy::unwrap_used)] // a test fails by panicking

use gan_eval::health::{History, diagnose};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Run {
    /// What is wrong with it, if anything is.
    wrong: Option<String>,
    /// How many of a counted number there are to be had.
    of: BTreeMap<String, u64>,
    log: Vec<BTreeMap<String, f64>>,
}

fn runs() -> BTreeMap<String, Run> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/health.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn history(run: &Run, lines: usize) -> History {
    let mut history = History::new();
    for line in &run.log[..lines.min(run.log.len())] {
        for (name, &value) in line.iter().filter(|(name, _)| *name != "step") {
            history.push(line["step"] as u64, name, value, run.of.get(name).copied());
        }
    }
    history
}

fn names(history: &History) -> Vec<&'static str> {
    diagnose(history).into_iter().map(|finding| finding.verdict.into()).collect()
}

#[test]
fn broken_runs_get_the_right_verdict_and_healthy_ones_none() {
    let runs = runs();
    assert!(runs.values().filter(|run| run.wrong.is_some()).count() >= 8);
    assert!(runs.values().filter(|run| run.wrong.is_none()).count() >= 8);
    for (name, run) in &runs {
        let found = names(&history(run, usize::MAX));
        match &run.wrong {
            Some(wrong) => assert!(found.contains(&wrong.as_str()), "{name}: {found:?}"),
            None => assert!(found.is_empty(), "{name}: {found:?}"),
        }
    }
}

#[test]
fn healthy_runs_are_called_healthy_at_any_time() {
    for (name, run) in runs().iter().filter(|(_, run)| run.wrong.is_none()) {
        for lines in 0..run.log.len() {
            let found = names(&history(run, lines));
            assert!(found.is_empty(), "{name} after {lines} lines: {found:?}");
        }
    }
}

#[test]
fn too_little_is_no_evidence() {
    assert!(diagnose(&History::new()).is_empty());
    for run in runs().values() {
        assert!(names(&history(run, 3)).is_empty());
    }
    // Without the numbers that a check needs, such as in another system, nothing is said.
    let mut other = History::new();
    (1..100).for_each(|step| other.push(step, "cycle", 1.0 / step as f64, None));
    assert!(diagnose(&other).is_empty());
    // Nor by numbers that are none.
    (1..100).for_each(|step| other.push(step, "diversity", f64::NAN, None));
    assert!(diagnose(&other).is_empty());
}

#[test]
fn what_training_went_back_from_counts_no_more() {
    let mut history = History::new();
    (1..=20).for_each(|step| history.push(step * 10, "diversity", if step > 8 { 0.01 } else { 0.9 }, None));
    assert_eq!(names(&history), ["mode-collapse"]);
    history.cut_after(80);
    assert!(diagnose(&history).is_empty());
    history.push(80, "went_back", 1.0, None);
    assert_eq!(names(&history), ["exploding-weights"]);
}

#[test]
fn a_run_whose_score_still_falls_has_not_been_won() {
    let won = |scores: &[f64]| {
        let mut history = History::new();
        for step in (10..=600).step_by(10) {
            for (name, value) in
                [("d_x", 1.0), ("d_right_real", 1.0), ("d_right_fake", 1.0), ("logit_gap", 9.0)]
            {
                history.push(step, name, value, None);
            }
        }
        scores.iter().zip(1..).for_each(|(&score, i)| history.push(i * 100, "fd", score, None));
        names(&history)
    };
    assert_eq!(won(&[]), ["discriminator-won"]);
    assert_eq!(won(&[5.0, 4.0, 4.0, 4.1, 4.0, 4.2]), ["discriminator-won"]);
    assert!(won(&[9.0, 7.0, 5.0, 4.0, 3.0, 2.0]).is_empty());
}
