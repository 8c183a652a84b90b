//! Convolutions by minimal filtering: against the reference at shapes that have it, their rounding, and the
//! same bits on any number of threads.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Result, Tensor};
use common::{ACTIVATIONS, expect_twins, gradients, normal, relative_difference};
use gan_ops::{Activation, Flow, conv_transpose2d, conv2d, reference};
use proptest::prelude::*;

/// Kernel and stride of what is cut into tiles.
fn kernels() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![3 => Just((4, 2)), 2 => Just((3, 1)), 1 => Just((2, 1))]
}

/// Channels enough on both sides, whole vectors and not.
fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![Just(16), Just(32), Just(64), 16usize..100]
}

proptest! {
    // The same cases each time; PROPTEST_RNG_SEED tries others.
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn tiles_make_the_convolution(
        batch in 1usize..12, c in channels(), o in channels(), h in 1usize..=13, w in 1usize..=17,
        (kernel, stride) in kernels(), padding in 0usize..=3, double in any::<bool>(),
        activation in 0..ACTIVATIONS.len(),
    ) {
        prop_assume!(kernel <= h + 2 * padding && kernel <= w + 2 * padding);
        let dtype = if double { DType::F64 } else { DType::F32 };
        let activation = if double { ACTIVATIONS[activation] } else { Activation::Identity };
        let x = normal("x", &[batch, c, h, w], dtype);
        let weight = normal("w", &[o, c, kernel, kernel], dtype);
        expect_twins(
            &[&x, &weight],
            || Flow::enter(&x)?.conv2d(&weight.as_tensor().into(), stride, padding, activation)?.leave(),
            || activation.apply(&reference::conv2d(&x, &weight, stride, padding)?),
        );
    }

    #[test]
    fn tiles_make_the_transposed_convolution(
        batch in 1usize..12, i in channels(), o in channels(), h in 1usize..=9, w in 1usize..=11,
        (kernel, stride) in kernels(), padding in 0usize..=3, extra in 0usize..=1, double in any::<bool>(),
    ) {
        let extra = extra.min(stride - 1);
        let side = |maps: usize| (maps - 1) * stride + kernel + extra;
        prop_assume!(side(h) > 2 * padding && side(w) > 2 * padding);
        let dtype = if double { DType::F64 } else { DType::F32 };
        let x = normal("x", &[batch, i, h, w], dtype);
        let weight = normal("w", &[i, o, kernel, kernel], dtype);
        expect_twins(
            &[&x, &weight],
            || conv_transpose2d(&x, &weight, stride, padding, extra),
            || reference::conv_transpose2d(&x, &weight, stride, padding, extra),
        );
    }
}

/// What the documentation of the kernels says of their errors.
#[test]
fn rounding_is_less_than_six_times_that_of_the_products_alone() -> Result<()> {
    for (kernel, stride) in [(4, 2), (3, 1)] {
        let x = normal("x", &[8, 128, 16, 16], DType::F32);
        let weight = normal("w", &[64, 128, kernel, kernel], DType::F32);
        let shape = reference::conv2d(&x, &weight, stride, 1)?;
        let dy = normal("dy", shape.dims(), DType::F32);
        let all = |y: &Tensor| -> Vec<Tensor> {
            let mut all = gradients(y, &dy, &[&x, &weight]);
            all.push(y.clone());
            all
        };
        let (ours, plain) = (all(&conv2d(&x, &weight, stride, 1)?), all(&shape));
        let [x64, w64, dy64] = ["x", "w", "dy"].map(|name| {
            let of: &Tensor = match name {
                "x" => x.as_tensor(),
                "w" => weight.as_tensor(),
                _ => dy.as_tensor(),
            };
            candle_core::Var::from_tensor(&of.to_dtype(DType::F64).unwrap()).unwrap()
        });
        let exact = reference::conv2d(&x64, &w64, stride, 1)?;
        let mut exact_all = gradients(&exact, &dy64, &[&x64, &w64]);
        exact_all.push(exact);
        for ((ours, plain), exact) in ours.iter().zip(&plain).zip(&exact_all) {
            let (ours, plain) = (relative_difference(ours, exact), relative_difference(plain, exact));
            assert!(ours < 6.0 * plain, "kernel {kernel}: {ours:e} of tiles, {plain:e} of products");
        }
    }
    Ok(())
}

#[test]
fn one_two_and_three_threads_give_the_same_bits() {
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = normal("x", &[37, 40, 10, 10], DType::F32);
            let (w0, w1) =
                (normal("w0", &[150, 40, 4, 4], DType::F32), normal("w1", &[40, 150, 3, 3], DType::F32));
            let y = conv2d(&conv2d(&x, &w0, 2, 1).unwrap(), &w1, 1, 1).unwrap();
            let dy = normal("dy", y.dims(), DType::F32);
            let mut all = gradients(&y, &dy, &[&x, &w0, &w1]);
            all.push(y);
            let bits =
                |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits);
            all.iter().flat_map(bits).collect::<Vec<u32>>()
        })
    };
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(3));
}
