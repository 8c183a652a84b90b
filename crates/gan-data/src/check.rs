//! A look at every image of a data set before anything is trained on it.

mod alike;
mod pairs;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use sha2::{Digest, Sha256};

use self::alike::{Alike, Thumbnail};
use crate::fingerprint::{Fingerprint, of_digests, record};
use crate::{Dataset, Image, Progress, ProgressCallback, Split, Unit};

/// What the images of a data set are like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many images could be read.
    pub images: usize,
    /// How many of them are gray, though they may come as three equal channels.
    pub gray: usize,
    /// How many images have each (width, height).
    pub sizes: BTreeMap<(usize, usize), usize>,
    /// How many images each class has, in the order of the labels; empty where no image has one.
    pub classes: Vec<usize>,
    /// How many images have no class, though others have one.
    pub unlabelled: usize,
    /// Images that cannot be read: their number, and what is wrong with them.
    pub bad: Vec<(usize, String)>,
    /// Images with the same pixels as an earlier one: the number of both.
    pub repeated: Vec<(usize, usize)>,
    /// Images that show nearly the same as an earlier one, at another size or saved anew: the number of both. Of
    /// images of 48 px and more; not all are found.
    pub alike: Vec<(usize, usize)>,
    /// Images that are two side by side, or one above the other: exactly 2:1, with an edge all along the middle.
    pub pairs: usize,
    /// The published set that these images are, whatever container and order they came in.
    pub canonical: Option<(&'static str, Split)>,
}

impl Report {
    /// The (width, height) of the image in the middle when they are ordered by their shorter side.
    pub fn median_size(&self) -> Option<(usize, usize)> {
        let mut sizes: Vec<_> = self.sizes.iter().map(|(&size, &count)| (size, count)).collect();
        sizes.sort_by_key(|&((width, height), _)| (width.min(height), width.max(height)));
        let mut before = 0;
        let middle = sizes.into_iter().find(|&(_, count)| {
            before += count;
            before * 2 > self.images
        });
        middle.map(|(size, _)| size)
    }
}

/// Reads every image, on so many threads; `watch` is told how many are done.
///
/// An image that cannot be read is no error here: the report names it.
pub fn check(dataset: &dyn Dataset, workers: usize, watch: &ProgressCallback) -> Report {
    let len = dataset.len();
    let what = format!("checking {}", dataset.name());
    let next = AtomicUsize::new(0);
    let findings = Mutex::new(Vec::with_capacity(len));
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, 64) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Relaxed);
                    if index >= len {
                        break;
                    }
                    let finding = Finding::of(dataset, index);
                    let mut findings = findings.lock().unwrap_or_else(PoisonError::into_inner);
                    findings.push((index, finding));
                    let done = findings.len() as u64;
                    watch.tell(Progress { what: &what, done, total: Some(len as u64), unit: Unit::Images });
                }
            });
        }
    });
    let mut findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    findings.sort_by_key(|(index, _)| *index);
    summarise(dataset, findings)
}

/// What there is to say about one image.
enum Finding {
    Good {
        size: (usize, usize),
        gray: bool,
        label: Option<u32>,
        /// Of size and pixels.
        pixels: [u8; 32],
        /// Of the record that it would be in a published set.
        record: [u8; 32],
        thumbnail: Option<Box<Thumbnail>>,
        pair: bool,
    },
    Bad(String),
}

impl Finding {
    fn of(dataset: &dyn Dataset, index: usize) -> Self {
        let sample = match dataset.get(index) {
            Ok(sample) => sample,
            Err(error) => return Self::Bad(error.to_string()),
        };
        let Image { width, height, channels, ref pixels } = sample.image;
        let gray = channels < 3 || pixels.chunks_exact(channels).all(|p| p[0] == p[1] && p[1] == p[2]);
        let hash = Sha256::new().chain_update(width.to_le_bytes()).chain_update(pixels).finalize();
        // A gray image from a file of colours has three planes where the published one has one.
        let planes = if gray { 1 } else { channels };
        let record = record(sample.label.unwrap_or(u32::MAX) as u8, pixels, channels, planes);
        let pair = pairs::looks_like_a_pair(&sample.image);
        let (label, pixels) = (sample.label, hash.into());
        let thumbnail = match Thumbnail::of(sample.image) {
            Ok(thumbnail) => thumbnail.map(Box::new),
            Err(error) => return Self::Bad(error.to_string()),
        };
        Self::Good { size: (width, height), gray, label, pixels, record, thumbnail, pair }
    }
}

fn summarise(dataset: &dyn Dataset, findings: Vec<(usize, Finding)>) -> Report {
    let mut report = Report::default();
    let mut first_of = BTreeMap::new();
    let mut records = Vec::with_capacity(findings.len());
    let mut classes = vec![0; dataset.classes().unwrap_or(0)];
    let mut unlabelled = 0;
    let mut alike = Alike::default();
    for (index, finding) in findings {
        match finding {
            Finding::Bad(reason) => report.bad.push((index, reason)),
            Finding::Good { size, gray, label, pixels, record, thumbnail, pair } => {
                report.images += 1;
                report.pairs += usize::from(pair);
                report.gray += usize::from(gray);
                *report.sizes.entry(size).or_default() += 1;
                match label.and_then(|label| classes.get_mut(label as usize)) {
                    Some(count) => *count += 1,
                    None => unlabelled += 1,
                }
                match first_of.get(&pixels) {
                    Some(&first) => report.repeated.push((first, index)),
                    None => {
                        first_of.insert(pixels, index);
                        let earlier = thumbnail.and_then(|thumbnail| alike.find(index, *thumbnail));
                        report.alike.extend(earlier.map(|earlier| (earlier, index)));
                    }
                }
                records.push(record);
            }
        }
    }
    if unlabelled < report.images {
        (report.classes, report.unlabelled) = (classes, unlabelled);
    }
    let fingerprint = of_digests(records);
    report.canonical =
        Fingerprint::known().find(|(.., known)| *known == fingerprint).map(|(name, split, _)| (name, split));
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, LabelledImages, Result, Sample};

    /// Five images: two alike, one gray, one that cannot be read.
    struct Five;

    impl Dataset for Five {
        fn name(&self) -> &str {
            "five"
        }
        fn len(&self) -> usize {
            5
        }
        fn channels(&self) -> usize {
            3
        }
        fn classes(&self) -> Option<usize> {
            Some(3)
        }
        fn get(&self, index: usize) -> Result<Sample> {
            let (width, value) = [(2, 1), (3, 2), (2, 1), (0, 0), (4, 9)][index];
            if width == 0 {
                return Err(Error::malformed("photos/3.jpg".as_ref(), "is broken off"));
            }
            let pixels = (0..width * 3).map(|i| if index == 4 { value } else { value + i as u8 }).collect();
            let image = Image { width, height: 1, channels: 3, pixels };
            Ok(Sample { image, label: (index != 1).then_some(index as u32 / 2) })
        }
    }

    #[test]
    fn everything_is_counted_and_what_is_odd_is_named() {
        for workers in [1, 3] {
            let told = std::sync::Arc::new(AtomicUsize::new(0));
            let counter = told.clone();
            let watch = ProgressCallback::new(move |progress| {
                counter.fetch_max(progress.done as usize, Relaxed);
            });
            let report = check(&Five, workers, &watch);
            assert_eq!((report.images, report.gray), (4, 1));
            assert_eq!(report.sizes, BTreeMap::from([((2, 1), 2), ((3, 1), 1), ((4, 1), 1)]));
            assert_eq!((report.classes.as_slice(), report.unlabelled), (&[1, 1, 1][..], 1));
            assert_eq!(report.repeated, [(0, 2)]);
            assert_eq!(report.bad, [(3, "photos/3.jpg: is broken off".to_owned())]);
            assert_eq!(report.canonical, None);
            assert_eq!(report.median_size(), Some((3, 1)));
            assert_eq!(told.load(Relaxed), 5);
        }
    }

    #[test]
    fn a_gray_set_has_the_fingerprint_of_its_one_plane() {
        // Two gray images as a file of colours would give them.
        let gray = LabelledImages {
            name: "gray".to_owned(),
            width: 2,
            height: 1,
            channels: 1,
            pixels: vec![7, 8, 9, 9],
            labels: vec![3, 4],
            classes: 10,
            class_names: Vec::new(),
        };
        let tripled = LabelledImages {
            channels: 3,
            pixels: gray.pixels.iter().flat_map(|&value| [value; 3]).collect(),
            ..gray.clone()
        };
        let digests = |data: &LabelledImages| {
            let findings = (0..2).map(|i| match Finding::of(data, i) {
                Finding::Good { record, .. } => record,
                Finding::Bad(reason) => panic!("{reason}"),
            });
            of_digests(findings.collect())
        };
        assert_eq!(digests(&gray), gray.fingerprint());
        assert_eq!(digests(&tripled), gray.fingerprint());
    }
}
