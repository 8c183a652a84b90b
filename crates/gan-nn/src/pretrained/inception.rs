//! InceptionV3 as pytorch-fid has it.

use super::resize::bilinear;
use super::weights::{FrozenConv, Pad, Shape, Weights};
use crate::error::Result;
use candle_core::{Device, Tensor};
use gan_ops::{Activation, Flow, Pool};
use std::collections::BTreeMap;

/// The InceptionV3 (Szegedy et al. 2015) by whose features the FID is measured (Heusel et al. 2017):
/// TensorFlow's of 2015, with 1008 classes, in the form that pytorch-fid gave it. It differs from
/// torchvision's in its pools: averages leave the padding out, and the last block has a max pool.
///
/// Images of any size are brought to 299 by 299 here, bilinear and not antialiased, as pytorch-fid does it.
pub struct InceptionV3 {
    /// Up to each of the two max pools.
    stems: [Vec<FrozenConv>; 2],
    blocks: Vec<Block>,
}

/// Branches that see the same feature maps, and whose channels meet again.
struct Block(Vec<Vec<Layer>>);

enum Layer {
    Conv(FrozenConv),
    /// Two convolutions of the same feature maps, whose channels meet again.
    Fork([FrozenConv; 2]),
    /// Of 3 by 3, with this stride and padding.
    Pool(Pool, usize, usize),
}

/// A layer as the table of a block says it.
enum Step {
    /// Name, channels, kernel; with stride 1, and padding that keeps the size.
    Conv(&'static str, usize, (usize, usize)),
    /// The same of 3 by 3, with stride 2 and no padding.
    Halve(&'static str, usize),
    Fork(&'static str, &'static str, usize),
    Average,
    Max,
    MaxHalve,
}
use Step::{Average, Conv, Fork, Halve, Max, MaxHalve};

/// Of one pixel.
const ONE: (usize, usize) = (1, 1);

/// 35 by 35.
fn block_a(pool: usize) -> Vec<Vec<Step>> {
    vec![
        vec![Conv("branch1x1", 64, ONE)],
        vec![Conv("branch5x5_1", 48, ONE), Conv("branch5x5_2", 64, (5, 5))],
        vec![
            Conv("branch3x3dbl_1", 64, ONE),
            Conv("branch3x3dbl_2", 96, (3, 3)),
            Conv("branch3x3dbl_3", 96, (3, 3)),
        ],
        vec![Average, Conv("branch_pool", pool, ONE)],
    ]
}

/// 35 by 35 to 17 by 17.
fn block_b() -> Vec<Vec<Step>> {
    vec![
        vec![Halve("branch3x3", 384)],
        vec![
            Conv("branch3x3dbl_1", 64, ONE),
            Conv("branch3x3dbl_2", 96, (3, 3)),
            Halve("branch3x3dbl_3", 96),
        ],
        vec![MaxHalve],
    ]
}

/// 17 by 17.
fn block_c(width: usize) -> Vec<Vec<Step>> {
    vec![
        vec![Conv("branch1x1", 192, ONE)],
        vec![
            Conv("branch7x7_1", width, ONE),
            Conv("branch7x7_2", width, (1, 7)),
            Conv("branch7x7_3", 192, (7, 1)),
        ],
        vec![
            Conv("branch7x7dbl_1", width, ONE),
            Conv("branch7x7dbl_2", width, (7, 1)),
            Conv("branch7x7dbl_3", width, (1, 7)),
            Conv("branch7x7dbl_4", width, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ],
        vec![Average, Conv("branch_pool", 192, ONE)],
    ]
}

/// 17 by 17 to 8 by 8.
fn block_d() -> Vec<Vec<Step>> {
    vec![
        vec![Conv("branch3x3_1", 192, ONE), Halve("branch3x3_2", 320)],
        vec![
            Conv("branch7x7x3_1", 192, ONE),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Halve("branch7x7x3_4", 192),
        ],
        vec![MaxHalve],
    ]
}

/// 8 by 8.
fn block_e(pool: Step) -> Vec<Vec<Step>> {
    vec![
        vec![Conv("branch1x1", 320, ONE)],
        vec![Conv("branch3x3_1", 384, ONE), Fork("branch3x3_2a", "branch3x3_2b", 384)],
        vec![
            Conv("branch3x3dbl_1", 448, ONE),
            Conv("branch3x3dbl_2", 384, (3, 3)),
            Fork("branch3x3dbl_3a", "branch3x3dbl_3b", 384),
        ],
        vec![pool, Conv("branch_pool", 192, ONE)],
    ]
}

impl InceptionV3 {
    /// Numbers of each image.
    pub const FEATURES: usize = 2048;
    /// Height and width of the images as the network sees them, pixels.
    pub const SIDE: usize = 299;

    /// Of tensors under pytorch-fid's names, which are torchvision's: `Conv2d_1a_3x3.conv.weight`,
    /// `Mixed_7c.branch_pool.bn.running_var`. Others (the last layer's) may be among them.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or holds NaN or infinity.
    pub fn new(tensors: &BTreeMap<String, Tensor>, device: &Device) -> Result<Self> {
        let weights = Weights::new(tensors, device);
        let halve = |name, input, output| conv(&weights, name, input, output, (3, 3), 2, Pad::Each(0, 0));
        let plain =
            |name, input, output, side| conv(&weights, name, input, output, (side, side), 1, Pad::Each(0, 0));
        let stems = [
            vec![
                halve("Conv2d_1a_3x3", 3, 32)?,
                plain("Conv2d_2a_3x3", 32, 32, 3)?,
                conv(&weights, "Conv2d_2b_3x3", 32, 64, (3, 3), 1, Pad::Each(1, 1))?,
            ],
            vec![plain("Conv2d_3b_1x1", 64, 80, 1)?, plain("Conv2d_4a_3x3", 80, 192, 3)?],
        ];
        let table = [
            ("Mixed_5b", block_a(32)),
            ("Mixed_5c", block_a(64)),
            ("Mixed_5d", block_a(64)),
            ("Mixed_6a", block_b()),
            ("Mixed_6b", block_c(128)),
            ("Mixed_6c", block_c(160)),
            ("Mixed_6d", block_c(160)),
            ("Mixed_6e", block_c(192)),
            ("Mixed_7a", block_d()),
            ("Mixed_7b", block_e(Average)),
            ("Mixed_7c", block_e(Max)),
        ];
        let mut channels = 192;
        let mut blocks = Vec::new();
        for (name, branches) in table {
            let (block, output) = Block::read(&weights, name, channels, branches)?;
            blocks.push(block);
            channels = output;
        }
        Ok(Self { stems, blocks })
    }

    /// images `[N, 3, H, W]` in [-1, 1] -> features `[N, 2048]`.
    ///
    /// # Errors
    /// If they are of another shape.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let [_, _, _, last] = self.feature_maps(images)?;
        Ok(last.mean((2, 3))?)
    }

    /// images `[N, 3, H, W]` in [-1, 1] -> what the four parts of pytorch-fid's network end in, before the
    /// last mean: `[N, 64, 73, 73]`, `[N, 192, 35, 35]`, `[N, 768, 17, 17]`, `[N, 2048, 8, 8]`.
    ///
    /// # Errors
    /// If they are of another shape.
    pub fn feature_maps(&self, images: &Tensor) -> Result<[Tensor; 4]> {
        let mut x = Flow::enter(&bilinear(images, Self::SIDE)?)?;
        let mut ends = Vec::with_capacity(2);
        for stem in &self.stems {
            for conv in stem {
                x = conv.apply(x)?;
            }
            x = x.pool2d(Pool::Max, 3, 2, 0)?;
            ends.push(x.clone());
        }
        let (middle, last) = self.blocks.split_at(8); // up to Mixed_6e
        let middle = middle.iter().try_fold(x, |x, block| block.apply(x))?;
        let last = last.iter().try_fold(middle.clone(), |x, block| block.apply(x))?;
        let mut ends = ends.into_iter().chain([middle, last]).map(Flow::leave);
        let mut next = || ends.next().unwrap_or_else(|| candle_core::bail!("four parts have four ends"));
        Ok([next()?, next()?, next()?, next()?])
    }
}

/// `name.conv`, `name.bn` and a relu.
fn conv(
    weights: &Weights<'_>,
    name: &str,
    input: usize,
    output: usize,
    kernel: (usize, usize),
    stride: usize,
    pad: Pad,
) -> Result<FrozenConv> {
    let shape = Shape { input, output, kernel, stride, pad, depthwise: false };
    weights.conv(&format!("{name}.conv"), &format!("{name}.bn"), shape, Activation::Relu)
}

impl Block {
    /// And how many channels it makes.
    fn read(
        weights: &Weights<'_>,
        block: &str,
        input: usize,
        table: Vec<Vec<Step>>,
    ) -> Result<(Self, usize)> {
        let mut channels = 0;
        let mut branches = Vec::new();
        for steps in table {
            let mut width = input;
            let mut layers = Vec::new();
            for step in steps {
                let (layer, output) = Layer::read(weights, block, width, step)?;
                layers.push(layer);
                width = output;
            }
            branches.push(layers);
            channels += width;
        }
        Ok((Self(branches), channels))
    }

    fn apply(&self, x: Flow) -> candle_core::Result<Flow> {
        let ends = self.0.iter().map(|layers| layers.iter().try_fold(x.clone(), |x, layer| layer.apply(x)));
        Flow::concat(ends.collect::<candle_core::Result<_>>()?)
    }
}

impl Layer {
    fn read(weights: &Weights<'_>, block: &str, input: usize, step: Step) -> Result<(Self, usize)> {
        let conv = |name: &str, output: usize, kernel: (usize, usize), stride: usize, pad: Pad| {
            conv(weights, &format!("{block}.{name}"), input, output, kernel, stride, pad)
        };
        let same = |name: &str, output, kernel: (usize, usize)| {
            conv(name, output, kernel, 1, Pad::Each(kernel.0 / 2, kernel.1 / 2))
        };
        Ok(match step {
            Conv(name, output, kernel) => (Self::Conv(same(name, output, kernel)?), output),
            Halve(name, output) => (Self::Conv(conv(name, output, (3, 3), 2, Pad::Each(0, 0))?), output),
            Fork(a, b, output) => {
                (Self::Fork([same(a, output, (1, 3))?, same(b, output, (3, 1))?]), 2 * output)
            }
            Average => (Self::Pool(Pool::Average, 1, 1), input),
            Max => (Self::Pool(Pool::Max, 1, 1), input),
            MaxHalve => (Self::Pool(Pool::Max, 2, 0), input),
        })
    }

    fn apply(&self, x: Flow) -> candle_core::Result<Flow> {
        match self {
            Self::Conv(conv) => conv.apply(x),
            Self::Fork([a, b]) => Flow::concat(vec![a.apply(x.clone())?, b.apply(x)?]),
            Self::Pool(pool, stride, padding) => x.pool2d(*pool, 3, *stride, *padding),
        }
    }
}
