//! Several threads on a data set that takes its time.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use candle_core::Device;

use super::*;
use crate::{DataLoader, Dataset, Image, LoaderConfig, Sample, Transforms};

/// Image `i` has the label `i`. The sooner one is wanted, the longer it takes.
struct Slow {
    broken: Option<usize>,
    /// The images that were asked for are those below.
    asked: AtomicUsize,
}

impl Dataset for Slow {
    fn name(&self) -> &str {
        "slow"
    }
    fn len(&self) -> usize {
        40
    }
    fn channels(&self) -> usize {
        1
    }
    fn classes(&self) -> Option<usize> {
        Some(40)
    }
    fn get(&self, index: usize) -> Result<Sample> {
        self.asked.fetch_max(index + 1, SeqCst);
        if Some(index) == self.broken {
            return Err(Error::malformed("slow.png".as_ref(), "is broken off"));
        }
        thread::sleep(Duration::from_millis(8 - 2 * (index as u64 % 5)));
        let image = Image { width: 1, height: 1, channels: 1, pixels: vec![0] };
        Ok(Sample { image, label: Some(index as u32) })
    }
}

/// A loader of single images in their order.
fn loader(broken: Option<usize>, workers: usize, prefetch: usize) -> (Arc<Slow>, DataLoader) {
    let slow = Arc::new(Slow { broken, asked: AtomicUsize::new(0) });
    let config = LoaderConfig { batch_size: 1, shuffle: false, workers, prefetch, ..LoaderConfig::default() };
    let loader = DataLoader::new(slow.clone(), Transforms::default(), config, &Device::Cpu).unwrap();
    (slow, loader)
}

fn next(loader: &mut DataLoader) -> Result<u32> {
    Ok(loader.next_batch()?.labels.unwrap()[0])
}

#[test]
fn batches_come_in_order_whoever_is_faster() {
    for (workers, prefetch) in [(4, 0), (4, 3), (7, 1)] {
        let (_, mut loader) = loader(None, workers, prefetch);
        for expected in 0..40 {
            assert_eq!(next(&mut loader).unwrap(), expected);
        }
    }
}

#[test]
fn no_more_is_prepared_ahead_than_is_asked_for() {
    for (workers, prefetch) in [(1, 0), (1, 3), (3, 0), (4, 5)] {
        let (slow, mut loader) = loader(None, workers, prefetch);
        for taken in 1..=5 {
            next(&mut loader).unwrap();
            let most = taken + prefetch + workers;
            let patience = Instant::now() + Duration::from_secs(10);
            while slow.asked.load(SeqCst) < most && Instant::now() < patience {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(5)); // for one that goes too far
            assert_eq!(slow.asked.load(SeqCst), most, "{workers} workers, {prefetch} ahead, {taken} taken");
        }
    }
}

#[test]
fn an_error_comes_after_the_good_batches_before_it() {
    for workers in [1, 2, 4] {
        let (slow, mut loader) = loader(Some(7), workers, 10);
        for expected in 0..7 {
            assert_eq!(next(&mut loader).unwrap(), expected, "{workers} workers");
        }
        for _ in 0..2 {
            assert_eq!(next(&mut loader).unwrap_err().to_string(), "slow.png: is broken off");
        }
        drop(loader);
        assert_eq!(Arc::strong_count(&slow), 1, "a thread still holds the data");
    }
}
