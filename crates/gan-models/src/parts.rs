//! What a network is made of.

use gan_nn::{Parameter, Params, Sequential, Weight};

/// A network that is built.
pub(crate) struct Parts {
    /// Of a generator all, of a discriminator those that make features.
    pub trunk: Sequential,
    /// From the features to the logit.
    pub head: Sequential,
    pub class_head: Option<ClassHead>,
    pub params: Params,
}

/// What a discriminator makes of its features beside the logit.
pub(crate) enum ClassHead {
    /// The inner product with the vector of the class, `[K, F]`, is added to the logit.
    Projection(Weight),
    /// Class logits: weight `[K, F]`, bias `[K]`.
    Classifier { weight: Weight, bias: Parameter },
}

impl Parts {
    /// What a forward pass of one sample costs, layer by layer; `size` is the height and width of the input.
    pub fn multiply_adds(&self, size: (usize, usize)) -> Vec<u64> {
        let (mut costs, size) = self.trunk.multiply_adds(size);
        costs.extend(self.head.multiply_adds(size).0);
        costs.extend(self.class_head.iter().map(|head| match head {
            ClassHead::Projection(weight) | ClassHead::Classifier { weight, .. } => weight.count() as u64,
        }));
        costs
    }
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
