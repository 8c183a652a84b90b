//! What can go through a layer.

use candle_core::{Result, Tensor};
use gan_ops::{Activation, Dual, DualFlow, Epilogue, Flow, Parameter, Precision};

/// Values on their way through a network: a [`Flow`], whose derivatives Candle's `backward()` gives, or a
/// [`DualFlow`], which carries how fast they change in one direction as well. Layers are written once for
/// both.
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

    /// Batch norm by the batch, and what it measured, if that is to be had: mean and unbiased variance of each channel.
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

    /// [`Flow::instance_norm2d`].
    fn instance_norm2d(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self>;

    /// [`Flow::layer_norm`].
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

/// A convolution and what comes after it; a bias comes between the two.
fn with_bias(
    bias: Option<&Parameter>,
    epilogue: Epilogue,
    convolution: impl FnOnce(Epilogue) -> Result<Flow>,
) -> Result<Flow> {
    match bias {
        None => convolution(epilogue),
        Some(bias) => {
            convolution(Epilogue::Activation(Activation::Identity))?.add_bias(bias, epilogue.activation())
        }
    }
}

impl Value for Flow {
    fn dims(&self) -> &[usize] {
        Flow::dims(self)
    }

    fn with_precision(self, precision: Precision) -> Self {
        Flow::with_precision(self, precision)
    }

    fn conv2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    ) -> Result<Self> {
        with_bias(bias, epilogue, |epilogue| Flow::conv2d(self, weight, stride, padding, epilogue))
    }

    fn conv_transpose2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    ) -> Result<Self> {
        with_bias(bias, epilogue, |epilogue| {
            Flow::conv_transpose2d(self, weight, stride, padding, 0, epilogue)
        })
    }

    fn linear(self, weight: &Parameter, bias: &Parameter, activation: Activation) -> Result<Self> {
        Flow::linear(self, weight, Some(bias), activation)
    }

    fn batch_norm2d_train(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<(Self, Option<(Tensor, Tensor)>)> {
        let batch = Flow::batch_norm2d_train(self, weight, bias, eps, activation)?;
        Ok((batch.output, Some((batch.mean, batch.unbiased_var))))
    }

    fn batch_norm2d_eval(
        self,
        weight: &Parameter,
        bias: &Parameter,
        (mean, var): (&Tensor, &Tensor),
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        Flow::batch_norm2d_eval(self, weight, bias, mean, var, eps, activation)
    }

    fn instance_norm2d(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        Flow::instance_norm2d(self, weight, bias, eps, activation)
    }

    fn layer_norm(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        Flow::layer_norm(self, weight, bias, eps, activation)
    }

    fn modulate(self, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Self> {
        Flow::modulate(self, gamma, beta, activation)
    }

    fn activate(self, activation: Activation) -> Result<Self> {
        Flow::activate(self, activation)
    }

    fn reshape(self, shape: Vec<usize>) -> Result<Self> {
        Flow::reshape(self, shape)
    }

    fn append(self, constant: &Tensor) -> Result<Self> {
        Flow::concat(vec![self, Flow::enter(constant)?])
    }

    fn upsample_nearest2d(self, factor: usize) -> Result<Self> {
        Flow::upsample_nearest2d(self, factor)
    }

    fn pixel_shuffle(self, factor: usize) -> Result<Self> {
        Flow::pixel_shuffle(self, factor)
    }

    fn avg_pool2d(self, size: usize) -> Result<Self> {
        Flow::avg_pool2d(self, size)
    }

    fn max_pool2d(self, size: usize) -> Result<Self> {
        Flow::max_pool2d(self, size)
    }

    fn sum_spatial(self) -> Result<Self> {
        Flow::sum_spatial(self)
    }

    fn add(self, other: Self) -> Result<Self> {
        Flow::add(self, other)
    }

    fn scale(self, factor: &Parameter) -> Result<Self> {
        Flow::scale(self, factor)
    }

    fn attention(query: Self, key: Self, value: Self) -> Result<Self> {
        Flow::enter(&gan_ops::attention(&query.leave()?, &key.leave()?, &value.leave()?)?)
    }
}

impl Value for DualFlow {
    fn dims(&self) -> &[usize] {
        DualFlow::dims(self)
    }

    /// Penalties are in f32.
    fn with_precision(self, _: Precision) -> Self {
        self
    }

    fn conv2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    ) -> Result<Self> {
        DualFlow::conv2d(self, weight, bias, stride, padding, epilogue.activation())
    }

    fn conv_transpose2d(
        self,
        weight: &Parameter,
        bias: Option<&Parameter>,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    ) -> Result<Self> {
        DualFlow::conv_transpose2d(self, weight, bias, stride, padding, epilogue.activation())
    }

    fn linear(self, weight: &Parameter, bias: &Parameter, activation: Activation) -> Result<Self> {
        DualFlow::linear(self, weight, Some(bias), activation)
    }

    fn batch_norm2d_train(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<(Self, Option<(Tensor, Tensor)>)> {
        let y = self.by_tensors(|x| x.batch_norm2d_train(&weight.value, &bias.value, eps))?;
        Ok((y.activate(activation)?, None))
    }

    fn batch_norm2d_eval(
        self,
        weight: &Parameter,
        bias: &Parameter,
        (mean, var): (&Tensor, &Tensor),
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        DualFlow::batch_norm2d_eval(self, weight, bias, mean, var, eps, activation)
    }

    fn instance_norm2d(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        DualFlow::instance_norm2d(self, weight, bias, eps, activation)
    }

    fn layer_norm(
        self,
        weight: &Parameter,
        bias: &Parameter,
        eps: f64,
        activation: Activation,
    ) -> Result<Self> {
        DualFlow::layer_norm(self, weight, bias, eps, activation)
    }

    fn modulate(self, gamma: &Tensor, beta: &Tensor, activation: Activation) -> Result<Self> {
        DualFlow::modulate(self, gamma, beta, activation)
    }

    fn activate(self, activation: Activation) -> Result<Self> {
        DualFlow::activate(self, activation)
    }

    fn reshape(self, shape: Vec<usize>) -> Result<Self> {
        self.map_linear(|x| x.reshape(shape.as_slice()))
    }

    fn append(self, constant: &Tensor) -> Result<Self> {
        let still = constant.zeros_like()?.detach();
        Ok(Self { value: self.value.append(constant)?, tangent: self.tangent.append(&still)? })
    }

    fn upsample_nearest2d(self, factor: usize) -> Result<Self> {
        self.map_linear(|x| x.upsample_nearest2d(factor))
    }

    fn pixel_shuffle(self, factor: usize) -> Result<Self> {
        self.map_linear(|x| x.pixel_shuffle(factor))
    }

    fn avg_pool2d(self, size: usize) -> Result<Self> {
        self.map_linear(|x| x.avg_pool2d(size))
    }

    fn max_pool2d(self, size: usize) -> Result<Self> {
        self.by_tensors(|x| x.max_pool2d(size))
    }

    fn sum_spatial(self) -> Result<Self> {
        self.map_linear(Flow::sum_spatial)
    }

    fn add(self, other: Self) -> Result<Self> {
        DualFlow::add(self, other)
    }

    fn scale(self, factor: &Parameter) -> Result<Self> {
        self.map_linear(|x| x.scale(factor))
    }

    fn attention(query: Self, key: Self, value: Self) -> Result<Self> {
        DualFlow::enter(&Dual::attention(&query.leave()?, &key.leave()?, &value.leave()?)?)
    }
}
