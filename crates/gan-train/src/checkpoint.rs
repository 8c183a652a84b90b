//! A checkpoint: all that it takes to go on as if a run had never stopped.

use crate::config::TrainConfig;
use crate::durable;
use crate::error::{Error, Result};
use crate::finite;
use crate::record::Record;
use crate::trainer::Trainer;
use candle_core::{Device, Tensor};
use gan_models::{Listing, discriminator_to_bytes, generator_to_bytes, listing};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the run was and how far it had come.
const RECORD: &str = "checkpoint.json";
/// Every tensor that training goes on from.
const TRAINING: &str = "training.safetensors";
/// The file to sample from: the averaged weights where there are such.
pub(crate) const GENERATOR: &str = "generator.safetensors";
const DISCRIMINATOR: &str = "discriminator.safetensors";
/// The SHA-256 of each of the others, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";
const FILES: [&str; 4] = [RECORD, DISCRIMINATOR, GENERATOR, TRAINING];

/// A checkpoint, as the bytes of its files.
///
/// ```text
/// generator.safetensors       to sample from (averaged, if the run averages)
/// discriminator.safetensors
/// training.safetensors        networks, average, both optimizers: what training goes on from
/// checkpoint.json             step, counters, config, data set, program
/// SHA256SUMS                  of the other files
/// ```
///
/// The same training gives the same bytes: nothing in it tells of time or place.
pub struct Checkpoint {
    record: Record,
    files: BTreeMap<&'static str, Vec<u8>>,
}

impl Checkpoint {
    /// The state of a trainer between two steps. Its memory is copied: training can go on while this is written.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the state is not finite any more.
    pub fn of(trainer: &mut Trainer, config: &TrainConfig, about: &Record) -> Result<Self> {
        finite::check(trainer)?;
        let generator = trainer.sampling_generator()?;
        finite::check_sampled(generator, trainer.step())?;
        let generator = generator_to_bytes(generator)?;
        let discriminator = discriminator_to_bytes(trainer.discriminator())?;
        let state = trainer.state();
        let training = safetensors::serialize(state.tensors(), None).map_err(Error::serializing)?;
        let record = Record { counters: state.counters(), config: config.clone(), ..about.clone() };
        let mut text = serde_json::to_vec_pretty(&record).map_err(Error::serializing)?;
        text.push(b'\n');
        let files =
            [(RECORD, text), (DISCRIMINATOR, discriminator), (GENERATOR, generator), (TRAINING, training)];
        Ok(Self { record, files: files.into() })
    }

    /// What the run was and how far it had come.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Writes it to a folder, which must not be there: whole or not at all, also after a power cut.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let sums = sums(&self.files);
        let files = self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        let files = files.chain([(SUMS, sums.as_bytes())]);
        durable::write_folder(folder, files).map_err(Error::file("write the checkpoint", folder))
    }

    /// Reads a folder, of which every byte must be as it was written.
    pub fn read(folder: &Path) -> Result<Self> {
        let broken = |why: String| Error::BrokenCheckpoint { path: folder.to_path_buf(), why };
        let read = |name: &'static str| match fs::read(folder.join(name)) {
            Ok(bytes) => Ok((name, bytes)),
            Err(error) => Err(broken(format!("{name} cannot be read: {error}"))),
        };
        let files: BTreeMap<_, _> = FILES.into_iter().map(read).collect::<Result<_>>()?;
        let (_, written) = read(SUMS)?;
        if written != sums(&files).as_bytes() {
            let sound = |name: &str| {
                let line = sum(name, &files[name]);
                written.split_inclusive(|byte| *byte == b'\n').any(|written| written == line.as_bytes())
            };
            let damaged: Vec<&str> = FILES.into_iter().filter(|name| !sound(name)).collect();
            let damaged = if damaged.is_empty() { SUMS.to_owned() } else { damaged.join(", ") };
            return Err(broken(format!("damaged or changed since it was written: {damaged}")));
        }
        let record = Record::parse(&files[RECORD]).map_err(|why| broken(format!("{RECORD}: {why}")))?;
        if step_of(folder).is_some_and(|step| step != record.step()) {
            return Err(broken(format!("its name is not that of step {}", record.step())));
        }
        Ok(Self { record, files })
    }

    /// Brings a trainer to where this was taken. The trainer must have been made from a config that fits it.
    ///
    /// # Errors
    /// If anything is missing, too much, or of another shape. The trainer is as it was, then.
    pub fn restore(&self, trainer: &mut Trainer) -> Result<()> {
        trainer.restore(&self.tensors()?, &self.record.counters)
    }

    /// The tensors that training goes on from, their types and shapes.
    pub fn listing(&self) -> Result<Listing> {
        Ok(listing(&self.tensors()?))
    }

    /// The tensors that training goes on from.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        // On the CPU: each goes to where the trainer has its own.
        Ok(candle_core::safetensors::load_buffer(&self.files[TRAINING], &Device::Cpu)?.into_iter().collect())
    }

    /// The folders of a run's checkpoints with their steps, the oldest first.
    pub fn list(run: &Path) -> Result<Vec<(u64, PathBuf)>> {
        let folder = Self::folder(run);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", &folder)(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::file("read", &folder))?.path();
            found.extend(step_of(&path).map(|step| (step, path)));
        }
        found.sort();
        Ok(found)
    }

    /// The newest checkpoint of a run that is whole, and where it is; a warning names those that are not. None if
    /// there is no checkpoint.
    ///
    /// # Errors
    /// If there are checkpoints, but not one is whole.
    pub fn latest(run: &Path) -> Result<Option<(PathBuf, Self)>> {
        let all = Self::list(run)?;
        for (_, path) in all.iter().rev() {
            match Self::read(path) {
                Ok(checkpoint) => return Ok(Some((path.clone(), checkpoint))),
                Err(error) => tracing::warn!("{error}; the one before it is taken instead"),
            }
        }
        if all.is_empty() { Ok(None) } else { Err(Error::NoWholeCheckpoint { run: run.to_path_buf() }) }
    }

    /// Where a run keeps them.
    pub(crate) fn folder(run: &Path) -> PathBuf {
        run.join("checkpoints")
    }

    /// Where the checkpoint of a step is, or will be.
    pub(crate) fn path(run: &Path, step: u64) -> PathBuf {
        Self::folder(run).join(format!("step-{step:06}"))
    }
}

/// The step of a checkpoint, by the name of its folder.
pub(crate) fn step_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()
}

fn sums(files: &BTreeMap<&'static str, Vec<u8>>) -> String {
    files.iter().map(|(name, bytes)| sum(name, bytes)).collect()
}

/// A line of `sha256sum`.
fn sum(name: &str, bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}  {name}\n")
}
