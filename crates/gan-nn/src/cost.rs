//! What a forward pass costs.

use crate::layers::{Layer, Sequential};

impl Sequential {
    /// Multiply-adds a sample of each convolution and linear layer, from the first to the last, for samples of `size` (height,
    /// width); and the size of what comes out.
    ///
    /// A convolution counts all taps of its kernel, also those that fall on padding, as tools that count usually do: at
    /// 64 px about a sixth more than the taps inside the image.
    pub fn multiply_adds(&self, mut size: (usize, usize)) -> (Vec<u64>, (usize, usize)) {
        let mut costs = Vec::new();
        for layer in &self.layers {
            let pixels = size.0 * size.1;
            match layer {
                Layer::Conv2d(conv) => {
                    let side = |input: usize, axis: usize| {
                        (input + 2 * conv.padding - conv.weight.dims()[axis]) / conv.stride + 1
                    };
                    size = (side(size.0, 2), side(size.1, 3));
                    costs.push((conv.weight.count() * size.0 * size.1) as u64);
                }
                Layer::ConvTranspose2d(conv) => {
                    costs.push((conv.weight.count() * pixels) as u64);
                    let side = |input: usize, axis: usize| {
                        (input - 1) * conv.stride + conv.weight.dims()[axis] - 2 * conv.padding
                    };
                    size = (side(size.0, 2), side(size.1, 3));
                }
                Layer::Linear(linear) => costs.push(linear.weight.count() as u64),
                Layer::Reshape(shape) => {
                    if let [_, height, width] = shape[..] {
                        size = (height, width);
                    }
                }
                Layer::UpsampleNearest2d(factor) | Layer::PixelShuffle(factor) => {
                    size = (size.0 * factor, size.1 * factor);
                }
                Layer::AvgPool2d(factor) => size = (size.0 / factor, size.1 / factor),
                Layer::SumSpatial => size = (1, 1),
                Layer::Residual(block) => {
                    costs.extend(block.shortcut.multiply_adds(size).0);
                    let (main, after) = block.main.multiply_adds(size);
                    costs.extend(main);
                    size = after;
                }
                Layer::Attention(attention) => {
                    let weights = [&attention.query, &attention.key, &attention.value, &attention.out];
                    costs.extend(weights.map(|weight| (weight.count() * pixels) as u64));
                    // Queries by keys, and the weights that come of it by the values; a quarter of the pixels are keys.
                    let channels = attention.query.dims()[0] + attention.value.dims()[0];
                    costs.push((pixels * (pixels / 4) * channels) as u64);
                }
                // A few operations a value, where the layers above have thousands.
                Layer::BatchNorm2d(_)
                | Layer::InstanceNorm2d(_)
                | Layer::LayerNorm(_)
                | Layer::Activation(_)
                | Layer::Append(_) => {}
            }
        }
        (costs, size)
    }
}
