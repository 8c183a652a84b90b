//! The loop: what happens when.

use crate::augment::Ada;
use crate::checkpoint::Checkpoint;
use crate::clock::Clock;
use crate::config::TrainConfig;
use crate::data;
use crate::error::Result;
use crate::metadata::Metadata;
use crate::rollback::recover;
use crate::run_dir::{GRID_COLUMNS, RunDir};
use crate::saver::Saver;
use crate::stats::{Scores, StepStats};
use crate::trainer::Trainer;
use candle_core::Device;
use gan_data::{BadImages, DataLoader, Dataset, ModeCount};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of a grid.
const GRID_ROWS: usize = 8;
/// Points in a scatter plot, and to count modes from.
const SCATTER_POINTS: usize = 2000;
const MODE_SAMPLES: usize = 10_000;
/// Steps that are sampled after whatever the config says: whoever watches a run begin wants to see that it
/// learns.
const EARLY_SAMPLES: [u64; 5] = [1, 10, 25, 50, 100];

/// What a run made.
pub struct Summary {
    /// Steps done, those of earlier parts of the run among them.
    pub steps: u64,
    /// Whether they are all that the config asks for; if not, the run was stopped.
    pub complete: bool,
    /// Real images a second over this part of the run, the time for samples and checkpoints left out.
    pub images_per_second: f64,
    /// The part of that time in which training waited for images, 0 to 1.
    pub waiting: f64,
    /// Images that could not be read, and were replaced by others.
    pub bad_images: usize,
    /// Of a data set of points: the modes that the last samples found.
    pub modes: Option<ModeCount>,
    /// How long the loop stood still for checkpoints.
    pub checkpoint_time: Duration,
}

/// Trains a GAN as the (resolved) config says, and puts the results into the run folder; from the first step,
/// or on from a checkpoint to the same bits as if the run had never stopped. Whether a checkpoint fits config
/// and data is for the caller to ask first ([`Metadata::changes`]).
///
/// `on_step` is told the numbers of every step; if it breaks, the run saves a checkpoint and ends.
pub fn train(
    config: &TrainConfig,
    dataset: Arc<dyn Dataset>,
    run: &RunDir,
    from: Option<&Checkpoint>,
    device: &Device,
    on_step: &mut dyn FnMut(&StepStats) -> ControlFlow<()>,
) -> Result<Summary> {
    let mut about = Metadata::new(config, dataset.as_ref(), device);
    if let Some(checkpoint) = from {
        about.keep_class_names(checkpoint.metadata());
    }
    let images_per_epoch = dataset.len() as f64;
    let mut trainer = Trainer::new(config, &about.model, device)?.for_images(dataset.len());
    if let Some(checkpoint) = from {
        checkpoint.restore(&mut trainer)?;
    }
    let bad = BadImages::default(); // shared, so that each is named once
    let mut reals = loader(config, &dataset, &trainer, &bad, device)?;
    let steps = config.total_steps(reals.batches_per_epoch());
    run.begin(trainer.step(), &about)?; // nothing is written before all that can fail is done
    match dataset.points() {
        Some(points) => points.scatter(None)?.save_png(&run.real_path())?,
        None => run.save_reals(&data::first_images(
            config,
            dataset.clone(),
            GRID_ROWS * GRID_COLUMNS,
            &bad,
            device,
        )?)?,
    }

    let mut saver = Saver::new(run.keeper(config.run.keep));
    let mut clock = Clock::starting_at(trainer.images_seen());
    let mut stopped = false;
    let mut summary_modes = None;
    while trainer.step() < steps && !stopped {
        let started = Instant::now();
        let (lr, lr_d) = (trainer.lr(), trainer.lr_d());
        let (d, g) = match trainer.train_step(&mut reals) {
            Ok(stats) => stats,
            Err(error) => {
                saver.finish()?;
                recover(error, &mut trainer, config, &about, run, device)?;
                reals = loader(config, &dataset, &trainer, &bad, device)?;
                continue;
            }
        };
        clock.tick(started.elapsed(), trainer.images_seen());

        let step = trainer.step();
        let last = step == steps;
        let asked = step.is_multiple_of(config.run.sample_every) || last;
        let modes = match dataset.points() {
            Some(points) if asked => Some(points.count_modes(&trainer.sample_fixed(MODE_SAMPLES)?)?),
            _ => None,
        };
        summary_modes = modes.or(summary_modes);
        let stats = StepStats {
            step,
            epoch: trainer.images_seen() as f64 / images_per_epoch,
            err_d: d.err_d,
            err_g: g.err_g,
            penalty: d.penalty,
            err_class: d.err_class,
            scores: Scores::new(config.objective.loss, d.d_x, d.d_g_z1, g.d_g_z2),
            grad_norm_d: d.grad_norm,
            grad_norm_g: g.grad_norm,
            lr,
            lr_d,
            ada_p: trainer.ada.as_ref().map(Ada::p),
            images_per_second: clock.recent_rate(),
            seconds: clock.seconds(),
            modes: modes.map(|modes| modes.found),
            near_modes: modes.map(|modes| modes.near),
        };
        stopped = on_step(&stats).is_break() && !last;
        if step.is_multiple_of(config.run.log_every) || step == 1 || last || modes.is_some() {
            run.log(&stats)?;
            clock.forget_recent();
        }
        if asked || stopped || EARLY_SAMPLES.contains(&step) {
            draw(&trainer, dataset.as_ref(), run)?;
        }
        if step.is_multiple_of(config.run.checkpoint_every) || last || stopped {
            let started = Instant::now();
            match Checkpoint::of(&mut trainer, config, &about) {
                Ok(checkpoint) => saver.save(checkpoint)?,
                Err(error) => {
                    saver.finish()?;
                    recover(error, &mut trainer, config, &about, run, device)?;
                    reals = loader(config, &dataset, &trainer, &bad, device)?;
                }
            }
            clock.checkpoints += started.elapsed();
        }
        saver.check()?;
    }
    let started = Instant::now();
    saver.finish()?;
    clock.checkpoints += started.elapsed();
    Ok(Summary {
        steps: trainer.step(),
        complete: !stopped,
        images_per_second: clock.rate(),
        waiting: reals.waited().as_secs_f64() / clock.time.as_secs_f64().max(f64::MIN_POSITIVE),
        bad_images: reals.bad_images(),
        modes: summary_modes,
        checkpoint_time: clock.checkpoints,
    })
}

/// Writes a grid of samples, or a scatter plot, as the generator is now.
fn draw(trainer: &Trainer, dataset: &dyn Dataset, run: &RunDir) -> Result<()> {
    match dataset.points() {
        Some(points) => {
            let fake = trainer.sample_fixed(SCATTER_POINTS)?;
            Ok(points.scatter(Some(&fake))?.save_png(&run.sample_path(trainer.step()))?)
        }
        None => run.save_grid(trainer.step(), &trainer.sample_grid(GRID_ROWS, GRID_COLUMNS)?),
    }
}

/// The batches from where the trainer is.
fn loader(
    config: &TrainConfig,
    dataset: &Arc<dyn Dataset>,
    trainer: &Trainer,
    bad: &BadImages,
    device: &Device,
) -> Result<DataLoader> {
    let mut config = config.clone();
    config.run.seed = trainer.stream_seed();
    let loader = data::loader(&config, dataset.clone(), device)?.with_bad_images(bad);
    Ok(loader.starting_at(trainer.batches_seen()))
}
