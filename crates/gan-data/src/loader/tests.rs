//! What a training run relies on.

use super::*;
use crate::{Image, Sample, Transform};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Image `i` is two pixels, `i` and `i + 100`; its label is `i`.
#[derive(Clone, Copy)]
struct Numbers {
    len: usize,
    broken: Option<usize>,
    panics: Option<usize>,
    reads: Option<&'static AtomicUsize>,
    /// An image that the machine does not read, what it says, and how often.
    fails: Option<(usize, std::io::ErrorKind, usize)>,
}

const NUMBERS: Numbers = Numbers { len: 10, broken: None, panics: None, reads: None, fails: None };

impl Dataset for Numbers {
    fn name(&self) -> &str {
        "numbers"
    }
    fn len(&self) -> usize {
        self.len
    }
    fn channels(&self) -> usize {
        1
    }
    fn classes(&self) -> Option<usize> {
        Some(self.len)
    }
    fn get(&self, index: usize) -> Result<Sample> {
        assert_ne!(Some(index), self.panics, "a fault in the code");
        let reads = self.reads.map_or(0, |reads| reads.fetch_add(1, Ordering::Relaxed));
        if let Some((_, kind, _)) = self.fails.filter(|&(bad, _, times)| bad == index && reads < times) {
            return Err(Error::reading("images/3.png".as_ref())(kind.into()));
        }
        if Some(index) == self.broken {
            return Err(Error::malformed("images/7.png".as_ref(), "is broken off"));
        }
        let image = Image { width: 2, height: 1, channels: 1, pixels: vec![index as u8, index as u8 + 100] };
        Ok(Sample { image, label: Some(index as u32) })
    }
}

fn loader(numbers: Numbers, config: LoaderConfig) -> DataLoader {
    let flip = Transforms::new(vec![Transform::RandomHorizontalFlip { probability: 0.5 }]);
    DataLoader::new(Arc::new(numbers), flip, config, &Device::Cpu).unwrap()
}

fn config(batch_size: usize) -> LoaderConfig {
    LoaderConfig { batch_size, seed: 5, ..LoaderConfig::default() }
}

/// All that a batch holds, to compare.
type Content = (u64, u64, Vec<u32>, Vec<f32>);

fn next(loader: &mut DataLoader) -> Content {
    let batch = loader.next_batch().unwrap();
    let values = batch.images.flatten_all().unwrap().to_vec1().unwrap();
    (batch.epoch, batch.index, batch.labels.unwrap(), values)
}

fn take(loader: &mut DataLoader, count: usize) -> Vec<Content> {
    (0..count).map(|_| next(loader)).collect()
}

#[test]
fn the_seed_decides_everything() {
    let run = |seed| take(&mut loader(NUMBERS, LoaderConfig { seed, ..config(3) }), 9);
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn starting_at_a_batch_is_going_on_from_it() {
    for drop_last in [true, false] {
        let config = LoaderConfig { drop_last, ..config(3) };
        let whole = take(&mut loader(NUMBERS, config), 12);
        for start in 0..10 {
            let resumed = take(&mut loader(NUMBERS, config).starting_at(start as u64), 2);
            assert_eq!(resumed, whole[start..start + 2], "from batch {start}");
        }
        let mut moved = loader(NUMBERS, config);
        take(&mut moved, 3);
        assert_eq!(take(&mut moved.starting_at(7), 2), whole[7..9]);
    }
}

#[test]
fn neither_workers_nor_caches_nor_prefetching_change_a_batch() {
    for drop_last in [true, false] {
        let reference = take(&mut loader(NUMBERS, LoaderConfig { drop_last, ..config(3) }), 20);
        for workers in [0, 2, 3, 7] {
            for cache in [CacheMode::Auto, CacheMode::Ram, CacheMode::Disk, CacheMode::Off] {
                for prefetch in [0, 1, 5] {
                    let config = LoaderConfig { drop_last, workers, cache, prefetch, ..config(3) };
                    let found = take(&mut loader(NUMBERS, config).starting_at(2), 15);
                    assert_eq!(found, reference[2..17], "{config:?}");
                }
            }
        }
    }
}

#[test]
fn a_cache_spares_reading_an_image_twice() {
    for (mode, epochs_read) in
        [(CacheMode::Auto, 1), (CacheMode::Ram, 1), (CacheMode::Disk, 1), (CacheMode::Off, 4)]
    {
        let reads: &'static AtomicUsize = Box::leak(Box::default());
        // One worker without room ahead, so that no more is read than is taken and one batch.
        let config = LoaderConfig { cache: mode, prefetch: 0, ..config(5) };
        let mut loader = loader(Numbers { reads: Some(reads), ..NUMBERS }, config);
        take(&mut loader, 8);
        drop(loader);
        let read = reads.load(Ordering::Relaxed);
        assert!((epochs_read * 10..=epochs_read * 10 + 5).contains(&read), "{mode:?}: {read}");
    }
}

#[test]
fn a_full_cache_does_without() {
    let sample = NUMBERS.get(3).unwrap();
    let cache = cache::Cache::with_memory(300, 10); // room for three images with what they take beside their values
    let reads = AtomicUsize::new(0);
    for _ in 0..2 {
        for index in 0..10 {
            let read = || {
                reads.fetch_add(1, Ordering::Relaxed);
                Ok(sample.clone())
            };
            assert_eq!(cache.get_or(index, read).unwrap(), sample);
        }
    }
    assert_eq!(reads.into_inner(), 10 + 7);
}

#[test]
fn a_bad_image_is_replaced_by_the_next_good_one_where_that_is_asked_for() {
    let skip = LoaderConfig { on_bad_image: OnBadImage::Skip, shuffle: false, ..config(5) };
    for workers in [1, 3] {
        let mut skipping = loader(Numbers { broken: Some(9), ..NUMBERS }, LoaderConfig { workers, ..skip });
        for _ in 0..3 {
            assert_eq!(next(&mut skipping).2, [0, 1, 2, 3, 4]);
            assert_eq!(next(&mut skipping).2, [5, 6, 7, 8, 0], "after the last comes the first");
        }
        assert_eq!(skipping.bad_images(), 1, "it is counted once");
    }
    let mut none =
        loader(Numbers { len: 1, broken: Some(0), ..NUMBERS }, LoaderConfig { batch_size: 1, ..skip });
    assert!(none.next_batch().unwrap_err().to_string().contains("7.png"), "there is no other");
}

/// In the place of an image that the machine fails to read another one would be learned from, and nobody would know.
#[test]
fn an_error_of_the_machine_is_no_bad_image() {
    use std::io::ErrorKind::{NotFound, Other, PermissionDenied, TimedOut};
    let skip = LoaderConfig { on_bad_image: OnBadImage::Skip, shuffle: false, ..config(5) };
    let with = |kind, times| {
        let reads: &'static AtomicUsize = Box::leak(Box::default());
        // The place of image 3 in the order of reading is 3: it fails while no more than `times` were read.
        let numbers = Numbers { fails: Some((3, kind, times)), reads: Some(reads), ..NUMBERS };
        let mut loader = loader(numbers, LoaderConfig { prefetch: 0, ..skip });
        let first = loader.next_batch();
        (first.map(|batch| batch.labels.unwrap()), loader.bad_images(), reads.load(Ordering::Relaxed))
    };
    for kind in [NotFound, Other, TimedOut] {
        let (first, bad, _) = with(kind, usize::MAX);
        let error = first.unwrap_err();
        assert!(error.to_string().contains("images/3.png"), "{error}");
        assert_eq!(bad, 0);
    }
    let (first, bad, _) = with(PermissionDenied, usize::MAX);
    assert_eq!((first.unwrap(), bad), (vec![0, 1, 2, 4, 4], 1), "this file's own fault");
    let (first, bad, _) = with(TimedOut, 5);
    assert_eq!((first.unwrap(), bad), (vec![0, 1, 2, 3, 4], 0), "the third try");
    let (first, ..) = with(TimedOut, 6);
    assert!(first.is_err(), "there is no fourth");
}

#[test]
fn what_an_image_is_at_fault_for_is_told_from_the_rest() {
    let path = std::path::Path::new("images/3.png");
    assert!(Error::malformed(path, "is broken off").is_of_image());
    assert!(Error::unsupported(path, "has a password", "unpack it").is_of_image(), "a member of an archive");
    assert!(Error::of_image("x".into(), Error::malformed(path, "is broken off")).is_of_image());
    let full = std::io::Error::from_raw_os_error(24); // too many open files
    assert!(!Error::of_image("x".into(), Error::reading(path)(full)).is_of_image());
    if cfg!(unix) {
        let eio = || Error::reading(path)(std::io::Error::from_raw_os_error(5));
        assert!(eio().may_pass() && !eio().is_of_image());
    }
}

#[test]
fn loaders_that_share_their_bad_images_count_each_once() {
    let skip = LoaderConfig { on_bad_image: OnBadImage::Skip, shuffle: false, ..config(5) };
    let (bad, broken) = (BadImages::default(), Numbers { broken: Some(9), ..NUMBERS });
    let mut preview = loader(broken, skip).with_bad_images(&bad);
    let mut training = loader(broken, skip).starting_at(1).with_bad_images(&bad);
    assert_eq!((next(&mut preview).1, next(&mut preview).2), (0, vec![5, 6, 7, 8, 0]));
    assert_eq!(bad.count(), 1, "it is named here");
    assert_eq!(next(&mut training).2, [5, 6, 7, 8, 0], "the same batch");
    assert_eq!((training.bad_images(), bad.count()), (1, 1), "and not again");
}

#[test]
fn a_loader_is_an_iterator_without_end() {
    let indices: Vec<u64> = loader(NUMBERS, config(5)).take(5).map(|batch| batch.unwrap().index).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4]);
    let broken = Numbers { broken: Some(7), ..NUMBERS };
    let mut batches = loader(broken, LoaderConfig { shuffle: false, ..config(5) });
    assert!(batches.next().unwrap().is_ok());
    assert!(batches.next().unwrap().is_err() && batches.next().unwrap().is_err(), "the same batch again");
}

#[test]
fn an_image_that_cannot_be_prepared_is_named() {
    let long = Transforms::new(vec![Transform::CenterCrop { height: 1, width: 20_000 }]);
    let mut loader = DataLoader::new(Arc::new(NUMBERS), long, config(1), &Device::Cpu).unwrap();
    let error = loader.next_batch().unwrap_err().to_string();
    assert!(error.starts_with("image ") && error.contains(" of numbers: "), "{error}");
}

#[test]
fn nothing_before_the_start_is_read() {
    let order = loader(NUMBERS, config(3)).recipe.order(0);
    let broken = Numbers { broken: Some(order[1]), ..NUMBERS };
    assert!(loader(broken, config(3)).starting_at(1).next_batch().is_ok());
}

#[test]
fn an_epoch_holds_every_image_once_in_an_order_of_its_own() {
    let mut loader = loader(NUMBERS, LoaderConfig { drop_last: false, ..config(4) });
    assert_eq!(loader.batches_per_epoch(), 3);
    let mut epochs = Vec::new();
    for epoch in 0..3 {
        let batches = take(&mut loader, 3);
        assert!(batches.iter().all(|batch| batch.0 == epoch));
        assert_eq!(batches.iter().map(|batch| batch.2.len()).collect::<Vec<_>>(), [4, 4, 2]);
        epochs.push(batches.iter().flat_map(|batch| batch.2.clone()).collect::<Vec<_>>());
    }
    assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2], "{epochs:?}");
    for mut epoch in epochs {
        epoch.sort_unstable();
        assert_eq!(epoch, (0..10).collect::<Vec<_>>());
    }
}

#[test]
fn the_last_partial_batch_is_dropped_when_asked_to() {
    let mut loader = loader(NUMBERS, LoaderConfig { drop_last: true, ..config(4) });
    assert_eq!(loader.batches_per_epoch(), 2);
    let batches = take(&mut loader, 5);
    assert!(batches.iter().all(|batch| batch.2.len() == 4));
    assert_eq!(batches.iter().map(|batch| batch.0).collect::<Vec<_>>(), [0, 0, 1, 1, 2]);
    assert_eq!(batches.iter().map(|batch| batch.1).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn without_shuffling_the_order_is_the_data_sets() {
    let mut loader = loader(NUMBERS, LoaderConfig { shuffle: false, ..config(5) });
    let labels: Vec<_> = take(&mut loader, 3).into_iter().map(|batch| batch.2).collect();
    assert_eq!(labels, [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8, 9], vec![0, 1, 2, 3, 4]]);
}

#[test]
fn a_batch_may_be_larger_than_the_data_when_partial_ones_are_kept() {
    let mut loader = loader(NUMBERS, LoaderConfig { drop_last: false, ..config(usize::MAX) });
    assert_eq!(loader.batches_per_epoch(), 1);
    assert_eq!(next(&mut loader).2.len(), 10);
}

/// Which images of each epoch come out flipped, by index.
fn flips(config: LoaderConfig, epochs: usize) -> Vec<[bool; 10]> {
    let mut loader = loader(NUMBERS, LoaderConfig { drop_last: false, ..config });
    let mut flips = vec![[false; 10]; epochs];
    for _ in 0..epochs as u64 * loader.batches_per_epoch() {
        let (epoch, _, labels, values) = next(&mut loader);
        for (label, pair) in labels.into_iter().zip(values.chunks(2)) {
            flips[epoch as usize][label as usize] = pair[0] > pair[1];
        }
    }
    flips
}

#[test]
fn flips_follow_from_seed_epoch_and_index_alone() {
    let reference = flips(config(3), 4);
    assert_eq!(reference, flips(LoaderConfig { shuffle: false, prefetch: 0, ..config(7) }, 4));
    assert_ne!(reference, flips(LoaderConfig { seed: 6, ..config(3) }, 4));
    assert_ne!(reference[0], reference[1]);
    let flipped = reference.iter().flatten().filter(|&&flip| flip).count();
    assert!((10..=30).contains(&flipped), "{flipped} of 40");
}

#[test]
fn an_image_that_fails_comes_out_as_its_error_each_time_it_is_asked_for() {
    let broken = Numbers { broken: Some(7), ..NUMBERS };
    let mut loader = loader(broken, LoaderConfig { shuffle: false, ..config(2) });
    take(&mut loader, 3);
    for _ in 0..2 {
        let error = loader.next_batch().unwrap_err();
        assert_eq!(error.to_string(), "images/7.png: is broken off");
    }
}

#[test]
fn a_panic_in_the_data_set_is_an_error() {
    let panics = Numbers { panics: Some(3), ..NUMBERS };
    let mut loader = loader(panics, LoaderConfig { shuffle: false, ..config(2) });
    take(&mut loader, 1);
    let error = loader.next_batch().unwrap_err().to_string();
    assert!(error.contains("a fault in the code"), "{error}");
}

#[test]
fn dropping_the_loader_ends_its_thread() {
    for (prefetch, taken, workers) in [(0, 1, 1), (1, 1, 2), (4, 1, 1), (usize::MAX, 3, 3)] {
        let numbers: Arc<dyn Dataset> = Arc::new(NUMBERS);
        let config = LoaderConfig { prefetch, workers, ..config(2) };
        let mut loader =
            DataLoader::new(numbers.clone(), Transforms::default(), config, &Device::Cpu).unwrap();
        take(&mut loader, taken);
        drop(loader);
        assert_eq!(Arc::strong_count(&numbers), 1, "the thread still holds the data");
    }
}

#[test]
fn what_can_make_no_batch_is_an_error() {
    let new = |len, batch_size, drop_last| {
        let config = LoaderConfig { drop_last, ..config(batch_size) };
        DataLoader::new(Arc::new(Numbers { len, ..NUMBERS }), Transforms::default(), config, &Device::Cpu)
            .err()
    };
    assert!(matches!(new(10, 0, true), Some(Error::ZeroBatch)));
    assert!(matches!(new(0, 1, false), Some(Error::Empty { .. })));
    let too_large = new(10, 11, true).unwrap();
    assert_eq!(too_large.to_string(), "a batch of 11 is larger than the data: numbers has 10 images");
    assert!(too_large.hint().contains("at most 10"), "{}", too_large.hint());
    assert!(new(10, 11, false).is_none() && new(10, 10, true).is_none());
}
