//! Channels side by side in the lanes of vectors.
//!
//! The kernels work on a *panel* of output channels at a time: one or two vectors. Weights, and whatever else
//! is read or written a channel a lane, are laid out `[panels, rows, lanes of a panel]`, filled up with
//! zeros.

use crate::cpu::Real;
use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Vector registers that hold the sums of two vectors for each of eight pixels.
pub(in crate::conv) const MANY_REGISTERS: usize = 32;

/// Whether kernels are compiled for strides of 1 and 2 one by one. f64, which checks gradients, and CPUs
/// without vectors do with one kernel for all: each takes long to compile.
pub(super) const fn for_each_stride<T, S: Simd>() -> bool {
    size_of::<T>() == size_of::<f32>() && size_of::<S::f32s>() > size_of::<f32>()
}

/// The panels of some channels on this CPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    pub channels: usize,
    /// Vectors of a panel: 1 or 2.
    pub vectors: usize,
    /// Channels of a panel.
    pub lanes: usize,
    /// Pixels whose sums fit the registers, about.
    pub pixels: usize,
}

impl Panels {
    pub fn of<T: Real>(channels: usize) -> Self {
        let (lanes, registers) = vectors::<T>();
        // 16 sums hide the latency of an addition, where there are registers for them. Two vectors for each
        // pixel that is loaded, if so many channels there are.
        let sums = if registers >= MANY_REGISTERS { 16 } else { 8 };
        let vectors = if registers >= MANY_REGISTERS && channels > lanes { 2 } else { 1 };
        Self { channels, vectors, lanes: vectors * lanes, pixels: sums / vectors }
    }

    /// For matrix products, whose rows lie anywhere: two vectors also where there are but 16 registers, as
    /// then eight loads serve twelve products.
    pub fn of_products<T: Real>(channels: usize) -> Self {
        let (lanes, registers) = vectors::<T>();
        let vectors = if channels > lanes { 2 } else { 1 };
        let pixels = if vectors == 2 && registers < MANY_REGISTERS { 6 } else { 8 };
        Self { channels, vectors, lanes: vectors * lanes, pixels }
    }

    pub fn count(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    /// The channels of one panel.
    pub fn channels_of(&self, panel: usize) -> std::ops::Range<usize> {
        panel * self.lanes..((panel + 1) * self.lanes).min(self.channels)
    }
}

/// Elements of a vector, and vector registers.
fn vectors<T: Real>() -> (usize, usize) {
    struct Registers<T>(std::marker::PhantomData<T>);
    impl<T: Real> WithSimd for Registers<T> {
        type Output = (usize, usize);

        #[inline(always)]
        fn with_simd<S: Simd>(self, _simd: S) -> (usize, usize) {
            (size_of::<T::Vector<S>>() / size_of::<T>(), S::REGISTER_COUNT)
        }
    }
    arch().dispatch(Registers::<T>(std::marker::PhantomData))
}
