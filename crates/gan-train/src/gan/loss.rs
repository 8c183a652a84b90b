//! GAN losses: pure functions of logits, one arm a loss.
//!
//! With D = sigmoid(logit), `softplus(-logit)` is `-ln D` and `softplus(logit)` is `-ln(1 - D)`: both finite for every
//! logit. All losses are means over the batch, minimised by their player. Below C is the logit, D its sigmoid, x real and
//! G(z) generated.

use candle_core::{Result, Tensor};
use gan_ops::{bce_with_logits, relu, softplus};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// What the two players minimise: anything that makes a scalar of D's logits. A loss couples real and generated images unless
/// it has halves.
///
/// Logits come flat, `[M]`: one an image, or all of all patches and branches, and a loss is a mean over them.
pub trait GanLoss: Send + Sync {
    /// What D minimises, from its logits of real and of generated images and what it is told of each -> scalar.
    fn discriminator(&self, real: &LogitsAndTargets, fake: &LogitsAndTargets) -> Result<Tensor>;

    /// The part of [`discriminator`](Self::discriminator) that real or generated images make, if the loss is the sum of two
    /// such parts: then half the activations are alive at a time.
    fn half(&self, side: Side, of: &LogitsAndTargets) -> Result<Option<Tensor>> {
        _ = (side, of);
        Ok(None)
    }

    /// What G minimises, from D's logits of its images, and of real ones if the loss [`compares`](Self::compares) -> scalar.
    fn generator(&self, fake: &Tensor, real: Option<&Tensor>) -> Result<Tensor>;

    /// Whether what G minimises depends on real images too.
    fn compares(&self) -> bool {
        false
    }

    /// Whether the sigmoid of a logit is the probability that an image is real, so that D(x) is that; if not, it is a logit.
    fn has_probabilities(&self) -> bool {
        false
    }

    /// The logit above which D takes an image for real, if the loss sets one: what D's accuracy is counted
    /// by.
    fn boundary(&self) -> Option<f64> {
        None
    }
}

/// Which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Of the data set.
    Real,
    /// Of the generator.
    Fake,
}

/// The losses of the papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
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

    /// Whether D takes an image for real where its logit is above 0. Least squares lead to 1 and 0; a critic's logits, and
    /// those of the relativistic loss, may have any offset.
    pub fn decides_at_zero(self) -> bool {
        matches!(self, Loss::NonSaturating | Loss::Minimax | Loss::Hinge)
    }

    /// Whether D is told a number for each image, which can be smoothed or wrong; if not, it is told only which side an
    /// image is on.
    pub fn has_targets(self) -> bool {
        !matches!(self, Loss::Wasserstein | Loss::Hinge)
    }
}

impl GanLoss for Loss {
    fn discriminator(&self, real: &LogitsAndTargets, fake: &LogitsAndTargets) -> Result<Tensor> {
        match (self.half(Side::Real, real)?, self.half(Side::Fake, fake)?) {
            (Some(real), Some(fake)) => real + fake,
            _ => {
                let real_to_fake = real.logits.broadcast_sub(&fake.logits.mean_all()?)?;
                let fake_to_real = fake.logits.broadcast_sub(&real.logits.mean_all()?)?;
                bce_with_logits(&real_to_fake, &real.targets)?
                    + bce_with_logits(&fake_to_real, &fake.targets)?
            }
        }
    }

    fn half(&self, side: Side, of: &LogitsAndTargets) -> Result<Option<Tensor>> {
        let LogitsAndTargets { logits, targets } = of;
        let half = match (self, side) {
            (Loss::NonSaturating | Loss::Minimax, _) => bce_with_logits(logits, targets),
            (Loss::Lsgan, _) => half_square(logits, targets),
            (Loss::Wasserstein, Side::Real) => logits.neg()?.mean_all(),
            (Loss::Wasserstein, Side::Fake) => logits.mean_all(),
            (Loss::Hinge, Side::Real) => relu(&logits.affine(-1.0, 1.0)?)?.mean_all(),
            (Loss::Hinge, Side::Fake) => relu(&logits.affine(1.0, 1.0)?)?.mean_all(),
            (Loss::Relativistic, _) => return Ok(None),
        };
        half.map(Some)
    }

    fn generator(&self, fake: &Tensor, real: Option<&Tensor>) -> Result<Tensor> {
        match (self, real) {
            (Loss::Minimax, _) => softplus(fake)?.neg()?.mean_all(),
            (Loss::NonSaturating, _) => softplus(&fake.neg()?)?.mean_all(),
            (Loss::Lsgan, _) => half_square(fake, &fake.ones_like()?),
            (Loss::Wasserstein | Loss::Hinge, _) => fake.neg()?.mean_all(),
            (Loss::Relativistic, Some(real)) => {
                let exchanged = |logits: &Tensor, target| LogitsAndTargets::all(logits, target);
                self.discriminator(&exchanged(real, 0.0)?, &exchanged(fake, 1.0)?)
            }
            (Loss::Relativistic, None) => {
                candle_core::bail!("the relativistic loss compares with real images")
            }
        }
    }

    fn compares(&self) -> bool {
        *self == Loss::Relativistic
    }

    fn boundary(&self) -> Option<f64> {
        match self {
            Loss::Lsgan => Some(0.5),
            _ => self.decides_at_zero().then_some(0.0),
        }
    }

    /// The relativistic loss makes a probability of the difference of two logits only: each alone may have any offset.
    fn has_probabilities(&self) -> bool {
        matches!(self, Loss::NonSaturating | Loss::Minimax)
    }
}

/// D's logits `[M]` of some images, and what it is told of them `[M]`: 1 for real, 0 for generated, or something between.
pub struct LogitsAndTargets {
    /// D's logits.
    pub logits: Tensor,
    /// What it is told.
    pub targets: Tensor,
}

impl LogitsAndTargets {
    /// The same target for all.
    pub fn all(logits: &Tensor, target: f64) -> Result<Self> {
        Ok(Self { logits: logits.clone(), targets: logits.ones_like()?.affine(target, 0.0)?.detach() })
    }
}

fn half_square(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (logits - targets)?.sqr()?.mean_all()?.affine(0.5, 0.0)
}
