//! How an image size is made of a small base.

use crate::architecture::Architecture;
use crate::config::ModelConfig;
use crate::error::{Error, Result};

/// How an image size is made: a base, doubled so many times.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SizePlan {
    /// Height and width, px.
    pub base: (usize, usize),
    pub doublings: u32,
}

impl SizePlan {
    /// The shorter side is 4 to 7 times a power of two; the longer side any multiple of that power.
    pub fn of(config: &ModelConfig) -> Result<Self> {
        Self::of_size(config.architecture, config.height, config.width)
    }

    fn of_size(architecture: Architecture, height: usize, width: usize) -> Result<Self> {
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
                        "the {} model cannot make {height}x{width} images: the shorter side must be 4 to 7 times a power of two (2 or more), the longer one a multiple of that power",
                        architecture.name()
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
        let plan = |h, w| SizePlan::of_size(Architecture::Dcgan, h, w).unwrap();
        for side in [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256]
        {
            let SizePlan { base, doublings } = plan(side, side);
            assert!((4..=7).contains(&base.0) && base.0 << doublings == side, "{side}");
        }
        assert_eq!(plan(28, 28), SizePlan { base: (7, 7), doublings: 2 });
        assert_eq!(plan(64, 96), SizePlan { base: (4, 6), doublings: 4 });
        assert_eq!(plan(128, 32), SizePlan { base: (16, 4), doublings: 3 });
    }

    #[test]
    fn a_size_that_cannot_be_made_names_the_nearest_that_can() {
        let hint = |h, w| SizePlan::of_size(Architecture::Dcgan, h, w).unwrap_err().hint();
        assert!(hint(30, 30).contains("28x28 and 32x32"), "{}", hint(30, 30));
        assert!(hint(100, 100).contains("96x96 and 112x112"));
        assert!(hint(64, 100).contains("64x96"), "{}", hint(64, 100));
        assert!(hint(100, 64).contains("96x64"));
        assert!(hint(3, 3).contains("8x8"), "{}", hint(3, 3));
        assert!(hint(7, 500).contains("8x500"), "{}", hint(7, 500));
        assert!(hint(30, 40).contains("28x40 and 32x40"), "{}", hint(30, 40));
    }
}
