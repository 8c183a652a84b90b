//! Loops compiled for each set of vector instructions, the best one chosen at run time.
//!
//! A build for x86-64 may use SSE2 alone: four f32 at a time where the machine may have eight or sixteen.

use pulp::Arch;
use std::sync::LazyLock;

/// The widest vectors of this machine, or those that the user asks for: `GAN_SIMD=avx2` and `GAN_SIMD=none`
/// do without wider ones, to compare and to test what other machines compute with. (Candle's own ops and
/// matrix products do not heed it.)
pub(crate) fn arch() -> Arch {
    static ARCH: LazyLock<Arch> = LazyLock::new(|| match std::env::var("GAN_SIMD").as_deref() {
        Ok("none") => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Ok("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        Ok(other) => {
            tracing::warn!("GAN_SIMD={other} is unknown (avx2 or none): the widest vectors are used");
            Arch::new()
        }
        Err(_) => Arch::new(),
    });
    *ARCH
}

/// Calls `body` compiled for the widest vectors of this machine (AVX2, AVX-512, ...; the compiler does the
/// rest).
///
/// What is to be vectorised must be inlined into the closure, and the closure itself too: write
/// `vectorised(#[inline(always)] || ...)`, and `#[inline(always)]` on what it calls. The bits of the result
/// are the same on every machine: Rust neither fuses a multiplication with an addition nor reorders sums.
#[inline(always)]
pub(crate) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    arch().dispatch(body)
}
