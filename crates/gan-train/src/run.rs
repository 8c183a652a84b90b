//! The loop: what happens when. It knows a [`System`], and nothing of who plays in it.

use crate::best::Best;
use crate::checkpoint::Checkpoint;
use crate::clock::Clock;
use crate::error::Result;
use crate::evaluation::{Evaluation, Judge};
use crate::metadata::Metadata;
use crate::position::{Position, Training};
use crate::rollback::{Start, recover};
use crate::run_dir::RunDir;
use crate::run_options::RunOptions;
use crate::saver::Saver;
use crate::stats::Kinds;
use crate::stats::StepStats;
use crate::system::{Number, System};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Steps that are sampled after whatever the options say: whoever watches a run begin wants to see that it learns.
const EARLY_SAMPLES: [u64; 5] = [1, 10, 25, 50, 100];

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
    /// Whether it ended because no score was better for so long as is waited for.
    pub out_of_patience: bool,
    /// The best score, if there is a metric.
    pub best: Option<Best>,
    /// Files to use in the last checkpoint.
    pub models: Vec<String>,
    /// How long the loop stood still for checkpoints.
    pub checkpoint_time: Duration,
    /// How long it stood still to measure samples.
    pub evaluation_time: Duration,
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
    evaluation: Option<Evaluation<'_>>,
    on_step: &mut dyn FnMut(&StepStats) -> ControlFlow<()>,
) -> Result<Summary> {
    let mut training = Training { system, position: Position::default() };
    if let Some(checkpoint) = from {
        checkpoint.restore(&mut training)?;
    }
    let mut judge = Judge::new(evaluation);
    judge.forget_what_differs(&mut training.position, Best::of_run(run.path())?);
    let mut start = Start::of(&mut training, options, from)?;
    let references = training.system.references()?;
    run.begin(training.position.step, about, options.schedule.end(options.decay_steps))?; // all that can fail is done
    run.save_references(&references)?;
    if judge.is_asked() {
        run.save_best(judge.best(&training.position).as_ref())?; // one of a later step is another's, who is gone back from
    }

    let mut saver = Saver::new(run.keeper(options.keep));
    let mut clock = Clock::starting_at(training.system.samples_seen());
    let (mut stopped, mut over) = (false, false);
    let (mut summary, mut kinds) = (Summary::default(), Kinds::default());
    while training.position.step < options.steps && !stopped && !over {
        let started = Instant::now();
        let mut numbers = match training.system.step(&options.moment(&training.position)) {
            Ok(numbers) => numbers,
            Err(error) => {
                saver.finish()?;
                recover(error, &mut training, options, run, &mut start)?;
                run.save_best(judge.best(&training.position).as_ref())?;
                continue;
            }
        };
        training.position.step += 1;
        clock.tick(started.elapsed(), training.system.samples_seen());

        let step = training.position.step;
        let last = step == options.steps;
        let asked = step.is_multiple_of(options.sample_every) || last;
        let mut measures = if asked { training.system.measures()? } else { Vec::new() };
        let evaluated = judge.is_due(step, last);
        if evaluated {
            let started = Instant::now();
            let verdict = judge.evaluate(&mut training)?;
            measures.extend(verdict.scores);
            over = verdict.is_over;
            clock.evaluations += started.elapsed();
        }
        let logged = step.is_multiple_of(options.log_every) || step == 1 || last || !measures.is_empty();
        if logged {
            numbers.extend(training.system.vitals()?);
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
        if logged {
            if kinds.learn(&stats) {
                run.save_numbers(&kinds)?;
            }
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
                    let best = judge.best(&training.position);
                    saver.save(checkpoint, best)?;
                }
                Err(error) => {
                    saver.finish()?;
                    recover(error, &mut training, options, run, &mut start)?;
                    run.save_best(judge.best(&training.position).as_ref())?;
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
        out_of_patience: over,
        best: judge.best(&training.position),
        checkpoint_time: clock.checkpoints,
        evaluation_time: clock.evaluations,
        ..summary
    })
}
