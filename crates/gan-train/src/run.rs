//! The loop: what happens when.

use crate::checkpoint::Checkpoint;
use crate::config::{OnDivergence, TrainConfig};
use crate::data;
use crate::error::{Error, Result};
use crate::record::Record;
use crate::run_dir::{GRID_COLUMNS, RunDir};
use crate::saver::Saver;
use crate::stats::StepStats;
use crate::trainer::Trainer;
use candle_core::Device;
use gan_data::{DataLoader, Dataset, ModeCount};
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of a grid.
const GRID_ROWS: usize = 8;
/// Points in a scatter plot, and to count modes from.
const SCATTER_POINTS: usize = 2000;
const MODE_SAMPLES: usize = 10_000;

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

/// Trains a GAN as the (resolved) config says, and puts the results into the run folder; from the first step, or on from
/// a checkpoint to the same bits as if the run had never stopped. Whether a checkpoint fits config and data is for the
/// caller to ask first ([`Record::changes`]).
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
    let about = Record::new(config, dataset.as_ref(), device);
    let images_per_epoch = dataset.len() as f64;
    let mut trainer = Trainer::new(config, &about.model, device)?;
    if let Some(checkpoint) = from {
        checkpoint.restore(&mut trainer)?;
    }
    let mut reals = loader(config, &dataset, &trainer, device)?;
    let steps = config.total_steps(reals.batches_per_epoch());
    run.go_back_to(trainer.step())?;
    match dataset.points() {
        Some(points) => points.scatter(None)?.save_png(&run.real_path())?,
        None => {
            run.save_reals(&data::first_images(config, dataset.clone(), GRID_ROWS * GRID_COLUMNS, device)?)?
        }
    }

    let mut saver = Saver::new(run.keeper(config.keep));
    let mut clock = Clock::starting_at(trainer.images_seen());
    let mut stopped = false;
    let mut summary_modes = None;
    while trainer.step() < steps && !stopped {
        let started = Instant::now();
        let (d, g) = match trainer.train_step(&mut reals) {
            Err(error @ Error::Diverged { .. }) if may_roll_back(config, &trainer) => {
                saver.finish()?;
                roll_back(error, &mut trainer, config, &about, run, device)?;
                reals = loader(config, &dataset, &trainer, device)?;
                continue;
            }
            result => result?,
        };
        clock.tick(started.elapsed(), trainer.images_seen());

        let step = trainer.step();
        let last = step == steps;
        let sampled = step.is_multiple_of(config.sample_every) || last;
        let modes = match dataset.points() {
            Some(points) if sampled => Some(points.count_modes(&trainer.sample_fixed(MODE_SAMPLES)?)?),
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
            d_x: d.d_x,
            d_g_z1: d.d_g_z1,
            d_g_z2: g.d_g_z2,
            grad_norm_d: d.grad_norm,
            grad_norm_g: g.grad_norm,
            images_per_second: clock.recent_rate(),
            modes: modes.map(|modes| modes.found),
            near_modes: modes.map(|modes| modes.near),
        };
        stopped = on_step(&stats).is_break() && !last;
        if step.is_multiple_of(config.log_every) || step == 1 || last || modes.is_some() {
            run.log(&stats)?;
            clock.forget_recent();
        }
        if sampled {
            match dataset.points() {
                Some(points) => {
                    let fake = trainer.sample_fixed(SCATTER_POINTS)?;
                    points.scatter(Some(&fake))?.save_png(&run.sample_path(step))?;
                }
                None => run.save_grid(step, &trainer.sample_grid(GRID_ROWS, GRID_COLUMNS)?)?,
            }
        }
        if step.is_multiple_of(config.checkpoint_every) || last || stopped {
            let started = Instant::now();
            saver.save(Checkpoint::of(&mut trainer, config, &about)?)?;
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

/// The batches from where the trainer is.
fn loader(
    config: &TrainConfig,
    dataset: &Arc<dyn Dataset>,
    trainer: &Trainer,
    device: &Device,
) -> Result<DataLoader> {
    let config = TrainConfig { seed: trainer.stream_seed(), ..config.clone() };
    Ok(data::loader(&config, dataset.clone(), device)?.starting_at(trainer.batches_seen()))
}

fn may_roll_back(config: &TrainConfig, trainer: &Trainer) -> bool {
    config.on_divergence == OnDivergence::Rollback && trainer.rollbacks() < config.max_rollbacks
}

/// Goes back to the last checkpoint, or to the start where there is none yet, to go on at a lower learning rate and with
/// other batches and latents.
fn roll_back(
    cause: Error,
    trainer: &mut Trainer,
    config: &TrainConfig,
    about: &Record,
    run: &RunDir,
    device: &Device,
) -> Result<()> {
    #[derive(Serialize)]
    struct Rollback {
        event: &'static str,
        cause: String,
        to_step: u64,
        times: u64,
        lr: f64,
    }
    let times = trainer.rollbacks() + 1;
    match run.latest_checkpoint()? {
        Some(checkpoint) => checkpoint.restore(trainer)?,
        None => *trainer = Trainer::new(config, &about.model, device)?,
    }
    trainer.set_rollbacks(times);
    let (to_step, lr) = (trainer.step(), trainer.lr());
    run.go_back_to(to_step)?;
    tracing::warn!(
        "{cause}; back to step {to_step} with learning rate {lr:.1e} ({times} of {})",
        config.max_rollbacks
    );
    run.note(&Rollback { event: "rollback", cause: cause.to_string(), to_step, times, lr })
}

/// Time spent in training steps and the images that went through them.
#[derive(Default)]
struct Clock {
    time: Duration,
    images: u64,
    recent_time: Duration,
    recent_images: u64,
    images_seen: u64,
    checkpoints: Duration,
}

impl Clock {
    fn starting_at(images_seen: u64) -> Self {
        Self { images_seen, ..Self::default() }
    }

    fn tick(&mut self, time: Duration, images_seen: u64) {
        // After a rollback fewer were seen than before.
        let images = images_seen.saturating_sub(self.images_seen);
        self.images_seen = images_seen;
        self.time += time;
        self.images += images;
        self.recent_time += time;
        self.recent_images += images;
    }

    fn forget_recent(&mut self) {
        (self.recent_time, self.recent_images) = (Duration::ZERO, 0);
    }

    fn recent_rate(&self) -> f64 {
        self.recent_images as f64 / self.recent_time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn rate(&self) -> f64 {
        self.images as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}
