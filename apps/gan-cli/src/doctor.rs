//! `gan doctor`: what is wrong with a run, if anything is.

use crate::args::DoctorFlags;
use crate::configure;
use crate::device;
use crate::eval::{generated, tell};
use crate::failure::Failure;
use crate::generator_choice::{CheckpointChoice, Weights, choose};
use crate::health::{Diagnosis, Health, lines};
use crate::progress::watch;
use gan_data::Split;
use gan_eval::health::{SampleEvidence, Verdict};
use gan_eval::{FeatureKind, Reference};
use gan_ops::Precision;
use gan_train::{RunDir, data, real_features};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

#[derive(Serialize)]
struct Examined<'a> {
    run: &'a Path,
    step: u64,
    healthy: bool,
    findings: Vec<Diagnosis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<SampleEvidence>,
    /// Why its samples were not looked at, if they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples_left_out: Option<String>,
}

/// Exits with 1 if something is wrong with one of the runs.
pub fn run(flags: &DoctorFlags) -> Result<ExitCode, Failure> {
    device::use_threads(flags.threads);
    let mut is_well = true;
    for run in &flags.runs {
        let (run, _) = RunDir::of(run);
        RunDir::expect_run(run)?;
        let examined = examine(run, flags)?;
        is_well &= examined.healthy;
        match flags.json {
            true => {
                let line = serde_json::to_string(&examined);
                println!("{}", line.map_err(|error| Failure::other(error, "please report it"))?);
            }
            false => print(&examined),
        }
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn examine<'a>(run: &'a Path, flags: &DoctorFlags) -> Result<Examined<'a>, Failure> {
    let health = Health::of_run(run);
    let mut findings = health.diagnoses();
    let (samples, samples_left_out) = match flags.log_only {
        true => (None, Some("as asked".to_owned())),
        false => match look_at_samples(run, flags) {
            Ok(seen) => (Some(seen), None),
            Err(failure) => (None, Some(failure.to_string())),
        },
    };
    for finding in samples.iter().flat_map(SampleEvidence::findings) {
        add(&mut findings, health.diagnosis(finding));
    }
    let healthy = findings.is_empty();
    Ok(Examined { run, step: health.last_step(), healthy, findings, samples, samples_left_out })
}

/// What the samples show, which is newer than what the log has of them: it stands in its place, and beside
/// what the log alone can show.
fn add(findings: &mut Vec<Diagnosis>, mut found: Diagnosis) {
    match findings.iter_mut().find(|there| there.name == found.name) {
        None => findings.push(found),
        Some(there) => {
            if there.name == <&str>::from(Verdict::ModeCollapse)
                && !there.evidence.contains("classes are made")
            {
                found.evidence = format!("{}; {}", there.evidence, found.evidence);
            }
            *there = found;
        }
    }
}

/// What the newest generator makes, beside what it has learned from.
fn look_at_samples(run: &Path, flags: &DoctorFlags) -> Result<SampleEvidence, Failure> {
    let (device, _) = device::choose("cpu", Precision::F32)?;
    let chosen = choose(run, CheckpointChoice::Latest, Weights::Ema, &device)?;
    let config = configure::for_resuming(&run.join("config.toml"), &Default::default())?;
    let data = data::open(&config.clone().with_short_paths(), Split::Train, &watch())?;
    if data.points().is_some() {
        return Err(Failure::other("points of the plane are counted in the log", "nothing is left to do"));
    }
    let extractor = FeatureKind::for_dataset(data.name()).open(None)?;
    let (extractor, watch, count) = (extractor.as_ref(), watch(), flags.count as usize);
    let total = data.len().min(count.saturating_mul(5));
    let real = real_features(&config, &data, extractor, total, |done| {
        tell(&watch, "looking at real images", done, total);
    })?;
    let fake = generated(&chosen, extractor, 0, count, &device, &watch)?;
    Ok(Reference::new(real, &Split::Train.to_string())?.evidence(extractor, &fake)?)
}

fn print(examined: &Examined<'_>) {
    let Examined { run, step, findings, samples_left_out, .. } = examined;
    let run = run.display();
    match findings.len() {
        0 => println!("{run}, step {step}: nothing wrong was found."),
        1 => println!("{run}, step {step}: one thing is wrong."),
        many => println!("{run}, step {step}: {many} things are wrong."),
    }
    findings.iter().for_each(|diagnosis| println!("{}", lines(diagnosis)));
    if let Some(why) = samples_left_out {
        println!("  Its samples were not looked at: {why}.");
    }
}
