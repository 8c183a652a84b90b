//! Depthwise convolutions, pooling, padding by side, fused biases and concatenation against their references
//! in plain Candle, and their gradients against finite differences.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Device, Result, Tensor, Var};
use common::{check_against_differences, expect_twins, gradients, normal, types};
use gan_ops::{Activation, Flow, Padding, Pool, conv2d, depthwise_conv2d, reference};
use proptest::prelude::*;

fn paddings() -> impl Strategy<Value = Padding> {
    (0usize..=2, 0usize..=3, 0usize..=2, 0usize..=3).prop_map(|(top, bottom, left, right)| Padding {
        top,
        bottom,
        left,
        right,
    })
}

proptest! {
    // The same cases each time; PROPTEST_RNG_SEED tries others.
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn depthwise_conv2d_is_its_twin(
        batch in 1usize..5, c in 1usize..70, h in 1usize..=17, w in 1usize..=31,
        kh in 1usize..=5, kw in 1usize..=5, stride in 1usize..=3, padding in paddings(),
        (dtype, activation) in types(),
    ) {
        prop_assume!(kh <= h + padding.rows() && kw <= w + padding.columns());
        let (x, weight) = (normal("x", &[batch, c, h, w], dtype), normal("w", &[c, 1, kh, kw], dtype));
        let bias = normal("b", &[c], dtype);
        for bias in [bias.as_tensor().clone(), bias.as_detached_tensor()] {
            let parameters = (weight.as_tensor().into(), (&bias).into());
            let flow = || Flow::enter(&x)?
                .depthwise_conv2d(&parameters.0, Some(&parameters.1), stride, padding, activation)?
                .leave();
            let slow = || {
                let y = reference::depthwise_conv2d(&x, &weight, stride, padding)?;
                reference::add_bias(&y, &bias, activation)
            };
            expect_twins(&[&x, &weight], flow, slow);
        }
    }

    #[test]
    fn conv2d_with_padding_by_side_and_bias_is_its_twin(
        batch in 1usize..5, c in 1usize..40, o in 1usize..40, h in 1usize..=17, w in 1usize..=31,
        (kh, kw) in prop_oneof![Just((1, 1)), Just((1, 7)), Just((7, 1)), Just((3, 3)), Just((5, 5))],
        stride in 1usize..=2, padding in prop_oneof![Just(Padding::default()), paddings()],
        (dtype, activation) in types(),
    ) {
        prop_assume!(kh <= h + padding.rows() && kw <= w + padding.columns());
        let (x, weight) = (normal("x", &[batch, c, h, w], dtype), normal("w", &[o, c, kh, kw], dtype));
        let bias = normal("b", &[o], dtype);
        for bias in [bias.as_tensor().clone(), bias.as_detached_tensor()] {
            let parameters = (weight.as_tensor().into(), (&bias).into());
            let flow = || Flow::enter(&x)?
                .conv2d_with_bias(&parameters.0, &parameters.1, stride, padding, activation)?
                .leave();
            let slow = || {
                reference::add_bias(&reference::conv2d(&x, &weight, stride, padding)?, &bias, activation)
            };
            expect_twins(&[&x, &weight], flow, slow);
        }
    }

    #[test]
    fn pool2d_is_its_twin(
        batch in 1usize..5, c in 1usize..20, h in 1usize..=17, w in 1usize..=31,
        size in 1usize..=4, stride in 1usize..=3, padding in 0usize..=2, is_max in any::<bool>(),
        dtype in prop_oneof![Just(DType::F32), Just(DType::F64)],
    ) {
        prop_assume!(2 * padding <= size && size <= h + 2 * padding && size <= w + 2 * padding);
        let pool = if is_max { Pool::Max } else { Pool::Average };
        let x = normal("x", &[batch, c, h, w], dtype);
        expect_twins(
            &[&x],
            || Flow::enter(&x)?.pool2d(pool, size, stride, padding)?.leave(),
            || reference::pool2d(&x, pool, size, stride, padding),
        );
    }

    #[test]
    fn concat_is_candles(batch in 1usize..5, parts in proptest::collection::vec(1usize..9, 1..5), h in 1usize..9) {
        let parts: Vec<Var> = (parts.iter().enumerate())
            .map(|(i, c)| normal(&format!("x{i}"), &[batch, *c, h, 3], DType::F32))
            .collect();
        let inputs: Vec<&Var> = parts.iter().collect();
        expect_twins(
            &inputs,
            || Flow::concat(parts.iter().map(|x| Flow::enter(x)).collect::<Result<_>>()?)?.leave(),
            || Tensor::cat(&parts.iter().map(|x| x.as_tensor()).collect::<Vec<_>>(), 1),
        );
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (x, w) = (normal("x", &[2, 3, 5, 6], DType::F64), normal("w", &[3, 1, 3, 2], DType::F64));
    let uneven = Padding { top: 0, bottom: 1, left: 1, right: 0 };
    check_against_differences(&[&x, &w], || depthwise_conv2d(&x, &w, 2, uneven));
    for pool in [Pool::Max, Pool::Average] {
        check_against_differences(&[&x], || Flow::enter(&x)?.pool2d(pool, 3, 1, 1)?.leave());
        check_against_differences(&[&x], || Flow::enter(&x)?.pool2d(pool, 3, 2, 0)?.leave());
    }
    let w = normal("w", &[4, 3, 1, 5], DType::F64);
    check_against_differences(&[&x, &w], || conv2d(&x, &w, 1, (0, 2)));
    let far = Var::from_tensor(&(x.as_tensor() * 5.0).unwrap()).unwrap();
    check_against_differences(&[&far], || Flow::enter(&far)?.activate(Activation::Relu6)?.leave());
    check_against_differences(&[&far], || Activation::Relu6.apply(&far));
    // A flow that is taken by each of the branches which meet again.
    check_against_differences(&[&x], || {
        let x = Flow::enter(&x)?;
        let pooled = x.clone().pool2d(Pool::Average, 3, 1, 1)?;
        Flow::concat(vec![x.clone(), pooled, x])?.activate(Activation::Tanh)?.leave()
    });
}

#[test]
fn the_gradient_of_a_max_goes_to_the_first_among_equals() -> Result<()> {
    let x = Var::zeros((1, 1, 3, 3), DType::F32, &Device::Cpu)?;
    let y = Flow::enter(&x)?.pool2d(Pool::Max, 3, 1, 1)?.leave()?;
    let dx = gradients(&y, &y.ones_like()?, &[&x])[0].flatten_all()?.to_vec1::<f32>()?;
    assert_eq!(dx, [4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    Ok(())
}

#[test]
fn relu6_has_pytorchs_gradient_at_its_kinks() -> Result<()> {
    let x = Var::new(&[-1f32, 0.0, 1.0, 6.0, 7.0, f32::NAN], &Device::Cpu)?;
    let y = Activation::Relu6.apply(&x)?;
    assert_eq!(y.to_vec1::<f32>()?[..5], [0.0, 0.0, 1.0, 6.0, 6.0]);
    assert!(y.to_vec1::<f32>()?[5].is_nan());
    let dx = gradients(&y, &y.ones_like()?, &[&x])[0].to_vec1::<f32>()?;
    assert_eq!(dx[..5], [0.0, 0.0, 1.0, 0.0, 0.0]);
    Ok(())
}

#[test]
fn the_padding_of_tensorflow_is_that_of_its_formula() {
    let padding = |top, bottom, left, right| Padding { top, bottom, left, right };
    assert_eq!(Padding::same((224, 224), (3, 3), 2), padding(0, 1, 0, 1));
    assert_eq!(Padding::same((14, 15), (5, 5), 2), padding(1, 2, 2, 2));
    assert_eq!(Padding::same((7, 7), (3, 5), 1), padding(1, 1, 2, 2));
    assert_eq!(Padding::same((7, 7), (1, 1), 2), Padding::default());
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = normal("x", &[3, 40, 29, 31], DType::F32);
            let [dw, pw, b] = [("dw", vec![40, 1, 5, 5]), ("pw", vec![24, 40, 1, 1]), ("b", vec![24])]
                .map(|(name, shape)| normal(name, &shape, DType::F32));
            let [pdw, ppw] = [&dw, &pw].map(|v| v.as_tensor().into());
            let flow = Flow::enter(&x).unwrap();
            let y = flow.depthwise_conv2d(&pdw, None, 2, (1, 2), Activation::Relu6).unwrap();
            let y = y.pool2d(Pool::Average, 3, 1, 1).unwrap();
            let bias = (&b.as_detached_tensor()).into();
            let y = y.conv2d_with_bias(&ppw, &bias, 1, 0, Activation::Relu).unwrap().leave().unwrap();
            let mut all = gradients(&y, &normal("dy", y.dims(), DType::F32), &[&x, &dw, &pw]);
            all.push(y);
            let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            all.iter().flat_map(numbers).map(f32::to_bits).collect::<Vec<u32>>()
        })
    };
    assert_eq!(bits(1), bits(3));
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let x = normal("x", &[2, 3, 8, 8], DType::F32);
    let message = |result: Result<Tensor>| result.unwrap_err().to_string();
    let w = normal("w", &[4, 1, 3, 3], DType::F32);
    assert!(message(depthwise_conv2d(&x, &w, 1, 1)).contains("4 kernels"));
    let w = normal("w", &[3, 1, 11, 3], DType::F32);
    assert!(message(depthwise_conv2d(&x, &w, 1, 1)).contains("does not fit"));
    assert!(message(depthwise_conv2d(&x, &w, 0, 1)).contains("stride 0"));
    let pool = |size, padding| Flow::enter(&x)?.pool2d(Pool::Max, size, 1, padding)?.leave();
    assert!(message(pool(3, 2)).contains("half a window"));
    assert!(message(pool(20, 1)).contains("does not fit"));
    let y = normal("y", &[2, 3, 8, 7], DType::F32);
    let apart = Flow::concat(vec![Flow::enter(&x).unwrap(), Flow::enter(&y).unwrap()]);
    assert!(message(apart.and_then(Flow::leave)).contains("cannot be put"));
    assert!(message(Flow::concat(Vec::new()).and_then(Flow::leave)).contains("no flows"));
}

gan_ops::also_on_references!(
    gradients_are_those_of_finite_differences,
    the_gradient_of_a_max_goes_to_the_first_among_equals,
    relu6_has_pytorchs_gradient_at_its_kinks,
);
