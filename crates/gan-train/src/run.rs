//! The loop: what happens when.

use crate::config::TrainConfig;
use crate::data;
use crate::error::Result;
use crate::run_dir::RunDir;
use crate::stats::StepStats;
use crate::trainer::Trainer;
use candle_core::Device;
use gan_data::Dataset;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Images in a sample grid.
const GRID_IMAGES: usize = 64;

/// What a run made.
pub struct Summary {
    /// Steps done.
    pub steps: u64,
    /// Real images a second over the whole run, the time for samples and checkpoints left out.
    pub images_per_second: f64,
    /// The part of that time in which training waited for images, 0 to 1.
    pub waiting: f64,
    /// Images that could not be read, and were replaced by others.
    pub bad_images: usize,
}

/// Trains a GAN as the (resolved) config says, and puts the results into the run folder. `on_step` is told the
/// numbers of every step.
pub fn train(
    config: &TrainConfig,
    dataset: Arc<dyn Dataset>,
    run: &RunDir,
    device: &Device,
    on_step: &mut dyn FnMut(&StepStats),
) -> Result<Summary> {
    let model = config.model_config(dataset.channels());
    let images_per_epoch = dataset.len() as f64;
    let mut trainer = Trainer::new(config, &model, device)?;
    let mut reals = data::loader(config, dataset.clone(), device)?;
    let steps = config.total_steps(reals.batches_per_epoch());
    run.save_reals(&data::first_images(config, dataset, GRID_IMAGES, device)?)?;

    let mut clock = Clock::default();
    while trainer.step() < steps {
        let started = Instant::now();
        let (d, g) = trainer.train_step(&mut reals)?;
        clock.tick(started.elapsed(), trainer.images_seen());

        let step = trainer.step();
        let last = step == steps;
        let stats = StepStats {
            step,
            epoch: trainer.images_seen() as f64 / images_per_epoch,
            err_d: d.err_d,
            err_g: g.err_g,
            d_x: d.d_x,
            d_g_z1: d.d_g_z1,
            d_g_z2: g.d_g_z2,
            grad_norm_d: d.grad_norm,
            grad_norm_g: g.grad_norm,
            images_per_second: clock.recent_rate(),
        };
        on_step(&stats);
        if step.is_multiple_of(config.log_every) || step == 1 || last {
            run.log(&stats)?;
            clock.forget_recent();
        }
        if step.is_multiple_of(config.sample_every) || last {
            run.save_grid(step, &trainer.sample_fixed(GRID_IMAGES)?)?;
        }
        if step.is_multiple_of(config.checkpoint_every) || last {
            run.save_checkpoint(&trainer)?;
        }
    }
    let waiting = reals.waited().as_secs_f64() / clock.time.as_secs_f64().max(f64::MIN_POSITIVE);
    let bad_images = reals.bad_images();
    Ok(Summary { steps, images_per_second: clock.rate(), waiting, bad_images })
}

/// Time spent in training steps and the images that went through them.
#[derive(Default)]
struct Clock {
    time: Duration,
    images: u64,
    recent_time: Duration,
    recent_images: u64,
}

impl Clock {
    fn tick(&mut self, time: Duration, images_seen: u64) {
        self.time += time;
        self.recent_time += time;
        self.recent_images += images_seen - self.images;
        self.images = images_seen;
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
