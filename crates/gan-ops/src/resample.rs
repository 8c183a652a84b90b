//! Images made larger and smaller.
//!
//! Plain compositions of Candle's ops, as the gradients of Candle's own upsampling and pooling are wrong: upsampling overwrites
//! what its input has gathered from other uses, average pooling gives rows that are left over a share, max pooling divides
//! by the number of values in a square.

use crate::flow::Flow;
use crate::reference;
use candle_core::{Result, Tensor, bail};

/// Every pixel becomes a square of `factor` by `factor`, as `torch.nn.functional.interpolate(mode="nearest")`.
///
/// x `[N, C, H, W]` -> `[N, C, factor * H, factor * W]`. An error for a factor of 0.
pub fn upsample_nearest2d(x: &Tensor, factor: usize) -> Result<Tensor> {
    reference::upsample_nearest2d(x, factor)
}

/// Channels become pixels: `y[n, c, h * factor + i, w * factor + j] = x[n, (c * factor + i) * factor + j, h, w]`
/// (Shi et al. 2016), as `torch.nn.functional.pixel_shuffle`.
///
/// x `[N, C * factor^2, H, W]` -> `[N, C, factor * H, factor * W]`. An error for other numbers of channels.
pub fn pixel_shuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    reference::pixel_shuffle(x, factor)
}

/// The mean of each square of `size` by `size`, as `torch.nn.functional.avg_pool2d`.
///
/// x `[N, C, H, W]` -> `[N, C, H / size, W / size]`; rows and columns that are left over are not read. An error for images
/// smaller than one square.
pub fn avg_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    reference::avg_pool2d(x, size)
}

/// The largest value of each square of `size` by `size`, as `torch.nn.functional.max_pool2d`. The gradient goes to that
/// value alone: among equals, to the first in reading order.
///
/// x `[N, C, H, W]` -> `[N, C, H / size, W / size]`; rows and columns that are left over are not read. An error for images
/// smaller than one square.
pub fn max_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    max_pool2d_with(x, x, size).map(|(max, _)| max)
}

/// [`max_pool2d`] of x, and of a tensor of the same shape the values at the same places. (Selecting one candidate after the
/// other is slower than argmax and gather, but ties go the same way on every device: those of CUDA's argmax do not.)
pub(crate) fn max_pool2d_with(x: &Tensor, other: &Tensor, size: usize) -> Result<(Tensor, Tensor)> {
    let (n, c, h, w) = pooled(x.dims(), size)?;
    let squares = |t: &Tensor| cut(t, h * size, w * size)?.reshape((n * c * h, size, w, size));
    let (x, other) = (squares(x)?, squares(other)?);
    let at = |t: &Tensor, place: usize| {
        t.narrow(1, place / size, 1)?.narrow(3, place % size, 1)?.reshape((n, c, h, w))
    };
    let mut best = (at(&x, 0)?, at(&other, 0)?);
    for place in 1..size * size {
        let next = (at(&x, place)?, at(&other, place)?);
        let keep = best.0.ge(&next.0)?;
        best = (keep.where_cond(&best.0, &next.0)?, keep.where_cond(&best.1, &next.1)?);
    }
    Ok(best)
}

impl Flow {
    /// [`upsample_nearest2d`].
    pub fn upsample_nearest2d(self, factor: usize) -> Result<Self> {
        self.through(|x| upsample_nearest2d(x, factor))
    }

    /// [`pixel_shuffle`].
    pub fn pixel_shuffle(self, factor: usize) -> Result<Self> {
        self.through(|x| pixel_shuffle(x, factor))
    }

    /// [`avg_pool2d`].
    pub fn avg_pool2d(self, size: usize) -> Result<Self> {
        self.through(|x| avg_pool2d(x, size))
    }
}

/// Lengths of four dimensions.
pub(crate) type Dims = (usize, usize, usize, usize);

fn dims4(dims: &[usize]) -> Result<Dims> {
    match *dims {
        [n, c, h, w] => Ok((n, c, h, w)),
        _ => bail!("an image to be resampled is [N, C, H, W], not {dims:?}"),
    }
}

/// The shape after [`upsample_nearest2d`].
pub(crate) fn upsampled(dims: &[usize], factor: usize) -> Result<Dims> {
    let (n, c, h, w) = dims4(dims)?;
    check(factor)?;
    Ok((n, c, h * factor, w * factor))
}

/// The shape after [`pixel_shuffle`].
pub(crate) fn shuffled(dims: &[usize], factor: usize) -> Result<Dims> {
    let (n, channels, h, w) = dims4(dims)?;
    check(factor)?;
    if channels % (factor * factor) != 0 {
        bail!("{channels} channels cannot be shuffled into squares of {factor} by {factor}");
    }
    Ok((n, channels / (factor * factor), h * factor, w * factor))
}

/// The shape after pooling.
pub(crate) fn pooled(dims: &[usize], size: usize) -> Result<Dims> {
    let (n, c, h, w) = dims4(dims)?;
    check(size)?;
    if h < size || w < size {
        bail!("images of {h} by {w} are too small to be pooled by {size}");
    }
    Ok((n, c, h / size, w / size))
}

fn cut(x: &Tensor, h: usize, w: usize) -> Result<Tensor> {
    x.narrow(2, 0, h)?.narrow(3, 0, w)
}

fn check(factor: usize) -> Result<()> {
    if factor == 0 {
        bail!("an image cannot be resampled by 0");
    }
    Ok(())
}
