//! Batches from several data sets at once, each with its share.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use gan_data::{DataLoader, Dataset, LoaderConfig, Transforms};
use gan_rng::Stream;

use crate::classes::ClassMap;
use crate::error::{Error, Result};
use crate::sets::Concat;

/// A data set to learn from, and how much of each batch comes from it.
#[derive(Clone)]
pub struct Part {
    /// Images with labels.
    pub data: Arc<dyn Dataset>,
    /// The share of each batch, relative to the shares of the other parts. A part whose share is 0 is left out.
    pub share: f64,
}

impl Part {
    /// The only part.
    pub fn whole(data: Arc<dyn Dataset>) -> Self {
        Self { data, share: 1.0 }
    }
}

/// One part's images, without end.
pub(crate) struct Feed {
    name: String,
    loader: DataLoader,
    /// Images of each batch that come from here.
    count: usize,
}

impl Feed {
    /// The feeds of the parts that have a share in a batch; labels are those of `classes`.
    pub fn of_parts(
        parts: &[Part],
        batch_size: usize,
        seed: u64,
        workers: usize,
        classes: &ClassMap,
        transforms: &Transforms,
        device: &Device,
    ) -> Result<Vec<Self>> {
        let mut feeds = Vec::new();
        for (number, (part, count)) in parts.iter().zip(counts(parts, batch_size)?).enumerate() {
            if count == 0 {
                continue;
            }
            let name = part.data.name().to_owned();
            let data = Concat::new(classes, vec![part.data.clone()])?;
            let config = LoaderConfig {
                batch_size: count.min(data.len()).max(1),
                // Of each part other orders and shifts.
                seed: Stream::new(seed, "classifier/part", number as u64).next_u64(),
                workers,
                ..LoaderConfig::default()
            };
            let loader = DataLoader::new(Arc::new(data), transforms.clone(), config, device)?;
            feeds.push(Self { name, loader, count });
        }
        Ok(feeds)
    }

    /// The next images of this part, `count` of them: what a small set lacks comes from its next epochs.
    fn next(&mut self) -> Result<(Tensor, Vec<u32>)> {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        while labels.len() < self.count {
            let batch = self.loader.next_batch()?;
            let of_batch = batch.labels.ok_or_else(|| Error::Unlabelled { dataset: self.name.clone() })?;
            labels.extend(of_batch);
            images.push(batch.images);
        }
        labels.truncate(self.count);
        Ok((Tensor::cat(&images, 0)?.narrow(0, 0, self.count)?, labels))
    }
}

/// The next batch of all feeds: images `[N, C, S, S]` and N labels.
pub(crate) fn next_batch(feeds: &mut [Feed]) -> Result<(Tensor, Vec<u32>)> {
    let parts = feeds.iter_mut().map(Feed::next).collect::<Result<Vec<_>>>()?;
    let (images, labels): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Ok((Tensor::cat(&images, 0)?, labels.concat()))
}

/// How many images of a batch come from each part, `batch_size` in all.
fn counts(parts: &[Part], batch_size: usize) -> Result<Vec<usize>> {
    let total: f64 = parts.iter().map(|part| part.share).sum();
    let possible = parts.iter().all(|part| part.share >= 0.0) && total > 0.0 && total.is_finite();
    if !possible {
        let hint = "give each data set a share of 0 or more, and one of them more than 0";
        return Err(Error::config("the shares of the data sets in a batch make no sense", hint));
    }
    let (mut sum, mut start) = (0.0, 0);
    let count = |part: &Part| {
        sum += part.share;
        let end = ((sum / total) * batch_size as f64).round() as usize;
        let count = end - std::mem::replace(&mut start, end);
        if count == 0 && part.share > 0.0 {
            let what = format!("the share of {} is less than one image of {batch_size}", part.data.name());
            return Err(Error::config(what, "give it a larger share, or choose a larger batch"));
        }
        Ok(count)
    };
    parts.iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_data::Digits;

    fn parts(shares: &[f64]) -> Vec<Part> {
        let digits: Arc<dyn Dataset> = Arc::new(Digits::train(0, 16).unwrap());
        shares.iter().map(|&share| Part { data: digits.clone(), share }).collect()
    }

    #[test]
    fn shares_are_rounded_so_that_the_batch_is_full() {
        let counts = |shares: &[f64], size| counts(&parts(shares), size).unwrap();
        assert_eq!(counts(&[1.0], 64), [64]);
        assert_eq!(counts(&[0.5, 0.5], 7).iter().sum::<usize>(), 7);
        assert_eq!(counts(&[3.0, 0.0, 1.0], 64), [48, 0, 16]);
        assert_eq!(counts(&[1.0, 1.0, 1.0], 64), [21, 22, 21]);
    }

    #[test]
    fn shares_that_cannot_be_are_refused() {
        for shares in [&[][..], &[0.0], &[1.0, -1.0], &[f64::NAN], &[f64::INFINITY], &[1.0, 1e-6]] {
            assert!(matches!(counts(&parts(shares), 64), Err(Error::Config { .. })), "{shares:?}");
        }
    }
}
