//! The shape of one convolution.

use crate::padding::Padding;
use candle_core::{Result, bail};

/// The shape of a convolution between an image `[batch, image_channels, image_h, image_w]` and feature maps
/// `[batch, map_channels, map_h, map_w]`. `conv2d` goes from image to feature maps, `conv_transpose2d` from
/// feature maps to image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub batch: usize,
    pub image_channels: usize,
    pub image_h: usize,
    pub image_w: usize,
    pub map_channels: usize,
    pub map_h: usize,
    pub map_w: usize,
    pub kernel_h: usize,
    pub kernel_w: usize,
    pub stride: usize,
    pub padding: Padding,
}

impl Geometry {
    /// image `[N, C, H, W]`, weight `[O, C, kh, kw]` -> feature maps `[N, O, (H + 2p - kh) / s + 1, ...]`.
    pub fn of_conv(
        image: (usize, usize, usize, usize),
        weight: (usize, usize, usize, usize),
        stride: usize,
        padding: impl Into<Padding>,
    ) -> Result<Self> {
        let padding = padding.into();
        let (batch, image_channels, image_h, image_w) = image;
        let (map_channels, channels, kernel_h, kernel_w) = weight;
        check("conv2d", image, weight, stride)?;
        if channels != image_channels {
            bail!("conv2d: the input has {image_channels} channels, the weight {weight:?} takes {channels}");
        }
        let padded = (image_h + padding.rows(), image_w + padding.columns());
        if kernel_h > padded.0 || kernel_w > padded.1 {
            bail!("conv2d: a {kernel_h}x{kernel_w} kernel does not fit {image_h}x{image_w} with its padding");
        }
        let side = |padded: usize, kernel: usize| (padded - kernel) / stride + 1;
        let maps = (batch, map_channels, side(padded.0, kernel_h), side(padded.1, kernel_w));
        Ok(Self::between(image, maps, (kernel_h, kernel_w), stride, padding))
    }

    /// feature maps `[N, O, h, w]`, weight `[O, C, kh, kw]` -> image `[N, C, (h - 1) * s - 2p + kh +
    /// output_padding, ...]`.
    pub fn of_conv_transpose(
        maps: (usize, usize, usize, usize),
        weight: (usize, usize, usize, usize),
        stride: usize,
        padding: usize,
        output_padding: usize,
    ) -> Result<Self> {
        let (batch, map_channels, map_h, map_w) = maps;
        let (channels, image_channels, kernel_h, kernel_w) = weight;
        check("conv_transpose2d", maps, weight, stride)?;
        if channels != map_channels {
            bail!(
                "conv_transpose2d: the input has {map_channels} channels, the weight {weight:?} takes {channels}"
            );
        }
        if output_padding >= stride {
            bail!("conv_transpose2d: output padding {output_padding} must be below stride {stride}");
        }
        let side = |maps: usize, kernel: usize| {
            ((maps - 1) * stride + kernel + output_padding).checked_sub(2 * padding).filter(|&side| side > 0)
        };
        let (Some(image_h), Some(image_w)) = (side(map_h, kernel_h), side(map_w, kernel_w)) else {
            bail!("conv_transpose2d: {map_h}x{map_w} with padding {padding} leaves no output");
        };
        let image = (batch, image_channels, image_h, image_w);
        Ok(Self::between(image, maps, (kernel_h, kernel_w), stride, padding.into()))
    }

    /// Between an image and feature maps, both `[N, channels, height, width]` of one N.
    fn between(
        (batch, image_channels, image_h, image_w): (usize, usize, usize, usize),
        (_, map_channels, map_h, map_w): (usize, usize, usize, usize),
        (kernel_h, kernel_w): (usize, usize),
        stride: usize,
        padding: Padding,
    ) -> Self {
        Self {
            batch,
            image_channels,
            image_h,
            image_w,
            map_channels,
            map_h,
            map_w,
            kernel_h,
            kernel_w,
            stride,
            padding,
        }
    }

    pub fn image_shape(&self) -> (usize, usize, usize, usize) {
        (self.batch, self.image_channels, self.image_h, self.image_w)
    }

    pub fn map_shape(&self) -> (usize, usize, usize, usize) {
        (self.batch, self.map_channels, self.map_h, self.map_w)
    }

    /// Elements of one image.
    pub fn image_len(&self) -> usize {
        self.image_channels * self.image_h * self.image_w
    }

    /// Elements of one image's feature maps.
    pub fn map_len(&self) -> usize {
        self.map_channels * self.places()
    }

    /// Places the kernel visits in one image: `h * w`.
    pub fn places(&self) -> usize {
        self.map_h * self.map_w
    }

    /// Inputs of one output: `C * kh * kw`.
    pub fn taps(&self) -> usize {
        self.image_channels * self.kernel_h * self.kernel_w
    }

    /// Whether the kernel covers the whole image, so that the convolution is one matrix product.
    pub fn is_dense(&self) -> bool {
        self.padding == Padding::default() && (self.kernel_h, self.kernel_w) == (self.image_h, self.image_w)
    }

    /// Whether each pixel of the feature maps is of one pixel of the image, so that the convolution is a
    /// matrix product for each image.
    pub fn is_pointwise(&self) -> bool {
        self.padding == Padding::default() && (self.kernel_h, self.kernel_w, self.stride) == (1, 1, 1)
    }
}

fn check(
    op: &str,
    input: (usize, usize, usize, usize),
    weight: (usize, usize, usize, usize),
    stride: usize,
) -> Result<()> {
    let empty = |(a, b, c, d): (usize, usize, usize, usize)| a * b * c * d == 0;
    if empty(input) || empty(weight) || stride == 0 {
        bail!("{op}: nothing to do for input {input:?}, weight {weight:?}, stride {stride}");
    }
    Ok(())
}
