//! Values and tangents through the layers, for gradient penalties.

use super::{Affine, Layer, Mode, NORM_EPS, Pass};
use candle_core::Result;
use gan_ops::Dual;

/// x and its tangent through the layers, as they are in the last forward pass: with the batch's own statistics, and without
/// moving any estimate on.
pub(crate) fn forward_dual(layers: &[Layer], x: &Dual, pass: &Pass) -> Result<Dual> {
    layers.iter().try_fold(x.clone(), |x, layer| layer.forward_dual(&x, pass))
}

impl Layer {
    fn forward_dual(&self, x: &Dual, pass: &Pass) -> Result<Dual> {
        match self {
            Layer::Conv2d { weight, bias, stride, padding } => {
                let bias = bias.as_ref().map(|bias| bias.tensor());
                x.conv2d(&weight.tensor(Mode::Eval)?, bias.as_ref(), *stride, *padding)
            }
            Layer::Linear { weight, bias } => x.linear(&weight.tensor(Mode::Eval)?, Some(&bias.tensor())),
            Layer::BatchNorm2d(batch_norm) => batch_norm.forward_dual(x, pass),
            Layer::InstanceNorm2d(Affine { weight, bias }) => {
                x.instance_norm2d(&weight.tensor(), &bias.tensor(), NORM_EPS)
            }
            Layer::LayerNorm(Affine { weight, bias }) => {
                x.layer_norm(&weight.tensor(), &bias.tensor(), NORM_EPS)
            }
            Layer::Activation(activation) => x.activate(*activation),
            Layer::Reshape(shape) => {
                let batch = x.value.dim(0)?;
                x.reshape([&[batch], &shape[..]].concat())
            }
            Layer::Append(append) => append.forward_dual(x, pass),
            Layer::UpsampleNearest2d(factor) => x.upsample_nearest2d(*factor),
            Layer::PixelShuffle(factor) => x.pixel_shuffle(*factor),
            Layer::AvgPool2d(size) => x.avg_pool2d(*size),
            Layer::SumSpatial => x.sum_spatial(),
            Layer::Residual { main, shortcut } => {
                forward_dual(main, x, pass)?.add(&forward_dual(shortcut, x, pass)?)
            }
            Layer::Attention(attention) => attention.forward_dual(x),
            Layer::ConvTranspose2d { .. } => {
                candle_core::bail!("no discriminator has transposed convolutions")
            }
        }
    }
}
