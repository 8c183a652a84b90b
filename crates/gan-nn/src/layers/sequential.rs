//! Layers one after the other.

use super::{Append, Attention, BatchNorm2d, Conv2d, ConvTranspose2d, InstanceNorm2d, LayerNorm, Linear};
use crate::context::{Context, Mode};
use crate::value::Value;
use candle_core::{Result, Tensor};
use gan_ops::{Activation, Dual, DualFlow, Epilogue, Flow};

/// A layer of a [`Sequential`].
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::enum_variant_names)] // layer norm is what it is called
pub enum Layer {
    /// Convolution.
    Conv2d(Conv2d),
    /// Transposed convolution.
    ConvTranspose2d(ConvTranspose2d),
    /// Fully connected.
    Linear(Linear),
    /// Batch norm, conditional or not.
    BatchNorm2d(BatchNorm2d),
    /// Instance norm.
    InstanceNorm2d(InstanceNorm2d),
    /// Layer norm.
    LayerNorm(LayerNorm),
    /// Value by value.
    Activation(Activation),
    /// Each sample takes this shape.
    Reshape(Vec<usize>),
    /// The class beside the input.
    Append(Append),
    /// Every pixel becomes a square of so many.
    UpsampleNearest2d(usize),
    /// Channels become pixels: `[N, C r^2, H, W]` -> `[N, C, H r, W r]`.
    PixelShuffle(usize),
    /// The mean of squares of so many.
    AvgPool2d(usize),
    /// `[N, C, H, W]` -> `[N, C]`
    SumSpatial,
    /// A residual block.
    Residual(Residual),
    /// Self-attention.
    Attention(Attention),
}

/// `main(x) + shortcut(x)`
#[derive(Clone, Debug)]
pub struct Residual {
    pub(crate) main: Sequential,
    pub(crate) shortcut: Sequential,
}

/// Layers one after the other. What can be done together with the layer before, as an activation behind a convolution, is.
#[derive(Clone, Debug, Default)]
pub struct Sequential {
    pub(crate) layers: Vec<Layer>,
}

/// A network in evaluation, as a [`candle_nn::Module`].
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a>(&'a Sequential);

impl Evaluation<'_> {
    pub(crate) fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.0.apply(x, context)
    }
}

impl Residual {
    /// Of a main path and a shortcut, which has no layers if it is the identity.
    pub fn new(main: Sequential, shortcut: Sequential) -> Self {
        Self { main, shortcut }
    }

    /// The block.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        let beside = self.shortcut.apply(x.clone(), context)?;
        self.main.apply(x, context)?.add(beside)
    }
}

impl Sequential {
    /// Of these layers.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self { layers }
    }

    /// The layers in evaluation, for what takes a [`candle_nn::Module`].
    pub fn evaluation(&self) -> Evaluation<'_> {
        Evaluation(self)
    }

    /// The weight of the first layer that has one and takes vectors: `[F, I]`, from the I numbers of a vector
    /// to the F values that the layer makes of it (of a transposed convolution of `[N, I, 1, 1]` its channels
    /// times its kernel). None if another kind of layer comes first.
    pub fn input_weight(&self) -> Result<Option<Tensor>> {
        let context = Context::eval();
        for layer in &self.layers {
            match layer {
                Layer::Append(_) | Layer::Reshape(_) => {}
                Layer::Linear(layer) => return layer.weight.tensor(&context).map(Some),
                Layer::ConvTranspose2d(layer) => {
                    return layer.weight.tensor(&context)?.flatten_from(1)?.t().map(Some);
                }
                _ => break,
            }
        }
        Ok(None)
    }

    /// A tensor through the layers, on the fast path.
    pub fn forward(&self, x: &Tensor, context: &Context) -> Result<Tensor> {
        self.apply(Flow::enter(x)?, context)?.leave()
    }

    /// A tensor and the direction in which it moves through the layers, for gradient penalties: what comes out, and how fast
    /// it changes. Pass a context whose mode moves no statistic.
    pub fn forward_dual(&self, x: &Dual, context: &Context) -> Result<Dual> {
        self.apply(DualFlow::enter(x)?, context)?.leave()
    }

    /// Values of either kind through the layers.
    pub fn apply<V: Value>(&self, mut x: V, context: &Context) -> Result<V> {
        let mut layers = self.layers.iter().peekable();
        while let Some(layer) = layers.next() {
            // What comes next is done together with the layer, while its result is in the cache.
            let epilogue = match layers.peek() {
                Some(Layer::Activation(activation)) => Epilogue::Activation(*activation),
                Some(Layer::BatchNorm2d(_)) if context.mode != Mode::Eval => Epilogue::Moments,
                _ => Epilogue::Activation(Activation::Identity),
            };
            if let Some(Layer::Activation(_)) = layers.peek() {
                layers.next();
            }
            x = layer.apply_with(x, context, epilogue)?;
        }
        Ok(x)
    }
}

impl Layer {
    /// The layer.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        self.apply_with(x, context, Activation::Identity.into())
    }

    /// The layer and its epilogue.
    fn apply_with<V: Value>(&self, x: V, context: &Context, epilogue: Epilogue) -> Result<V> {
        let activation = epilogue.activation();
        let y = match self {
            Layer::Conv2d(layer) => return layer.apply_with(x, context, epilogue),
            Layer::ConvTranspose2d(layer) => return layer.apply_with(x, context, epilogue),
            Layer::Linear(layer) => return layer.apply_with(x, context, activation),
            Layer::BatchNorm2d(layer) => return layer.apply_with(x, context, activation),
            Layer::InstanceNorm2d(layer) => return layer.apply_with(x, context, activation),
            Layer::LayerNorm(layer) => return layer.apply_with(x, context, activation),
            Layer::Activation(own) => x.activate(*own)?,
            Layer::Reshape(shape) => {
                let batch = x.dims()[0];
                x.reshape([&[batch], &shape[..]].concat())?
            }
            Layer::Append(layer) => layer.apply(x, context)?,
            Layer::UpsampleNearest2d(factor) => x.upsample_nearest2d(*factor)?,
            Layer::PixelShuffle(factor) => x.pixel_shuffle(*factor)?,
            Layer::AvgPool2d(size) => x.avg_pool2d(*size)?,
            Layer::SumSpatial => x.sum_spatial()?,
            Layer::Residual(block) => block.apply(x, context)?,
            Layer::Attention(layer) => layer.apply(x, context)?,
        };
        y.activate(activation)
    }
}
