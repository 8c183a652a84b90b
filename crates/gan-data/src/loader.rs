//! Batches without end: shuffled anew each epoch, prepared ahead of time on a thread.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use candle_core::{Device, Tensor};
use gan_rng::Stream;

use crate::{Dataset, Error, Result, Transforms, to_tensor};

/// No more batches than this wait to be taken, whatever the configuration says: they are memory.
const MAX_PREFETCH: usize = 256;

/// How a [`DataLoader`] makes batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Images in a batch.
    pub batch_size: usize,
    /// Whether each epoch has another order. If not, every epoch has the data set's own.
    pub shuffle: bool,
    /// Whether the last batch of an epoch is left out when it would be smaller than the others.
    pub drop_last: bool,
    /// Names the orders and the random transforms.
    pub seed: u64,
    /// How many finished batches may wait to be taken, at most 256. One more is in the making.
    pub prefetch: usize,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self { batch_size: 64, shuffle: true, drop_last: true, seed: 0, prefetch: 4 }
    }
}

/// Images ready for the networks.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[N, C, H, W]`, `f32` in [-1, 1], on the loader's device.
    pub images: Tensor,
    /// `N` classes, if every image has one.
    pub labels: Option<Vec<u32>>,
    /// The epoch it belongs to, from 0.
    pub epoch: u64,
    /// Its number since the first batch of the first epoch, from 0.
    pub index: u64,
}

/// An endless sequence of batches, epoch after epoch.
///
/// Batch `k` is a function of the data set, the transforms, the configuration and `k` alone: the order of an epoch
/// follows from (seed, epoch), the random transforms of an image from (seed, epoch, index of the image). So a stopped
/// run goes on with the batches it would have had, see [`DataLoader::starting_at`].
pub struct DataLoader {
    recipe: Arc<Recipe>,
    device: Device,
    /// The number of the batch that [`DataLoader::next_batch`] gives next.
    next: u64,
    /// Started at the first batch, and again after an error.
    worker: Option<Worker>,
}

impl DataLoader {
    /// A loader at the start of the first epoch. Nothing is read yet.
    ///
    /// # Errors
    /// If the batch size is 0, the data set is empty, or a batch is larger than the data set while incomplete batches
    /// are dropped.
    pub fn new(
        dataset: Arc<dyn Dataset>,
        transforms: Transforms,
        config: LoaderConfig,
        device: &Device,
    ) -> Result<Self> {
        let len = dataset.len();
        if config.batch_size == 0 {
            return Err(Error::ZeroBatch);
        }
        if len == 0 {
            return Err(Error::Empty { what: format!("the data set {}", dataset.name()) });
        }
        if config.drop_last && config.batch_size > len {
            let dataset = dataset.name().to_owned();
            return Err(Error::BatchTooLarge { dataset, batch_size: config.batch_size, len });
        }
        let recipe = Arc::new(Recipe { dataset, transforms, config });
        Ok(Self { recipe, device: device.clone(), next: 0, worker: None })
    }

    /// The same loader at batch number `batch` (counted since the start, across epochs). None before it is read.
    pub fn starting_at(mut self, batch: u64) -> Self {
        self.stop();
        self.next = batch;
        self
    }

    /// How many batches an epoch has.
    pub fn batches_per_epoch(&self) -> u64 {
        self.recipe.batches_per_epoch()
    }

    /// The next batch, waiting for it if it is not ready.
    ///
    /// # Errors
    /// What went wrong with one of its images. Asking again tries the same batch again.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(self.recipe.clone(), self.next)?,
        };
        // The thread hands over its errors and ends; one that panicked has ended without a word.
        let batch = match worker.batches.recv() {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) => return worker.stop().and(Err(error)),
            Err(_) => return worker.stop().and(Err(Error::Worker("it ended early".to_owned()))),
        };
        // The worker keeps to main memory: only the caller's thread talks to the device.
        let images = batch.images.to_device(&self.device)?;
        self.worker = Some(worker);
        self.next += 1;
        Ok(Batch { images, ..batch })
    }

    fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            let _ = worker.stop(); // what went wrong with batches that nobody wants is of no interest
        }
    }
}

/// Ends the thread, also one that is busy or waits for room.
impl Drop for DataLoader {
    fn drop(&mut self) {
        self.stop();
    }
}

/// All that batches follow from.
struct Recipe {
    dataset: Arc<dyn Dataset>,
    transforms: Transforms,
    config: LoaderConfig,
}

impl Recipe {
    fn batches_per_epoch(&self) -> u64 {
        let (len, size) = (self.dataset.len(), self.config.batch_size);
        (if self.config.drop_last { len / size } else { len.div_ceil(size) }) as u64
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        if self.config.shuffle {
            Stream::new(self.config.seed, "shuffle", epoch).permutation(self.dataset.len())
        } else {
            (0..self.dataset.len()).collect()
        }
    }

    /// Batch number `index`; `order` is that of its epoch.
    fn batch(&self, index: u64, order: &[usize]) -> Result<Batch> {
        let epoch = index / self.batches_per_epoch();
        let start = (index % self.batches_per_epoch()) as usize * self.config.batch_size;
        let end = start.saturating_add(self.config.batch_size).min(order.len());
        let purpose = format!("augment/epoch-{epoch}");

        let mut images = Vec::with_capacity(end - start);
        let mut labels = Vec::with_capacity(end - start);
        for &i in &order[start..end] {
            let sample = self.dataset.get(i)?;
            let mut rng = Stream::new(self.config.seed, &purpose, i as u64);
            images.push(self.transforms.apply(sample.image, &mut rng)?);
            labels.extend(sample.label);
        }
        let labels = (labels.len() == images.len()).then_some(labels);
        Ok(Batch { images: to_tensor(&images, &Device::Cpu)?, labels, epoch, index })
    }

    /// Hands out batches from number `first` on, until one fails or `deliver` says that nobody takes them any more.
    fn run(&self, first: u64, deliver: impl Fn(Result<Batch>) -> bool) {
        let mut epoch = first / self.batches_per_epoch();
        let mut order = self.order(epoch);
        for index in first.. {
            if index / self.batches_per_epoch() != epoch {
                epoch += 1;
                order = self.order(epoch);
            }
            let batch = self.batch(index, &order);
            let failed = batch.is_err();
            if !deliver(batch) || failed {
                return;
            }
        }
    }
}

/// The thread that prepares batches.
struct Worker {
    batches: Receiver<Result<Batch>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(recipe: Arc<Recipe>, first: u64) -> Result<Self> {
        let (sender, batches) = mpsc::sync_channel(recipe.config.prefetch.min(MAX_PREFETCH));
        let thread = thread::Builder::new()
            .name("gan-data loader".to_owned())
            .spawn(move || recipe.run(first, |batch| sender.send(batch).is_ok()))
            .map_err(|error| Error::Worker(error.to_string()))?;
        Ok(Self { batches, thread })
    }

    /// Waits for the thread to end. An error if it panicked.
    fn stop(self) -> Result<()> {
        drop(self.batches); // wakes a thread that waits for room
        self.thread.join().map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Error::Worker(format!("it panicked: {}", text.unwrap_or("without a message")))
        })
    }
}

#[cfg(test)]
mod tests;
