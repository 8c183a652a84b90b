//! A data set that costs nothing to read: random images in memory.

use gan_data::{Dataset, Error, Image, Result, Sample};
use gan_rng::Stream;
use gan_train::ImageSize;

/// Images of random pixels, of random classes if there are classes.
pub struct RandomImages {
    samples: Vec<Sample>,
    channels: usize,
    classes: Option<usize>,
}

impl RandomImages {
    /// `count` images of this size, always the same.
    pub fn new(count: usize, size: ImageSize, channels: usize, classes: Option<usize>) -> Self {
        let ImageSize { height, width } = size;
        let sample = |i| {
            let mut stream = Stream::new(0, "bench/images", i);
            let label = classes.map(|classes| stream.below(classes as u64) as u32);
            let bytes = std::iter::repeat_with(|| stream.next_u64().to_le_bytes()).flatten();
            let pixels = bytes.take(width * height * channels).collect();
            Sample { image: Image { width, height, channels, pixels }, label }
        };
        Self { samples: (0..count as u64).map(sample).collect(), channels, classes }
    }
}

impl Dataset for RandomImages {
    fn name(&self) -> &str {
        "random images"
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn classes(&self) -> Option<usize> {
        self.classes
    }

    fn get(&self, index: usize) -> Result<Sample> {
        self.samples.get(index).cloned().ok_or_else(|| Error::OutOfRange {
            dataset: self.name().to_owned(),
            index,
            len: self.len(),
        })
    }
}
