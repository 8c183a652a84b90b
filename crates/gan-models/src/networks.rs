//! What the rest of the world sees of a network.

use crate::config::ModelConfig;
use crate::cost::multiply_adds;
use crate::layers::{Mode, Pass, forward, forward_dual};
use crate::params::Params;
use crate::parts::{ClassHead, Parts};
use candle_core::{Result, Tensor, bail};
use gan_ops::Dual;

/// Makes images from latent vectors.
pub trait Generator: Send + Sync {
    /// latents `[N, Z]`, and of a conditional generator the class of each -> images `[N, C, H, W]` in [-1, 1].
    fn forward(&self, latents: &Tensor, classes: Option<&[u32]>, mode: Mode) -> Result<Tensor>;

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
    /// images `[N, C, H, W]` in [-1, 1], and for a conditional discriminator the class each is said to be -> its opinion.
    fn forward(&self, images: &Tensor, classes: Option<&[u32]>, mode: Mode) -> Result<DiscriminatorOutput>;

    /// images and the direction in which they move -> logits `[N]` and how fast they change: for gradient penalties. Norms go
    /// by the batch as in training, but no running statistic follows it.
    fn forward_dual(&self, images: &Dual, classes: Option<&[u32]>) -> Result<Dual>;

    /// What it was built from.
    fn config(&self) -> &ModelConfig;

    /// Its tensors.
    fn params(&self) -> &Params;

    /// Multiply-adds a forward pass needs for one image, in each convolution and linear layer from the first to the
    /// last. A convolution counts all taps of its kernel, also those on padding.
    fn multiply_adds(&self) -> Vec<u64>;
}

/// What a discriminator makes of images.
#[derive(Clone, Debug)]
pub struct DiscriminatorOutput {
    /// `[N]`, high for real.
    pub logits: Tensor,
    /// `[N, K]`, high for the class it takes an image to be; of an AC-GAN's discriminator.
    pub class_logits: Option<Tensor>,
}

/// The probability of being real, `D = sigmoid(logit)`, in the shape of the logits.
pub fn probability(logits: &Tensor) -> Result<Tensor> {
    candle_nn::ops::sigmoid(logits)
}

/// A generator or a discriminator: layers one after the other.
pub(crate) struct Network {
    config: ModelConfig,
    parts: Parts,
}

impl Network {
    pub fn new(config: ModelConfig, parts: Parts) -> Self {
        Self { config, parts }
    }

    fn pass(&self, classes: Option<&[u32]>, mode: Mode, input: &Tensor) -> Result<Pass> {
        let known = self.config.classes.len();
        Pass::new(mode, self.parts.params.precision(), classes, known, input.dim(0)?, input.device())
    }

    fn check_images(&self, images: &Tensor) -> Result<()> {
        let ModelConfig { channels, height, width, .. } = self.config;
        if images.rank() != 4 || images.dims()[1..] != [channels, height, width] {
            bail!(
                "the discriminator takes images [N, {channels}, {height}, {width}], not {:?}",
                images.dims()
            );
        }
        Ok(())
    }

    fn judge(&self, images: &Tensor, pass: &Pass) -> Result<DiscriminatorOutput> {
        let Parts { trunk, head, class_head, .. } = &self.parts;
        let Some(class_head) = class_head else {
            let logits = forward(trunk.iter().chain(head), images, pass)?.flatten_all()?;
            return Ok(DiscriminatorOutput { logits, class_logits: None });
        };
        let features = forward(trunk, images, pass)?;
        let logits = forward(head, &features, pass)?.flatten_all()?;
        let flat = features.flatten_from(1)?;
        match class_head {
            ClassHead::Projection(embedding) => {
                let of_class = pass.classes()?.matmul(&embedding.tensor(pass.mode)?)?;
                Ok(DiscriminatorOutput { logits: (logits + (flat * of_class)?.sum(1)?)?, class_logits: None })
            }
            ClassHead::Classifier { weight, bias } => {
                let class_logits = flat.matmul(&weight.tensor(pass.mode)?.t()?)?;
                Ok(DiscriminatorOutput {
                    logits,
                    class_logits: Some(class_logits.broadcast_add(&bias.tensor())?),
                })
            }
        }
    }

    fn judge_dual(&self, images: &Dual, pass: &Pass) -> Result<Dual> {
        let Parts { trunk, head, class_head, .. } = &self.parts;
        let features = forward_dual(trunk, images, pass)?;
        let logits = forward_dual(head, &features, pass)?;
        let count = logits.value.elem_count();
        let logits = logits.reshape(count)?;
        let Some(ClassHead::Projection(embedding)) = class_head else { return Ok(logits) };
        let of_class = pass.classes()?.matmul(&embedding.tensor(Mode::Eval)?)?;
        let product = features.map_linear(|x| (x.flatten_from(1)? * &of_class)?.sum(1))?;
        logits.add(&product)
    }
}

impl Generator for Network {
    fn forward(&self, latents: &Tensor, classes: Option<&[u32]>, mode: Mode) -> Result<Tensor> {
        let (_, latent_dim) = latents.dims2()?;
        if latent_dim != self.config.latent_dim {
            bail!("the generator takes latents [N, {}], not {:?}", self.config.latent_dim, latents.dims());
        }
        let pass = self.pass(classes, mode, latents)?;
        gan_ops::keep_workers_spinning(|| forward(&self.parts.trunk, latents, &pass))
    }

    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn params(&self) -> &Params {
        &self.parts.params
    }

    fn multiply_adds(&self) -> Vec<u64> {
        multiply_adds(&self.parts, (1, 1))
    }
}

impl Discriminator for Network {
    fn forward(&self, images: &Tensor, classes: Option<&[u32]>, mode: Mode) -> Result<DiscriminatorOutput> {
        self.check_images(images)?;
        let pass = self.pass(classes, mode, images)?;
        gan_ops::keep_workers_spinning(|| self.judge(images, &pass))
    }

    fn forward_dual(&self, images: &Dual, classes: Option<&[u32]>) -> Result<Dual> {
        self.check_images(&images.value)?;
        let pass = self.pass(classes, Mode::Eval, &images.value)?;
        gan_ops::keep_workers_spinning(|| self.judge_dual(images, &pass))
    }

    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn params(&self) -> &Params {
        &self.parts.params
    }

    fn multiply_adds(&self) -> Vec<u64> {
        multiply_adds(&self.parts, (self.config.height, self.config.width))
    }
}
