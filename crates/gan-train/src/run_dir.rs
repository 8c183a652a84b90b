//! The folder of one run.

use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::stats::StepStats;
use crate::trainer::Trainer;
use candle_core::Tensor;
use gan_models::{save_discriminator, save_generator};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Images across a sample grid.
const GRID_COLUMNS: usize = 8;

/// The folder of one run. Nothing in it is ever overwritten:
///
/// ```text
/// config.toml                              every setting, resolved
/// metrics.jsonl                            one line a logged step
/// samples/real.png                         what the discriminator is shown
/// samples/step-000250.png                  fixed latents, as the run goes on
/// checkpoints/step-000500/generator.safetensors
///                         discriminator.safetensors
/// ```
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes a new folder: `out` itself, which must not exist or be empty, or the next number under `runs/`.
    pub fn create(out: Option<&Path>, config: &TrainConfig) -> Result<Self> {
        let path = match out {
            Some(path) => claim(path)?,
            None => next_number(Path::new("runs"))?,
        };
        for folder in ["samples", "checkpoints"] {
            let folder = path.join(folder);
            fs::create_dir(&folder).map_err(Error::file("create", &folder))?;
        }
        let text = toml::to_string(config).map_err(|error| Error::config(error.to_string(), ""))?;
        let file = path.join("config.toml");
        fs::write(&file, text).map_err(Error::file("write", &file))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the grid of a step is, or will be.
    pub fn sample_path(&self, step: u64) -> PathBuf {
        self.path.join("samples").join(format!("step-{step:06}.png"))
    }

    /// Where the generator of a step's checkpoint is, or will be.
    pub fn generator_path(&self, step: u64) -> PathBuf {
        self.checkpoint_path(step).join("generator.safetensors")
    }

    fn checkpoint_path(&self, step: u64) -> PathBuf {
        self.path.join("checkpoints").join(format!("step-{step:06}"))
    }

    /// Adds a line to `metrics.jsonl`.
    pub fn log(&self, stats: &StepStats) -> Result<()> {
        let path = self.path.join("metrics.jsonl");
        let mut line =
            serde_json::to_vec(stats).map_err(|error| Error::file("write", &path)(error.into()))?;
        line.push(b'\n');
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file: File| file.write_all(&line)).map_err(Error::file("write", &path))
    }

    /// Writes a grid of generated images `[N, C, H, W]`.
    pub fn save_grid(&self, step: u64, images: &Tensor) -> Result<()> {
        Ok(gan_data::save_image(images, &self.sample_path(step), GRID_COLUMNS)?)
    }

    /// Writes a grid of real images `[N, C, H, W]`, as the discriminator sees them.
    pub fn save_reals(&self, images: &Tensor) -> Result<()> {
        Ok(gan_data::save_image(images, &self.path.join("samples/real.png"), GRID_COLUMNS)?)
    }

    /// Writes a checkpoint: under a temporary name, renamed when it is whole.
    pub fn save_checkpoint(&self, trainer: &Trainer) -> Result<()> {
        let path = self.checkpoint_path(trainer.step());
        let partial = path.with_extension("partial");
        fs::create_dir_all(&partial).map_err(Error::file("create", &partial))?;
        save_generator(trainer.sampling_generator()?, &partial.join("generator.safetensors"))?;
        save_discriminator(trainer.discriminator(), &partial.join("discriminator.safetensors"))?;
        fs::rename(&partial, &path).map_err(Error::file("write", &path))
    }

    /// The generator of the latest checkpoint in a run folder, if there is one.
    pub fn latest_generator(run: &Path) -> Option<PathBuf> {
        let checkpoints = fs::read_dir(run.join("checkpoints")).ok()?;
        let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix("step-")?.parse::<u64>().ok();
        let latest = checkpoints.flatten().map(|entry| entry.path()).filter(|path| number(path).is_some());
        let latest = latest.max_by_key(|path| number(path))?.join("generator.safetensors");
        latest.is_file().then_some(latest)
    }
}

/// Makes `path` an empty folder of ours.
fn claim(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path).map_err(Error::file("create", path))?;
    let mut entries = fs::read_dir(path).map_err(Error::file("read", path))?;
    if entries.next().is_some() {
        return Err(Error::config(
            format!("{} is not empty, and a run overwrites nothing", path.display()),
            "choose a new folder, or leave out --out for the next number under runs/",
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
