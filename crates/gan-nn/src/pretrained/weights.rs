//! Convolutions of a frozen network, with the batch norm after each folded into them.

use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};
use gan_ops::{Activation, Flow, Padding, Parameter};
use std::collections::BTreeMap;

/// What batch norm adds to a variance; both networks come from TensorFlow, where it is this.
const EPS: f64 = 1e-3;

/// The tensors of a file, by name.
pub(super) struct Weights<'a> {
    tensors: &'a BTreeMap<String, Tensor>,
    device: Device,
}

/// How large the zeros around an image are.
#[derive(Clone, Copy)]
pub(super) enum Pad {
    /// Rows above and below, columns to the left and to the right.
    Each(usize, usize),
    /// TensorFlow's `SAME`, which depends on the size of the image.
    Same,
}

/// The shape of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub input: usize,
    pub output: usize,
    /// Height and width.
    pub kernel: (usize, usize),
    pub stride: usize,
    pub pad: Pad,
    /// A kernel for each channel; as many of them go out as come in.
    pub depthwise: bool,
}

/// A convolution with its bias and its activation, none of which is trained.
pub(super) struct FrozenConv {
    weight: Parameter,
    bias: Parameter,
    shape: Shape,
    activation: Activation,
}

impl<'a> Weights<'a> {
    pub fn new(tensors: &'a BTreeMap<String, Tensor>, device: &Device) -> Self {
        Self { tensors, device: device.clone() }
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The convolution `conv.weight` with the batch norm `norm.*` after it.
    pub fn conv(&self, conv: &str, norm: &str, shape: Shape, activation: Activation) -> Result<FrozenConv> {
        let of_a_kernel = if shape.depthwise { 1 } else { shape.input };
        let dims = [shape.output, of_a_kernel, shape.kernel.0, shape.kernel.1];
        let weight = self.tensor(&format!("{conv}.weight"), &dims)?;
        let of_norm = |what: &str| self.tensor(&format!("{norm}.{what}"), &[shape.output]);
        let (gamma, beta) = (of_norm("weight")?, of_norm("bias")?);
        let (mean, var) = (of_norm("running_mean")?, of_norm("running_var")?);

        let scale = (gamma / (var + EPS)?.sqrt()?)?;
        let weight = weight.broadcast_mul(&scale.reshape((shape.output, 1, 1, 1))?)?;
        let bias = (beta - (mean * scale)?)?;
        let here = |tensor: Tensor| -> Result<Parameter> {
            Ok((&tensor.to_dtype(DType::F32)?.to_device(&self.device)?).into())
        };
        Ok(FrozenConv { weight: here(weight)?, bias: here(bias)?, shape, activation })
    }

    /// In f64, in which batch norm is folded; it is rounded once.
    fn tensor(&self, name: &str, dims: &[usize]) -> Result<Tensor> {
        let tensor = self.tensors.get(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() })?;
        if tensor.dims() != dims {
            let (found, wanted) = (tensor.dims().to_vec(), dims.to_vec());
            return Err(Error::TensorShape { name: name.to_owned(), found, wanted });
        }
        let tensor = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.detach();
        match tensor.abs()?.sum_all()?.to_scalar::<f64>()?.is_finite() {
            true => Ok(tensor),
            false => Err(Error::TensorNotFinite { name: name.to_owned() }),
        }
    }
}

impl FrozenConv {
    pub fn apply(&self, x: Flow) -> candle_core::Result<Flow> {
        let Shape { kernel, stride, pad, depthwise, .. } = self.shape;
        let padding = match (pad, x.dims()) {
            (Pad::Same, &[_, _, height, width]) => Padding::same((height, width), kernel, stride),
            (Pad::Same, _) => Padding::default(), // refused by the convolution
            (Pad::Each(rows, columns), _) => (rows, columns).into(),
        };
        if depthwise {
            x.depthwise_conv2d(&self.weight, Some(&self.bias), stride, padding, self.activation)
        } else {
            x.conv2d_with_bias(&self.weight, &self.bias, stride, padding, self.activation)
        }
    }
}
