//! GAN losses: pure functions of logits, one arm a loss.
//!
//! With D = sigmoid(logit), `softplus(-logit)` is `-ln D` and `softplus(logit)` is `-ln(1 - D)`: both finite for every
//! logit. All losses are means over the batch, minimised by their player.

use candle_core::{Result, Tensor};
use gan_ops::{bce_with_logits, softplus};
use serde::{Deserialize, Serialize};

/// What the two players minimise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// `min_G max_D ln D(x) + ln(1 - D(G(z)))` as in the theory (Goodfellow et al. 2014, eq. 1): G minimises
    /// `ln(1 - D(G(z)))`, whose gradient fades ("saturates") while D is winning.
    Minimax,
    /// G minimises `-ln D(G(z))` instead (Goodfellow et al. 2014, section 3): the same fixed point, a strong gradient early on.
    NonSaturating,
}

impl Loss {
    /// All of them, with the names used in configs and on the command line.
    pub const ALL: [(&'static str, Loss); 2] =
        [("non-saturating", Loss::NonSaturating), ("minimax", Loss::Minimax)];

    /// What D minimises on real images, logits `[N]` -> scalar. With one-sided label smoothing s (Salimans et al. 2016)
    /// real images are to be called real with probability `1 - s`.
    pub fn discriminator_real(self, logits: &Tensor, label_smoothing: f64) -> Result<Tensor> {
        match self {
            Loss::Minimax | Loss::NonSaturating => {
                bce_with_logits(logits, &logits.ones_like()?.affine(1.0 - label_smoothing, 0.0)?)
            }
        }
    }

    /// What D minimises on generated images, logits `[N]` -> scalar.
    pub fn discriminator_fake(self, logits: &Tensor) -> Result<Tensor> {
        match self {
            Loss::Minimax | Loss::NonSaturating => softplus(logits)?.mean_all(),
        }
    }

    /// What G minimises, from D's logits `[N]` of its images -> scalar.
    pub fn generator(self, logits: &Tensor) -> Result<Tensor> {
        match self {
            Loss::Minimax => softplus(logits)?.neg()?.mean_all(),
            Loss::NonSaturating => softplus(&logits.neg()?)?.mean_all(),
        }
    }
}
