//! Which vector instructions compute.

use crate::simd::arch;
use pulp::Arch;

/// The vector instructions that this machine computes with, as far as the last bits of results depend on
/// them: `AMX`, `AVX-512`, `AVX2`, `NEON` or `none`. The same program gives the same bits on machines of one
/// answer, as far as it was tried; on others the last bits differ. `GAN_SIMD=avx2` or `GAN_SIMD=none` in the
/// environment does without wider ones, `GAN_AMX=0` without AMX.
pub fn instructions() -> &'static str {
    if crate::bf16_is_fast() {
        return "AMX";
    }
    match arch() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "AVX-512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "AVX2",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "NEON",
        _ => "none",
    }
}
