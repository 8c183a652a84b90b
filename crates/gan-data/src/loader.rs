//! Batches without end: shuffled anew each epoch, prepared ahead of time on threads.

mod bad;
mod cache;
mod worker;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use candle_core::{Device, Tensor};
use gan_rng::Stream;

pub use self::bad::{BadImages, OnBadImage};
use self::cache::Cache;
pub use self::cache::CacheMode;
use self::worker::Workers;
use crate::{Dataset, Error, Result, Sample, Transforms};

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
    /// How many threads prepare batches, 1 to 64. How many does not change the batches.
    pub workers: usize,
    /// How many finished batches may wait to be taken, at most 256. Each worker has one more in the making.
    pub prefetch: usize,
    /// Where images are kept from one epoch to the next, as they are before the first random transform.
    pub cache: CacheMode,
    /// What is done about an image that cannot be read.
    pub on_bad_image: OnBadImage,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self {
            batch_size: 64,
            shuffle: true,
            drop_last: true,
            seed: 0,
            workers: 1,
            prefetch: 4,
            cache: CacheMode::Auto,
            on_bad_image: OnBadImage::Stop,
        }
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

/// An endless sequence of batches, epoch after epoch: an iterator that never ends.
///
/// Batch `k` is a function of the data set, the transforms, the configuration and `k` alone: the order of an epoch
/// follows from (seed, epoch), the random transforms of an image from (seed, epoch, index of the image). So a stopped
/// run resumes with the batches it would have had, see [`DataLoader::starting_at`].
pub struct DataLoader {
    recipe: Arc<Recipe>,
    device: Device,
    /// The number of the batch that [`DataLoader::next_batch`] gives next.
    next: u64,
    /// Started at the first batch, and again after an error.
    workers: Option<Workers>,
    waited: Duration,
}

impl DataLoader {
    /// A loader at the start of the first epoch. Nothing is read yet.
    ///
    /// # Errors
    /// If the batch size is 0, the data set is empty, a batch is larger than the data set while incomplete batches are
    /// dropped, or a transform's parameters cannot be.
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
        transforms.check()?; // not at every image, which would make each a bad one
        let (fixed, random) = transforms.split_at_random();
        let cache = Cache::new(config.cache, len);
        let bad = BadImages::default();
        let recipe = Arc::new(Recipe { dataset, fixed, random, config, cache, bad });
        Ok(Self { recipe, device: device.clone(), next: 0, workers: None, waited: Duration::ZERO })
    }

    /// The same loader at batch number `batch` (counted since the start, across epochs). None before it is read.
    pub fn starting_at(mut self, batch: u64) -> Self {
        self.stop();
        self.next = batch;
        self
    }

    /// The same loader, which notes bad images here. Loaders of one data set that share it name each such image once.
    pub fn with_bad_images(mut self, bad: &BadImages) -> Self {
        self.stop();
        // Without workers nobody else holds it.
        if let Some(recipe) = Arc::get_mut(&mut self.recipe) {
            recipe.bad = bad.clone();
        }
        self
    }

    /// How many batches an epoch has.
    pub fn batches_per_epoch(&self) -> u64 {
        self.recipe.batches_per_epoch()
    }

    /// How many images could not be read so far, and were replaced by others.
    pub fn bad_images(&self) -> usize {
        self.recipe.bad.count()
    }

    /// How long [`DataLoader::next_batch`] had to wait so far because no batch was ready.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The next batch, waiting for it if it is not ready.
    ///
    /// # Errors
    /// What went wrong with one of its images. Asking again tries the same batch again.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let mut workers = match self.workers.take() {
            Some(workers) => workers,
            None => Workers::start(&self.recipe, self.next)?,
        };
        // Workers keep to main memory: only the caller's thread talks to the device.
        let batch = workers
            .receive()
            .and_then(|batch| Ok(Batch { images: batch.images.to_device(&self.device)?, ..batch }));
        self.waited += mem::take(&mut workers.waited);
        if batch.is_err() {
            return workers.stop().and(batch);
        }
        self.workers = Some(workers);
        self.next += 1;
        batch
    }

    fn stop(&mut self) {
        if let Some(workers) = self.workers.take() {
            let _ = workers.stop(); // what went wrong with batches that nobody wants is of no interest
        }
    }
}

/// Never `None`: after the last batch of an epoch comes the first of the next. After an error the same batch is tried
/// again.
impl Iterator for DataLoader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        Some(self.next_batch())
    }
}

/// Ends the threads, also those that are busy or wait for room.
impl Drop for DataLoader {
    fn drop(&mut self) {
        self.stop();
    }
}

/// All that batches follow from.
struct Recipe {
    dataset: Arc<dyn Dataset>,
    /// The transforms up to the first random one, which give the same in every epoch, and the rest.
    fixed: Transforms,
    random: Transforms,
    config: LoaderConfig,
    cache: Cache,
    bad: BadImages,
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

        if let Some(points) = self.dataset.points() {
            let values: Vec<f32> = order[start..end].iter().flat_map(|&i| points.values(i)).collect();
            let images = Tensor::from_vec(values, (end - start, 1, 1, 2), &Device::Cpu)?;
            return Ok(Batch { images, labels: None, epoch, index });
        }
        let mut images = Vec::with_capacity(end - start);
        let mut labels = Vec::with_capacity(end - start);
        for &i in &order[start..end] {
            let sample = self.sample(i)?;
            let mut rng = Stream::new(self.config.seed, &purpose, i as u64);
            images.push(self.random.apply(sample.image, &mut rng)?);
            labels.extend(sample.label);
        }
        let labels = (labels.len() == images.len()).then_some(labels);
        Ok(Batch { images: self.random.to_tensor(&images, &Device::Cpu)?, labels, epoch, index })
    }

    /// Image `index` as it is before the first random transform; or, where bad images are skipped, the next good one.
    fn sample(&self, index: usize) -> Result<Sample> {
        match self.prepare(index) {
            Err(error) if self.config.on_bad_image == OnBadImage::Skip && error.is_of_image() => {
                self.skip(index, error)
            }
            other => other,
        }
    }

    fn prepare(&self, index: usize) -> Result<Sample> {
        self.cache.get_or(index, || bad::retried(|| self.fixed.prepare(self.dataset.as_ref(), index)))
    }

    fn skip(&self, bad: usize, error: Error) -> Result<Sample> {
        self.bad.note(bad, &error);
        let len = self.dataset.len();
        for index in (1..len).map(|step| (bad + step) % len).filter(|&index| !self.bad.contains(index)) {
            match self.prepare(index) {
                Err(error) if error.is_of_image() => self.bad.note(index, &error),
                other => return other,
            }
        }
        Err(error)
    }
}

#[cfg(test)]
mod tests;
