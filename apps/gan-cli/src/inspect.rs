//! `gan inspect`: what a run, a checkpoint or a file is, and whether it is whole.

use crate::failure::Failure;
use crate::printable::printable;
use gan_models::{Checksum, Listing, inspect_file};
use gan_train::{Checkpoint, Metadata, PartialConfig, RunDir};
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

/// Prints a line. What it tells of a file may be anything.
fn tell(line: String) {
    println!("{}", printable(&line));
}

/// A safetensors file; an error at the end if its checksum does not hold.
fn file(path: &Path) -> Result<(), Failure> {
    let info = inspect_file(path)?;
    match &info.model {
        Some((kind, config)) => {
            tell(format!("{}: a {kind} of gan", path.display()));
            tell(format!("  {config}"));
        }
        None => tell(format!("{}: a safetensors file that gan did not write", path.display())),
    }
    tell(format!("  {}", amount(&info.tensors)));
    for (name, (dtype, shape)) in &info.tensors {
        tell(format!("    {:<40} {} {shape:?}", printable(name), dtype.as_str()));
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
    let record = Checkpoint::check(path)?;
    tell(format!("{}: a checkpoint", path.display()));
    say(&record);
    tell(format!("  tensors: {}", amount(&Checkpoint::listing(path)?)));
    println!("  checksums: hold");
    Ok(())
}

/// A run and each of its checkpoints; an error if one is not whole.
fn whole_run(path: &Path) -> Result<(), Failure> {
    RunDir::expect_run(path)?;
    tell(format!("{}: a run", path.display()));
    let mut broken = None;
    let mut newest = None;
    for (step, found) in Checkpoint::check_all(path)? {
        match found {
            Ok(record) => {
                println!("  step {step}: whole");
                newest = Some(record);
            }
            Err(error) => {
                println!("  step {step}: BROKEN");
                broken = Some(error);
            }
        }
    }
    match &newest {
        Some(record) => say(record),
        None => println!("  no checkpoint to go on from"),
    }
    broken.map_or(Ok(()), |error| Err(error.into()))
}

fn say(record: &Metadata) {
    tell(format!("  {}", record.model));
    tell(format!(
        "  data: {}, {} images, SHA-256 {:.16}",
        record.data.name, record.data.images, record.data.sha256
    ));
    tell(format!("  done: {} of {} steps", record.step(), record.total_steps()));
    let program = &record.program;
    tell(format!("  written by gan {} on {} with {}", program.version, program.device, program.instructions));
    let counters = record.readable_counters();
    let counters: Vec<String> = counters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    tell(format!("  counters: {}", counters.join(", ")));
    let settings = PartialConfig::of(&record.config);
    let settings: Vec<String> = settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    tell(format!("  settings: {}", settings.join(", ")));
}

fn amount(tensors: &Listing) -> String {
    let is_buffer = |name: &str| BUFFERS.iter().any(|buffer| name.ends_with(buffer));
    let count = |named: &dyn Fn(&str) -> bool| {
        let numbers = tensors.iter().filter(|(name, _)| named(name));
        // The header of the file was checked: a tensor is no larger than its file.
        numbers.map(|(_, (_, shape))| shape.iter().product::<usize>() as u64).fold(0, u64::saturating_add)
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
