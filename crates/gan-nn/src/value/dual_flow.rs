//! Dual numbers, as what goes through a layer.

use super::Value;
use candle_core::{Result, Tensor};
use gan_ops::{Activation, Dual, DualFlow, Epilogue, Flow, Parameter, Precision};

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
