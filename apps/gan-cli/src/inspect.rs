//! `gan inspect`: what a run, a checkpoint or a file is, and whether it is whole.

use crate::failure::Failure;
use crate::printable::printable;
use gan_models::{Checksum, Listing, inspect_file};
use gan_train::{Checkpoint, DataMetadata, Metadata, Program, RunDir};
use std::collections::BTreeSet;
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
        Some((kind, model)) => {
            tell(format!("{}: a {kind} of gan", path.display()));
            match model {
                Ok(config) => tell(format!("  {config}")),
                Err(name) => {
                    tell(format!("  the weights of {name}, which only the program that made it can build"))
                }
            }
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

fn say(metadata: &Metadata) {
    match metadata.model() {
        Some(model) => tell(format!("  {}: {model}", metadata.system)),
        None => tell(format!("  {}: a system of another program", metadata.system)),
    }
    for DataMetadata { name, images, sha256 } in &metadata.data {
        tell(format!("  data: {name}, {images} images, SHA-256 {sha256:.16}"));
    }
    tell(format!("  done: {} of {} steps", metadata.step(), metadata.steps));
    let Program { version, device, instructions } = &metadata.program;
    tell(format!("  written by gan {version} on {device} with {instructions}"));
    let counters = metadata.readable_counters();
    let counters: Vec<String> = counters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    tell(format!("  counters: {}", counters.join(", ")));
    let settings: Vec<String> =
        metadata.flat_settings().into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    tell(format!("  settings: {}", settings.join(", ")));
}

fn amount(tensors: &Listing) -> String {
    let is_buffer = |name: &str| BUFFERS.iter().any(|buffer| name.ends_with(buffer));
    let count = |named: &dyn Fn(&str) -> bool| {
        let numbers = tensors.iter().filter(|(name, _)| named(name));
        // The header of the file was checked: a tensor is no larger than its file.
        numbers.map(|(_, (_, shape))| shape.iter().product::<usize>() as u64).fold(0, u64::saturating_add)
    };
    // The networks of a training state have their names before those of their tensors; a network's own file has none.
    let networks: BTreeSet<&str> = tensors.keys().filter_map(|name| network_of(name)).collect();
    let part = |network: &&str| {
        let own = |tensor: &str| network_of(tensor) == Some(network) && !is_buffer(tensor);
        format!("{network} {}", count(&own))
    };
    let parts = match networks.is_empty() {
        true => format!("{} parameters", count(&|tensor| !is_buffer(tensor))),
        false => format!("parameters: {}", networks.iter().map(part).collect::<Vec<_>>().join(", ")),
    };
    format!("{} tensors, {parts}", tensors.len())
}

/// The network that a tensor of a training state belongs to: not those of optimizers and averages, which are copies.
fn network_of(tensor: &str) -> Option<&str> {
    let (network, rest) = tensor.split_once('.')?;
    let copies = ["optimizer_", "ema_"];
    let is_layer = network == "main" || network == "embedding" || network == "classifier";
    (!is_layer && rest.contains('.') && !copies.iter().any(|copy| network.starts_with(copy)))
        .then_some(network)
}
