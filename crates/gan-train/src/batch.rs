//! What goes into an update, and what it says.

use crate::loss::Loss;
use candle_core::Tensor;

/// A batch of real images and the latents of as many generated ones.
pub struct MicroBatch {
    /// Its number since the start of the run: what is drawn for it follows from that.
    pub index: u64,
    /// Real images `[N, C, H, W]`.
    pub real: Tensor,
    /// Their classes, if the networks are conditional. The generated images are of the same ones, so that all classes are as
    /// frequent among them.
    pub classes: Option<Vec<u32>>,
    /// Latents `[N, Z]`.
    pub latents: Tensor,
    /// What G made of them `[N, C, H, W]`: with its graph if G is to learn from just these, without if they are made anew
    /// for that.
    pub fake: Tensor,
}

impl MicroBatch {
    /// What the generator needs of it. Images that it does not need are let go.
    pub fn for_generator(self, loss: Loss) -> GeneratorBatch {
        let Self { index, real, classes, latents, fake } = self;
        let (real, fake) = (loss.couples().then_some(real), fake.track_op().then_some(fake));
        GeneratorBatch { index, real, classes, latents, fake }
    }
}

/// What the generator learns from, once the discriminator has learned from the batch.
pub struct GeneratorBatch {
    /// Its number since the start of the run.
    pub index: u64,
    /// Real images `[N, C, H, W]`, if the loss compares generated ones with them.
    pub real: Option<Tensor>,
    /// The classes of the generated images, if the networks are conditional.
    pub classes: Option<Vec<u32>>,
    /// Latents `[N, Z]`.
    pub latents: Tensor,
    /// What G made of them, with its graph; if not, they are made anew.
    pub fake: Option<Tensor>,
}

/// What an update of the discriminator says.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiscriminatorStats {
    /// The loss on real and on generated images, added.
    pub err_d: f64,
    /// D(x): mean probability given to real images; of losses without probabilities the mean logit.
    pub d_x: f64,
    /// D(G(z)): the same of generated images, before the update.
    pub d_g_z1: f64,
    /// The penalties on D's gradient, added; nothing where there are none in this update.
    pub penalty: Option<f64>,
    /// Of an AC-GAN the cross entropy of the classes that D reads, of real images and of generated ones, added.
    pub err_class: Option<f64>,
    /// L2 norm of the gradient, before it is clipped.
    pub grad_norm: f64,
}

/// What an update of the generator says.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeneratorStats {
    /// The loss.
    pub err_g: f64,
    /// D(G(z)) after D's update.
    pub d_g_z2: f64,
    /// L2 norm of the gradient, before it is clipped.
    pub grad_norm: f64,
}
