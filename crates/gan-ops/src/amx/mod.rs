//! Matrix products on AMX, the tile unit of Intel's server CPUs (Sapphire Rapids and later), in bf16 and in f32.
//!
//! The unit knows bf16 alone: it multiplies pairs of bf16 and adds in f32, at 16 times the speed of f32 vectors. An f32
//! is the sum of three bf16 (24 bits = 3 x 8), so a product of two f32 is the sum of nine products, of which the three
//! least are below its rounding error: six products give an f32 at twice the speed or more (Henry, Tang & Heinecke,
//! "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations", 2019).
//!
//! Rust's own intrinsics for it are not stable yet: what the unit does stands in `product.rs`, in assembly.

mod product;
mod words;

pub(crate) use product::{Product, ProductShape, Step, Sums, TILE};
pub(crate) use words::{Columns, ROW, load, pair, store, store_words, thin};

use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;
use std::sync::LazyLock;

/// Parts of an f32 whose products are those of f32: with one part they are those of bf16.
pub(crate) const F32_PARTS: usize = 3;

/// Whether this CPU has the unit, the system lends it, and the user did not say `GAN_AMX=0`.
pub(crate) fn available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| {
        let wanted = std::env::var("GAN_AMX").map_or(true, |value| value != "0");
        wanted && matches!(crate::simd::arch(), pulp::Arch::V4(_)) && has_unit() && lend()
    });
    *AVAILABLE
}

fn has_unit() -> bool {
    // SAFETY: every x86-64 CPU has the instruction.
    #[allow(unsafe_code, unused_unsafe)]
    let (highest, features) = unsafe { (__cpuid_count(0, 0).eax, __cpuid_count(7, 0).edx) };
    let (bf16, tile) = (1 << 22, 1 << 24);
    highest >= 7 && features & (bf16 | tile) == bf16 | tile
}

/// Asks Linux for the registers, which are so large that they are kept for those programs alone that ask.
fn lend() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_int = 18;
    // SAFETY: a call with numbers alone, which changes nothing but what later instructions may do.
    #[allow(unsafe_code)]
    let answer = unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) };
    answer == 0
}

/// The unit, set up on the calling thread: eight tiles of 16 rows of 64 bytes.
pub(crate) struct Unit(PhantomData<*const ()>); // not to be sent to another thread

impl Unit {
    /// Panics where the unit is not [`available`].
    pub fn set_up() -> Self {
        assert!(available(), "AMX without AMX");
        #[repr(C, align(64))]
        struct Config {
            palette: u8,
            start_row: u8,
            reserved: [u8; 14],
            bytes_a_row: [u16; 16],
            rows: [u8; 16],
        }
        let mut config =
            Config { palette: 1, start_row: 0, reserved: [0; 14], bytes_a_row: [0; 16], rows: [0; 16] };
        config.bytes_a_row[..8].fill(64);
        config.rows[..8].fill(16);
        // SAFETY: the CPU has the instruction and the system allows it (`available`); the configuration is 64 bytes of
        // the layout that palette 1 asks for.
        #[allow(unsafe_code)]
        unsafe {
            std::arch::asm!("ldtilecfg [{0}]", in(reg) &raw const config, options(nostack, readonly));
        }
        Self(PhantomData)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // SAFETY: as above. Without it the system would save 8 KiB of tiles at every switch of threads.
        #[allow(unsafe_code)]
        unsafe {
            std::arch::asm!("tilerelease", options(nostack, nomem));
        }
    }
}

/// Numbers without a pattern, in [-1, 1), to test with.
#[cfg(test)]
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(next).collect()
}
