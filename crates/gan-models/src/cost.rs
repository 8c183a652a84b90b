//! What a forward pass costs.

use crate::layers::Layer;

/// Multiply-adds a sample of each convolution and linear layer, from the first to the last, for samples of
/// `size` (height, width).
///
/// A convolution counts all taps of its kernel, also those that fall on padding, as tools that count usually do: at
/// 64 px about a sixth more than the taps inside the image.
pub(crate) fn multiply_adds(layers: &[Layer], mut size: (usize, usize)) -> Vec<u64> {
    let mut costs = Vec::new();
    for layer in layers {
        match layer {
            Layer::Conv2d { weight, stride, padding } => {
                let weight = weight.parameter.tensor();
                let side = |input: usize, axis| (input + 2 * padding - weight.dims()[axis]) / stride + 1;
                size = (side(size.0, 2), side(size.1, 3));
                costs.push((weight.elem_count() * size.0 * size.1) as u64);
            }
            Layer::ConvTranspose2d { weight, stride, padding } => {
                let weight = weight.tensor();
                costs.push((weight.elem_count() * size.0 * size.1) as u64);
                let side = |input: usize, axis| (input - 1) * stride + weight.dims()[axis] - 2 * padding;
                size = (side(size.0, 2), side(size.1, 3));
            }
            Layer::Linear { weight, .. } => costs.push(weight.parameter.tensor().elem_count() as u64),
            Layer::Reshape(shape) => {
                if let [_, height, width] = shape[..] {
                    size = (height, width);
                }
            }
            // A few operations a value, where the layers above have thousands.
            Layer::BatchNorm2d(_) | Layer::InstanceNorm2d(_) | Layer::LayerNorm(_) | Layer::Activation(_) => {
            }
        }
    }
    costs
}

#[cfg(test)]
mod tests {
    use crate::{Family, ModelConfig};
    use candle_core::Device;

    fn costs(config: &ModelConfig) -> (Vec<u64>, Vec<u64>) {
        let generator = config.generator(0, &Device::Cpu).unwrap();
        (generator.multiply_adds(), config.discriminator(0, &Device::Cpu).unwrap().multiply_adds())
    }

    #[test]
    fn the_dcgan_at_64_px_makes_104_million_multiply_adds_each_way() {
        let (g, d) = costs(&ModelConfig::new(Family::Dcgan, 3, 64, 64));
        let inner = [4, 8, 16].map(|side| side * side * (2048 / side) * (1024 / side) * 16);
        assert_eq!(g, [vec![100 * 512 * 16], inner.to_vec(), vec![32 * 32 * 64 * 3 * 16]].concat());
        let mirrored: Vec<u64> = inner.into_iter().rev().collect();
        assert_eq!(d, [vec![32 * 32 * 64 * 3 * 16], mirrored, vec![512 * 16]].concat());
        assert_eq!((g.iter().sum::<u64>(), d.iter().sum::<u64>()), (104_628_224, 103_817_216));
    }

    #[test]
    fn fully_connected_layers_cost_their_weights() {
        let config = ModelConfig { base_width: 4, latent_dim: 6, ..ModelConfig::new(Family::Mlp, 1, 8, 10) };
        let (g, d) = costs(&config);
        assert_eq!(g, [6 * 4, 4 * 8, 8 * 16, 16 * 80]);
        assert_eq!(d, [80 * 16, 16 * 8, 8 * 4, 4]);
    }
}
