//! Points of the plane as a data set: images of two pixels.

use crate::points::LEN;
use crate::{Dataset, Error, Image, Points, Result, Sample};

impl Dataset for Points {
    fn name(&self) -> &str {
        self.name
    }

    fn len(&self) -> usize {
        LEN
    }

    fn channels(&self) -> usize {
        1
    }

    fn classes(&self) -> Option<usize> {
        None
    }

    /// The point in 8 bits, for what looks at images; the loader takes the exact values.
    fn get(&self, index: usize) -> Result<Sample> {
        if index >= LEN {
            return Err(Error::OutOfRange { dataset: self.name.to_owned(), index, len: LEN });
        }
        let level = |value: f32| ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8;
        let pixels = self.values(index).map(level).to_vec();
        Ok(Sample { image: Image { width: 2, height: 1, channels: 1, pixels }, label: None })
    }

    fn points(&self) -> Option<&Points> {
        Some(self)
    }
}
