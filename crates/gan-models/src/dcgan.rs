//! The networks of PyTorch's DCGAN example (Radford et al. 2016), at more sizes than 64x64.
//!
//! The generator starts from a small base (4 to 7 px on the shorter side) and doubles it layer by layer; the
//! discriminator halves its way back. At 64x64 RGB, width 64 and latent 100 they have 3,576,704 and 2,765,568
//! parameters, and the names of their tensors are those of the example's `state_dict`.

use crate::builder::{SequentialBuilder, Source};
use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::layers::Layer;
use crate::params::Params;
use candle_core::Device;

const KERNEL: (usize, usize) = (4, 4);

/// latents `[N, Z]` -> images `[N, C, H, W]`.
pub(crate) fn generator(
    config: &ModelConfig,
    source: Source,
    device: &Device,
) -> Result<(Vec<Layer>, Params)> {
    let plan = Plan::of(config.height, config.width)?;
    let mut width = config.base_width << (plan.doublings - 1);
    let mut net = SequentialBuilder::new(source, device)
        .reshape(&[config.latent_dim, 1, 1])
        .conv_transpose2d((config.latent_dim, width), plan.base, 1, 0)?
        .batch_norm2d(width)?
        .relu();
    for _ in 1..plan.doublings {
        net = net.conv_transpose2d((width, width / 2), KERNEL, 2, 1)?.batch_norm2d(width / 2)?.relu();
        width /= 2;
    }
    net.conv_transpose2d((width, config.channels), KERNEL, 2, 1)?.tanh().finish()
}

/// images `[N, C, H, W]` -> logits `[N, 1, 1, 1]`.
pub(crate) fn discriminator(
    config: &ModelConfig,
    source: Source,
    device: &Device,
) -> Result<(Vec<Layer>, Params)> {
    let plan = Plan::of(config.height, config.width)?;
    let mut width = config.base_width;
    let mut net = SequentialBuilder::new(source, device)
        .with_norm(config.norm_d())
        .conv2d((config.channels, width), KERNEL, 2, 1)?
        .leaky_relu(0.2);
    for _ in 1..plan.doublings {
        net = net.conv2d((width, 2 * width), KERNEL, 2, 1)?.norm2d(2 * width)?.leaky_relu(0.2);
        width *= 2;
    }
    net.conv2d((width, 1), plan.base, 1, 0)?.finish()
}

/// About how many parameters the generator has, without building it.
pub(crate) fn parameters(config: &ModelConfig) -> Result<f64> {
    let plan = Plan::of(config.height, config.width)?;
    let widest = config.base_width as f64 * f64::from(plan.doublings - 1).exp2();
    let base = plan.base.0 as f64 * plan.base.1 as f64;
    // Each doubling halves the channels: a geometric series, bounded by its first term times 4/3.
    Ok(config.latent_dim as f64 * widest * base + widest * widest * 8.0 * 4.0 / 3.0)
}

/// How an image size is made: a base, doubled so many times.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    base: (usize, usize),
    doublings: u32,
}

impl Plan {
    /// The shorter side is 4 to 7 times a power of two; the longer side any multiple of that power.
    fn of(height: usize, width: usize) -> Result<Self> {
        let (shorter, longer) = (height.min(width), height.max(width));
        match doublings(shorter) {
            Some(doublings) if longer.is_multiple_of(1 << doublings) => {
                Ok(Self { base: (height >> doublings, width >> doublings), doublings })
            }
            _ => {
                let oriented = |(shorter, longer): (usize, usize)| {
                    if height <= width {
                        format!("{shorter}x{longer}")
                    } else {
                        format!("{longer}x{shorter}")
                    }
                };
                let sizes: Vec<String> = nearest(shorter, longer).into_iter().map(oriented).collect();
                Err(Error::config(
                    format!(
                        "a dcgan cannot make {height}x{width} images: the shorter side must be 4 to 7 times a power of two (2 or more), the longer one a multiple of that power"
                    ),
                    format!(
                        "the nearest sizes that it can make: {}; or use the mlp model",
                        sizes.join(" and ")
                    ),
                ))
            }
        }
    }
}

/// k where side = base * 2^k, base 4 to 7 and k at least 1.
fn doublings(side: usize) -> Option<u32> {
    let k = side.checked_ilog2()?.checked_sub(2)?; // side / 2^k is in 4..8
    (k >= 1 && side.is_multiple_of(1 << k)).then_some(k)
}

/// The nearest sizes that can be made: with the shorter side below and above, and a square for a square.
fn nearest(shorter: usize, longer: usize) -> Vec<(usize, usize)> {
    let power = 1usize << shorter.checked_ilog2().unwrap_or(0).saturating_sub(2).max(1);
    let below = shorter / power * power;
    let sides = if below < 8 {
        vec![8]
    } else if below == shorter {
        vec![below]
    } else {
        vec![below, below + power]
    };
    let complete = |side: usize| {
        let power = 1usize << doublings(side).unwrap_or(1);
        let multiple = (longer / power + (longer % power * 2 / power)) * power; // rounded
        (side, if shorter == longer { side } else { multiple.max(side) })
    };
    sides.into_iter().map(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_base_and_doublings() {
        let plan = |h, w| Plan::of(h, w).unwrap();
        for side in [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256]
        {
            let Plan { base, doublings } = plan(side, side);
            assert!((4..=7).contains(&base.0) && base.0 << doublings == side, "{side}");
        }
        assert_eq!(plan(28, 28), Plan { base: (7, 7), doublings: 2 });
        assert_eq!(plan(64, 96), Plan { base: (4, 6), doublings: 4 });
        assert_eq!(plan(128, 32), Plan { base: (16, 4), doublings: 3 });
    }

    #[test]
    fn a_size_that_cannot_be_made_names_the_nearest_that_can() {
        let hint = |h, w| Plan::of(h, w).unwrap_err().hint();
        assert!(hint(30, 30).contains("28x28 and 32x32"), "{}", hint(30, 30));
        assert!(hint(100, 100).contains("96x96 and 112x112"));
        assert!(hint(64, 100).contains("64x96"), "{}", hint(64, 100));
        assert!(hint(100, 64).contains("96x64"));
        assert!(hint(3, 3).contains("8x8"), "{}", hint(3, 3));
        assert!(hint(7, 500).contains("8x500"), "{}", hint(7, 500));
        assert!(hint(30, 40).contains("28x40 and 32x40"), "{}", hint(30, 40));
    }
}
