//! The network of the classifier: three blocks, each half as wide and high as the one before, and a linear layer.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var};
use gan_ops::{Activation, Epilogue, Flow};
use gan_rng::Stream;

/// Side, stride and padding of the kernels, pixels.
const KERNEL: usize = 4;
const STRIDE: usize = 2;
const PADDING: usize = 1;
/// Channels of the blocks, as multiples of the base width.
const WIDTHS: [usize; 3] = [1, 2, 4];
/// PyTorch's defaults.
const NORM_EPS: f64 = 1e-5;
const NORM_MOMENTUM: f64 = 0.1;

/// images `[N, C, S, S]` -> logits `[N, K]`.
pub(crate) struct Network {
    blocks: Vec<Block>,
    /// `[K, inputs]`
    weight: Var,
    /// `[K]`
    bias: Var,
}

/// Convolution, batch norm and ReLU.
struct Block {
    /// `[out, in, 4, 4]`
    kernel: Var,
    /// Scale, shift, running mean and running variance of each channel.
    scale: Var,
    shift: Var,
    mean: Var,
    var: Var,
}

impl Network {
    /// Weights of a seed, as He et al. 2015 draw them: normal with variance 2 / inputs. Biases are 0.
    pub fn new(
        [channels, side, classes]: [usize; 3],
        base_width: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let he_normal = |name: &str, shape: &[usize]| {
            let inputs: usize = shape[1..].iter().product();
            let mut stream = Stream::new(seed, &format!("init/classifier/{name}"), 0);
            let values = stream.normals(shape.iter().product(), 0.0, (2.0 / inputs as f64).sqrt());
            Var::from_tensor(&Tensor::from_vec(values, shape, device)?)
        };
        let mut input = (channels, side);
        let mut blocks = Vec::with_capacity(WIDTHS.len());
        for (number, width) in WIDTHS.map(|multiple| multiple * base_width).into_iter().enumerate() {
            blocks.push(Block {
                kernel: he_normal(&format!("{number}.kernel"), &[width, input.0, KERNEL, KERNEL])?,
                scale: Var::ones(width, DType::F32, device)?,
                shift: Var::zeros(width, DType::F32, device)?,
                mean: Var::zeros(width, DType::F32, device)?,
                var: Var::ones(width, DType::F32, device)?,
            });
            input = (width, (input.1 + 2 * PADDING - KERNEL) / STRIDE + 1);
        }
        let weight = he_normal("weight", &[classes, input.0 * input.1 * input.1])?;
        Ok(Self { blocks, weight, bias: Var::zeros(classes, DType::F32, device)? })
    }

    /// What an optimizer steps, by name.
    pub fn parameters(&self) -> BTreeMap<String, Var> {
        let blocks = self.blocks.iter().enumerate().flat_map(|(number, block)| {
            let Block { kernel, scale, shift, .. } = block;
            [("kernel", kernel), ("scale", scale), ("shift", shift)]
                .map(|(name, var)| (format!("{number}.{name}"), var.clone()))
        });
        let last = [("weight", &self.weight), ("bias", &self.bias)];
        blocks.chain(last.map(|(name, var)| (name.to_owned(), var.clone()))).collect()
    }

    /// Logits by the statistics of the batch, which the running ones follow, with gradients for the parameters.
    pub fn train(&self, images: &Tensor) -> Result<Tensor> {
        gan_ops::keep_workers_spinning(|| {
            let x = self.blocks.iter().try_fold(Flow::enter(images)?, |x, block| block.train(x))?;
            linear(x, &self.weight, &self.bias)
        })
    }

    /// Logits by the running statistics, each image's own and without gradients.
    pub fn eval(&self, images: &Tensor) -> Result<Tensor> {
        gan_ops::keep_workers_spinning(|| {
            let x = self.blocks.iter().try_fold(Flow::enter(&images.detach())?, |x, block| block.eval(x))?;
            linear(x, &self.weight.detach(), &self.bias.detach())
        })
    }
}

fn linear(x: Flow, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.leave()?.flatten_from(1)?.matmul(&weight.t()?)?.broadcast_add(bias)
}

impl Block {
    fn train(&self, x: Flow) -> Result<Flow> {
        let x = x.conv2d(&self.kernel.as_tensor().into(), STRIDE, PADDING, Epilogue::Moments)?;
        let (scale, shift) = (self.scale.as_tensor().into(), self.shift.as_tensor().into());
        let batch = x.batch_norm2d_train(&scale, &shift, NORM_EPS, Activation::Relu)?;
        gan_ops::lerp_in_place(&self.mean, &batch.mean, NORM_MOMENTUM)?;
        gan_ops::lerp_in_place(&self.var, &batch.unbiased_var, NORM_MOMENTUM)?;
        Ok(batch.output)
    }

    fn eval(&self, x: Flow) -> Result<Flow> {
        let [kernel, scale, shift, mean, var] =
            [&self.kernel, &self.scale, &self.shift, &self.mean, &self.var].map(|var| var.detach());
        let x = x.conv2d(&(&kernel).into(), STRIDE, PADDING, Activation::Identity)?;
        x.batch_norm2d_eval(&(&scale).into(), &(&shift).into(), &mean, &var, NORM_EPS, Activation::Relu)
    }
}
