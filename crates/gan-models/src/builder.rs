//! Builds a network layer by layer, with PyTorch's names, from a seed or from stored tensors.

use crate::error::{Error, Result};
use crate::layers::{Affine, Append, Attention, BatchNorm2d, Layer, SPECTRAL_EPS, Spectral, Weight};
use crate::listing::{Listing, differences, listing};
use crate::networks::{ClassHead, Parts};
use crate::norm::{Norm, Upsample};
use crate::params::{Parameter, Params};
use candle_core::{DType, Device, Tensor, Var};
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

/// Initial weights of a family of networks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Style {
    /// Convolutions from N(0, 0.02), the scale of batch norm from N(1, 0.02) (Radford et al. 2016); fully connected layers
    /// uniform within 1 / sqrt(inputs).
    Dcgan,
    /// Uniform with variance `2 gain^2 / (inputs + outputs)` (Glorot & Bengio 2010), scales 1; gain sqrt(2) on the main path
    /// of residual blocks, 1 elsewhere, as Miyato et al. 2018 have it.
    Xavier { gain: f64 },
}

/// An `nn.Sequential` in the making: layer i has the name `main.i`.
pub(crate) struct SequentialBuilder<'a> {
    source: Source,
    device: &'a Device,
    params: Params,
    layers: Vec<Layer>,
    /// What the names of the layers begin with.
    prefix: String,
    /// The tensors asked for so far.
    wanted: Listing,
    /// What stands behind a layer.
    norm: Norm,
    /// Whether weights are divided by their largest singular value.
    spectral: bool,
    /// Classes that batch norm has scales and shifts for, if it is conditional.
    norm_classes: Option<usize>,
    style: Style,
    /// Layers before the last one of a discriminator.
    trunk: Option<usize>,
    class_head: Option<ClassHead>,
}

impl<'a> SequentialBuilder<'a> {
    pub fn new(source: Source, device: &'a Device) -> Self {
        Self {
            source,
            device,
            params: Params::new(),
            layers: Vec::new(),
            prefix: "main".into(),
            wanted: Listing::new(),
            norm: Norm::Batch,
            spectral: false,
            norm_classes: None,
            style: Style::Dcgan,
            trunk: None,
            class_head: None,
        }
    }

    /// A norm other than batch norm.
    pub fn with_norm(self, norm: Norm) -> Self {
        Self { norm, spectral: norm == Norm::Spectral, ..self }
    }

    /// Spectral norm, whatever stands behind the layers.
    pub fn with_spectral_norm(self) -> Self {
        Self { spectral: true, ..self }
    }

    /// Batch norm that is conditional, where there are classes.
    pub fn with_norm_classes(self, norm_classes: Option<usize>) -> Self {
        Self { norm_classes, ..self }
    }

    pub fn with_style(self, style: Style) -> Self {
        Self { style, ..self }
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

    /// The class beside the input.
    pub fn append(self, append: Append) -> Self {
        self.push(Layer::Append(append))
    }

    /// A learned vector for each class, from N(0, 1) as PyTorch's `Embedding`.
    pub fn append_embedding(mut self, classes: usize, size: usize) -> Result<Self> {
        let init = Init::Normal { mean: 0.0, std: 1.0 };
        let name = self.name("weight");
        let table = self.parameter(name, &[classes, size], init)?;
        Ok(self.append(Append::Embedding(table)))
    }

    /// Twice the height and width, for another number of channels.
    pub fn upsample(
        self,
        (input, output): (usize, usize),
        kernel: (usize, usize),
        by: Upsample,
    ) -> Result<Self> {
        match by {
            Upsample::Transposed => self.conv_transpose2d((input, output), kernel, 2, 1),
            Upsample::Nearest => self.push(Layer::UpsampleNearest2d(2)).conv2d((input, output), (3, 3), 1, 1),
            Upsample::PixelShuffle => {
                let conv = self.conv2d((input, 4 * output), (3, 3), 1, 1)?;
                Ok(conv.push(Layer::PixelShuffle(2)))
            }
        }
    }

    pub fn upsample_nearest2d(self) -> Self {
        self.push(Layer::UpsampleNearest2d(2))
    }

    pub fn avg_pool2d(self) -> Self {
        self.push(Layer::AvgPool2d(2))
    }

    pub fn sum_spatial(self) -> Self {
        self.push(Layer::SumSpatial)
    }

    /// `main(x) + shortcut(x)`; with an empty shortcut `main(x) + x`.
    pub fn residual(
        self,
        main: impl FnOnce(Self) -> Result<Self>,
        shortcut: impl FnOnce(Self) -> Result<Self>,
    ) -> Result<Self> {
        let style = self.style;
        let (builder, main) = self.with_style(Style::Xavier { gain: 2f64.sqrt() }).nested("main", main)?;
        let (builder, shortcut) = builder.with_style(style).nested("shortcut", shortcut)?;
        Ok(builder.push(Layer::Residual { main, shortcut }))
    }

    /// The layers that are built as a part of the layer that comes next.
    fn nested(mut self, part: &str, build: impl FnOnce(Self) -> Result<Self>) -> Result<(Self, Vec<Layer>)> {
        let inner_prefix = self.name(part);
        let prefix = std::mem::replace(&mut self.prefix, inner_prefix);
        let outer = std::mem::take(&mut self.layers);
        let mut built = build(self)?;
        built.prefix = prefix;
        let layers = std::mem::replace(&mut built.layers, outer);
        Ok((built, layers))
    }

    /// SAGAN's self-attention over so many channels.
    pub fn attention(mut self, channels: usize) -> Result<Self> {
        let (inner, values) = ((channels / 8).max(1), (channels / 2).max(1));
        let mut by_1x1 = |part: &str, output: usize, input: usize| {
            let name = self.name(&format!("{part}.weight"));
            let weight = self.parameter(name, &[output, input, 1, 1], self.weight_init(output, input))?;
            self.weight(weight, 0)
        };
        let query = by_1x1("query", inner, channels)?;
        let key = by_1x1("key", inner, channels)?;
        let value = by_1x1("value", values, channels)?;
        let out = by_1x1("out", channels, values)?;
        let name = self.name("gamma");
        let gamma = self.parameter(name, &[1], Init::Constant(0.0))?;
        Ok(self.push(Layer::Attention(Attention { query, key, value, out, gamma })))
    }

    /// Here a discriminator's features end: what comes next makes a logit of them.
    pub fn features(self) -> Self {
        Self { trunk: Some(self.layers.len()), ..self }
    }

    /// A projection discriminator's vector for each class, `[K, F]`, for F features.
    pub fn projection(mut self, classes: usize, features: usize) -> Result<Self> {
        let init = self.weight_init(classes, features);
        let embedding = self.parameter("embedding.weight".into(), &[classes, features], init)?;
        let embedding = self.weight(embedding, 0)?;
        Ok(Self { class_head: Some(ClassHead::Projection(embedding)), ..self })
    }

    /// An auxiliary classifier's layer from F features to K classes.
    pub fn classifier(mut self, classes: usize, features: usize) -> Result<Self> {
        let init = self.weight_init(classes, features);
        let weight = self.parameter("classifier.weight".into(), &[classes, features], init)?;
        let bias = self.parameter("classifier.bias".into(), &[classes], Init::Constant(0.0))?;
        let weight = self.weight(weight, 0)?;
        Ok(Self { class_head: Some(ClassHead::Classifier { weight, bias }), ..self })
    }

    /// A norm with a scale of 1 and a shift of 0 for each channel.
    fn affine(mut self, channels: usize, layer: impl FnOnce(Affine) -> Layer) -> Result<Self> {
        let affine = self.scale_and_shift(&[channels], Init::Constant(1.0))?;
        Ok(self.push(layer(affine)))
    }

    fn scale_and_shift(&mut self, shape: &[usize], scale: Init) -> Result<Affine> {
        let (weight, bias) = (self.name("weight"), self.name("bias"));
        let weight = self.parameter(weight, shape, scale)?;
        Ok(Affine { weight, bias: self.parameter(bias, shape, Init::Constant(0.0))? })
    }

    /// Convolution without bias. Kernel as (height, width).
    pub fn conv2d(
        self,
        channels: (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        self.convolution(channels, kernel, stride, padding, false)
    }

    /// Convolution of stride 1 that keeps the size, with a bias that is 0 at first.
    pub fn conv2d_with_bias(self, channels: (usize, usize), kernel: usize) -> Result<Self> {
        self.convolution(channels, (kernel, kernel), 1, kernel / 2, true)
    }

    fn convolution(
        mut self,
        (input, output): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
        has_bias: bool,
    ) -> Result<Self> {
        let area = kernel.0 * kernel.1;
        let (weight, bias) = (self.name("weight"), self.name("bias"));
        let init = self.weight_init(output * area, input * area);
        let weight = self.parameter(weight, &[output, input, kernel.0, kernel.1], init)?;
        let zero = Init::Constant(0.0);
        let bias = has_bias.then(|| self.parameter(bias, &[output], zero)).transpose()?;
        let weight = self.weight(weight, 0)?;
        Ok(self.push(Layer::Conv2d { weight, bias, stride, padding }))
    }

    /// Transposed convolution without bias.
    pub fn conv_transpose2d(
        mut self,
        (input, output): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let area = kernel.0 * kernel.1;
        let name = self.name("weight");
        let init = self.weight_init(output * area, input * area);
        let weight = self.parameter(name, &[input, output, kernel.0, kernel.1], init)?;
        let weight = self.weight(weight, 1)?;
        Ok(self.push(Layer::ConvTranspose2d { weight, stride, padding }))
    }

    /// Of a weight with so many numbers to each input and from each output.
    fn weight_init(&self, outputs: usize, inputs: usize) -> Init {
        match self.style {
            Style::Dcgan => Init::Normal { mean: 0.0, std: 0.02 },
            Style::Xavier { gain } => {
                Init::Uniform { bound: gain * (6.0 / (inputs + outputs) as f64).sqrt() }
            }
        }
    }

    /// A weight, with its singular vectors where spectral norm is wanted.
    fn weight(&mut self, parameter: Parameter, output_dim: usize) -> Result<Weight> {
        if !self.spectral {
            return Ok(Weight { parameter, spectral: None });
        }
        let weight = parameter.tensor().detach();
        let outputs = weight.dim(output_dim)?;
        let rest = weight.elem_count() / outputs.max(1);
        let (u_name, v_name) = (format!("{}_u", parameter.name()), format!("{}_v", parameter.name()));
        let (u, v) = match &self.source {
            Source::Tensors(_) => {
                (self.stored(&u_name, &[outputs], DType::F32)?, self.stored(&v_name, &[rest], DType::F32)?)
            }
            Source::Seed { seed, role } => {
                let draw = |name: &str, count: usize| {
                    let mut stream = Stream::new(*seed, &format!("init/{role}/{name}"), 0);
                    Tensor::from_vec(stream.normals(count, 0.0, 1.0), count, self.device)
                };
                let (mut u, mut v) = (draw(&u_name, outputs)?, draw(&v_name, rest)?);
                // As PyTorch begins.
                for _ in 0..FIRST_POWER_ITERATIONS {
                    (u, v) = gan_ops::power_iteration(&weight, output_dim, &u, &v, SPECTRAL_EPS)?;
                }
                (u, v)
            }
        };
        let (u, v) = (self.params.add_buffer(u_name, &u)?, self.params.add_buffer(v_name, &v)?);
        Ok(Weight { parameter, spectral: Some(Spectral { u, v, output_dim }) })
    }

    /// Batch norm, its shift 0 at first; conditional, if the builder was told of classes.
    fn batch_norm2d(mut self, channels: usize) -> Result<Self> {
        let scale = match self.style {
            Style::Dcgan => Init::Normal { mean: 1.0, std: 0.02 },
            Style::Xavier { .. } => Init::Constant(1.0),
        };
        let affine = match self.norm_classes {
            None => self.scale_and_shift(&[channels], scale)?,
            Some(classes) => self.scale_and_shift(&[classes, channels], scale)?,
        };
        let batch_norm = BatchNorm2d {
            affine,
            running_var: self.buffer("running_var", &[channels], DType::F32, 1)?,
            running_mean: self.buffer("running_mean", &[channels], DType::F32, 0)?,
            num_batches_tracked: self.buffer("num_batches_tracked", &[], DType::I64, 0)?,
        };
        Ok(self.push(Layer::BatchNorm2d(batch_norm)))
    }

    /// Fully connected layer, its bias 0 at first.
    pub fn linear(mut self, input: usize, output: usize) -> Result<Self> {
        let init = match self.style {
            Style::Dcgan => Init::Uniform { bound: 1.0 / (input as f64).sqrt() },
            Style::Xavier { .. } => self.weight_init(output, input),
        };
        let (weight, bias) = (self.name("weight"), self.name("bias"));
        let weight = self.parameter(weight, &[output, input], init)?;
        let bias = self.parameter(bias, &[output], Init::Constant(0.0))?;
        let weight = self.weight(weight, 0)?;
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
    pub fn finish(mut self) -> Result<Parts> {
        if let Source::Tensors(stored) = &self.source
            && let Some(what) = differences(&self.wanted, &listing(stored))
        {
            return Err(Error::config(what, ""));
        }
        let head = self.layers.split_off(self.trunk.unwrap_or(self.layers.len()));
        Ok(Parts { trunk: self.layers, head, class_head: self.class_head, params: self.params })
    }

    fn push(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// The name of a tensor of the layer that comes next.
    fn name(&self, tensor: &str) -> String {
        let index = self.layers.iter().filter(|layer| !matches!(layer, Layer::Reshape(_))).count();
        format!("{}.{index}.{tensor}", self.prefix)
    }

    fn parameter(&mut self, name: String, shape: &[usize], init: Init) -> Result<Parameter> {
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

    fn buffer(&mut self, tensor: &str, shape: &[usize], dtype: DType, value: i64) -> Result<Var> {
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
