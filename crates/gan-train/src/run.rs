//! The loop: what happens when. It knows a [`System`], and nothing of who plays in it.

use crate::checkpoint::Checkpoint;
use crate::clock::Clock;
use crate::error::Result;
use crate::metadata::Metadata;
use crate::position::{Position, Training};
use crate::rollback::{Start, recover};
use crate::run_dir::RunDir;
use crate::run_options::RunOptions;
use crate::saver::Saver;
use crate::stats::StepStats;
use crate::system::{Better, Kind, Number, System};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Steps that are sampled after whatever the options say: whoever watches a run begin wants to see that it learns.
const EARLY_SAMPLES: [u64; 5] = [1, 10, 25, 50, 100];

/// A score of what a system makes: an evaluation changes no training state.
pub trait Metric {
    /// Its key in `metrics.jsonl`.
    fn name(&self) -> &'static str;

    /// Which direction is better.
    fn better(&self) -> Better;

    /// The score of a system as it is now.
    ///
    /// # Errors
    /// If it cannot be measured; the run ends then.
    fn score(&mut self, system: &mut dyn System) -> Result<f64>;
}

/// When a metric is asked, and what follows from it. The checkpoint of the best score is kept beside the newest.
pub struct Evaluation<'a> {
    /// The metric.
    pub metric: &'a mut dyn Metric,
    /// Steps from one evaluation to the next; a checkpoint is saved with each.
    pub every: u64,
    /// The run ends after so many evaluations without a better score.
    pub patience: Option<u64>,
}

/// What a run made.
#[derive(Default)]
pub struct Summary {
    /// Steps done, those of earlier parts of the run among them.
    pub steps: u64,
    /// Whether they are all that there are to be; if not, the run was stopped.
    pub complete: bool,
    /// Real samples a second over this part of the run, the time for pictures and checkpoints left out.
    pub images_per_second: f64,
    /// The part of that time in which training waited for data, 0 to 1.
    pub waiting: f64,
    /// Samples that could not be read, and were replaced by others.
    pub bad_images: usize,
    /// What was last counted in samples.
    pub measures: Vec<Number>,
    /// The step of the best score, if there is a metric.
    pub best_step: Option<u64>,
    /// Files to use in the last checkpoint.
    pub models: Vec<String>,
    /// How long the loop stood still for checkpoints.
    pub checkpoint_time: Duration,
}

/// Trains a system, and puts the results into the run folder; from the first step, or on from a checkpoint to the same bits
/// as if the run had never stopped. `about` says what the run is; whether a checkpoint fits it is for the caller to ask first
/// ([`Metadata::changes`]).
///
/// `on_step` is told the numbers of every step; if it breaks, the run saves a checkpoint and ends.
pub fn train(
    system: &mut dyn System,
    options: &RunOptions,
    about: &Metadata,
    run: &RunDir,
    from: Option<&Checkpoint>,
    mut evaluation: Option<Evaluation<'_>>,
    on_step: &mut dyn FnMut(&StepStats) -> ControlFlow<()>,
) -> Result<Summary> {
    let mut training = Training { system, position: Position::default() };
    if let Some(checkpoint) = from {
        checkpoint.restore(&mut training)?;
    }
    let mut start = Start::of(&mut training, options, from)?;
    let references = training.system.references()?;
    run.begin(training.position.step, about, options.schedule.end(options.decay_steps))?; // all that can fail is done
    run.save_references(&references)?;

    let mut saver = Saver::new(run.keeper(options.keep));
    let mut clock = Clock::starting_at(training.system.samples_seen());
    let (mut stopped, mut over) = (false, false);
    let mut summary = Summary::default();
    while training.position.step < options.steps && !stopped && !over {
        let started = Instant::now();
        let numbers = match training.system.step(&options.moment(&training.position)) {
            Ok(numbers) => numbers,
            Err(error) => {
                saver.finish()?;
                recover(error, &mut training, options, run, &mut start)?;
                continue;
            }
        };
        training.position.step += 1;
        clock.tick(started.elapsed(), training.system.samples_seen());

        let step = training.position.step;
        let last = step == options.steps;
        let asked = step.is_multiple_of(options.sample_every) || last;
        let mut measures = if asked { training.system.measures()? } else { Vec::new() };
        let mut evaluated = false;
        if let Some(Evaluation { metric, every, patience }) = &mut evaluation
            && (step.is_multiple_of(*every) || last)
        {
            let score = metric.score(training.system)?;
            let best = &mut training.position.best;
            best.take(step, score, metric.better());
            measures.push(Number::new(metric.name(), Kind::Score(metric.better()), score));
            over = patience.is_some_and(|patience| best.stale() >= patience);
            evaluated = true;
        }
        let stats = StepStats {
            step,
            epoch: training.system.samples_seen() as f64 / training.system.samples_per_epoch().max(1) as f64,
            numbers,
            images_per_second: clock.recent_rate(),
            seconds: clock.seconds(),
            measures,
        };
        stopped = on_step(&stats).is_break() && !last;
        if step.is_multiple_of(options.log_every) || step == 1 || last || !stats.measures.is_empty() {
            run.log(&stats)?;
            clock.forget_recent();
        }
        if !stats.measures.is_empty() {
            summary.measures = stats.measures;
        }
        if asked || stopped || over || EARLY_SAMPLES.contains(&step) {
            run.save_pictures(step, &training.system.pictures()?)?;
        }
        if step.is_multiple_of(options.checkpoint_every) || last || stopped || over || evaluated {
            let started = Instant::now();
            match Checkpoint::of(&mut training, about) {
                Ok(checkpoint) => {
                    summary.models = checkpoint.model_names();
                    start.forget();
                    saver.save(checkpoint, training.position.best.step())?;
                }
                Err(error) => {
                    saver.finish()?;
                    recover(error, &mut training, options, run, &mut start)?;
                    (stopped, over) = (false, false);
                }
            }
            clock.checkpoints += started.elapsed();
        }
        saver.check()?;
    }
    let started = Instant::now();
    saver.finish()?;
    clock.checkpoints += started.elapsed();
    let waited = training.system.waited();
    Ok(Summary {
        steps: training.position.step,
        complete: !stopped,
        images_per_second: clock.rate(),
        waiting: waited.time.as_secs_f64() / clock.time.as_secs_f64().max(f64::MIN_POSITIVE),
        bad_images: waited.unreadable,
        best_step: training.position.best.step(),
        checkpoint_time: clock.checkpoints,
        ..summary
    })
}
