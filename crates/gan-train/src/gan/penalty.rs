//! Penalties on the gradient of the discriminator with respect to its images, `g = d sum(C(x)) / dx`, of which `|g|` is the
//! norm for each image.
//!
//! Their own gradients are second derivatives, and exact: see [`gan_ops::Dual`].

use crate::error::Result;
use crate::player::{Player, backward};
use candle_core::{Tensor, Var};
use gan_models::Discriminator;
use gan_nn::Context;
use gan_ops::Dual;
use gan_rng::Stream;
use tracing::trace_span;

/// What is asked of the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Penalty {
    /// A norm of 1: `weight * mean((|g| - 1)^2)`. At points [`between`] real and generated images in WGAN-GP (Gulrajani et
    /// al. 2017, eq. 3), [`near`] real ones in DRAGAN (Kodali et al. 2017).
    UnitNorm,
    /// None at all: `weight / 2 * mean(|g|^2)`. At real images R1, at generated ones R2 (Mescheder et al. 2018, eqs. 9 and
    /// 10).
    Zero,
}

impl Penalty {
    /// The penalty, and its derivative with respect to g `[N, ...]`, from g.
    fn of(self, weight: f64, g: &Tensor) -> Result<(f64, Tensor)> {
        let count = g.dim(0)? as f64;
        let squares: Vec<f32> = g.sqr()?.flatten_from(1)?.sum(1)?.to_vec1()?;
        let norms: Vec<f64> = squares.iter().map(|&square| f64::from(square).sqrt()).collect();
        let (values, factors): (Vec<f64>, Vec<f32>) = norms
            .iter()
            .map(|&norm| match self {
                // Where g is 0 it has no direction to grow in.
                Penalty::UnitNorm if norm == 0.0 => (weight, 0.0),
                Penalty::UnitNorm => {
                    (weight * (norm - 1.0).powi(2), (2.0 * weight * (norm - 1.0) / norm / count) as f32)
                }
                Penalty::Zero => (weight / 2.0 * norm * norm, (weight / count) as f32),
            })
            .unzip();
        let mut shape = vec![1; g.rank()];
        shape[0] = factors.len();
        let factors = Tensor::from_vec(factors, shape, g.device())?;
        Ok((values.iter().sum::<f64>() / count, g.broadcast_mul(&factors)?))
    }

    /// The penalty at some images `[N, C, H, W]`. Adds its gradient with respect to the discriminator's weights, times
    /// `scale`, to those of its player.
    pub fn backward(
        self,
        weight: f64,
        (discriminator, player): (&dyn Discriminator, &Player),
        images: &Tensor,
        context: &Context,
        scale: f64,
    ) -> Result<f64> {
        let x = Var::from_tensor(&images.detach())?;
        let logits = discriminator.forward(&x, &context.clone().untracked())?.flat_logits()?;
        let store = logits.sum_all()?.backward()?;
        let Some(g) = store.get(&x) else { return Ok(0.0) };
        let (value, v) = self.of(weight, &g.detach())?;
        let logits = discriminator.forward_dual(&Dual::new(&images.detach(), &v)?, context)?;
        backward(&logits.tangent.sum_all()?, scale, &[player], &[])?;
        Ok(value)
    }
}

/// How much each penalty counts; 0 is off.
#[derive(Clone, Copy, Debug)]
pub struct Penalties {
    /// WGAN-GP: a norm of 1 between real and generated images; 10 is usual.
    pub gradient_penalty: f64,
    /// DRAGAN: a norm of 1 near real images; 10 is usual.
    pub dragan: f64,
    /// R1: no gradient at real images.
    pub r1: f64,
    /// R2: none at generated images.
    pub r2: f64,
    /// Updates of D from one with penalties to the next, whose penalties count as many times (lazy regularization).
    pub every: u64,
}

impl Default for Penalties {
    fn default() -> Self {
        Self { gradient_penalty: 0.0, dragan: 0.0, r1: 0.0, r2: 0.0, every: 1 }
    }
}

impl Penalties {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        [self.gradient_penalty, self.dragan, self.r1, self.r2].iter().all(|&weight| weight == 0.0)
    }

    /// Adds the gradients of all at images as D is shown them, real and fake, if this is an update that has some; says how
    /// large they are. `index` is the number of the batch, of which `accumulate` make an update.
    pub(super) fn backward(
        &self,
        discriminator: (&dyn Discriminator, &Player),
        (real, fake): (&Tensor, &Tensor),
        context: &Context,
        (index, accumulate): (u64, u64),
        seed: u64,
    ) -> Result<Option<f64>> {
        if self.is_none() || !(index / accumulate).is_multiple_of(self.every) {
            return Ok(None);
        }
        let _span = trace_span!("penalties").entered();
        let scale = self.every as f64 / accumulate as f64;
        let stream = |purpose: &str| Stream::new(seed, purpose, index);
        let mut sum = 0.0;
        let mut add = |penalty: Penalty, weight: f64, images: &Tensor| -> Result<()> {
            sum += penalty.backward(weight, discriminator, images, context, scale)?;
            Ok(())
        };
        if self.gradient_penalty > 0.0 {
            let points = between(real, fake, &mut stream("gradient penalty"))?;
            add(Penalty::UnitNorm, self.gradient_penalty, &points)?;
        }
        if self.dragan > 0.0 {
            add(Penalty::UnitNorm, self.dragan, &near(real, &mut stream("dragan"))?)?;
        }
        if self.r1 > 0.0 {
            add(Penalty::Zero, self.r1, real)?;
        }
        if self.r2 > 0.0 {
            add(Penalty::Zero, self.r2, fake)?;
        }
        Ok(Some(sum))
    }
}

/// Points anywhere between real and generated images, all `[N, C, H, W]`: `e x + (1 - e) G(z)`, e uniform over [0, 1) for each.
pub fn between(real: &Tensor, fake: &Tensor, stream: &mut Stream) -> Result<Tensor> {
    let count = real.dim(0)?;
    let e = Tensor::from_vec(stream.uniforms(count, 0.0, 1.0), (count, 1, 1, 1), real.device())?;
    Ok((real.broadcast_mul(&e)? + fake.broadcast_mul(&e.affine(-1.0, 1.0)?)?)?)
}

/// Points near real images x `[N, C, H, W]`, as the code of DRAGAN's authors has them: `x + alpha (x_p - x)` between x
/// and its perturbed `x_p = x + std(x) / 2 * u`. u is uniform over [0, 1) for each value, and alpha for each image;
/// std is that of the whole batch. (The paper writes `C(x + delta)` and leaves delta open.)
pub fn near(real: &Tensor, stream: &mut Stream) -> Result<Tensor> {
    let images = real.dim(0)?;
    let variance = f64::from(real.flatten_all()?.var(0)?.to_scalar::<f32>()?);
    let u = Tensor::from_vec(stream.uniforms(real.elem_count(), 0.0, 1.0), real.shape(), real.device())?;
    let alpha = Tensor::from_vec(stream.uniforms(images, 0.0, 1.0), (images, 1, 1, 1), real.device())?;
    Ok((real + u.affine(0.5 * variance.sqrt(), 0.0)?.broadcast_mul(&alpha)?)?)
}
