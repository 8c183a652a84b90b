//! The folder of one run.

use crate::checkpoint::{self, Checkpoint, GENERATOR};
use crate::config::TrainConfig;
use crate::durable;
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::metrics_log::{MetricsLog, append_json};
use crate::stats::StepStats;
use candle_core::Tensor;
use std::fs;
use std::path::{Path, PathBuf};

/// Images across a sample grid.
pub(crate) const GRID_COLUMNS: usize = 8;
/// Every setting of a run, resolved. A folder that has it is that of a run.
const CONFIG: &str = "config.toml";

/// The folder of one run. Whoever has it is the only one who writes there.
///
/// ```text
/// config.toml                              every setting, resolved
/// metrics.jsonl                            one line a logged step
/// events.jsonl                             when the run was gone on with, or set back
/// samples/real.png                         what the discriminator is shown
/// samples/step-000250.png                  fixed latents, as the run goes on
/// checkpoints/step-000500/                 see Checkpoint
/// lock                                     held while a process writes here
/// ```
pub struct RunDir {
    path: PathBuf,
    log: MetricsLog,
    _lock: Lock,
}

impl RunDir {
    /// Makes a new folder: `out` itself, which must not exist or be empty, or the next number under `runs/`.
    pub fn create(out: Option<&Path>, config: &TrainConfig) -> Result<Self> {
        let path = match out {
            Some(path) => claim(path)?,
            None => next_number(Path::new("runs"))?,
        };
        let run = Self::lock(path)?;
        run.save_config(config)?;
        run.make_ready()?;
        Ok(run)
    }

    /// Opens the folder of a run, to go on with it. What a kill left unfinished there is removed.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.join(CONFIG).is_file() {
            return Err(Error::NotARun { path: path.to_path_buf() });
        }
        let run = Self::lock(path.to_path_buf())?;
        run.make_ready()?;
        Ok(run)
    }

    fn lock(path: PathBuf) -> Result<Self> {
        let _lock = Lock::take(&path)?;
        Ok(Self { log: MetricsLog::of(&path), path, _lock })
    }

    /// Makes the folders that are missing, and removes what was left unfinished.
    fn make_ready(&self) -> Result<()> {
        let tidy = |folder: &Path, ending| {
            durable::remove_unfinished(folder, ending).map_err(Error::file("tidy", folder))
        };
        for folder in ["samples", "checkpoints"] {
            let folder = self.path.join(folder);
            fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        }
        tidy(&self.path, durable::PARTIAL)?;
        tidy(&Checkpoint::folder(&self.path), durable::PARTIAL)?;
        tidy(&self.path.join("samples"), "tmp") // gan-data's ending of images that are being written
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the grid of a step is, or will be.
    pub fn sample_path(&self, step: u64) -> PathBuf {
        self.path.join("samples").join(format!("step-{step:06}.png"))
    }

    /// Where the real images are, or will be.
    pub fn real_path(&self) -> PathBuf {
        self.path.join("samples/real.png")
    }

    /// Where the generator of a step's checkpoint is, or will be.
    pub fn generator_path(&self, step: u64) -> PathBuf {
        Checkpoint::path(&self.path, step).join(GENERATOR)
    }

    /// Its `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// Writes `config.toml`, if it does not say so already.
    pub fn save_config(&self, config: &TrainConfig) -> Result<()> {
        let text = toml::to_string(config).map_err(Error::serializing)?;
        let path = self.path.join(CONFIG);
        if fs::read(&path).is_ok_and(|written| written == text.as_bytes()) {
            return Ok(());
        }
        durable::write(&path, text.as_bytes()).map_err(Error::file("write", &path))
    }

    /// The folder of a run and, if `path` is that of one of its checkpoints, the step of it.
    pub fn of(path: &Path) -> (&Path, Option<u64>) {
        match (checkpoint::step_of(path), path.parent().and_then(Path::parent)) {
            (Some(step), Some(run)) if !path.join(CONFIG).exists() => (run, Some(step)),
            _ => (path, None),
        }
    }

    /// The checkpoint of a step, or an error: nothing else is taken in its place.
    pub fn checkpoint(&self, step: u64) -> Result<Checkpoint> {
        Checkpoint::read(&Checkpoint::path(&self.path, step))
    }

    /// The newest checkpoint that is whole, if there is one; a warning names those that are not.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>> {
        Ok(Checkpoint::latest(&self.path)?.map(|(_, checkpoint)| checkpoint))
    }

    /// Prepares to go on from a step: takes later steps out of the metrics log and sets later checkpoints aside.
    pub fn go_back_to(&self, step: u64) -> Result<()> {
        self.log.cut_after(step)?;
        for (_, path) in Checkpoint::list(&self.path)?.into_iter().filter(|(at, _)| *at > step) {
            let aside = (1..)
                .map(|number| path.with_extension(format!("aside-{number}")))
                .find(|aside| !aside.exists())
                .unwrap_or_else(|| path.with_extension("aside"));
            tracing::warn!("{} is set aside as {}", path.display(), aside.display());
            fs::rename(&path, &aside).map_err(Error::file("set aside", &path))?;
        }
        Ok(())
    }

    /// Adds a step to `metrics.jsonl`.
    pub fn log(&self, stats: &StepStats) -> Result<()> {
        self.log.add(stats)
    }

    /// Adds a line to `events.jsonl`.
    pub fn note(&self, event: &impl serde::Serialize) -> Result<()> {
        append_json(&self.path.join("events.jsonl"), event)
    }

    /// Writes a grid of generated images `[N, C, H, W]`.
    pub fn save_grid(&self, step: u64, images: &Tensor) -> Result<()> {
        Ok(gan_data::save_image(images, &self.sample_path(step), GRID_COLUMNS)?)
    }

    /// Writes a grid of real images `[N, C, H, W]`, as the discriminator sees them.
    pub fn save_reals(&self, images: &Tensor) -> Result<()> {
        Ok(gan_data::save_image(images, &self.real_path(), GRID_COLUMNS)?)
    }

    /// Who writes its checkpoints and keeps the newest `keep`.
    pub(crate) fn keeper(&self, keep: usize) -> Keeper {
        Keeper { run: self.path.clone(), log: self.log.clone(), keep }
    }

    /// The generator of the newest checkpoint of a run that is whole, if there is one.
    pub fn latest_generator(run: &Path) -> Result<Option<PathBuf>> {
        Ok(Checkpoint::latest(run)?.map(|(path, _)| path.join(GENERATOR)))
    }
}

/// Writes the checkpoints of a run and removes old ones.
#[derive(Clone)]
pub(crate) struct Keeper {
    run: PathBuf,
    log: MetricsLog,
    keep: usize,
}

impl Keeper {
    /// Where the checkpoints are.
    pub fn path(&self) -> PathBuf {
        Checkpoint::folder(&self.run)
    }

    /// Writes a checkpoint, and when it is safe removes all but the newest.
    pub fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        // A checkpoint on the disk means that the log up to its step is there too.
        durable::sync_file(self.log.path()).map_err(Error::file("write", self.log.path()))?;
        checkpoint.write(&Checkpoint::path(&self.run, checkpoint.record().step()))?;
        let all = Checkpoint::list(&self.run)?;
        for (_, path) in &all[..all.len().saturating_sub(self.keep)] {
            durable::remove_folder(path).map_err(Error::file("remove the old checkpoint", path))?;
        }
        Ok(())
    }
}

/// Makes `path` an empty folder of ours.
fn claim(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path).map_err(Error::file("create", path))?;
    let entries = fs::read_dir(path).map_err(Error::file("read", path))?;
    // A run that was killed before its config was written never began.
    let never_began = |name: &std::ffi::OsStr| name == Lock::FILE || name == "config.toml.partial";
    if entries.flatten().any(|entry| !never_began(&entry.file_name())) {
        let hint = if path.join(CONFIG).is_file() {
            format!("go on with it: gan resume {}; or choose a new folder", path.display())
        } else {
            "choose a new folder, or leave out --out for the next number under runs/".into()
        };
        return Err(Error::config(
            format!("{} is not empty, and a run overwrites nothing", path.display()),
            hint,
        ));
    }
    Ok(path.to_path_buf())
}

/// Makes `base/0001`, or the next number that is free.
fn next_number(base: &Path) -> Result<PathBuf> {
    fs::create_dir_all(base).map_err(Error::file("create", base))?;
    let taken = fs::read_dir(base).map_err(Error::file("read", base))?;
    let numbers = taken.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok());
    let mut number = numbers.max().unwrap_or(0) + 1;
    loop {
        let path = base.join(format!("{number:04}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // Another run took the number in this moment.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::file("create", &path)(error)),
        }
    }
}
