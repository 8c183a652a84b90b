//! What transforms can be, and what size an image has after them.

use super::{Error, MAX_SIDE, Result, Transform};

impl Transform {
    /// Whether the parameters can be, whatever the image.
    pub(super) fn check(&self) -> Result<()> {
        let reason = match *self {
            Self::RandomCrop { padding, .. } if padding > MAX_SIDE => "padding is at most 16384 pixels",
            Self::RandomResizedCrop { scale, .. } if !is_range(scale) => {
                "a scale is two finite numbers above 0, the smaller one first"
            }
            Self::RandomResizedCrop { ratio, .. } if !is_range(ratio) => {
                "a ratio is two finite numbers above 0, the smaller one first"
            }
            Self::RandomHorizontalFlip { probability } if !(0.0..=1.0).contains(&probability) => {
                "a probability is a number from 0 to 1"
            }
            Self::ColorJitter { brightness, contrast, saturation, .. }
                if ![brightness, contrast, saturation].iter().all(|x| x.is_finite() && *x >= 0.0) =>
            {
                "brightness, contrast and saturation are finite numbers, 0 or more"
            }
            Self::ColorJitter { hue, .. } if !(0.0..=0.5).contains(&hue) => "a hue is a number from 0 to 0.5",
            Self::Grayscale(channels) if channels != 1 && channels != 3 => {
                "gray has 1 channel or 3 equal ones"
            }
            _ => return Ok(()),
        };
        Err(Error::Transform { transform: self.to_string(), reason })
    }

    /// The (height, width, channels) of what it makes of an image of this size. An error if it cannot.
    pub(super) fn output_size(
        &self,
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<(usize, usize, usize)> {
        let fault = |reason| Err(Error::ImageSize { width, height, channels, reason });
        let (height, width, channels) = match *self {
            Self::Resize { to, .. } => {
                let (height, width) = to.size(height, width);
                (height, width, channels)
            }
            Self::RandomCrop { height: rows, width: columns, padding }
                if height + 2 * padding < rows || width + 2 * padding < columns =>
            {
                return fault("is smaller than its random crop: resize it first, or give the crop padding");
            }
            Self::CenterCrop { height, width }
            | Self::Pad { height, width, .. }
            | Self::RandomCrop { height, width, .. }
            | Self::RandomResizedCrop { height, width, .. } => (height, width, channels),
            Self::RandomHorizontalFlip { .. } | Self::ColorJitter { .. } => (height, width, channels),
            Self::Channels(to) if to != channels && ![1, 3, 4].contains(&to) => {
                return fault("can be converted to 1, 3 or 4 channels only");
            }
            Self::Channels(to) | Self::Grayscale(to) => (height, width, to),
        };
        image_size(height, width, channels)?;
        Ok((height, width, channels))
    }
}

/// An error if no image can have this size.
pub(super) fn image_size(height: usize, width: usize, channels: usize) -> Result<()> {
    let fault = |reason| Err(Error::ImageSize { width, height, channels, reason });
    if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
        return fault("cannot be made: a side has 1 to 16384 pixels");
    }
    if !(1..=4).contains(&channels) {
        return fault("cannot be made: there are 1 to 4 channels");
    }
    Ok(())
}

/// Also false where a number is none.
fn is_range((low, high): (f64, f64)) -> bool {
    low > 0.0 && low <= high && high.is_finite()
}
