//! Gradients of gradient penalties, by dual numbers.
//!
//! A penalty P(g) on the gradient `g = d sum(D(x)) / dx` needs the gradient of a gradient, which Candle's `backward()` cannot
//! give: it detaches what it makes. But with `v = dP/dg` held constant, `dP/dw = v . dg/dw = d/dw (v . g)`, and `v . g` is the
//! derivative of `sum(D(x))` in the direction v: one forward pass of [`Dual`] numbers gives that from x and v, as an
//! ordinary tensor with an ordinary graph. So, exactly and for every weight at once:
//!
//! 1. `g`: the logits' sum, one `backward()`, the gradient of x; detached.
//! 2. `v`: dP/dg, by a formula or by `backward()` of P from a variable that holds g. For WGAN-GP's
//!    `lambda * mean((|g| - 1)^2)` it is `2 * lambda / N * (|g| - 1) / |g| * g`, sample by sample; for R1's
//!    `gamma / 2 * mean(|g|^2)` it is `gamma / N * g`.
//! 3. `dP/dw`: the network on `Dual::new(x, v)`, and `backward()` of the sum of the logits' tangents.
//!
//! Weights that P does not depend on, such as the last bias, are missing in what that last pass returns: their gradient is 0.
//!
//! [`DualFlow`] does the same on the fast path, as [`Flow`](crate::Flow) does what is done to tensors: that
//! is what networks hand from layer to layer.
//!
//! Each op does to the value what its namesake on tensors does, and to the tangent what its derivative does. Weights are
//! plain tensors: they do not move along the direction, so they have no tangent, but they do have gradients.

use crate::activation::Activation;
use crate::channels::by_channel;
use crate::dual_flow::DualFlow;
use crate::dual_number::Dual;
use crate::gradient::Parameter;
use crate::reference::{standardise_dual, transpose};
use crate::resample::{avg_pool2d, max_pool2d_with, pixel_shuffle, upsample_nearest2d};
use crate::softmax::softmax;
use candle_core::shape::ShapeWithOneHole;
use candle_core::{D, Result, Tensor};

impl Dual {
    /// An op on the fast path.
    fn by_flow(&self, op: impl FnOnce(DualFlow) -> Result<DualFlow>) -> Result<Self> {
        op(DualFlow::enter(self)?)?.leave()
    }

    /// `value + constant`, broadcast.
    fn add_constant(self, constant: &Tensor) -> Result<Self> {
        Ok(Self { value: self.value.broadcast_add(constant)?, tangent: self.tangent })
    }

    /// [`crate::conv2d`], and a bias `[O]`.
    pub fn conv2d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let bias = bias.map(Parameter::from);
        self.by_flow(|x| x.conv2d(&weight.into(), bias.as_ref(), stride, padding, Activation::Identity))
    }

    /// `x weight^T + bias`: x `[N, I]`, weight `[O, I]`, bias `[O]` -> `[N, O]`.
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Result<Self> {
        let bias = bias.map(Parameter::from);
        self.by_flow(|x| x.linear(&weight.into(), bias.as_ref(), Activation::Identity))
    }

    /// The product of two matrices, or of two batches of them, both of which may depend on the input.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        let value = self.value.matmul(&other.value)?;
        let tangent = (self.tangent.matmul(&other.value)? + self.value.matmul(&other.tangent)?)?;
        Ok(Self { value, tangent })
    }

    /// The sum of two of the same shape, as where a residual block ends.
    pub fn add(&self, other: &Self) -> Result<Self> {
        Ok(Self { value: (&self.value + &other.value)?, tangent: (&self.tangent + &other.tangent)? })
    }

    /// x times weights that do not depend on the input, element by element and broadcast: the scalar of SAGAN's attention,
    /// the embedding of a label in a projection discriminator.
    pub fn scale(&self, weight: &Tensor) -> Result<Self> {
        self.map_linear(|x| x.broadcast_mul(weight))
    }

    /// [`Activation::apply`].
    pub fn activate(&self, activation: Activation) -> Result<Self> {
        self.by_flow(|x| x.activate(activation))
    }

    /// [`crate::softmax`].
    pub fn softmax(&self) -> Result<Self> {
        let value = softmax(&self.value)?;
        let mean = (&value * &self.tangent)?.sum_keepdim(D::Minus1)?;
        let tangent = (&value * self.tangent.broadcast_sub(&mean)?)?;
        Ok(Self { value, tangent })
    }

    /// [`crate::attention`].
    pub fn attention(query: &Self, key: &Self, value: &Self) -> Result<Self> {
        let weights = query.map_linear(transpose)?.matmul(&key.map_linear(Tensor::contiguous)?)?.softmax()?;
        value.map_linear(Tensor::contiguous)?.matmul(&weights.map_linear(transpose)?)
    }

    /// [`crate::instance_norm2d`].
    pub fn instance_norm2d(&self, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Self> {
        self.by_flow(|x| x.instance_norm2d(&weight.into(), &bias.into(), eps, Activation::Identity))
    }

    /// [`crate::layer_norm`].
    pub fn layer_norm(&self, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Self> {
        self.by_flow(|x| x.layer_norm(&weight.into(), &bias.into(), eps, Activation::Identity))
    }

    /// [`crate::batch_norm2d_train`], whose statistics depend on the whole batch: so does each sample's gradient. WGAN-GP
    /// wants another norm, as its penalty is on each sample by itself.
    pub fn batch_norm2d_train(&self, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Self> {
        let (n, c, h, w) = self.value.dims4()?;
        let rows = self.map_linear(|x| x.transpose(0, 1)?.reshape((c, n * h * w)))?;
        let (value, tangent) = standardise_dual((&rows.value, &rows.tangent), eps)?;
        let normalised =
            Self { value, tangent }.map_linear(|x| x.reshape((c, n, h, w))?.transpose(0, 1)?.contiguous())?;
        normalised.affine(weight, bias)
    }

    /// [`crate::modulate`].
    pub fn modulate(&self, gamma: &Tensor, beta: &Tensor) -> Result<Self> {
        self.by_flow(|x| x.modulate(gamma, beta, Activation::Identity))
    }

    /// `x * weight + bias`, channel by channel.
    fn affine(&self, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        self.scale(&by_channel(weight, &self.value)?)?.add_constant(&by_channel(bias, &self.value)?)
    }

    /// [`crate::avg_pool2d`].
    pub fn avg_pool2d(&self, size: usize) -> Result<Self> {
        self.map_linear(|x| avg_pool2d(x, size))
    }

    /// [`crate::max_pool2d`].
    pub fn max_pool2d(&self, size: usize) -> Result<Self> {
        let (value, tangent) = max_pool2d_with(&self.value, &self.tangent, size)?;
        Ok(Self { value, tangent })
    }

    /// [`crate::upsample_nearest2d`].
    pub fn upsample_nearest2d(&self, factor: usize) -> Result<Self> {
        self.map_linear(|x| upsample_nearest2d(x, factor))
    }

    /// [`crate::pixel_shuffle`].
    pub fn pixel_shuffle(&self, factor: usize) -> Result<Self> {
        self.map_linear(|x| pixel_shuffle(x, factor))
    }

    /// The sum over height and width: `[N, C, H, W]` -> `[N, C]`.
    pub fn sum_spatial(&self) -> Result<Self> {
        self.map_linear(|x| x.sum((2, 3)))
    }

    /// As [`Tensor::reshape`].
    pub fn reshape(&self, shape: impl ShapeWithOneHole + Clone) -> Result<Self> {
        self.map_linear(|x| x.reshape(shape.clone()))
    }

    /// As [`Tensor::cat`].
    pub fn cat(parts: &[&Self], dim: usize) -> Result<Self> {
        let values: Vec<&Tensor> = parts.iter().map(|part| &part.value).collect();
        let tangents: Vec<&Tensor> = parts.iter().map(|part| &part.tangent).collect();
        Ok(Self { value: Tensor::cat(&values, dim)?, tangent: Tensor::cat(&tangents, dim)? })
    }
}
