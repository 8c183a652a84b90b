//! What a forward pass costs.

use crate::layers::Layer;
use crate::parts::Parts;

/// Multiply-adds a sample of each convolution and linear layer, from the first to the last, for samples of
/// `size` (height, width).
///
/// A convolution counts all taps of its kernel, also those that fall on padding, as tools that count usually do: at
/// 64 px about a sixth more than the taps inside the image.
pub(crate) fn multiply_adds(parts: &Parts, size: (usize, usize)) -> Vec<u64> {
    let mut costs = Vec::new();
    let size = count(&parts.trunk, size, &mut costs);
    count(&parts.head, size, &mut costs);
    costs.extend(parts.class_head.iter().map(|head| head.weight().count() as u64));
    costs
}

/// Adds the costs of some layers; gives the size of what comes out of them.
fn count(layers: &[Layer], mut size: (usize, usize), costs: &mut Vec<u64>) -> (usize, usize) {
    for layer in layers {
        let pixels = size.0 * size.1;
        match layer {
            Layer::Conv2d { weight, stride, padding, .. } => {
                let kernel = weight.parameter.tensor();
                let side = |input: usize, axis| (input + 2 * padding - kernel.dims()[axis]) / stride + 1;
                size = (side(size.0, 2), side(size.1, 3));
                costs.push((weight.count() * size.0 * size.1) as u64);
            }
            Layer::ConvTranspose2d { weight, stride, padding, .. } => {
                costs.push((weight.count() * pixels) as u64);
                let kernel = weight.parameter.tensor();
                let side = |input: usize, axis| (input - 1) * stride + kernel.dims()[axis] - 2 * padding;
                size = (side(size.0, 2), side(size.1, 3));
            }
            Layer::Linear { weight, .. } => costs.push(weight.count() as u64),
            Layer::Reshape(shape) => {
                if let [_, height, width] = shape[..] {
                    size = (height, width);
                }
            }
            Layer::UpsampleNearest2d(factor) | Layer::PixelShuffle(factor) => {
                size = (size.0 * factor, size.1 * factor);
            }
            Layer::AvgPool2d(factor) => size = (size.0 / factor, size.1 / factor),
            Layer::SumSpatial => size = (1, 1),
            Layer::Residual { main, shortcut } => {
                count(shortcut, size, costs);
                size = count(main, size, costs);
            }
            Layer::Attention(attention) => {
                let weights = [&attention.query, &attention.key, &attention.value, &attention.out];
                costs.extend(weights.map(|weight| (weight.count() * pixels) as u64));
                // Queries by keys, and the weights that come of it by the values; a quarter of the pixels are keys.
                let channels = attention.query.outputs() + attention.value.outputs();
                costs.push((pixels * (pixels / 4) * channels) as u64);
            }
            // A few operations a value, where the layers above have thousands.
            Layer::BatchNorm2d(_)
            | Layer::InstanceNorm2d(_)
            | Layer::LayerNorm(_)
            | Layer::Activation(_)
            | Layer::Append(_) => {}
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, ModelConfig};
    use candle_core::Device;

    fn costs(config: &ModelConfig) -> (Vec<u64>, Vec<u64>) {
        let generator = config.generator(0, &Device::Cpu).unwrap();
        (generator.multiply_adds(), config.discriminator(0, &Device::Cpu).unwrap().multiply_adds())
    }

    #[test]
    fn the_dcgan_at_64_px_makes_104_million_multiply_adds_each_way() {
        let (g, d) = costs(&ModelConfig::new(Architecture::Dcgan, 3, 64, 64));
        let inner = [4, 8, 16].map(|side| side * side * (2048 / side) * (1024 / side) * 16);
        assert_eq!(g, [vec![100 * 512 * 16], inner.to_vec(), vec![32 * 32 * 64 * 3 * 16]].concat());
        let mirrored: Vec<u64> = inner.into_iter().rev().collect();
        assert_eq!(d, [vec![32 * 32 * 64 * 3 * 16], mirrored, vec![512 * 16]].concat());
        assert_eq!((g.iter().sum::<u64>(), d.iter().sum::<u64>()), (104_628_224, 103_817_216));
    }

    #[test]
    fn fully_connected_layers_cost_their_weights() {
        let config =
            ModelConfig { base_width: 4, latent_dim: 6, ..ModelConfig::new(Architecture::Mlp, 1, 8, 10) };
        let (g, d) = costs(&config);
        assert_eq!(g, [6 * 4, 4 * 8, 8 * 16, 16 * 80]);
        assert_eq!(d, [80 * 16, 16 * 8, 8 * 4, 4]);
    }
}
