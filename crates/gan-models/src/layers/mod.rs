//! The layers of the networks, and how they are applied one after the other.

mod attention;
mod batch_norm;
mod condition;
mod dual;
mod weight;

pub(crate) use attention::Attention;
pub(crate) use batch_norm::BatchNorm2d;
pub(crate) use condition::Append;
pub(crate) use dual::forward_dual;
pub(crate) use weight::{Affine, SPECTRAL_EPS, Spectral, Weight};

use crate::params::Parameter;
use candle_core::{Device, Result, Tensor, bail};
use gan_ops::{Activation, Epilogue, Flow, Precision};

/// PyTorch's default, for batch norm and the others.
const NORM_EPS: f64 = 1e-5;

/// How norms behave in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalise by the batch, and let the running statistics follow it with momentum 0.1.
    Train,
    /// Normalise by the batch, and let the running statistics be the plain average over the batches seen since
    /// [`Params::reset_statistics`](crate::Params::reset_statistics).
    Recalibrate,
    /// Normalise by the running statistics: the same latent always gives the same image.
    Eval,
}

#[derive(Debug)]
#[allow(clippy::enum_variant_names)] // layer norm is what it is called
pub(crate) enum Layer {
    /// weight `[out, in, kh, kw]`, bias `[out]`
    Conv2d {
        weight: Weight,
        bias: Option<Parameter>,
        stride: usize,
        padding: usize,
    },
    /// weight `[in, out, kh, kw]`, bias `[out]`
    ConvTranspose2d {
        weight: Weight,
        bias: Option<Parameter>,
        stride: usize,
        padding: usize,
    },
    /// weight `[out, in]`, bias `[out]`
    Linear {
        weight: Weight,
        bias: Parameter,
    },
    BatchNorm2d(BatchNorm2d),
    InstanceNorm2d(Affine),
    LayerNorm(Affine),
    Activation(Activation),
    /// Each sample takes this shape.
    Reshape(Vec<usize>),
    /// The class beside the input.
    Append(Append),
    /// Every pixel becomes a square of so many.
    UpsampleNearest2d(usize),
    PixelShuffle(usize),
    AvgPool2d(usize),
    /// `[N, C, H, W]` -> `[N, C]`
    SumSpatial,
    /// `main(x) + shortcut(x)`
    Residual {
        main: Vec<Layer>,
        shortcut: Vec<Layer>,
    },
    Attention(Attention),
}

/// What holds for all layers of a forward pass.
pub(crate) struct Pass {
    pub mode: Mode,
    pub precision: Precision,
    /// The class of each sample `[N, K]`: 1 at its place, 0 elsewhere.
    classes: Option<Tensor>,
}

impl Pass {
    /// `classes` of so many, which are 0 where the networks know none. An error if they do not fit the batch or the networks.
    pub fn new(
        mode: Mode,
        precision: Precision,
        classes: Option<&[u32]>,
        known: usize,
        samples: usize,
        device: &Device,
    ) -> Result<Self> {
        let classes = match (classes, known) {
            (None, 0) => None,
            (Some(_), 0) => bail!("the network is not conditional: it takes no classes"),
            (None, _) => bail!("the network is conditional: each sample needs one of its {known} classes"),
            (Some(classes), _) if classes.len() != samples => {
                bail!("{} classes for {samples} samples", classes.len())
            }
            (Some(classes), _) => Some(one_hot(classes, known, device)?),
        };
        Ok(Self { mode, precision, classes })
    }

    /// An error in a network that is not conditional.
    pub fn classes(&self) -> Result<&Tensor> {
        self.classes.as_ref().ok_or_else(|| candle_core::Error::Msg("the network knows no classes".into()))
    }
}

fn one_hot(classes: &[u32], known: usize, device: &Device) -> Result<Tensor> {
    let mut values = vec![0f32; classes.len() * known];
    for (i, &class) in classes.iter().enumerate() {
        if class as usize >= known {
            bail!("there is no class {class}: the network knows 0 to {}", known - 1);
        }
        values[i * known + class as usize] = 1.0;
    }
    Tensor::from_vec(values, (classes.len(), known), device)
}

/// x through the layers, one after the other.
pub(crate) fn forward<'a>(
    layers: impl IntoIterator<Item = &'a Layer>,
    x: &Tensor,
    pass: &Pass,
) -> Result<Tensor> {
    walk(layers, Flow::enter(x)?, pass)?.leave()
}

fn walk<'a>(layers: impl IntoIterator<Item = &'a Layer>, mut x: Flow, pass: &Pass) -> Result<Flow> {
    let mut layers = layers.into_iter().peekable();
    while let Some(layer) = layers.next() {
        // What comes next is done together with the layer, while its result is in the cache.
        let epilogue = match layers.peek() {
            Some(Layer::Activation(activation)) => Epilogue::Activation(*activation),
            Some(Layer::BatchNorm2d(_)) if pass.mode != Mode::Eval => Epilogue::Moments,
            _ => Epilogue::Activation(Activation::Identity),
        };
        if let Some(Layer::Activation(_)) = layers.peek() {
            layers.next();
        }
        x = layer.forward(x.with_precision(pass.precision), pass, epilogue)?;
    }
    Ok(x)
}

/// A convolution and what comes after it; a bias comes between the two.
fn with_bias(
    bias: &Option<Parameter>,
    epilogue: Epilogue,
    convolution: impl FnOnce(Epilogue) -> Result<Flow>,
) -> Result<Flow> {
    match bias {
        None => convolution(epilogue),
        Some(bias) => convolution(Epilogue::Activation(Activation::Identity))?
            .add_bias(&bias.get(), epilogue.activation()),
    }
}

impl Layer {
    /// The layer and its epilogue.
    fn forward(&self, x: Flow, pass: &Pass, epilogue: Epilogue) -> Result<Flow> {
        let activation = epilogue.activation();
        let by_tensor = |x: Flow, op: &dyn Fn(&Tensor) -> Result<Tensor>| {
            Flow::enter(&op(&x.leave()?)?)?.activate(activation)
        };
        match self {
            Layer::Conv2d { weight, bias, stride, padding } => {
                let weight = weight.get(pass.mode)?;
                with_bias(bias, epilogue, |epilogue| x.conv2d(&weight, *stride, *padding, epilogue))
            }
            Layer::ConvTranspose2d { weight, bias, stride, padding } => {
                let weight = weight.get(pass.mode)?;
                let op = |epilogue| x.conv_transpose2d(&weight, *stride, *padding, 0, epilogue);
                with_bias(bias, epilogue, op)
            }
            Layer::Linear { weight, bias } => {
                let weight = weight.tensor(pass.mode)?;
                by_tensor(x, &|x| x.matmul(&weight.t()?)?.broadcast_add(&bias.tensor()))
            }
            Layer::BatchNorm2d(batch_norm) => batch_norm.forward(x, pass, activation),
            Layer::InstanceNorm2d(Affine { weight, bias }) => {
                by_tensor(x, &|x| gan_ops::instance_norm2d(x, &weight.tensor(), &bias.tensor(), NORM_EPS))
            }
            Layer::LayerNorm(Affine { weight, bias }) => {
                by_tensor(x, &|x| gan_ops::layer_norm(x, &weight.tensor(), &bias.tensor(), NORM_EPS))
            }
            Layer::Activation(own) => x.activate(*own)?.activate(activation),
            Layer::Reshape(shape) => {
                let batch = x.dims()[0];
                x.reshape([&[batch], &shape[..]].concat())?.activate(activation)
            }
            Layer::Append(append) => by_tensor(x, &|x| append.forward(x, pass)),
            Layer::UpsampleNearest2d(factor) => x.upsample_nearest2d(*factor)?.activate(activation),
            Layer::PixelShuffle(factor) => x.pixel_shuffle(*factor)?.activate(activation),
            Layer::AvgPool2d(size) => x.avg_pool2d(*size)?.activate(activation),
            Layer::SumSpatial => by_tensor(x, &|x| x.sum((2, 3))),
            Layer::Residual { main, shortcut } => {
                let beside = walk(shortcut, x.clone(), pass)?;
                walk(main, x, pass)?.add(beside)?.activate(activation)
            }
            Layer::Attention(attention) => by_tensor(x, &|x| attention.forward(x, pass.mode)),
        }
    }
}
