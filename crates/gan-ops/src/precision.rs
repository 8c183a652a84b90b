//! How exactly the factors of products are taken.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

/// How exactly the convolutions of a [`Flow`](crate::Flow) take their factors. Values, sums, statistics, gradients and
/// parameters are f32 either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to bf16 (8 bits of 24), where the CPU multiplies those faster: see [`bf16_is_fast`]. Elsewhere, and in layers
    /// too small to gain by it, as F32.
    Bf16,
}

/// Whether this CPU has AMX, the unit that multiplies bf16 (Intel's server CPUs since 2023), and the system lends it.
/// `GAN_AMX=0` in the environment says no, also to f32, which then is computed as on other CPUs.
pub fn bf16_is_fast() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return crate::amx::available();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    return false;
}
