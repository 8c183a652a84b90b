//! The network of the classifier: three blocks, each half as wide and high as the one before, and a linear layer.

use crate::error::Result;
use candle_core::Tensor;
use gan_nn::{Builder, Context, InitScheme, Params, Sequential, SequentialBuilder};

/// Side, stride and padding of the kernels, pixels.
const KERNEL: (usize, usize) = (4, 4);
const STRIDE: usize = 2;
const PADDING: usize = 1;
/// Channels of the blocks, as multiples of the base width.
const WIDTHS: [usize; 3] = [1, 2, 4];

/// images `[N, C, S, S]` -> logits `[N, K]`.
pub(crate) struct Network {
    /// Convolution, batch norm and ReLU, three times.
    blocks: Sequential,
    /// Linear, on all that the blocks give.
    last: Sequential,
    params: Params,
}

impl Network {
    /// For images of `channels` and `side`, and so many classes; its tensors from `tensors`.
    pub fn new([channels, side, classes]: [usize; 3], base_width: usize, tensors: Builder) -> Result<Self> {
        let mut net = SequentialBuilder::new(tensors).with_scheme(InitScheme::He);
        let (mut width, mut side) = (channels, side);
        for output in WIDTHS.map(|multiple| multiple * base_width) {
            net = net.conv2d((width, output), KERNEL, STRIDE, PADDING)?.norm2d(output)?.relu();
            (width, side) = (output, (side + 2 * PADDING - KERNEL.0) / STRIDE + 1);
        }
        let inputs = width * side * side;
        let ([blocks, last], params) =
            net.split().reshape(&[inputs]).linear(inputs, classes)?.finish_parts()?;
        Ok(Self { blocks, last, params })
    }

    /// Its tensors.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Logits by the statistics of the batch, which the running ones follow, with gradients for the parameters.
    pub fn train(&self, images: &Tensor) -> Result<Tensor> {
        self.logits(images, &Context::train())
    }

    /// Logits by the running statistics, each image's own and without gradients.
    pub fn eval(&self, images: &Tensor) -> Result<Tensor> {
        self.logits(&images.detach(), &Context::eval())
    }

    /// What the blocks see: for each of their last channels the mean over the image, `[N, 4 * base width]`.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let run = || self.blocks.forward(&images.detach(), &Context::eval());
        Ok(gan_ops::keep_workers_spinning(run)?.mean((2, 3))?)
    }

    fn logits(&self, images: &Tensor, context: &Context) -> Result<Tensor> {
        let run = || self.last.forward(&self.blocks.forward(images, context)?, context);
        Ok(gan_ops::keep_workers_spinning(run)?)
    }
}
