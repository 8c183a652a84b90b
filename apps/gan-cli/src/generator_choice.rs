//! Which generator a command means: that of a file, or of one of the checkpoints of a run.

use crate::failure::Failure;
use candle_core::{Device, Tensor};
use gan_models::{Discriminator, Generator, load_generator, read_generator};
use gan_train::{Best, Checkpoint, RunDir};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use strum::{EnumString, VariantNames};

/// The file in a checkpoint to sample from.
const GENERATOR: &str = "generator.safetensors";

/// A checkpoint of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointChoice {
    /// The one with the best score; the newest, where nothing was measured.
    Best,
    /// The newest one.
    Latest,
    /// The one of a step.
    Step(u64),
}

impl FromStr for CheckpointChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "best" => Ok(Self::Best),
            "latest" => Ok(Self::Latest),
            step => {
                step.parse().map(Self::Step).map_err(|_| "write best, latest, or the number of a step".into())
            }
        }
    }
}

/// Which weights of a generator.
#[derive(Clone, Copy, PartialEq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Weights {
    /// The average, where there is one.
    Ema,
    /// Those of the last step.
    Raw,
}

/// A generator, and where it is from.
pub struct Chosen {
    pub generator: Box<dyn Generator>,
    /// The file.
    pub path: PathBuf,
    /// The run, if it is one's.
    pub run: Option<PathBuf>,
    /// Why this checkpoint, if it was chosen by its score: "step 1500, the best by fd".
    pub because: Option<String>,
}

/// The generator of a run folder, of one of its checkpoints, or of a file, to sample from.
pub fn choose(
    path: &Path,
    choice: CheckpointChoice,
    weights: Weights,
    device: &Device,
) -> Result<Chosen, Failure> {
    let chosen = find(path, choice, weights, device)?;
    chosen.generator.params().freeze();
    Ok(chosen)
}

fn find(path: &Path, choice: CheckpointChoice, weights: Weights, device: &Device) -> Result<Chosen, Failure> {
    if !path.is_dir() {
        if weights == Weights::Raw {
            return Err(Failure::usage(
                format!("{} has one set of weights", path.display()),
                "give the run folder with --weights raw, or leave it out",
            ));
        }
        let generator = load_generator(path, device)?;
        return Ok(Chosen { generator, path: path.to_path_buf(), run: None, because: None });
    }
    let (folder, checkpoint, because) = checkpoint(path, choice)?;
    let run = Some(RunDir::of(&folder).0.to_path_buf());
    if weights == Weights::Raw {
        let generator = raw(&folder, &checkpoint, device)?;
        return Ok(Chosen { generator, path: folder, run, because });
    }
    let bytes = checkpoint.model(GENERATOR).ok_or_else(|| no_checkpoint(path))?;
    let file = folder.join(GENERATOR);
    Ok(Chosen { generator: read_generator(bytes, &file, device)?, path: file, run, because })
}

/// A checkpoint of a run, and where it is; or the one that the path itself is of.
fn checkpoint(
    path: &Path,
    choice: CheckpointChoice,
) -> Result<(PathBuf, Checkpoint, Option<String>), Failure> {
    let of_step = |run: &Path, step: u64| -> Result<_, Failure> {
        let found = Checkpoint::list(run)?.into_iter().find(|(at, _)| *at == step);
        let (_, folder) = found.ok_or_else(|| {
            let kept: Vec<String> =
                Checkpoint::list(run).into_iter().flatten().map(|(step, _)| step.to_string()).collect();
            Failure::usage(
                format!("{} has no checkpoint of step {step}", run.display()),
                format!("choose best, latest or one of {}", kept.join(", ")),
            )
        })?;
        let checkpoint = Checkpoint::read(&folder)?;
        Ok((folder, checkpoint))
    };
    if let (run, Some(step)) = RunDir::of(path) {
        let (folder, checkpoint) = of_step(run, step)?;
        return Ok((folder, checkpoint, None));
    }
    if let CheckpointChoice::Step(step) = choice {
        let (folder, checkpoint) = of_step(path, step)?;
        return Ok((folder, checkpoint, None));
    }
    if choice == CheckpointChoice::Best
        && let Some(Best { step, metric, score, .. }) = Best::of_run(path)?
    {
        match of_step(path, step) {
            Ok((folder, checkpoint)) => {
                let because = format!("step {step}, the best by {metric} ({score:.4})");
                return Ok((folder, checkpoint, Some(because)));
            }
            Err(failure) => tracing::warn!("{failure}; the newest checkpoint is taken instead"),
        }
    }
    let (folder, checkpoint) = Checkpoint::latest(path)?.ok_or_else(|| no_checkpoint(path))?;
    Ok((folder, checkpoint, None))
}

/// The generator as the last step left it, which is among what a run needs to go on.
fn raw(folder: &Path, checkpoint: &Checkpoint, device: &Device) -> Result<Box<dyn Generator>, Failure> {
    let own = |(name, tensor): (String, Tensor)| {
        name.strip_prefix("generator.").map(|name| (name.to_owned(), tensor))
    };
    let state = checkpoint.tensors()?.into_iter().filter_map(own).collect();
    let model = checkpoint.metadata().model().ok_or_else(|| no_networks(folder))?;
    let generator = model.generator(0, device)?;
    generator.params().load_state_dict(&state)?;
    if let Some(name) = generator.params().not_finite()? {
        return Err(Failure::other(
            format!("{}: {name} of the generator holds NaN or infinity", folder.display()),
            "sample from an earlier checkpoint",
        ));
    }
    Ok(generator)
}

/// The discriminator of a run, with the weights of one of its checkpoints.
pub fn discriminator(
    path: &Path,
    choice: CheckpointChoice,
    device: &Device,
) -> Result<Box<dyn Discriminator>, Failure> {
    let (folder, checkpoint, _) = checkpoint(path, choice)?;
    let own = |(name, tensor): (String, Tensor)| {
        name.strip_prefix("discriminator.").map(|name| (name.to_owned(), tensor))
    };
    let state = checkpoint.tensors()?.into_iter().filter_map(own).collect();
    let model = checkpoint.metadata().model().ok_or_else(|| no_networks(&folder))?;
    let discriminator = model.discriminator(0, device)?;
    discriminator.params().load_state_dict(&state)?;
    Ok(discriminator)
}

/// Refuses networks that are somebody else's.
pub fn no_networks(path: &Path) -> Failure {
    Failure::other(
        format!("{} has networks that this program does not know", path.display()),
        "sample with the program that trained them",
    )
}

fn no_checkpoint(path: &Path) -> Failure {
    Failure::other(
        format!("{} has no checkpoint with a generator", path.display()),
        "give the folder of a run that has saved one, or a generator file",
    )
}
