//! Features of convolutions that have learned nothing: for images of any kind, offline, without weights to
//! fetch.

use crate::error::Result;
use crate::extractor::FeatureExtractor;
use crate::file;
use candle_core::{Device, Tensor};
use gan_data::{Filter, ResizeTo, Transform, Transforms};
use gan_nn::{Builder, Context, InitScheme, Sequential, SequentialBuilder};

/// Height and width of the images, pixels.
const SIDE: usize = 64;
/// Channels of the blocks; each halves the side.
const WIDTHS: [usize; 4] = [16, 32, 64, 128];
/// Names the weights, which must never change.
const SEED: u64 = 0;

/// Four convolutions with weights of a seed, and of each the mean over the image. Such features know textures
/// and colours at four sizes, not things. They rank runs on the same data; they say little of how good images
/// look to a person.
pub struct RandomFeatures {
    blocks: Vec<Sequential>,
    digest: String,
}

impl RandomFeatures {
    /// The same on every machine, up to rounding.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn new() -> Result<Self> {
        let (mut blocks, mut tensors) = (Vec::new(), std::collections::BTreeMap::new());
        let mut input = 3;
        for (number, output) in WIDTHS.into_iter().enumerate() {
            let builder = Builder::from_seed(SEED, &format!("random features/{number}"), &Device::Cpu);
            let net =
                SequentialBuilder::new(builder).with_norm(gan_nn::Norm::None).with_scheme(InitScheme::He);
            let (block, params) = net.conv2d((input, output), (4, 4), 2, 1)?.leaky_relu(0.2).finish()?;
            let named =
                params.state_dict().into_iter().map(|(name, value)| (format!("{number}.{name}"), value));
            tensors.extend(named);
            blocks.push(block);
            input = output;
        }
        Ok(Self { blocks, digest: file::digest(&tensors)? })
    }
}

impl FeatureExtractor for RandomFeatures {
    fn name(&self) -> String {
        "random convolutions".into()
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn dim(&self) -> usize {
        WIDTHS.iter().sum()
    }

    fn transforms(&self) -> Transforms {
        Transforms::new(vec![
            Transform::Channels(3),
            Transform::Resize { to: ResizeTo::Exact { height: SIDE, width: SIDE }, filter: Filter::Bilinear },
        ])
    }

    fn resizer(&self) -> String {
        format!("bilinear, antialiased, to {SIDE}x{SIDE}")
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let means = || {
            let (mut x, mut means) = (images.detach(), Vec::with_capacity(WIDTHS.len()));
            for block in &self.blocks {
                x = block.forward(&x, &Context::eval())?;
                means.push(x.mean((2, 3))?);
            }
            Tensor::cat(&means, 1)
        };
        Ok(gan_ops::keep_workers_spinning(means)?)
    }
}
