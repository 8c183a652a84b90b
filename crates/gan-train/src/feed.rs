//! Where batches come from, and where in the data a run is.

use crate::error::Result;
use crate::system::Waited;
use candle_core::{Device, Tensor};
use gan_data::{BadImages, Batch, CacheMode, DataLoader, Dataset, LoaderConfig, Transforms};
use gan_nn::State;
use std::sync::Arc;
use std::time::Duration;
use tracing::trace_span;

/// Batches of one data set from a place in it, which is state. A batch follows from the seed and its number: after a
/// restore, or with another seed, the loader is made anew.
pub struct Feed {
    data: Arc<dyn Dataset>,
    transforms: Transforms,
    config: LoaderConfig,
    device: Device,
    /// The loader, the seed it has and the number of its next batch.
    loader: Option<(u64, u64, DataLoader)>,
    /// Shared by all loaders, so that each bad image is named once.
    bad: BadImages,
    /// For loaders that are no more.
    waited: Duration,
    batches_seen: u64,
    images_seen: u64,
}

impl Feed {
    /// Batches of a data set as the config says. Its seed is that of [`first`](Self::first); the orders of epochs follow from
    /// the one that [`next`](Self::next) is given.
    pub fn new(
        data: Arc<dyn Dataset>,
        transforms: Transforms,
        config: LoaderConfig,
        device: &Device,
    ) -> Self {
        Self {
            data,
            transforms,
            config,
            device: device.clone(),
            loader: None,
            bad: BadImages::default(),
            waited: Duration::ZERO,
            batches_seen: 0,
            images_seen: 0,
        }
    }

    fn make(&self, seed: u64, first: u64) -> Result<DataLoader> {
        let config = LoaderConfig { seed, ..self.config };
        let loader = DataLoader::new(self.data.clone(), self.transforms.clone(), config, &self.device)?;
        Ok(loader.with_bad_images(&self.bad).starting_at(first))
    }

    /// The next batch, and its number since the start of the run.
    ///
    /// # Errors
    /// If the config makes no sense for the data set, or an image cannot be read.
    pub fn next(&mut self, seed: u64) -> Result<(u64, Batch)> {
        let index = self.batches_seen;
        let mut loader = match self.loader.take() {
            Some((of, next, loader)) if (of, next) == (seed, index) => loader,
            before => {
                self.waited += before.map_or(Duration::ZERO, |(_, _, loader)| loader.waited());
                self.make(seed, index)?
            }
        };
        let batch = trace_span!("data").in_scope(|| loader.next_batch())?;
        self.batches_seen += 1;
        self.images_seen += batch.images.dim(0)? as u64;
        self.loader = Some((seed, self.batches_seen, loader));
        Ok((index, batch))
    }

    /// Up to `count` images `[count, ...]`, those that a run sees first. Nothing is read beyond them.
    pub fn first(&self, count: usize) -> Result<Tensor> {
        let batch_size = count.min(self.data.len());
        let config = LoaderConfig { batch_size, workers: 1, cache: CacheMode::Off, ..self.config };
        let loader = DataLoader::new(self.data.clone(), self.transforms.clone(), config, &self.device)?;
        Ok(loader.with_bad_images(&self.bad).next_batch()?.images)
    }

    /// The data set.
    pub fn data(&self) -> &dyn Dataset {
        self.data.as_ref()
    }

    /// The most images that a batch can have.
    pub fn largest_batch(&self) -> usize {
        self.config.batch_size.min(self.data.len().max(1))
    }

    /// Images that have been handed out since the start of the run.
    pub fn images_seen(&self) -> u64 {
        self.images_seen
    }

    /// Where tensors are made.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How long the calls to [`next`](Self::next) waited, and what could not be read.
    pub fn waited(&self) -> Waited {
        let now = self.loader.as_ref().map_or(Duration::ZERO, |(_, _, loader)| loader.waited());
        Waited { time: self.waited + now, unreadable: self.bad.count() }
    }

    /// The place in the data.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        state.counter("batches_seen", &mut self.batches_seen);
        state.counter("images_seen", &mut self.images_seen);
        state
    }
}
