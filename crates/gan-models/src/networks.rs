//! What the rest of the world sees of a network.

use crate::config::ModelConfig;
use crate::latent::LatentSpace;
use crate::parts::{ClassHead, Parts};
use candle_core::{Result, Tensor, bail};
use gan_nn::{Context, Mode, Params};
use gan_ops::{Dual, DualFlow, Flow};

/// Makes images from latent vectors. Anybody's network can be one.
pub trait Generator: Send + Sync {
    /// latents `[N, Z]`, and of a conditional generator the class of each in the context -> images `[N, C, H, W]` in
    /// [-1, 1].
    fn forward(&self, latents: &Tensor, context: &Context) -> Result<Tensor>;

    /// Its tensors.
    fn params(&self) -> &Params;

    /// What its latent vectors are.
    fn latent_space(&self) -> LatentSpace;

    /// What the classes are called that it can be asked for, in the order of their numbers; none if it is not conditional.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// What it was built from, if it is one of this crate's.
    fn model(&self) -> Option<&ModelConfig> {
        None
    }

    /// What its file calls it, if it is not: only the program that has it can build it from the file.
    fn name(&self) -> &str {
        "a network of another program"
    }

    /// The matrix that the latent is multiplied by first, `[F, Z]`, detached: by what a step in the latent
    /// changes the F values of the first layer. None if that is not known.
    fn latent_weight(&self) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// Multiply-adds a forward pass needs for one image, in each convolution and linear layer from the first to the
    /// last. A convolution counts all taps of its kernel, also those on padding. Empty if that is not known.
    fn multiply_adds(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// Tells real images from generated ones. Anybody's network can be one.
pub trait Discriminator: Send + Sync {
    /// images `[N, C, H, W]` in [-1, 1], and for a conditional discriminator the class each is said to be in the context ->
    /// what it makes of them.
    fn forward(&self, images: &Tensor, context: &Context) -> Result<DiscriminatorOutput>;

    /// Its tensors.
    fn params(&self) -> &Params;

    /// Whether there is a [`forward_dual`](Self::forward_dual), which gradient penalties need.
    fn has_second_derivatives(&self) -> bool {
        false
    }

    /// images and the direction in which they move -> all logits, flat, and how fast they change. Norms go by the batch as
    /// in training, but no statistic follows it ([`Mode::Frozen`]).
    fn forward_dual(&self, images: &Dual, context: &Context) -> Result<Dual> {
        _ = (images, context);
        bail!("this discriminator has no second derivatives, which gradient penalties need")
    }

    /// What it was built from, if it is one of this crate's.
    fn model(&self) -> Option<&ModelConfig> {
        None
    }

    /// What its file calls it, if it is not: only the program that has it can build it from the file.
    fn name(&self) -> &str {
        "a network of another program"
    }

    /// As [`Generator::multiply_adds`].
    fn multiply_adds(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// What a discriminator makes of images.
#[derive(Clone, Debug)]
pub struct DiscriminatorOutput {
    /// High for real: `[N]`, or `[N, h, w]` where it judges patches; several where it has several branches.
    pub logits: Vec<Tensor>,
    /// `[N, K]`, high for the class it takes an image to be; of an AC-GAN's discriminator.
    pub class_logits: Option<Tensor>,
}

impl DiscriminatorOutput {
    /// Of a discriminator that says one thing of each image, or of each patch.
    pub fn new(logits: Tensor) -> Self {
        Self { logits: vec![logits], class_logits: None }
    }

    /// All logits in one row: what losses, D(x) and ADA take the mean of. A discriminator of one logit an image has `[N]`.
    pub fn flat_logits(&self) -> Result<Tensor> {
        match &self.logits[..] {
            [only] if only.rank() == 1 => Ok(only.clone()),
            all => {
                let flat = all.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
                Tensor::cat(&flat, 0)
            }
        }
    }
}

/// The probability of being real, `D = sigmoid(logit)`, in the shape of the logits.
pub fn probability(logits: &Tensor) -> Result<Tensor> {
    candle_nn::ops::sigmoid(logits)
}

/// A generator or a discriminator of this crate.
pub(crate) struct Network {
    config: ModelConfig,
    parts: Parts,
}

impl Network {
    pub fn new(config: ModelConfig, parts: Parts) -> Self {
        Self { config, parts }
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

    fn check_classes(&self, input: &Tensor, context: &Context) -> Result<()> {
        context.expect_classes(self.config.classes.len(), input.dim(0)?)
    }

    fn judge(&self, images: &Tensor, context: &Context) -> Result<DiscriminatorOutput> {
        let Parts { trunk, head, class_head, .. } = &self.parts;
        let features = trunk.apply(Flow::enter(images)?, context)?;
        let Some(class_head) = class_head else {
            return Ok(DiscriminatorOutput::new(head.apply(features, context)?.leave()?.flatten_all()?));
        };
        let features = features.leave()?;
        let logits = head.forward(&features, context)?.flatten_all()?;
        let flat = features.flatten_from(1)?;
        match class_head {
            ClassHead::Projection(embedding) => {
                let classes = context.one_hot(self.config.classes.len(), images.device())?;
                let of_class = classes.matmul(&embedding.tensor(context)?)?;
                Ok(DiscriminatorOutput::new((logits + (flat * of_class)?.sum(1)?)?))
            }
            ClassHead::Classifier { weight, bias } => {
                let class_logits = flat.matmul(&weight.tensor(context)?.t()?)?;
                let class_logits = class_logits.broadcast_add(&bias.tensor(context))?;
                Ok(DiscriminatorOutput { logits: vec![logits], class_logits: Some(class_logits) })
            }
        }
    }

    fn judge_dual(&self, images: &Dual, context: &Context) -> Result<Dual> {
        let Parts { trunk, head, class_head, .. } = &self.parts;
        let flat = |logits: Dual| logits.reshape(logits.value.elem_count());
        let features = trunk.apply(DualFlow::enter(images)?, context)?;
        let Some(ClassHead::Projection(embedding)) = class_head else {
            return flat(head.apply(features, context)?.leave()?);
        };
        let features = features.leave()?;
        let logits = flat(head.forward_dual(&features, context)?)?;
        let classes = context.one_hot(self.config.classes.len(), images.value.device())?;
        let of_class = classes.matmul(&embedding.tensor(context)?)?;
        let product = features.map_linear(|x| (x.flatten_from(1)? * &of_class)?.sum(1))?;
        logits.add(&product)
    }
}

impl Generator for Network {
    fn forward(&self, latents: &Tensor, context: &Context) -> Result<Tensor> {
        let (_, latent_dim) = latents.dims2()?;
        if latent_dim != self.config.latent_dim {
            bail!("the generator takes latents [N, {}], not {:?}", self.config.latent_dim, latents.dims());
        }
        self.check_classes(latents, context)?;
        gan_ops::keep_workers_spinning(|| self.parts.trunk.forward(latents, context))
    }

    fn params(&self) -> &Params {
        &self.parts.params
    }

    fn latent_space(&self) -> LatentSpace {
        self.config.latent_space()
    }

    fn class_names(&self) -> &[String] {
        &self.config.classes
    }

    fn model(&self) -> Option<&ModelConfig> {
        Some(&self.config)
    }

    fn latent_weight(&self) -> Result<Option<Tensor>> {
        let weight = self.parts.trunk.input_weight()?;
        // What is said of the class comes after the latent.
        weight.map(|weight| weight.narrow(1, 0, self.config.latent_dim)).transpose()
    }

    fn multiply_adds(&self) -> Vec<u64> {
        self.parts.multiply_adds((1, 1))
    }
}

impl Discriminator for Network {
    fn forward(&self, images: &Tensor, context: &Context) -> Result<DiscriminatorOutput> {
        self.check_images(images)?;
        self.check_classes(images, context)?;
        gan_ops::keep_workers_spinning(|| self.judge(images, context))
    }

    fn params(&self) -> &Params {
        &self.parts.params
    }

    fn has_second_derivatives(&self) -> bool {
        true
    }

    fn forward_dual(&self, images: &Dual, context: &Context) -> Result<Dual> {
        self.check_images(&images.value)?;
        self.check_classes(&images.value, context)?;
        let context = context.clone().with_mode(Mode::Frozen);
        gan_ops::keep_workers_spinning(|| self.judge_dual(images, &context))
    }

    fn model(&self) -> Option<&ModelConfig> {
        Some(&self.config)
    }

    fn multiply_adds(&self) -> Vec<u64> {
        self.parts.multiply_adds((self.config.height, self.config.width))
    }
}
