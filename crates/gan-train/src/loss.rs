//! GAN losses: pure functions of logits, one arm a loss.
//!
//! With D = sigmoid(logit), `softplus(-logit)` is `-ln D` and `softplus(logit)` is `-ln(1 - D)`: both finite for every
//! logit. All losses are means over the batch, minimised by their player. Below C is the logit, D its sigmoid, x real and
//! G(z) generated.

use candle_core::{Result, Tensor};
use gan_ops::{bce_with_logits, relu, softplus};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// What the two players minimise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Loss {
    /// G minimises `-ln D(G(z))` and D `-ln D(x) - ln(1 - D(G(z)))` (Goodfellow et al. 2014, section 3): the fixed point of
    /// the minimax game with a strong gradient early on.
    NonSaturating,
    /// `min_G max_D ln D(x) + ln(1 - D(G(z)))` as in the theory (Goodfellow et al. 2014, eq. 1): G minimises
    /// `ln(1 - D(G(z)))`, whose gradient fades ("saturates") while D is winning.
    Minimax,
    /// Least squares (Mao et al. 2017, eq. 9): D minimises `(C(x) - 1)^2 / 2 + C(G(z))^2 / 2`, G `(C(G(z)) - 1)^2 / 2`.
    Lsgan,
    /// Wasserstein (Arjovsky et al. 2017, eqs. 2 and 3): the critic minimises `C(G(z)) - C(x)`, G `-C(G(z))`. The critic has
    /// to be kept Lipschitz: by clipped weights, a gradient penalty, or spectral norm.
    Wasserstein,
    /// Hinge (Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17): D minimises `max(0, 1 - C(x)) + max(0, 1 + C(G(z)))`, G
    /// `-C(G(z))`.
    Hinge,
    /// Relativistic average (Jolicoeur-Martineau 2018, section 4.1): D minimises the cross entropy of `C(x) - mean C(G(z))`
    /// as real and of `C(G(z)) - mean C(x)` as generated; G the same with the two exchanged.
    Relativistic,
}

impl Loss {
    /// Its name in configs.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether D is told a number for each image, which can be smoothed or wrong; if not, it is told only which side an
    /// image is on.
    pub fn has_targets(self) -> bool {
        !matches!(self, Loss::Wasserstein | Loss::Hinge)
    }

    /// Whether the sigmoid of a logit is the probability that an image is real. The relativistic loss makes one of the
    /// difference of two logits only: each alone may have any offset.
    pub fn has_probabilities(self) -> bool {
        matches!(self, Loss::NonSaturating | Loss::Minimax)
    }

    /// Whether real and generated images come into one term, so that neither half stands alone.
    pub fn couples(self) -> bool {
        self == Loss::Relativistic
    }

    /// What D minimises, from its logits of real and of generated images and what it is told of each, 1 for real and 0 for
    /// generated unless smoothed or wrong; all `[N]` -> scalar.
    pub fn discriminator(self, real: &Judged, fake: &Judged) -> Result<Tensor> {
        if self != Loss::Relativistic {
            return self.discriminator_real(real)? + self.discriminator_fake(fake)?;
        }
        let real_to_fake = real.logits.broadcast_sub(&fake.logits.mean_all()?)?;
        let fake_to_real = fake.logits.broadcast_sub(&real.logits.mean_all()?)?;
        bce_with_logits(&real_to_fake, &real.targets)? + bce_with_logits(&fake_to_real, &fake.targets)?
    }

    /// The half of [`discriminator`](Self::discriminator) that real images make, where the loss has halves.
    pub fn discriminator_real(self, Judged { logits, targets }: &Judged) -> Result<Tensor> {
        match self {
            Loss::NonSaturating | Loss::Minimax => bce_with_logits(logits, targets),
            Loss::Lsgan => half_square(logits, targets),
            Loss::Wasserstein => logits.neg()?.mean_all(),
            Loss::Hinge => relu(&logits.affine(-1.0, 1.0)?)?.mean_all(),
            Loss::Relativistic => candle_core::bail!("the relativistic loss has no halves"),
        }
    }

    /// The half that generated images make.
    pub fn discriminator_fake(self, Judged { logits, targets }: &Judged) -> Result<Tensor> {
        match self {
            Loss::NonSaturating | Loss::Minimax => bce_with_logits(logits, targets),
            Loss::Lsgan => half_square(logits, targets),
            Loss::Wasserstein => logits.mean_all(),
            Loss::Hinge => relu(&logits.affine(1.0, 1.0)?)?.mean_all(),
            Loss::Relativistic => candle_core::bail!("the relativistic loss has no halves"),
        }
    }

    /// What G minimises, from D's logits `[N]` of its images, and of as many real ones if the loss
    /// [`couples`](Self::couples) them -> scalar.
    pub fn generator(self, fake: &Tensor, real: Option<&Tensor>) -> Result<Tensor> {
        match (self, real) {
            (Loss::Minimax, _) => softplus(fake)?.neg()?.mean_all(),
            (Loss::NonSaturating, _) => softplus(&fake.neg()?)?.mean_all(),
            (Loss::Lsgan, _) => half_square(fake, &fake.ones_like()?),
            (Loss::Wasserstein | Loss::Hinge, _) => fake.neg()?.mean_all(),
            (Loss::Relativistic, Some(real)) => {
                let exchanged = |logits: &Tensor, target| Judged::as_of(logits, target);
                Loss::Relativistic.discriminator(&exchanged(real, 0.0)?, &exchanged(fake, 1.0)?)
            }
            (Loss::Relativistic, None) => {
                candle_core::bail!("the relativistic loss compares with real images")
            }
        }
    }
}

/// D's logits `[N]` of some images, and what it is told of them `[N]`: 1 for real, 0 for generated, or something between.
pub struct Judged {
    /// D's logits.
    pub logits: Tensor,
    /// What it is told.
    pub targets: Tensor,
}

impl Judged {
    /// All images are said to be the same.
    pub fn as_of(logits: &Tensor, target: f64) -> Result<Self> {
        Ok(Self { logits: logits.clone(), targets: logits.ones_like()?.affine(target, 0.0)?.detach() })
    }
}

fn half_square(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (logits - targets)?.sqr()?.mean_all()?.affine(0.5, 0.0)
}
