//! What the rest of the world sees of a network.

use crate::config::ModelConfig;
use crate::cost::multiply_adds;
use crate::layers::{Layer, Mode, forward, forward_dual};
use crate::params::Params;
use candle_core::{Result, Tensor, bail};
use gan_ops::Dual;

/// Makes images from latent vectors.
pub trait Generator: Send + Sync {
    /// latents `[N, Z]` -> images `[N, C, H, W]` in [-1, 1].
    fn forward(&self, latents: &Tensor, mode: Mode) -> Result<Tensor>;

    /// What it was built from.
    fn config(&self) -> &ModelConfig;

    /// Its tensors.
    fn params(&self) -> &Params;

    /// Multiply-adds a forward pass needs for one image, in each convolution and linear layer from the first to the
    /// last. A convolution counts all taps of its kernel, also those on padding.
    fn multiply_adds(&self) -> Vec<u64>;
}

/// Tells real images from generated ones.
pub trait Discriminator: Send + Sync {
    /// images `[N, C, H, W]` in [-1, 1] -> logits `[N]`, high for real.
    fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor>;

    /// images and the direction in which they move -> logits `[N]` and how fast they change: for gradient penalties. Norms go
    /// by the batch as in training, but no running statistic follows it.
    fn forward_dual(&self, images: &Dual) -> Result<Dual>;

    /// What it was built from.
    fn config(&self) -> &ModelConfig;

    /// Its tensors.
    fn params(&self) -> &Params;

    /// Multiply-adds a forward pass needs for one image, in each convolution and linear layer from the first to the
    /// last. A convolution counts all taps of its kernel, also those on padding.
    fn multiply_adds(&self) -> Vec<u64>;
}

/// The probability of being real, `D = sigmoid(logit)`, in the shape of the logits.
pub fn probability(logits: &Tensor) -> Result<Tensor> {
    candle_nn::ops::sigmoid(logits)
}

pub(crate) struct SequentialGenerator {
    config: ModelConfig,
    layers: Vec<Layer>,
    params: Params,
}

impl SequentialGenerator {
    pub fn new(config: ModelConfig, layers: Vec<Layer>, params: Params) -> Self {
        Self { config, layers, params }
    }
}

impl Generator for SequentialGenerator {
    fn forward(&self, latents: &Tensor, mode: Mode) -> Result<Tensor> {
        let (_, latent_dim) = latents.dims2()?;
        if latent_dim != self.config.latent_dim {
            bail!("the generator takes latents [N, {}], not {:?}", self.config.latent_dim, latents.dims());
        }
        forward(&self.layers, latents, mode, self.params.precision())
    }

    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn params(&self) -> &Params {
        &self.params
    }

    fn multiply_adds(&self) -> Vec<u64> {
        multiply_adds(&self.layers, (1, 1))
    }
}

pub(crate) struct SequentialDiscriminator {
    config: ModelConfig,
    layers: Vec<Layer>,
    params: Params,
}

impl SequentialDiscriminator {
    pub fn new(config: ModelConfig, layers: Vec<Layer>, params: Params) -> Self {
        Self { config, layers, params }
    }
}

impl Discriminator for SequentialDiscriminator {
    fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let ModelConfig { channels, height, width, .. } = self.config;
        if images.rank() != 4 || images.dims()[1..] != [channels, height, width] {
            bail!(
                "the discriminator takes images [N, {channels}, {height}, {width}], not {:?}",
                images.dims()
            );
        }
        forward(&self.layers, images, mode, self.params.precision())?.flatten_all()
    }

    fn forward_dual(&self, images: &Dual) -> Result<Dual> {
        let logits = gan_ops::awake(|| forward_dual(&self.layers, images))?;
        let count = logits.value.elem_count();
        logits.reshape(count)
    }

    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn params(&self) -> &Params {
        &self.params
    }

    fn multiply_adds(&self) -> Vec<u64> {
        multiply_adds(&self.layers, (self.config.height, self.config.width))
    }
}
