//! Builds a network layer by layer, with PyTorch's names, from a seed or from stored tensors.

use crate::error::{Error, Result};
use crate::layers::{Affine, BatchNorm2d, Layer, SPECTRAL_EPS, Spectral, Weight};
use crate::listing::{Listing, differences, listing};
use crate::norm::Norm;
use crate::params::{Parameter, Params};
use candle_core::{DType, Device, Tensor};
use gan_ops::Activation;
use gan_rng::Stream;
use std::collections::BTreeMap;

/// Where the values of a new network come from.
pub(crate) enum Source {
    /// Drawn from the streams `init/<role>/<name>` of a seed.
    Seed { seed: u64, role: &'static str },
    /// A state dict, which must hold just the tensors that the network has.
    Tensors(BTreeMap<String, Tensor>),
}

/// Power iterations before the first use of a spectral norm, as in PyTorch.
const FIRST_POWER_ITERATIONS: usize = 15;

/// The distribution of a parameter's initial values.
enum Init {
    Normal { mean: f64, std: f64 },
    Uniform { bound: f64 },
    Constant(f64),
}

/// An `nn.Sequential` in the making: layer i has the name `main.i`.
pub(crate) struct SequentialBuilder<'a> {
    source: Source,
    device: &'a Device,
    params: Params,
    layers: Vec<Layer>,
    /// The tensors asked for so far.
    wanted: Listing,
    /// What stands behind a convolution, or is done to its weights.
    norm: Norm,
}

impl<'a> SequentialBuilder<'a> {
    pub fn new(source: Source, device: &'a Device) -> Self {
        Self {
            source,
            device,
            params: Params::new(),
            layers: Vec::new(),
            wanted: Listing::new(),
            norm: Norm::Batch,
        }
    }

    /// A norm other than batch norm.
    pub fn with_norm(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// The norm of so many channels.
    pub fn norm2d(self, channels: usize) -> Result<Self> {
        match self.norm {
            Norm::Batch => self.batch_norm2d(channels),
            Norm::Instance => self.affine(channels, Layer::InstanceNorm2d),
            Norm::Layer => self.affine(channels, Layer::LayerNorm),
            Norm::Spectral | Norm::None => Ok(self),
        }
    }

    /// A norm with a scale of 1 and a shift of 0 for each channel.
    fn affine(mut self, channels: usize, layer: impl FnOnce(Affine) -> Layer) -> Result<Self> {
        let weight = self.parameter("weight", &[channels], Init::Constant(1.0))?;
        let bias = self.parameter("bias", &[channels], Init::Constant(0.0))?;
        Ok(self.push(layer(Affine { weight, bias })))
    }

    /// Convolution without bias, weights from N(0, 0.02) (Radford et al. 2016). Kernel as (height, width).
    pub fn conv2d(
        self,
        (input, output): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        self.convolution(&[output, input, kernel.0, kernel.1], |builder, parameter| {
            let weight = builder.weight(parameter)?;
            Ok(Layer::Conv2d { weight, stride, padding })
        })
    }

    /// Transposed convolution without bias, weights from N(0, 0.02).
    pub fn conv_transpose2d(
        self,
        (input, output): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        self.convolution(&[input, output, kernel.0, kernel.1], |_, weight| {
            Ok(Layer::ConvTranspose2d { weight, stride, padding })
        })
    }

    fn convolution(
        mut self,
        shape: &[usize],
        layer: impl FnOnce(&mut Self, Parameter) -> Result<Layer>,
    ) -> Result<Self> {
        let weight = self.parameter("weight", shape, Init::Normal { mean: 0.0, std: 0.02 })?;
        let layer = layer(&mut self, weight)?;
        Ok(self.push(layer))
    }

    /// A weight `[out, ...]`, with its singular vectors where spectral norm is wanted.
    fn weight(&mut self, parameter: Parameter) -> Result<Weight> {
        if self.norm != Norm::Spectral {
            return Ok(Weight { parameter, spectral: None });
        }
        let weight = parameter.tensor().detach();
        let outputs = weight.dim(0)?;
        let rest = weight.elem_count() / outputs.max(1);
        let (u, v) = match &self.source {
            Source::Tensors(_) => {
                (self.stored_buffer("weight_u", &[outputs])?, self.stored_buffer("weight_v", &[rest])?)
            }
            Source::Seed { seed, role } => {
                let draw = |name: &str, count: usize| {
                    let mut stream = Stream::new(*seed, &format!("init/{role}/{name}"), 0);
                    Tensor::from_vec(stream.normals(count, 0.0, 1.0), count, self.device)
                };
                let mut u = draw(&self.name("weight_u"), outputs)?;
                let mut v = draw(&self.name("weight_v"), rest)?;
                // As PyTorch begins.
                for _ in 0..FIRST_POWER_ITERATIONS {
                    (u, v) = gan_ops::power_iteration(&weight, 0, &u, &v, SPECTRAL_EPS)?;
                }
                (u, v)
            }
        };
        let (u_name, v_name) = (self.name("weight_u"), self.name("weight_v"));
        let u = self.params.add_buffer(u_name, &u)?;
        let v = self.params.add_buffer(v_name, &v)?;
        Ok(Weight { parameter, spectral: Some(Spectral { u, v }) })
    }

    fn stored_buffer(&mut self, tensor: &str, shape: &[usize]) -> Result<Tensor> {
        let name = self.name(tensor);
        self.stored(&name, shape, DType::F32)
    }

    /// Batch norm, weights from N(1, 0.02), bias 0.
    pub fn batch_norm2d(mut self, channels: usize) -> Result<Self> {
        let weight = self.parameter("weight", &[channels], Init::Normal { mean: 1.0, std: 0.02 })?;
        let bias = self.parameter("bias", &[channels], Init::Constant(0.0))?;
        let batch_norm = BatchNorm2d {
            weight,
            bias,
            running_var: self.buffer("running_var", &[channels], DType::F32, 1)?,
            running_mean: self.buffer("running_mean", &[channels], DType::F32, 0)?,
            num_batches_tracked: self.buffer("num_batches_tracked", &[], DType::I64, 0)?,
        };
        Ok(self.push(Layer::BatchNorm2d(batch_norm)))
    }

    /// Fully connected layer, weights uniform within 1 / sqrt(inputs), bias 0.
    pub fn linear(mut self, input: usize, output: usize) -> Result<Self> {
        let bound = 1.0 / (input as f64).sqrt();
        let weight = self.parameter("weight", &[output, input], Init::Uniform { bound })?;
        let bias = self.parameter("bias", &[output], Init::Constant(0.0))?;
        let weight = self.weight(weight)?;
        Ok(self.push(Layer::Linear { weight, bias }))
    }

    pub fn relu(self) -> Self {
        self.push(Layer::Activation(Activation::Relu))
    }

    pub fn leaky_relu(self, slope: f64) -> Self {
        self.push(Layer::Activation(Activation::LeakyRelu(slope)))
    }

    pub fn tanh(self) -> Self {
        self.push(Layer::Activation(Activation::Tanh))
    }

    /// Gives each sample a shape. It has no place in the numbering, as PyTorch's `view` has none.
    pub fn reshape(self, shape: &[usize]) -> Self {
        self.push(Layer::Reshape(shape.to_vec()))
    }

    /// The layers and their tensors; an error if stored tensors are not those of the network.
    pub fn finish(self) -> Result<(Vec<Layer>, Params)> {
        if let Source::Tensors(stored) = &self.source
            && let Some(what) = differences(&self.wanted, &listing(stored))
        {
            return Err(Error::config(what, ""));
        }
        Ok((self.layers, self.params))
    }

    fn push(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// The name of a tensor of the layer that comes next.
    fn name(&self, tensor: &str) -> String {
        let index = self.layers.iter().filter(|layer| !matches!(layer, Layer::Reshape(_))).count();
        format!("main.{index}.{tensor}")
    }

    fn parameter(&mut self, tensor: &str, shape: &[usize], init: Init) -> Result<Parameter> {
        let name = self.name(tensor);
        let value = match &self.source {
            Source::Tensors(_) => self.stored(&name, shape, DType::F32)?,
            Source::Seed { seed, role } => {
                let mut stream = Stream::new(*seed, &format!("init/{role}/{name}"), 0);
                let count = shape.iter().product();
                let values = match init {
                    Init::Normal { mean, std } => stream.normals(count, mean, std),
                    Init::Uniform { bound } => stream.uniforms(count, -bound, bound),
                    Init::Constant(value) => vec![value as f32; count],
                };
                Tensor::from_vec(values, shape, self.device)?
            }
        };
        Ok(self.params.add_parameter(name, &value)?)
    }

    fn buffer(
        &mut self,
        tensor: &str,
        shape: &[usize],
        dtype: DType,
        value: i64,
    ) -> Result<candle_core::Var> {
        let name = self.name(tensor);
        let value = match &self.source {
            Source::Tensors(_) => self.stored(&name, shape, dtype)?,
            Source::Seed { .. } => {
                Tensor::new(value, self.device)?.to_dtype(dtype)?.broadcast_as(shape)?.contiguous()?
            }
        };
        Ok(self.params.add_buffer(name, &value)?)
    }

    /// A stored tensor. Where there is none such the answer is an empty one, and [`finish`](Self::finish) refuses them
    /// all with the list of differences.
    fn stored(&mut self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor> {
        self.wanted.insert(name.to_owned(), (dtype, shape.to_vec()));
        let stored = match &self.source {
            Source::Tensors(stored) => stored.get(name),
            Source::Seed { .. } => None,
        };
        match stored.filter(|value| value.dims() == shape && value.dtype() == dtype) {
            Some(value) => Ok(value.clone()),
            None => Ok(Tensor::zeros(0, dtype, self.device)?),
        }
    }
}
