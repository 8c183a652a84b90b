//! Builds a network layer by layer, with PyTorch's names.

use crate::builder::Builder;
use crate::error::Result;
use crate::init::{Init, InitScheme};
use crate::layers::{
    Affine, Append, Attention, BatchNorm2d, Conv2d, ConvTranspose2d, InstanceNorm2d, Layer, LayerNorm,
    Linear, Residual, Sequential, Weight,
};
use crate::norm::{Norm, Upsample};
use crate::params::{Parameter, Params};
use candle_core::DType;
use gan_ops::Activation;

/// An `nn.Sequential` in the making: layer i has the name `main.i`. Sides and kernels are (height, width), px.
pub struct SequentialBuilder {
    tensors: Builder,
    layers: Vec<Layer>,
    /// What the names of the layers begin with.
    prefix: String,
    /// What stands behind a layer.
    norm: Norm,
    /// Whether weights are divided by their largest singular value.
    spectral: bool,
    /// Classes that batch norm has scales and shifts for, if it is conditional.
    norm_classes: Option<usize>,
    scheme: InitScheme,
    /// How many layers there were at the [`split`](Self::split).
    split: Option<usize>,
}

impl SequentialBuilder {
    /// No layers yet: batch norm where a norm is asked for, and DCGAN's initial weights.
    pub fn new(tensors: Builder) -> Self {
        Self {
            tensors,
            layers: Vec::new(),
            prefix: "main".into(),
            norm: Norm::Batch,
            spectral: false,
            norm_classes: None,
            scheme: InitScheme::Dcgan,
            split: None,
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

    /// Batch norm that is conditional, where there are so many classes.
    pub fn with_norm_classes(self, norm_classes: Option<usize>) -> Self {
        Self { norm_classes, ..self }
    }

    /// Other initial weights.
    pub fn with_scheme(self, scheme: InitScheme) -> Self {
        Self { scheme, ..self }
    }

    /// The norm of so many channels.
    pub fn norm2d(self, channels: usize) -> Result<Self> {
        match self.norm {
            Norm::Batch => self.batch_norm2d(channels),
            Norm::Instance => {
                self.affine(channels, |affine| Layer::InstanceNorm2d(InstanceNorm2d { affine }))
            }
            Norm::Layer => self.affine(channels, |affine| Layer::LayerNorm(LayerNorm { affine })),
            Norm::Spectral | Norm::None => Ok(self),
        }
    }

    /// The class beside the input, as a number for each of so many classes.
    pub fn append_one_hot(self, classes: usize) -> Self {
        let device = self.tensors.device().clone();
        self.append(Append::OneHot(classes, device))
    }

    /// The class beside the input.
    pub fn append(self, append: Append) -> Self {
        self.push(Layer::Append(append))
    }

    /// A learned vector for each class, from N(0, 1) as PyTorch's `Embedding`.
    pub fn append_embedding(mut self, classes: usize, size: usize) -> Result<Self> {
        let init = Init::Normal { mean: 0.0, std: 1.0 };
        let name = self.name("weight");
        let table = self.tensors.parameter(name, &[classes, size], init)?;
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

    /// Every pixel becomes four.
    pub fn upsample_nearest2d(self) -> Self {
        self.push(Layer::UpsampleNearest2d(2))
    }

    /// Four pixels become their mean.
    pub fn avg_pool2d(self) -> Self {
        self.push(Layer::AvgPool2d(2))
    }

    /// The sum over height and width.
    pub fn sum_spatial(self) -> Self {
        self.push(Layer::SumSpatial)
    }

    /// `main(x) + shortcut(x)`; with an empty shortcut `main(x) + x`.
    pub fn residual(
        self,
        main: impl FnOnce(Self) -> Result<Self>,
        shortcut: impl FnOnce(Self) -> Result<Self>,
    ) -> Result<Self> {
        let scheme = self.scheme;
        let (builder, main) =
            self.with_scheme(InitScheme::Xavier { gain: 2f64.sqrt() }).nested("main", main)?;
        let (builder, shortcut) = builder.with_scheme(scheme).nested("shortcut", shortcut)?;
        Ok(builder.push(Layer::Residual(Residual::new(main, shortcut))))
    }

    /// The layers that are built as a part of the layer that comes next.
    fn nested(mut self, part: &str, build: impl FnOnce(Self) -> Result<Self>) -> Result<(Self, Sequential)> {
        let inner_prefix = self.name(part);
        let prefix = std::mem::replace(&mut self.prefix, inner_prefix);
        let outer = std::mem::take(&mut self.layers);
        let mut built = build(self)?;
        built.prefix = prefix;
        let layers = std::mem::replace(&mut built.layers, outer);
        Ok((built, Sequential::new(layers)))
    }

    /// SAGAN's self-attention over so many channels.
    pub fn attention(mut self, channels: usize) -> Result<Self> {
        let (inner, values) = ((channels / 8).max(1), (channels / 2).max(1));
        let mut by_1x1 = |part: &str, output: usize, input: usize| {
            let name = self.name(&format!("{part}.weight"));
            let init = self.scheme.convolution(input, output);
            self.weight(name, &[output, input, 1, 1], init, 0)
        };
        let query = by_1x1("query", inner, channels)?;
        let key = by_1x1("key", inner, channels)?;
        let value = by_1x1("value", values, channels)?;
        let out = by_1x1("out", channels, values)?;
        let name = self.name("gamma");
        let gamma = self.tensors.parameter(name, &[1], Init::Constant(0.0))?;
        Ok(self.push(Layer::Attention(Attention { query, key, value, out, gamma })))
    }

    /// Here the features of a discriminator end; what comes next is another part ([`finish_parts`](Self::finish_parts)).
    pub fn split(self) -> Self {
        Self { split: Some(self.layers.len()), ..self }
    }

    /// A weight `[O, I]` of this name for what stands outside of the layers, such as the vectors of a projection.
    pub fn outer_weight(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Weight> {
        let init = self.scheme.convolution(inputs, outputs);
        self.weight(name.to_owned(), &[outputs, inputs], init, 0)
    }

    /// A bias `[O]` of this name, likewise.
    pub fn outer_bias(&mut self, name: &str, outputs: usize) -> Result<Parameter> {
        self.tensors.parameter(name.to_owned(), &[outputs], Init::Constant(0.0))
    }

    /// A norm with a scale of 1 and a shift of 0 for each channel.
    fn affine(mut self, channels: usize, layer: impl FnOnce(Affine) -> Layer) -> Result<Self> {
        let affine = self.scale_and_shift(&[channels], Init::Constant(1.0))?;
        Ok(self.push(layer(affine)))
    }

    fn scale_and_shift(&mut self, shape: &[usize], scale: Init) -> Result<Affine> {
        let (weight, bias) = (self.name("weight"), self.name("bias"));
        let weight = self.tensors.parameter(weight, shape, scale)?;
        Ok(Affine { weight, bias: self.tensors.parameter(bias, shape, Init::Constant(0.0))? })
    }

    /// Convolution, with a bias unless batch norm is the norm. Kernel as (height, width).
    pub fn conv2d(
        self,
        channels: (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let has_bias = self.wants_bias();
        self.convolution(channels, kernel, stride, padding, has_bias)
    }

    /// Whether convolutions have biases. Batch norm takes them away again, so that DCGAN's networks have none; without any, and
    /// with a norm that goes by the image, a discriminator could not tell an image from the same with less contrast.
    fn wants_bias(&self) -> bool {
        self.norm != Norm::Batch
    }

    /// Convolution of stride 1 that keeps the size, with a bias whatever the norm.
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
        let init = self.scheme.convolution(input * area, output * area);
        let weight = self.weight(weight, &[output, input, kernel.0, kernel.1], init, 0)?;
        let bias = self.bias(bias, output, has_bias)?;
        Ok(self.push(Layer::Conv2d(Conv2d::new(weight, bias, stride, padding))))
    }

    /// Transposed convolution, with a bias unless batch norm is the norm.
    pub fn conv_transpose2d(
        mut self,
        (input, output): (usize, usize),
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let area = kernel.0 * kernel.1;
        let init = self.scheme.convolution(input * area, output * area);
        let (weight, bias) = (self.name("weight"), self.name("bias"));
        let weight = self.weight(weight, &[input, output, kernel.0, kernel.1], init, 1)?;
        let bias = self.bias(bias, output, self.wants_bias())?;
        Ok(self.push(Layer::ConvTranspose2d(ConvTranspose2d::new(weight, bias, stride, padding))))
    }

    /// The bias of a convolution, 0 at first.
    fn bias(&mut self, name: String, outputs: usize, has_bias: bool) -> Result<Option<Parameter>> {
        has_bias.then(|| self.tensors.parameter(name, &[outputs], Init::Constant(0.0))).transpose()
    }

    /// A weight, under spectral norm where that is wanted.
    fn weight(&mut self, name: String, shape: &[usize], init: Init, output_dim: usize) -> Result<Weight> {
        match self.spectral {
            true => self.tensors.spectral(name, shape, init, output_dim),
            false => Ok(Weight { parameter: self.tensors.parameter(name, shape, init)?, spectral: None }),
        }
    }

    /// Batch norm, its shift 0 at first; conditional, if the builder was told of classes.
    fn batch_norm2d(mut self, channels: usize) -> Result<Self> {
        let scale = self.scheme.scale();
        let affine = match self.norm_classes {
            None => self.scale_and_shift(&[channels], scale)?,
            Some(classes) => self.scale_and_shift(&[classes, channels], scale)?,
        };
        let [mean, var, batches] =
            ["running_mean", "running_var", "num_batches_tracked"].map(|tensor| self.name(tensor));
        let batch_norm = BatchNorm2d {
            affine,
            running_var: self.tensors.buffer(var, &[channels], DType::F32, 1)?,
            running_mean: self.tensors.buffer(mean, &[channels], DType::F32, 0)?,
            num_batches_tracked: self.tensors.buffer(batches, &[], DType::I64, 0)?,
        };
        Ok(self.push(Layer::BatchNorm2d(batch_norm)))
    }

    /// Fully connected layer, its bias 0 at first.
    pub fn linear(mut self, input: usize, output: usize) -> Result<Self> {
        let init = self.scheme.linear(input, output);
        let (weight, bias) = (self.name("weight"), self.name("bias"));
        let weight = self.weight(weight, &[output, input], init, 0)?;
        let bias = self.tensors.parameter(bias, &[output], Init::Constant(0.0))?;
        Ok(self.push(Layer::Linear(Linear::new(weight, bias))))
    }

    /// `max(0, x)`
    pub fn relu(self) -> Self {
        self.push(Layer::Activation(Activation::Relu))
    }

    /// `x` where that is positive, and `slope x` elsewhere.
    pub fn leaky_relu(self, slope: f64) -> Self {
        self.push(Layer::Activation(Activation::LeakyRelu(slope)))
    }

    /// `tanh(x)`
    pub fn tanh(self) -> Self {
        self.push(Layer::Activation(Activation::Tanh))
    }

    /// Gives each sample a shape. It has no place in the numbering, as PyTorch's `view` has none.
    pub fn reshape(self, shape: &[usize]) -> Self {
        self.push(Layer::Reshape(shape.to_vec()))
    }

    /// The layers and their tensors.
    ///
    /// # Errors
    /// If stored tensors are not those of the network.
    pub fn finish(self) -> Result<(Sequential, Params)> {
        let ([mut layers, rest], params) = self.finish_parts()?;
        layers.layers.extend(rest.layers);
        Ok((layers, params))
    }

    /// The layers before the split and those behind it, and the tensors of all.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_parts(mut self) -> Result<([Sequential; 2], Params)> {
        let rest = self.layers.split_off(self.split.unwrap_or(self.layers.len()));
        Ok(([self.layers, rest].map(Sequential::new), self.tensors.finish()?))
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
}
