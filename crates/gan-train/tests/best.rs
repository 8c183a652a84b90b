//! The best by a metric: its checkpoint is spared, patience ends a run, and a stop forgets neither.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::Device;
use gan_data::Digits;
use gan_train::{
    Best, Better, Checkpoint, Evaluation, Gan, Kind, Metric, Number, Result, RunDir, StepStats, System,
    TrainConfig, run,
};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// How far the number of images seen is from those of step 6: it looks at samples, and says what the test wants.
struct NearStepSix;

impl Metric for NearStepSix {
    fn name(&self) -> &'static str {
        "distance"
    }

    fn scores(&mut self, system: &mut dyn System) -> Result<Vec<Number>> {
        assert_eq!(system.draw(0, 0, 3)?.dims(), [3, 1, 8, 8]);
        let distance = (system.samples_seen() as f64 / 4.0 - 6.0).abs();
        Ok(vec![Number::new(self.name(), Kind::Score(Better::Lower), distance)])
    }
}

fn train(folder: &Path, until: u64, patience: Option<u64>) -> run::Summary {
    let text = "image_size = 8\nbase_width = 2\nlatent_dim = 4\nbatch_size = 4\nsteps = 20\nema = 0.9\nkeep = 2\n\
                log_every = 1\ncheckpoint_every = 1000";
    let config = TrainConfig::from_toml(text).unwrap().resolve().unwrap();
    let data = Arc::new(Digits::train(0, 16).unwrap());
    let about = config.metadata(data.as_ref(), &Device::Cpu).unwrap().with_steps(20);
    let mut gan = Gan::from_config(&config, &about.model().unwrap(), data, &Device::Cpu).unwrap();
    let run = match folder.exists() {
        true => RunDir::open(folder).unwrap(),
        false => RunDir::create(Some(folder), &config).unwrap(),
    };
    let from = run.latest_checkpoint().unwrap();
    let evaluation = Evaluation { metric: &mut NearStepSix, every: 2, patience };
    let mut on_step = |stats: &StepStats| match stats.step < until {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let options = config.run_options(20);
    run::train(&mut gan, &options, &about, &run, from.as_ref(), Some(evaluation), &mut on_step).unwrap()
}

fn steps(run: &Path) -> Vec<u64> {
    Checkpoint::list(run).unwrap().into_iter().map(|(step, _)| step).collect()
}

#[test]
fn the_checkpoint_of_the_best_score_is_spared_and_a_stop_does_not_forget_it() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let summary = train(&whole, u64::MAX, None);
    assert_eq!((summary.steps, summary.best.map(|best| best.step), summary.complete), (20, Some(6), true));
    assert_eq!(steps(&whole), [6, 18, 20]);
    for until in [3, 6, 9, 20] {
        train(&stopped, until, None);
    }
    assert_eq!(steps(&stopped), steps(&whole));
    let best = Best::of_run(&whole).unwrap().unwrap();
    assert_eq!((best.step, best.metric.as_str(), best.score), (6, "distance", 0.0));
    assert_eq!(Best::of_run(&stopped).unwrap().unwrap(), best);
    let state = |run: &Path| std::fs::read(run.join("checkpoints/step-000020/checkpoint.json")).unwrap();
    assert!(state(&whole) == state(&stopped));
    let log = std::fs::read_to_string(whole.join("metrics.jsonl")).unwrap();
    assert!(log.lines().nth(5).unwrap().ends_with(r#""distance":0.0}"#), "{log}");
}

#[test]
fn patience_ends_a_run_that_gets_no_better() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let summary = train(&run, u64::MAX, Some(3));
    assert_eq!(
        (summary.steps, summary.best.map(|best| best.step)),
        (12, Some(6)),
        "6 is the best, 8, 10 and 12 are worse"
    );
    assert_eq!(steps(&run), [6, 10, 12]);
}
