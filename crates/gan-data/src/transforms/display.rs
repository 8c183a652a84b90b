//! Transforms in words.

use std::fmt::{self, Display, Formatter};

use super::{ResizeTo, Transform};
use crate::Background;

/// In a few words, sizes as `WIDTHxHEIGHT`.
impl Display for Transform {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match *self {
            Self::Resize { to: ResizeTo::Shorter(side), filter } => {
                write!(f, "resize to {side} (shorter side, {filter})")
            }
            Self::Resize { to: ResizeTo::Cover { height, width }, filter } if height == width => {
                write!(f, "resize to {width} (shorter side, {filter})")
            }
            Self::Resize { to: ResizeTo::Cover { height, width }, filter } => {
                write!(f, "resize to cover {width}x{height} ({filter})")
            }
            Self::Resize { to: ResizeTo::Within { height, width }, filter } => {
                write!(f, "resize to fit into {width}x{height} ({filter})")
            }
            Self::Resize { to: ResizeTo::Exact { height, width }, filter } => {
                write!(f, "resize to {width}x{height} ({filter})")
            }
            Self::CenterCrop { height, width } => write!(f, "centre crop {width}x{height}"),
            Self::Pad { height, width, color } => {
                write!(f, "pad to {width}x{height} with {}", Background::Color(color))
            }
            Self::RandomCrop { height, width, padding: 0 } => write!(f, "random crop {width}x{height}"),
            Self::RandomCrop { height, width, padding } => {
                write!(f, "random crop {width}x{height} after padding by {padding}")
            }
            Self::RandomResizedCrop { height, width, scale, ratio, filter } => {
                let [least, largest, narrow, wide] = [scale.0, scale.1, ratio.0, ratio.1].map(short);
                write!(
                    f,
                    "random crop of {least} to {largest} of the area, {narrow} to {wide} as wide as high, \
                     resized to {width}x{height} ({filter})"
                )
            }
            Self::RandomHorizontalFlip { probability: 0.5 } => f.write_str("mirror half of the images"),
            Self::RandomHorizontalFlip { probability } => {
                write!(f, "mirror with probability {}", short(probability))
            }
            Self::ColorJitter { brightness, contrast, saturation, hue } => {
                let ranges = [brightness, contrast, saturation, hue].map(short);
                let names = ["brightness", "contrast", "saturation", "hue"];
                let used = ranges.iter().zip(names).filter(|(range, _)| **range != 0.0);
                let words: Vec<String> = used.map(|(range, name)| format!("{name} by {range}")).collect();
                write!(f, "jitter {}", if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
            }
            Self::Channels(1) => f.write_str("convert to gray"),
            Self::Channels(3) => f.write_str("convert to colour"),
            Self::Channels(4) => f.write_str("convert to colour with alpha"),
            Self::Channels(channels) => write!(f, "convert to {channels} channels"),
            Self::Grayscale(1) => f.write_str("convert to gray"),
            Self::Grayscale(channels) => write!(f, "convert to gray in {channels} equal channels"),
        }
    }
}

/// Four digits after the point: 4/3 is long enough as 1.3333.
fn short(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Filter;

    #[test]
    fn a_transform_says_what_it_does() {
        for (transform, words) in [
            (
                Transform::Resize { to: ResizeTo::Shorter(64), filter: Filter::Bilinear },
                "resize to 64 (shorter side, bilinear)",
            ),
            (
                Transform::Resize { to: ResizeTo::Exact { height: 48, width: 64 }, filter: Filter::Bicubic },
                "resize to 64x48 (bicubic)",
            ),
            (
                Transform::Resize { to: ResizeTo::Cover { height: 48, width: 64 }, filter: Filter::Bilinear },
                "resize to cover 64x48 (bilinear)",
            ),
            (
                Transform::Resize { to: ResizeTo::Cover { height: 64, width: 64 }, filter: Filter::Bilinear },
                "resize to 64 (shorter side, bilinear)",
            ),
            (Transform::Pad { height: 48, width: 64, color: [0; 3] }, "pad to 64x48 with black"),
            (Transform::CenterCrop { height: 48, width: 64 }, "centre crop 64x48"),
            (Transform::RandomCrop { height: 48, width: 64, padding: 0 }, "random crop 64x48"),
            (
                Transform::RandomCrop { height: 48, width: 64, padding: 4 },
                "random crop 64x48 after padding by 4",
            ),
            (
                Transform::RandomResizedCrop {
                    height: 48,
                    width: 64,
                    scale: (0.08, 1.0),
                    ratio: (3.0 / 4.0, 4.0 / 3.0),
                    filter: Filter::Bilinear,
                },
                "random crop of 0.08 to 1 of the area, 0.75 to 1.3333 as wide as high, resized to 64x48 (bilinear)",
            ),
            (Transform::RandomHorizontalFlip { probability: 0.5 }, "mirror half of the images"),
            (Transform::RandomHorizontalFlip { probability: 0.1 }, "mirror with probability 0.1"),
            (
                Transform::ColorJitter { brightness: 0.4, contrast: 0.0, saturation: 0.0, hue: 0.1 },
                "jitter brightness by 0.4, hue by 0.1",
            ),
            (Transform::Channels(1), "convert to gray"),
            (Transform::Channels(3), "convert to colour"),
            (Transform::Grayscale(3), "convert to gray in 3 equal channels"),
        ] {
            assert_eq!(transform.to_string(), words);
        }
    }
}
