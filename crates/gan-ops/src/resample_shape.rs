//! The shapes of images after they are resampled, and which cannot be.

use candle_core::{Result, bail};

/// Lengths of four dimensions.
pub(crate) type Dims = (usize, usize, usize, usize);

/// An error for what is no batch of images.
pub(crate) fn dims4(dims: &[usize]) -> Result<Dims> {
    match *dims {
        [n, c, h, w] => Ok((n, c, h, w)),
        _ => bail!("an image to be resampled is [N, C, H, W], not {dims:?}"),
    }
}

/// The shape after [`upsample_nearest2d`](crate::upsample_nearest2d).
pub(crate) fn upsampled(dims: &[usize], factor: usize) -> Result<Dims> {
    let (n, c, h, w) = dims4(dims)?;
    check(factor)?;
    Ok((n, c, h * factor, w * factor))
}

/// The shape after [`pixel_shuffle`](crate::pixel_shuffle).
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

fn check(factor: usize) -> Result<()> {
    if factor == 0 {
        bail!("an image cannot be resampled by 0");
    }
    Ok(())
}
