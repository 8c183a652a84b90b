//! What can go through a layer.

mod dual_flow;
mod flow;

use candle_core::{Result, Tensor};
use gan_ops::{Activation, Epilogue, Parameter, Precision};

/// Values on their way through a network: a [`Flow`](gan_ops::Flow), whose derivatives Candle's `backward()`
/// gives, or a [`DualFlow`](gan_ops::DualFlow), which carries how fast they change in one direction as well.
/// Layers are written once for both.
///
/// An op may have an [`Activation`] behind it, or an [`Epilogue`]: on a flow they are one.
pub trait Value: Clone + Sized {
    /// The lengths of the dimensions.
    fn dims(&self) -> &[usize];

    /// The same, whose convolutions from here on are of this precision.
    #[must_use]
    fn with_precision(self, precision: Precision) -> Self;

    /// [`gan_ops::conv2d`], a bias `[O]`, and the epilogue.
    fn conv2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    ) -> Result<Self>;

    /// [`gan_ops::conv_transpose2d`], a bias `[O]`, and the epilogue.
    fn conv_transpose2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    ) -> Result<Self>;

    /// `x weight^T + bias`: `[N, I]` -> `[N, O]`.
    fn linear(self, weight: &Parameter, bias: &Parameter, activation: Activation) -> Result<Self>;

    /// Batch norm by the batch, and what it measured, if that is to be had: mean and unbiased variance of
    /// each channel.
    fn batch_norm2d_train(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<(Self, Option<(Tensor, Tensor)>)>;

    /// Batch norm by these statistics, mean and variance of each channel.
    fn batch_norm2d_eval(
        self,
        weight: &Parameter,
        bias: &Parameter,
        statistics: (&Tensor, &Tensor),
        eps: f64,
        activation: Activation,
    ) -> Result<Self>;

    /// [`gan_ops::Flow::instance_norm2d`].
    fn instance_norm2d(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self>;

    /// [`gan_ops::Flow::layer_norm`].
    fn layer_norm(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self>;

    /// [`gan_ops::modulate`]: scale and shift `[N, C]` of each channel of each sample.
    fn modulate(self, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Self>;

    /// The activation, value by value.
    fn activate(self, activation: Activation) -> Result<Self>;

    /// The same values in another shape.
    fn reshape(self, shape: Vec<usize>) -> Result<Self>;

    /// With a constant of the same batch beside it along dimension 1.
    fn append(self, constant: &Tensor) -> Result<Self>;

    /// [`gan_ops::upsample_nearest2d`].
    fn upsample_nearest2d(self, factor: usize) -> Result<Self>;

    /// [`gan_ops::pixel_shuffle`].
    fn pixel_shuffle(self, factor: usize) -> Result<Self>;

    /// [`gan_ops::avg_pool2d`].
    fn avg_pool2d(self, size: usize) -> Result<Self>;

    /// [`gan_ops::max_pool2d`].
    fn max_pool2d(self, size: usize) -> Result<Self>;

    /// The sum over height and width: `[N, C, H, W]` -> `[N, C]`.
    fn sum_spatial(self) -> Result<Self>;

    /// The sum of two of the same shape.
    fn add(self, other: Self) -> Result<Self>;

    /// Times one number that does not depend on the input.
    fn scale(self, factor: &Parameter) -> Result<Self>;

    /// [`gan_ops::attention`].
    fn attention(query: Self, key: Self, value: Self) -> Result<Self>;
}
