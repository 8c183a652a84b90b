//! Flows, as what goes through a layer.

use super::Value;
use candle_core::{Result, Tensor};
use gan_ops::{Activation, Epilogue, Flow, Parameter, Precision};

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
        Flow::attention(query, key, value)
    }
}
