//! Penalties on the gradient of the discriminator with respect to its images, `g = d sum(C(x)) / dx`, of which `|g|` is the
//! norm for each image.
//!
//! Their own gradients are second derivatives, and exact: see [`gan_ops::Dual`].

use crate::error::Result;
use candle_core::{Tensor, Var};
use gan_models::{Discriminator, Mode};
use gan_ops::Dual;
use gan_rng::Stream;

/// What is asked of the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// The penalty at some images `[N, C, H, W]`, of these classes if the discriminator is conditional. Adds its gradient
    /// with respect to the discriminator's weights, times `scale`, to those that are accumulated there.
    pub fn add_gradients(
        self,
        weight: f64,
        discriminator: &dyn Discriminator,
        images: &Tensor,
        classes: Option<&[u32]>,
        scale: f64,
    ) -> Result<f64> {
        let params = discriminator.params();
        let x = Var::from_tensor(&images.detach())?;
        params.set_requires_grad(false);
        let store = discriminator.forward(&x, classes, Mode::Train)?.logits.sum_all()?.backward()?;
        params.set_requires_grad(true);
        let Some(g) = store.get(&x) else { return Ok(0.0) };
        let (value, v) = self.of(weight, &g.detach())?;
        let logits = discriminator.forward_dual(&Dual::new(&images.detach(), &v)?, classes)?;
        let store = logits.tangent.sum_all()?.affine(scale, 0.0)?.backward()?;
        params.add_gradients(&store)?;
        Ok(value)
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
