//! The element types the kernels are written for, and a buffer of either.

use crate::scratch::Scratch;
use crate::special::Special;
use bytemuck::Pod;
use candle_core::{CpuStorage, WithDType};
use num_traits::Float;
use pulp::Simd;

/// Elements of either type.
pub(crate) enum Values {
    F32(Scratch<f32>),
    F64(Scratch<f64>),
}

/// f32 to train, f64 to check gradients.
pub(crate) trait Real: WithDType + Float + Special + Pod {
    /// As many elements as the CPU works on at a time.
    type Vector<S: Simd>: Copy;

    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// `a * b + c`, rounded once where the CPU can.
    fn multiply_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    fn vector_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn vector_sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn vector_mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The slice as vectors, without a rest that fills none.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::Vector<S>];
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [Self::Vector<S>];

    /// The elements of a storage that is written in place.
    fn values_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;

    fn wrap(values: Scratch<Self>) -> Values;
    fn unwrap(values: &Values) -> Option<&[Self]>;
    fn unwrap_mut(values: &mut Values) -> Option<&mut [Self]>;
}

macro_rules! real {
    (
        $type:ty, $variant:ident, $vector:ident, $splat:ident, $multiply_add:ident,
        ($add:ident, $sub:ident, $mul:ident), $vectors:ident, $vectors_mut:ident
    ) => {
        impl Real for $type {
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: $type) -> S::$vector {
                simd.$splat(x)
            }

            #[inline(always)]
            fn multiply_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$multiply_add(a, b, c)
            }

            #[inline(always)]
            fn vector_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }

            #[inline(always)]
            fn vector_sub<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }

            #[inline(always)]
            fn vector_mul<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }

            #[inline(always)]
            fn vectors<S: Simd>(x: &[$type]) -> &[S::$vector] {
                S::$vectors(x).0
            }

            #[inline(always)]
            fn vectors_mut<S: Simd>(x: &mut [$type]) -> &mut [S::$vector] {
                S::$vectors_mut(x).0
            }

            fn values_mut(storage: &mut CpuStorage) -> Option<&mut [$type]> {
                if let CpuStorage::$variant(values) = storage { Some(values) } else { None }
            }

            fn wrap(values: Scratch<$type>) -> Values {
                Values::$variant(values)
            }

            fn unwrap(values: &Values) -> Option<&[$type]> {
                if let Values::$variant(values) = values { Some(values) } else { None }
            }

            fn unwrap_mut(values: &mut Values) -> Option<&mut [$type]> {
                if let Values::$variant(values) = values { Some(values) } else { None }
            }
        }
    };
}
real!(
    f32,
    F32,
    f32s,
    splat_f32s,
    mul_add_e_f32s,
    (add_f32s, sub_f32s, mul_f32s),
    as_simd_f32s,
    as_mut_simd_f32s
);
real!(
    f64,
    F64,
    f64s,
    splat_f64s,
    mul_add_e_f64s,
    (add_f64s, sub_f64s, mul_f64s),
    as_simd_f64s,
    as_mut_simd_f64s
);
