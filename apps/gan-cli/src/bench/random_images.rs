//! A data set that costs nothing to read: random images in memory.

use gan_data::{Dataset, Error, Image, Result, Sample};
use gan_rng::Stream;

/// Square images of random pixels.
pub struct RandomImages {
    images: Vec<Image>,
    channels: usize,
}

impl RandomImages {
    /// `count` images of `side` x `side` pixels, always the same.
    pub fn new(count: usize, side: usize, channels: usize) -> Self {
        let image = |i| {
            let mut stream = Stream::new(0, "bench/images", i);
            let bytes = std::iter::repeat_with(|| stream.next_u64().to_le_bytes()).flatten();
            let pixels = bytes.take(side * side * channels).collect();
            Image { width: side, height: side, channels, pixels }
        };
        Self { images: (0..count as u64).map(image).collect(), channels }
    }
}

impl Dataset for RandomImages {
    fn name(&self) -> &str {
        "random images"
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn classes(&self) -> Option<usize> {
        None
    }

    fn get(&self, index: usize) -> Result<Sample> {
        let image = self.images.get(index).cloned().ok_or_else(|| Error::OutOfRange {
            dataset: self.name().to_owned(),
            index,
            len: self.len(),
        })?;
        Ok(Sample { image, label: None })
    }
}
