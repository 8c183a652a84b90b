//! The folder of one run.

use crate::best::Best;
use crate::checkpoint::{self, Checkpoint};
use crate::error::{Error, Result};
use crate::file_names::{BEST, CONFIG, EVENTS, NUMBERS, SAMPLES};
use crate::lock::Lock;
use crate::marker;
use crate::metadata::{Metadata, Program};
use crate::metrics_log::{MetricsLog, append_json};
use crate::names::{
    expect_empty, is_unfinished_checkpoint, is_unfinished_file, is_unfinished_sample, next_number,
};
use crate::stats::StepStats;
use crate::system::Picture;
use crate::{durable, failpoint, files};
use gan_models::files::write_whole;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The folder of one run. Whoever has it is the only one who writes there.
///
/// ```text
/// config.toml                              every setting, resolved
/// metrics.jsonl                            one line a logged step
/// events.jsonl                             when the run was resumed, or set back
/// numbers.json                             what kind each number of metrics.jsonl is of
/// best.json                                which checkpoint is the best, if that is measured
/// samples/real.png                         what the discriminator is shown
/// samples/step-000250.png                  fixed latents, as the run goes on
/// checkpoints/step-000500/                 see Checkpoint
/// metrics.jsonl.damaged-1                  lines of metrics.jsonl that were found damaged
/// .gan-run                                 says that this is the folder of a run
/// lock                                     the process that writes here, or did
/// ```
///
/// All of these are files and folders of their own: a link in place of one is refused.
pub struct RunDir {
    path: PathBuf,
    log: MetricsLog,
    lock: Lock,
    /// Whether it was there before.
    is_old: bool,
}

impl RunDir {
    /// Makes a new folder: `out` itself, which must not exist or be empty, or the next number under `runs/`.
    pub fn create(out: Option<&Path>, settings: &impl Serialize) -> Result<Self> {
        let path = match out {
            Some(path) => path.to_path_buf(),
            None => next_number(Path::new("runs"))?,
        };
        durable::create_folder(&path).map_err(Error::file("create", &path))?;
        let run = Self::lock(path, false)?;
        expect_empty(&run.path)?;
        // The config before the rest: a folder with a marker and no config is a run that never began.
        marker::mark(&run.path)?;
        run.save_config(settings)?;
        run.make_ready()?;
        Ok(run)
    }

    /// Opens the folder of a run, to go on with it. Nothing is written there before training begins.
    ///
    /// # Errors
    /// If it is not the folder of a run, or another process writes there.
    pub fn open(path: &Path) -> Result<Self> {
        Self::expect_run(path)?;
        if let Err(error) = files::open(&path.join(CONFIG)) {
            let why = format!("its {CONFIG} cannot be read: {error}");
            return Err(Error::NotARun { path: path.to_path_buf(), why });
        }
        Self::lock(path.to_path_buf(), true)
    }

    /// Makes sure that a folder is that of a run. It is only read.
    ///
    /// # Errors
    /// Why it is none.
    pub fn expect_run(path: &Path) -> Result<()> {
        marker::expect_run(path)
    }

    fn lock(path: PathBuf, is_old: bool) -> Result<Self> {
        let lock = Lock::take(&path)?;
        Ok(Self { log: MetricsLog::of(&path), path, lock, is_old })
    }

    /// Begins to write: what a kill left unfinished is removed, what comes after the step is taken out of the way, and
    /// only then the settings change. `now` is what the run is from here on; `learns_until` the step at which learning rates
    /// are 0.
    pub(crate) fn begin(&self, step: u64, now: &Metadata, learns_until: Option<u64>) -> Result<()> {
        self.make_ready()?;
        self.go_back_to(step)?;
        self.save_config(&now.settings)?;
        if self.is_old { self.note(&Resumed::now(step, now, learns_until)) } else { Ok(()) }
    }

    /// Marks the folder as ours, makes the folders that are missing, and removes what was left unfinished.
    fn make_ready(&self) -> Result<()> {
        let (samples, checkpoints) = (self.path.join(SAMPLES), Checkpoint::folder(&self.path));
        let missing =
            [(&samples, files::has_folder(&samples)?), (&checkpoints, files::has_folder(&checkpoints)?)];
        for name in [CONFIG, MetricsLog::FILE, EVENTS, BEST, NUMBERS, Lock::HOLDER] {
            files::expect_file(&self.path.join(name))?;
        }
        marker::mark(&self.path)?;
        self.lock.sign(&self.path)?;
        for (folder, _) in missing.into_iter().filter(|(_, is_there)| !is_there) {
            durable::create_folder(folder).map_err(Error::file("create", folder))?;
        }
        let tidy = |folder: &Path, is_ours: fn(&str) -> bool| {
            durable::remove_unfinished(folder, is_ours).map_err(Error::file("tidy", folder))
        };
        tidy(&self.path, is_unfinished_file)?;
        tidy(&checkpoints, is_unfinished_checkpoint)?;
        tidy(&samples, is_unfinished_sample)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the grid of a step is, or will be.
    pub fn sample_path(&self, step: u64) -> PathBuf {
        self.path.join(SAMPLES).join(format!("step-{step:06}.png"))
    }

    /// Where the real images are, or will be.
    pub fn real_path(&self) -> PathBuf {
        self.path.join(SAMPLES).join("real.png")
    }

    /// Where a picture of a step is, or will be.
    pub fn picture_path(&self, step: u64, name: &str) -> PathBuf {
        match name {
            "" => self.sample_path(step),
            name => self.path.join(SAMPLES).join(format!("step-{step:06}-{name}.png")),
        }
    }

    /// Where a file that the system leaves to use is in a step's checkpoint, or will be.
    pub fn model_path(&self, step: u64, file: &str) -> PathBuf {
        Checkpoint::path(&self.path, step).join(file)
    }

    /// Its `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// Writes `config.toml`, if it does not say so already.
    pub fn save_config(&self, settings: &impl Serialize) -> Result<()> {
        let text = toml::to_string(settings).map_err(Error::serializing)?;
        let path = self.path.join(CONFIG);
        if files::read(&path, files::MOST_OF_CONFIG).is_ok_and(|written| written == text.as_bytes()) {
            return Ok(());
        }
        failpoint::before("save-config").map_err(Error::file("write", &path))?;
        write_whole(&path, text.as_bytes()).map_err(Error::file("write", &path))
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

    /// Prepares to go on from a step: sets later checkpoints aside and takes later steps out of the metrics log. In
    /// this order, and the newest checkpoint first: at any instant the newest one has its log.
    pub fn go_back_to(&self, step: u64) -> Result<()> {
        let all = Checkpoint::list(&self.path)?;
        let later: Vec<PathBuf> =
            all.into_iter().rev().filter(|(at, _)| *at > step).map(|(_, path)| path).collect();
        for path in &later {
            let aside = (1u64..)
                .map(|number| path.with_extension(format!("aside-{number}")))
                .find(|aside| aside.symlink_metadata().is_err())
                .unwrap_or_else(|| path.with_extension("aside"));
            tracing::warn!("{} is set aside as {}", path.display(), aside.display());
            failpoint::before("go-back-aside")
                .and_then(|()| fs::rename(path, &aside))
                .map_err(Error::file("set aside", path))?;
        }
        let checkpoints = Checkpoint::folder(&self.path);
        if !later.is_empty() {
            durable::sync_folder(&checkpoints).map_err(Error::file("write", &checkpoints))?;
        }
        self.log.cut_after(step)
    }

    /// Adds a step to `metrics.jsonl`.
    pub fn log(&self, stats: &StepStats) -> Result<()> {
        self.log.add(stats)
    }

    /// Writes what kinds of numbers the log holds.
    pub(crate) fn save_numbers(&self, kinds: &impl Serialize) -> Result<()> {
        let path = self.path.join(NUMBERS);
        let text = serde_json::to_vec(kinds)
            .map_err(|error| Error::file("write", &path)(std::io::Error::other(error)))?;
        write_whole(&path, &text).map_err(Error::file("write", &path))
    }

    /// Writes which checkpoint is the best after going back, if one is.
    pub(crate) fn save_best(&self, best: Option<&Best>) -> Result<()> {
        match best {
            Some(best) => best.write(&self.path),
            None => Best::remove(&self.path),
        }
    }

    /// Adds a line to `events.jsonl`.
    pub fn note(&self, event: &impl serde::Serialize) -> Result<()> {
        append_json(&self.path.join(EVENTS), event)
    }

    /// Writes the pictures of a step.
    pub(crate) fn save_pictures(&self, step: u64, pictures: &[Picture]) -> Result<()> {
        let save = |picture: &Picture| Ok(picture.image.save_png(&self.picture_path(step, picture.name))?);
        pictures.iter().try_for_each(save)
    }

    /// Writes the pictures of what is learned from.
    pub(crate) fn save_references(&self, pictures: &[Picture]) -> Result<()> {
        let path = |name: &str| self.path.join(SAMPLES).join(format!("{name}.png"));
        pictures.iter().try_for_each(|picture| Ok(picture.image.save_png(&path(picture.name))?))
    }

    /// Who writes its checkpoints and keeps the newest `keep`.
    pub(crate) fn keeper(&self, keep: usize) -> Keeper {
        Keeper { run: self.path.clone(), log: self.log.clone(), keep }
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

    /// Writes a checkpoint and which one is the best, and when it is safe removes all but the newest and the
    /// best.
    pub fn save(&self, checkpoint: &Checkpoint, best: Option<&Best>) -> Result<()> {
        // A checkpoint on the disk means that the log up to its step is there too.
        self.log.sync()?;
        checkpoint.write(&Checkpoint::path(&self.run, checkpoint.metadata().step()))?;
        if let Some(best) = best {
            best.write(&self.run)?;
        }
        let best = best.map(|best| best.step);
        let all = Checkpoint::list(&self.run)?;
        let old = &all[..all.len().saturating_sub(self.keep)];
        for (_, path) in old.iter().filter(|(step, _)| Some(*step) != best) {
            durable::remove_folder(path).map_err(Error::file("remove the old checkpoint", path))?;
        }
        Ok(())
    }
}

/// That a run was gone on with: a line of `events.jsonl`.
#[derive(Serialize)]
struct Resumed<'a> {
    event: &'static str,
    step: u64,
    /// Seconds since 1970.
    time: u64,
    program: &'a Program,
    /// Where the learning rate goes down to 0, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    learns_until: Option<u64>,
}

impl<'a> Resumed<'a> {
    fn now(step: u64, now: &'a Metadata, learns_until: Option<u64>) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Self { event: "resume", step, time, program: &now.program, learns_until }
    }
}

#[cfg(test)]
mod tests;
