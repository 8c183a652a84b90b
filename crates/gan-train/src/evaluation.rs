//! How good what a system makes is, while it trains: by features of a frozen network, against the images that
//! it learns from.

use crate::best::Best;
use crate::config::{Crop, TrainConfig};
use crate::data;
use crate::error::Result;
use crate::position::{BestSoFar, Position, Training};
use crate::system::{Better, Kind, Number, System};
use candle_core::Device;
use gan_data::{CacheMode, Dataset, ProgressCallback, Split};
use gan_eval::{Extracted, FeatureExtractor, FeatureKind, Measures, Protocol, Reference, Score};
use std::sync::Arc;

/// A score of what a system makes: an evaluation changes no training state.
pub trait Metric {
    /// Its key in `metrics.jsonl`: that of the first score, which decides which checkpoint is the best.
    fn name(&self) -> &'static str;

    /// The scores of a system as it is now, the first of [`Kind::Score`].
    ///
    /// # Errors
    /// If they cannot be measured; the run ends then.
    fn scores(&mut self, system: &mut dyn System) -> Result<Vec<Number>>;

    /// How they are measured, where there is more to say than a name: it stands beside the best score.
    fn protocol(&self) -> Option<Protocol> {
        None
    }
}

/// When a metric is asked, and what follows from it. The checkpoint of the best score is kept beside the
/// newest.
pub struct Evaluation<'a> {
    /// The metric.
    pub metric: &'a mut dyn Metric,
    /// Steps from one evaluation to the next; a checkpoint is saved with each. A run that is as long has one
    /// at its end too.
    pub every: u64,
    /// The run ends after so many evaluations without a better score.
    pub patience: Option<u64>,
}

/// Measures when it is time to, if it ever is.
pub(crate) struct Judge<'a>(Option<Evaluation<'a>>);

/// What an evaluation came to.
pub(crate) struct Verdict {
    pub scores: Vec<Number>,
    /// Whether the run is to end.
    pub is_over: bool,
}

impl<'a> Judge<'a> {
    pub fn new(evaluation: Option<Evaluation<'a>>) -> Self {
        Self(evaluation)
    }

    /// Whether anything is measured.
    pub fn is_asked(&self) -> bool {
        self.0.is_some()
    }

    /// Forgets a best score that was measured in another way than scores are from now on.
    pub fn forget_what_differs(&self, position: &mut Position, before: Option<Best>) {
        let (Some(now), Some(before)) = (self.best(position), before) else { return };
        if (&before.metric, &before.protocol) != (&now.metric, &now.protocol) {
            tracing::warn!("scores are measured in another way than before: the best so far is forgotten");
            position.best = BestSoFar::default();
        }
    }

    /// Whether it is time to; `last` is the last step of the run.
    pub fn is_due(&self, step: u64, last: bool) -> bool {
        self.0.as_ref().is_some_and(|it| step.is_multiple_of(it.every) || last && step > it.every)
    }

    /// Measures, and remembers the best.
    pub fn evaluate(&mut self, training: &mut Training<'_>) -> Result<Verdict> {
        let Some(Evaluation { metric, patience, .. }) = &mut self.0 else {
            return Ok(Verdict { scores: Vec::new(), is_over: false });
        };
        let scores = metric.scores(training.system)?;
        let Position { best, step, .. } = &mut training.position;
        if let Some(Number { kind: Kind::Score(better), value, .. }) = scores.first() {
            best.take(*step, *value, *better);
        }
        Ok(Verdict { scores, is_over: patience.is_some_and(|patience| best.stale() >= patience) })
    }

    /// The best so far.
    pub fn best(&self, position: &Position) -> Option<Best> {
        let metric = &self.0.as_ref()?.metric;
        let (step, score) = (position.best.step()?, position.best.score());
        Some(Best { step, metric: metric.name().to_owned(), score, protocol: metric.protocol() })
    }
}

/// Real images that generated ones are compared with.
const REAL_IMAGES: usize = 5000;
/// Images that are drawn, or loaded, at once.
const BATCH: usize = 50;
/// Names the latents that are measured: the same each time, so that one evaluation can be compared with the
/// next.
const SEED: u64 = 0;

/// Measures samples by the features of a network, against the images of the run.
pub struct FeatureMetric {
    config: TrainConfig,
    data: Arc<dyn Dataset>,
    extractor: Box<dyn FeatureExtractor>,
    /// Made when first asked for: a run that ends before that need not read its images twice.
    reference: Option<Reference>,
    measures: Measures,
    samples: usize,
}

impl FeatureMetric {
    /// What the (resolved) settings ask for, on the images of a run; nothing if they ask for no evaluation.
    ///
    /// # Errors
    /// If the network cannot be made, as [`FeatureKind::open_for`], which tells `watch` how far it is.
    pub fn from_config(
        config: &TrainConfig,
        data: &Arc<dyn Dataset>,
        watch: &ProgressCallback,
    ) -> Result<Option<Self>> {
        let evaluation = &config.evaluation;
        if evaluation.eval_every.unwrap_or(0) == 0 {
            return Ok(None);
        }
        let kind = evaluation.eval_features.unwrap_or(FeatureKind::for_dataset(&config.data.dataset));
        Ok(Some(Self {
            config: config.clone(),
            data: data.clone(),
            extractor: kind.open_for(evaluation.feature_weights.as_deref(), data, watch)?,
            reference: None,
            measures: evaluation.metrics.clone(),
            samples: evaluation.eval_samples,
        }))
    }
}

/// The features of up to `count` real images, brought to the size of the generator as the (resolved) settings
/// say, but with nothing random done to them: others measure so too. `done` is told how many there are.
///
/// # Errors
/// If an image cannot be read, or brought to the size of the network.
pub fn real_features(
    config: &TrainConfig,
    data: &Arc<dyn Dataset>,
    extractor: &dyn FeatureExtractor,
    count: usize,
    mut done: impl FnMut(usize),
) -> Result<Extracted> {
    let count = count.min(data.len());
    let mut config = config.clone();
    (config.data.flip, config.data.color_jitter, config.data.crop) = (false, 0.0, Crop::Center);
    // All of them, however many make a batch of the run.
    (config.data.batch_size, config.data.drop_last) = (Some(BATCH.min(data.len())), Some(false));
    config.machine.cache = CacheMode::Off; // they are read once
    let mut loader = data::loader(&config, data.clone(), &Device::Cpu)?;
    let mut real = Extracted::new(extractor);
    while real.features.len() < count {
        let images = loader.next_batch()?.images;
        let left = (count - real.features.len()).min(images.dim(0)?);
        real.push(extractor, &images.narrow(0, 0, left)?)?;
        done(real.features.len());
    }
    Ok(real)
}

impl Metric for FeatureMetric {
    fn name(&self) -> &'static str {
        self.measures.first().score().into()
    }

    fn scores(&mut self, system: &mut dyn System) -> Result<Vec<Number>> {
        let reference = match self.reference.take() {
            Some(reference) => reference,
            None => {
                let real =
                    real_features(&self.config, &self.data, self.extractor.as_ref(), REAL_IMAGES, |_| {})?;
                Reference::new(real, &Split::Train.to_string())?
            }
        };
        let reference = self.reference.insert(reference);
        let mut fake = Extracted::new(self.extractor.as_ref());
        while fake.features.len() < self.samples {
            let first = fake.features.len();
            let images = system.draw(SEED, first as u64, BATCH.min(self.samples - first))?;
            fake.push(self.extractor.as_ref(), &images)?;
        }
        let scores = reference.measure(self.extractor.as_ref(), &fake, self.measures.list())?;
        let mut numbers: Vec<Number> = scores.iter().map(number).collect();
        let seen = reference.evidence(self.extractor.as_ref(), &fake)?;
        numbers.push(Number::new("alike", Kind::Share, seen.alike));
        numbers.push(Number::new("memorised", Kind::Share, seen.again));
        if seen.classes > 0 {
            numbers.push(Number::new(
                "classes_made",
                Kind::Count { of: seen.classes as u64 },
                seen.made() as f64,
            ));
        }
        Ok(numbers)
    }

    fn protocol(&self) -> Option<Protocol> {
        let real = self.data.len().min(REAL_IMAGES);
        Some(Protocol::of(self.extractor.as_ref(), real, self.samples, &Split::Train.to_string()))
    }
}

/// A score as a line of the log has it.
fn number(score: &Score) -> Number {
    let better = if score.kind.higher_is_better() { Better::Higher } else { Better::Lower };
    Number::new(score.kind.into(), Kind::Score(better), score.value)
}
