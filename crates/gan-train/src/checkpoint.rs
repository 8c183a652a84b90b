//! A checkpoint: all that it takes to go on as if a run had never stopped.

use crate::durable;
use crate::error::{Error, Result};
use crate::files;
use crate::finite;
use crate::metadata::{MOST_COUNTED, Metadata};
use crate::position::Training;
use candle_core::{Device, Tensor};
use gan_models::{Listing, listing_of_bytes, listing_of_file};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What the run was and how far it had come.
const RECORD: &str = "checkpoint.json";
/// Every tensor that training resumes from.
const TRAINING: &str = "training.safetensors";
/// The SHA-256 of each of the others, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";
/// The most bytes of the files that say of others what they may be.
const MOST_OF_SUMS: u64 = 4096;
const MOST_OF_RECORD: u64 = 32 << 20;
/// The most files that a system leaves to use, and the longest name of one.
const MOST_MODELS: usize = 16;
const LONGEST_NAME: usize = 100;
/// How often a search for the newest checkpoint begins again because the one it found was removed in that moment.
const MOST_SEARCHES: usize = 100;

/// A checkpoint, as the bytes of its files.
///
/// ```text
/// generator.safetensors ...   what the system leaves to use, averaged where it averages
/// training.safetensors        networks, averages, optimizers: what training goes on from
/// checkpoint.json             step, counters, settings, data sets, program
/// SHA256SUMS                  of the other files
/// ```
///
/// The same training gives the same bytes: nothing in it tells of time or place.
pub struct Checkpoint {
    metadata: Metadata,
    files: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    /// The state of a run between two steps. Its memory is copied: training can go on while this is written.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the state is not finite any more.
    pub(crate) fn of(training: &mut Training<'_>, about: &Metadata) -> Result<Self> {
        finite::check(training)?;
        let step = training.position.step;
        let models = training.system.models().map_err(|error| error.at_step(step))?;
        let state = training.state();
        let tensors = safetensors::serialize(state.tensors(), None).map_err(Error::serializing)?;
        let metadata = Metadata { counters: state.counters(), ..about.clone() };
        let mut text = serde_json::to_vec_pretty(&metadata).map_err(Error::serializing)?;
        text.push(b'\n');
        let mut files = BTreeMap::from([(RECORD.to_owned(), text), (TRAINING.to_owned(), tensors)]);
        files.extend(models.into_iter().map(|model| (model.file.to_owned(), model.bytes)));
        Ok(Self { metadata, files })
    }

    /// The names of the files that the system leaves to use.
    pub fn model_names(&self) -> Vec<String> {
        self.files.keys().filter(|name| ![RECORD, TRAINING].contains(&name.as_str())).cloned().collect()
    }

    /// The bytes of a file that the system leaves to use.
    pub fn model(&self, file: &str) -> Option<&[u8]> {
        self.files.get(file).map(Vec::as_slice)
    }

    /// What the run was and how far it had come.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Writes it to a folder, which must not be there: whole or not at all, also after a power cut.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let sums: String = self.files.iter().map(|(name, bytes)| sum(name, &digest(bytes))).collect();
        let files = self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let files = files.chain([(SUMS, sums.as_bytes())]);
        durable::write_folder(folder, files).map_err(Error::file("write the checkpoint", folder))
    }

    /// Reads a folder, of which every byte must be as it was written.
    pub fn read(folder: &Path) -> Result<Self> {
        let (metadata, files) = Self::checked(folder, true)?;
        Ok(Self { metadata, files })
    }

    /// What a checkpoint says of itself, if every byte is as it was written. Its tensors are read, but not kept.
    pub fn check(folder: &Path) -> Result<Metadata> {
        Ok(Self::checked(folder, false)?.0)
    }

    /// The tensors that training resumes from, their types and shapes; their values are not read.
    pub fn listing(folder: &Path) -> Result<Listing> {
        let broken = |why: String| Error::BrokenCheckpoint { path: folder.to_path_buf(), why };
        let path = folder.join(TRAINING);
        let opened = files::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(Error::file("read", &path))?;
        listing_of_file(file, length).map_err(|why| broken(format!("in {TRAINING} {why}")))
    }

    /// What a checkpoint says of itself, whole or not.
    pub(crate) fn record_of(folder: &Path) -> Result<Metadata> {
        let broken = |why: String| Error::BrokenCheckpoint { path: folder.to_path_buf(), why };
        let text =
            read(&folder.join(RECORD), MOST_OF_RECORD).map_err(|why| broken(format!("{RECORD} {why}")))?;
        Metadata::parse(&text).map_err(|why| broken(format!("{RECORD}: {why}")))
    }

    /// The record, and the bytes of the files if they are to be kept.
    fn checked(folder: &Path, keep: bool) -> Result<(Metadata, BTreeMap<String, Vec<u8>>)> {
        let broken = |why: String| Error::BrokenCheckpoint { path: folder.to_path_buf(), why };
        match fs::symlink_metadata(folder) {
            Ok(found) if !found.is_dir() => return Err(broken("it is a link or a file".into())),
            _ => {}
        }
        let fault = |name: &str, why: String| broken(format!("{name} {why}"));
        let written = read(&folder.join(SUMS), MOST_OF_SUMS).map_err(|why| fault(SUMS, why))?;
        let listed = listed(&written).ok_or_else(|| fault(SUMS, "names no files of a checkpoint".into()))?;
        let is_sound = |name: &str, digest: &str| listed.get(name).is_some_and(|sum| sum == digest);
        let damaged = |names: &str| broken(format!("damaged or changed since it was written: {names}"));

        let text = read(&folder.join(RECORD), MOST_OF_RECORD).map_err(|why| fault(RECORD, why))?;
        if !is_sound(RECORD, &digest(&text)) {
            return Err(damaged(RECORD));
        }
        let record = Metadata::parse(&text).map_err(|why| broken(format!("{RECORD}: {why}")))?;
        if step_of(folder).is_some_and(|step| step != record.step()) {
            return Err(broken(format!("its name is not that of step {}", record.step())));
        }
        // No file is larger than the networks that the record names.
        let most = record.most_bytes();
        let mut files = BTreeMap::from([(RECORD.to_owned(), text)]);
        let mut unsound = Vec::new();
        for name in listed.keys().filter(|name| *name != RECORD) {
            let mut bytes = Vec::new();
            let digest = digest_of_file(&folder.join(name), most, keep.then_some(&mut bytes))
                .map_err(|why| fault(name, why))?;
            unsound.extend((!is_sound(name, &digest)).then_some(name.as_str()));
            files.insert(name.clone(), bytes);
        }
        if !unsound.is_empty() {
            return Err(damaged(&unsound.join(", ")));
        }
        Ok((record, files))
    }

    /// Brings a run to where this was taken. Its system must have been made from settings that fit it.
    ///
    /// # Errors
    /// If anything is missing, too much, or of another shape. The run is as it was, then.
    pub(crate) fn restore(&self, training: &mut Training<'_>) -> Result<()> {
        Ok(training.state().restore(&self.tensors()?, &self.metadata.counters)?)
    }

    /// The tensors that training resumes from.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        listing_of_bytes(&self.files[TRAINING])
            .map_err(|why| Error::StateDiffers { differences: format!("in {TRAINING} {why}") })?;
        // On the CPU: each goes to where the trainer has its own.
        let tensors = candle_core::safetensors::load_buffer(&self.files[TRAINING], &Device::Cpu)?;
        Ok(tensors.into_iter().map(|(name, tensor)| (current_name(name), tensor)).collect())
    }

    /// The folders of a run's checkpoints with their steps, the oldest first.
    pub fn list(run: &Path) -> Result<Vec<(u64, PathBuf)>> {
        let folder = Self::folder(run);
        if !files::has_folder(&folder)? {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&folder).map_err(Error::file("read", &folder))?;
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
        newest(run, Self::read)
    }

    /// Where a run keeps them.
    pub(crate) fn folder(run: &Path) -> PathBuf {
        run.join("checkpoints")
    }

    /// Where the checkpoint of a step is, or will be.
    pub(crate) fn path(run: &Path, step: u64) -> PathBuf {
        Self::folder(run).join(name_of(step))
    }
}

/// The newest checkpoint that `read` can read. A run that is being written removes old ones meanwhile: what is gone is
/// not broken, and a newer one is there.
fn newest<T>(run: &Path, mut read: impl FnMut(&Path) -> Result<T>) -> Result<Option<(PathBuf, T)>> {
    for _ in 0..MOST_SEARCHES {
        let all = Checkpoint::list(run)?;
        let mut any_gone = false;
        for (_, path) in all.iter().rev() {
            match read(path) {
                Ok(checkpoint) => return Ok(Some((path.clone(), checkpoint))),
                Err(_) if is_gone(path) => any_gone = true,
                Err(error) => tracing::warn!("{error}; the one before it is taken instead"),
            }
        }
        match all.is_empty() {
            true => return Ok(None),
            false if any_gone => continue,
            false => break,
        }
    }
    Err(Error::NoWholeCheckpoint { run: run.to_path_buf() })
}

/// Whether a checkpoint was removed since it was listed.
fn is_gone(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What was found of one checkpoint.
pub type Finding = (u64, Result<Metadata>);

impl Checkpoint {
    /// Each checkpoint of a run, the oldest first: what it says of itself, or why it is not whole. Those that are removed
    /// meanwhile, as a run that is being written does with old ones, are left out.
    pub fn check_all(run: &Path) -> Result<Vec<Finding>> {
        check_all(run, Self::check)
    }
}

fn check_all(run: &Path, check: impl Fn(&Path) -> Result<Metadata>) -> Result<Vec<Finding>> {
    let mut found: BTreeMap<u64, Result<Metadata>> = BTreeMap::new();
    for _ in 0..MOST_SEARCHES {
        let mut any_gone = false;
        for (step, path) in Checkpoint::list(run)? {
            if let Entry::Vacant(place) = found.entry(step) {
                let checked = check(&path);
                if checked.is_err() && is_gone(&path) {
                    any_gone = true;
                } else {
                    place.insert(checked);
                }
            }
        }
        if !any_gone {
            break;
        }
    }
    Ok(found.into_iter().collect())
}

/// The step of a checkpoint, by the name of its folder.
pub(crate) fn step_of(path: &Path) -> Option<u64> {
    step_of_name(path.file_name()?.to_str()?)
}

/// Whether a checkpoint may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    step_of_name(name).is_some()
}

fn step_of_name(name: &str) -> Option<u64> {
    let step = name.strip_prefix("step-")?.parse().ok()?;
    (step <= MOST_COUNTED && name == name_of(step)).then_some(step)
}

fn name_of(step: u64) -> String {
    format!("step-{step:06}")
}

/// The bytes of a small file, or what is wrong with it.
fn read(path: &Path, most: u64) -> std::result::Result<Vec<u8>, String> {
    files::read(path, most).map_err(|error| format!("cannot be read: {error}"))
}

/// The SHA-256 of a file, whose bytes are added to `kept`; or what is wrong with it.
fn digest_of_file(
    path: &Path,
    most: u64,
    mut kept: Option<&mut Vec<u8>>,
) -> std::result::Result<String, String> {
    let cannot = |error: io::Error| format!("cannot be read: {error}");
    let mut file = files::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.len() > most {
        return Err(format!("is larger than the {most} bytes that these networks can have"));
    }
    let (mut sha, mut block, mut total) = (Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        let count = file.read(&mut block).map_err(cannot)?;
        total += count as u64;
        if count == 0 || total > most {
            return Ok(hex(sha));
        }
        sha.update(&block[..count]);
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&block[..count]);
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(Sha256::new().chain_update(bytes))
}

fn hex(sha: Sha256) -> String {
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sums that a file of them lists, by name; nothing unless all is as we write it: sorted, the files that every checkpoint
/// has among them, and no name that could lead elsewhere.
fn listed(written: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = std::str::from_utf8(written).ok()?;
    let listed: BTreeMap<String, String> = text
        .lines()
        .map(|line| line.split_once("  ").map(|(digest, name)| (name.to_owned(), digest.to_owned())))
        .collect::<Option<_>>()?;
    let again: String = listed.iter().map(|(name, digest)| sum(name, digest)).collect();
    let is_plain = |name: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        name.len() <= LONGEST_NAME && !name.starts_with('.') && name.chars().all(plain)
    };
    let is_whole = listed.contains_key(RECORD) && listed.contains_key(TRAINING);
    let fits = is_whole && listed.len() <= MOST_MODELS + 2 && listed.keys().all(is_plain);
    (fits && again == text).then_some(listed)
}

/// What a tensor of the training state is called now: an average belongs to a player since there may be several.
fn current_name(name: String) -> String {
    name.strip_prefix("ema.").map(|rest| format!("ema_g.{rest}")).unwrap_or(name)
}

/// A line of `sha256sum`.
fn sum(name: &str, digest: &str) -> String {
    format!("{digest}  {name}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn broken(path: &Path) -> Error {
        Error::BrokenCheckpoint { path: path.to_path_buf(), why: "test".into() }
    }

    /// A run with folders for checkpoints.
    fn run(steps: &[u64]) -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        steps.iter().for_each(|step| fs::create_dir_all(Checkpoint::path(run.path(), *step)).unwrap());
        run
    }

    #[test]
    fn a_checkpoint_that_is_removed_while_it_is_read_is_not_broken_and_the_next_newest_is_found() {
        let run = run(&[2, 4]);
        let reads = Cell::new(0);
        let found = newest(run.path(), |path| {
            reads.set(reads.get() + 1);
            if reads.get() == 1 {
                // The run saves step 6 and removes all before it.
                fs::create_dir(Checkpoint::path(run.path(), 6)).unwrap();
                for step in [2, 4] {
                    fs::remove_dir(Checkpoint::path(run.path(), step)).unwrap();
                }
            }
            if path.exists() { Ok(()) } else { Err(broken(path)) }
        });
        assert_eq!(found.unwrap().unwrap().0, Checkpoint::path(run.path(), 6));
        let all_broken = newest(run.path(), |path| Err::<(), _>(broken(path)));
        assert!(matches!(all_broken, Err(Error::NoWholeCheckpoint { .. })));
        fs::remove_dir(Checkpoint::path(run.path(), 6)).unwrap();
        assert!(newest(run.path(), |path| Err::<(), _>(broken(path))).unwrap().is_none());
    }

    #[test]
    fn those_that_are_removed_while_all_are_checked_are_left_out() {
        let run = run(&[2, 4]);
        let found = check_all(run.path(), |path| {
            if step_of(path) == Some(2) {
                fs::remove_dir(path).unwrap();
                fs::create_dir(Checkpoint::path(run.path(), 6)).unwrap();
            }
            Err(broken(path))
        });
        let steps: Vec<u64> = found.unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [4, 6]);
    }

    #[test]
    fn only_names_that_we_make_are_those_of_checkpoints() {
        let step = |name: &str| step_of(Path::new(name));
        assert_eq!((step("step-000500"), step("a/step-1234567")), (Some(500), Some(1_234_567)));
        for name in ["step-500", "step-+00500", "step-000500.partial", "step-18446744073709551615", "step-"] {
            assert_eq!(step(name), None, "{name}");
        }
    }
}
