//! `gan inspect`: what a run, a checkpoint or a file is, and whether it is whole.

use crate::failure::Failure;
use gan_models::{Checksum, Listing, inspect_file};
use gan_train::{Checkpoint, Record, RunDir};
use std::path::Path;

/// Running statistics and singular vectors, which are no parameters.
const BUFFERS: [&str; 5] = ["running_mean", "running_var", "num_batches_tracked", "_u", "_v"];

pub fn run(path: &Path) -> Result<(), Failure> {
    if !path.is_dir() {
        return file(path);
    }
    match RunDir::of(path) {
        (_, Some(_)) => checkpoint(path),
        (_, None) => whole_run(path),
    }
}

/// A safetensors file; an error at the end if its checksum does not hold.
fn file(path: &Path) -> Result<(), Failure> {
    let info = inspect_file(path)?;
    match &info.model {
        Some((kind, config)) => println!("{}: a {kind} of gan\n  {}", path.display(), config),
        None => println!("{}: a safetensors file that gan did not write", path.display()),
    }
    println!("  {}", amount(&info.tensors));
    for (name, (dtype, shape)) in &info.tensors {
        println!("    {:<40} {} {shape:?}", name.escape_debug().to_string(), dtype.as_str());
    }
    match info.checksum {
        Checksum::Holds => println!("  checksum: holds"),
        Checksum::Absent => println!("  checksum: it has none"),
        Checksum::Broken => {
            return Err(Failure::other(
                format!("the checksum of {} does not hold", path.display()),
                "it was damaged or changed: take another copy, or another checkpoint of its run",
            ));
        }
    }
    Ok(())
}

/// A checkpoint; an error if it is not whole.
fn checkpoint(path: &Path) -> Result<(), Failure> {
    let checkpoint = Checkpoint::read(path)?;
    println!("{}: a checkpoint", path.display());
    say(checkpoint.record());
    println!("  tensors: {}", amount(&checkpoint.listing()?));
    println!("  checksums: hold");
    Ok(())
}

/// A run and each of its checkpoints; an error if one is not whole.
fn whole_run(path: &Path) -> Result<(), Failure> {
    let all = Checkpoint::list(path)?;
    if all.is_empty() && !path.join("config.toml").is_file() {
        return Err(gan_train::Error::NotARun { path: path.to_path_buf() }.into());
    }
    println!("{}: a run", path.display());
    let mut broken = None;
    let mut newest = None;
    for (step, path) in &all {
        match Checkpoint::read(path) {
            Ok(checkpoint) => {
                println!("  step {step}: whole");
                newest = Some(checkpoint);
            }
            Err(error) => {
                println!("  step {step}: BROKEN");
                broken = Some(error);
            }
        }
    }
    match &newest {
        Some(checkpoint) => say(checkpoint.record()),
        None => println!("  no checkpoint to go on from"),
    }
    broken.map_or(Ok(()), |error| Err(error.into()))
}

fn say(record: &Record) {
    println!("  {}", record.model);
    println!(
        "  data: {}, {} images, SHA-256 {:.16}",
        record.data.name, record.data.images, record.data.sha256
    );
    println!("  done: {} of {} steps", record.step(), record.total_steps());
    let program = &record.program;
    println!("  written by gan {} on {} with {}", program.version, program.device, program.instructions);
    let counters: Vec<String> =
        record.counters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    println!("  counters: {}", counters.join(", "));
    let settings = toml::to_string(&record.config).unwrap_or_default();
    println!("  settings: {}", settings.trim_end().replace('\n', ", "));
}

fn amount(tensors: &Listing) -> String {
    let is_buffer = |name: &str| BUFFERS.iter().any(|buffer| name.ends_with(buffer));
    let count = |named: &dyn Fn(&str) -> bool| {
        let numbers = tensors.iter().filter(|(name, _)| named(name));
        numbers.map(|(_, (_, shape))| shape.iter().product::<usize>()).sum::<usize>()
    };
    let part = |name: &str| {
        let parameters = count(&|tensor| tensor.starts_with(name) && !is_buffer(tensor));
        if parameters == 0 { String::new() } else { format!(", {name} {parameters}") }
    };
    let parts = match count(&|tensor| tensor.starts_with("generator.")) {
        0 => format!("{} parameters", count(&|tensor| !is_buffer(tensor))),
        _ => format!("parameters:{}{}", part("generator").replacen(',', "", 1), part("discriminator")),
    };
    format!("{} tensors, {parts}", tensors.len())
}
