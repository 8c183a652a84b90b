//! Loops compiled for each set of vector instructions, the best one chosen at run time.
//!
//! A build for x86-64 may use SSE2 alone: four f32 at a time where the machine may have eight or sixteen.

/// Calls `body` compiled for the widest vectors of this machine (AVX2, AVX-512, ...; the compiler does the rest).
///
/// What is to be vectorised must be inlined into the closure, and the closure itself too: write
/// `vectorised(#[inline(always)] || ...)`, and `#[inline(always)]` on what it calls. The bits of the result are the same
/// on every machine: Rust neither fuses a multiplication with an addition nor reorders sums.
#[inline(always)]
pub(crate) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body) // what the machine has is looked up once and kept
}
