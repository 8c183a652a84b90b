//! Networks whose features the measures are of.

use crate::error::Result;
use crate::metrics::Features;
use candle_core::{Device, Tensor};
use gan_data::{Image, Transforms, to_images};
use gan_rng::Stream;

/// Images that go through a network at once: their activations are no more than those of a step of training.
const BATCH: usize = 25;

/// A frozen network that says of each image `D` numbers, whose distribution the measures compare. It has a
/// name, which every score carries: distances by other features are other distances.
pub trait FeatureExtractor: Send {
    /// What the features are called: `digits classifier`.
    fn name(&self) -> String;

    /// SHA-256 of the weights, in hexadecimal.
    fn digest(&self) -> &str;

    /// Numbers of each image.
    fn dim(&self) -> usize;

    /// How images of any size are brought to that of the network.
    fn transforms(&self) -> Transforms;

    /// The same in words: `bilinear, antialiased, to 32x32`.
    fn resizer(&self) -> String;

    /// images `[N, C, H, W]` in [-1, 1], as the transforms leave them -> features `[N, D]`.
    ///
    /// # Errors
    /// If they are of another shape.
    fn features(&self, images: &Tensor) -> Result<Tensor>;

    /// The classes that the network tells apart, by name; none if it knows no classes.
    fn classes(&self) -> Vec<String> {
        Vec::new()
    }

    /// images likewise -> logits `[N, K]`, of a network that knows classes.
    ///
    /// # Errors
    /// If they are of another shape.
    fn logits(&self, images: &Tensor) -> Result<Option<Tensor>> {
        let _ = images;
        Ok(None)
    }
}

/// What a network says of a set of images.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// Features.
    pub features: Features,
    /// The most likely class of each image, from a network that knows classes.
    pub predicted: Vec<u32>,
    /// The logits `[N, K]` behind these.
    pub logits: Option<Tensor>,
}

impl Extracted {
    /// Nothing yet.
    pub fn new(extractor: &dyn FeatureExtractor) -> Self {
        Self { features: Features::new(extractor.dim()), predicted: Vec::new(), logits: None }
    }

    /// What a network says of images `[N, C, H, W]` in [-1, 1] of any size. They are rounded to 8 bits first,
    /// as they are in the files that others measure.
    ///
    /// # Errors
    /// If they are no images, or hold NaN.
    pub fn push(&mut self, extractor: &dyn FeatureExtractor, images: &Tensor) -> Result<()> {
        self.push_images(extractor, &to_images(images)?)
    }

    /// The same of images of any sizes.
    ///
    /// # Errors
    /// If one cannot be brought to the size of the network.
    pub fn push_images(&mut self, extractor: &dyn FeatureExtractor, images: &[Image]) -> Result<()> {
        let transforms = extractor.transforms();
        for part in images.chunks(BATCH) {
            let mut nothing_random = Stream::new(0, "features", 0);
            let part = part.iter().map(|image| transforms.apply(image.clone(), &mut nothing_random));
            let part = part.collect::<gan_data::Result<Vec<_>>>()?;
            // Some networks take images of any size, but those of a batch are of one.
            for of_one_size in part.chunk_by(|a, b| (a.height, a.width) == (b.height, b.width)) {
                self.push_batch(extractor, &transforms.to_tensor(of_one_size, &Device::Cpu)?)?;
            }
        }
        Ok(())
    }

    fn push_batch(&mut self, extractor: &dyn FeatureExtractor, images: &Tensor) -> Result<()> {
        self.features.push(&extractor.features(images)?)?;
        if let Some(logits) = extractor.logits(images)? {
            self.predicted.extend(logits.argmax(1)?.to_vec1::<u32>()?);
            self.logits = Some(match &self.logits {
                None => logits,
                Some(before) => Tensor::cat(&[before, &logits], 0)?,
            });
        }
        Ok(())
    }
}
