//! What networks are joined of besides convolutions and batch norm: biases, modulation, resampling and sums, on flows,
//! against their references in plain Candle, against finite differences, and against themselves on other threads.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Result, Tensor, Var};
use common::{ACTIVATIONS, check_against_differences, expect_twins, gradients, normal, types};
use gan_ops::{Activation, Flow, Gradient, Parameter, reference};
use proptest::prelude::*;

const LRELU: Activation = Activation::LeakyRelu(0.2);

fn bias(flow: Flow, bias: &Var, activation: Activation) -> Result<Flow> {
    flow.add_bias(&bias.as_tensor().into(), activation)
}

proptest! {
    // The same cases each time; PROPTEST_RNG_SEED tries others.
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn add_bias_is_its_twin(
        batch in 1usize..9, c in 1usize..131, h in 1usize..=17, w in 1usize..=31, flat in any::<bool>(),
        (dtype, activation) in types(),
    ) {
        let x = if flat { normal("x", &[batch * h, c * w], dtype) } else { normal("x", &[batch, c, h, w], dtype) };
        let b = normal("bias", &[x.dim(1).unwrap()], dtype);
        expect_twins(
            &[&x, &b],
            || bias(Flow::enter(&x)?, &b, activation)?.leave(),
            || reference::add_bias(&x, &b, activation),
        );
    }

    #[test]
    fn modulate_is_its_twin(
        batch in 1usize..9, c in 1usize..131, h in 1usize..=17, w in 1usize..=31, flat in any::<bool>(),
        (dtype, activation) in types(),
    ) {
        let x = if flat { normal("x", &[batch, c], dtype) } else { normal("x", &[batch, c, h, w], dtype) };
        let (gamma, beta) = (normal("gamma", &[batch, c], dtype), normal("beta", &[batch, c], dtype));
        expect_twins(
            &[&x, &gamma, &beta],
            || Flow::enter(&x)?.modulate(&gamma, &beta, activation)?.leave(),
            || reference::modulate(&x, &gamma, &beta, activation),
        );
    }

    #[test]
    fn resampling_is_its_twin(
        batch in 1usize..7, c in 1usize..40, h in 1usize..=17, w in 1usize..=31, factor in 1usize..=4,
        dtype in prop_oneof![Just(DType::F32), Just(DType::F64)],
    ) {
        let x = normal("x", &[batch, c, h, w], dtype);
        let deep = normal("deep", &[batch, c.div_ceil(3) * factor * factor, h, w], dtype);
        let flow = |x: &Var| Flow::enter(x);
        expect_twins(&[&x], || flow(&x)?.upsample_nearest2d(factor)?.leave(), || reference::upsample_nearest2d(&x, factor));
        expect_twins(&[&x], || gan_ops::upsample_nearest2d(&x, factor), || reference::upsample_nearest2d(&x, factor));
        expect_twins(&[&deep], || flow(&deep)?.pixel_shuffle(factor)?.leave(), || reference::pixel_shuffle(&deep, factor));
        expect_twins(&[&deep], || gan_ops::pixel_shuffle(&deep, factor), || reference::pixel_shuffle(&deep, factor));
        if h >= factor && w >= factor {
            expect_twins(&[&x], || flow(&x)?.avg_pool2d(factor)?.leave(), || reference::avg_pool2d(&x, factor));
            expect_twins(&[&x], || gan_ops::avg_pool2d(&x, factor), || reference::avg_pool2d(&x, factor));
        }
    }

    #[test]
    fn a_flow_that_parts_and_meets_again_is_its_twin(
        batch in 1usize..9, c in 1usize..40, h in 1usize..=17, w in 1usize..=31, (dtype, activation) in types(),
    ) {
        let (x, b) = (normal("x", &[batch, c, h, w], dtype), normal("bias", &[c], dtype));
        expect_twins(
            &[&x, &b],
            || {
                let x = bias(Flow::enter(&x)?, &b, Activation::Identity)?;
                // Taken five times: twice by one sum, and the sum by an op that writes its gradient over the other's.
                let main = x.clone().activate(activation)?.add(x.clone().add(x.clone())?)?;
                main.clone().activate(activation)?.add(main)?.add(bias(x, &b, activation)?)?.leave()
            },
            || {
                let x = reference::add_bias(&x, &b, Activation::Identity)?;
                let main = ((reference::activation(&x, activation)? + &x)? + &x)?;
                (reference::activation(&main, activation)? + &main)? + reference::add_bias(&x, &b, activation)?
            },
        );
    }
}

/// A residual block that makes images larger, and one that makes them smaller, the norm of the first conditional.
fn blocks(x: &Var, [w0, w1]: [&Var; 2], b: &Var, gamma: &Var, beta: &Var, act: Activation) -> Result<Tensor> {
    let [w0, w1] = [w0, w1].map(|w| w.as_tensor().into());
    let (one, zero) = (b.as_tensor().ones_like()?.detach(), b.as_tensor().zeros_like()?.detach());
    let x = Flow::enter(x)?;
    let main =
        x.clone().batch_norm2d_train(&(&one).into(), &(&zero).into(), 1e-5, Activation::Identity)?.output;
    let main =
        main.modulate(gamma, beta, act)?.upsample_nearest2d(2)?.conv2d(&w0, 1, 1, Activation::Identity)?;
    let y = bias(main, b, Activation::Identity)?.add(x.upsample_nearest2d(2)?)?;
    let main = bias(y.clone().activate(act)?.conv2d(&w1, 1, 1, Activation::Identity)?, b, act)?;
    main.avg_pool2d(2)?.add(y.avg_pool2d(2)?)?.leave()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let var = |name: &str, shape: &[usize]| normal(name, shape, DType::F64);
    let (x, b) = (var("x", &[2, 3, 3, 4]), var("bias", &[3]));
    let (gamma, beta) = (var("gamma", &[2, 3]), var("beta", &[2, 3]));
    let (w0, w1) = (var("w0", &[3, 3, 3, 3]), var("w1", &[3, 3, 3, 3]));
    for activation in ACTIVATIONS {
        check_against_differences(&[&x, &w0, &w1, &b, &gamma, &beta], || {
            blocks(&x, [&w0, &w1], &b, &gamma, &beta, activation)
        });
    }
    let deep = var("deep", &[2, 8, 3, 2]);
    check_against_differences(&[&deep], || Flow::enter(&deep)?.pixel_shuffle(2)?.avg_pool2d(3)?.leave());
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let var = |name: &str, shape: &[usize]| normal(name, shape, DType::F32);
            let (x, b) = (var("x", &[7, 33, 20, 18]), var("bias", &[33]));
            let (gamma, beta) = (var("gamma", &[7, 33]), var("beta", &[7, 33]));
            let (w0, w1) = (var("w0", &[33, 33, 3, 3]), var("w1", &[33, 33, 3, 3]));
            let y = blocks(&x, [&w0, &w1], &b, &gamma, &beta, LRELU).unwrap();
            let dy = var("dy", y.dims());
            let mut all = gradients(&y, &dy, &[&x, &w0, &w1, &b, &gamma, &beta]);
            all.push(y);
            let bits = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            all.iter().flat_map(bits).map(f32::to_bits).collect::<Vec<u32>>()
        })
    };
    assert_eq!(bits(1), bits(3));
}

#[test]
fn a_flow_taken_twice_keeps_its_values() -> Result<()> {
    let (x, b) = (normal("x", &[2, 3, 4, 5], DType::F32), normal("bias", &[3], DType::F32));
    let flow = Flow::enter(&x)?;
    bias(flow.clone(), &b, LRELU)?;
    flow.clone().activate(Activation::Tanh)?;
    flow.clone().add(flow.clone())?;
    let kept = flow.leave()?;
    assert_eq!(kept.flatten_all()?.to_vec1::<f32>()?, x.flatten_all()?.to_vec1::<f32>()?);
    Ok(())
}

#[test]
fn strided_inputs_are_read_right() {
    let (x, m) = (normal("x", &[4, 5, 3, 6], DType::F32), normal("m", &[4, 6], DType::F32));
    let view = x.transpose(0, 1).unwrap().narrow(0, 1, 3).unwrap();
    let (gamma, beta) = (m.t().unwrap().narrow(0, 0, 3).unwrap(), m.t().unwrap().narrow(0, 3, 3).unwrap());
    expect_twins(
        &[&x, &m],
        || gan_ops::modulate(&gan_ops::upsample_nearest2d(&view, 2)?, &gamma, &beta),
        || {
            let large = reference::upsample_nearest2d(&view, 2)?;
            reference::modulate(&large, &gamma, &beta, Activation::Identity)
        },
    );
}

#[test]
fn gradients_go_where_they_are_asked_for_alone() -> Result<()> {
    let (x, b) = (normal("x", &[2, 3, 4, 5], DType::F64), normal("bias", &[3], DType::F64));
    let (gamma, beta) = (normal("gamma", &[2, 3], DType::F64), normal("beta", &[2, 3], DType::F64));
    let fixed = |v: &Var| v.as_tensor().detach();
    for activation in [Activation::Identity, LRELU] {
        let of_bias =
            |flow: Flow, p: &Parameter| flow.add_bias(p, activation)?.leave()?.sum_all()?.backward();
        let grads = of_bias(Flow::enter(&x)?, &(&fixed(&b)).into())?;
        assert!(grads.get(&x).is_some() && grads.get(&b).is_none());
        let expected = of_bias(Flow::enter(&fixed(&x))?, &b.as_tensor().into())?;
        assert!(expected.get(&x).is_none() && expected.get(&b).is_some());
        let sum = Gradient::of(&b)?;
        let parameter = Parameter { gradient: Some(sum.clone()), ..b.as_tensor().into() };
        assert!(of_bias(Flow::enter(&x)?, &parameter)?.get(&b).is_none());
        assert_eq!(sum.get().unwrap().to_vec1::<f64>()?, expected.get(&b).unwrap().to_vec1::<f64>()?);

        let grads =
            Flow::enter(&x)?.modulate(&fixed(&gamma), &beta, activation)?.leave()?.sum_all()?.backward()?;
        assert!(grads.get(&x).is_some() && grads.get(&gamma).is_none() && grads.get(&beta).is_some());
    }
    let grads = Flow::enter(&x)?.add(Flow::enter(&fixed(&x))?)?.leave()?.sum_all()?.backward()?;
    assert_eq!(grads.get(&x).unwrap().sum_all()?.to_scalar::<f64>()?, 120.0);
    Ok(())
}

#[test]
fn other_types_run_the_twins() -> Result<()> {
    let half = |name: &str, shape: &[usize]| normal(name, shape, DType::F32).to_dtype(DType::F16);
    let (x, b, m) = (half("x", &[2, 4, 4, 6])?, half("bias", &[4])?, half("m", &[2, 4])?);
    let y = Flow::enter(&x)?.add_bias(&(&b).into(), LRELU)?.modulate(&m, &m, LRELU)?;
    let y = y.clone().add(y.avg_pool2d(2)?.upsample_nearest2d(2)?)?.pixel_shuffle(2)?.leave()?;
    assert_eq!((y.dims(), y.dtype()), (&[2, 1, 8, 12][..], DType::F16));
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_errors() -> Result<()> {
    let (x, b) = (normal("x", &[2, 3, 4, 5], DType::F32), normal("bias", &[2], DType::F32));
    let flow = || Flow::enter(&x).unwrap();
    let message = |result: Result<Flow>| result.map(|_| ()).unwrap_err().to_string();
    assert!(message(bias(flow(), &b, LRELU)).contains("each of 3 channels"));
    assert!(message(bias(flow(), &b, Activation::LeakyRelu(-0.1))).contains("slope 0 or more"));
    assert!(message(flow().modulate(&b, &b, LRELU)).contains("each of 3 channels"));
    assert!(message(flow().add(flow().avg_pool2d(2)?)).contains("have no sum"));
    assert!(message(flow().add(Flow::enter(&x.to_dtype(DType::F64)?)?)).contains("have no sum"));
    assert!(message(flow().upsample_nearest2d(0)).contains("by 0"));
    assert!(message(flow().pixel_shuffle(2)).contains("3 channels cannot"));
    assert!(message(flow().avg_pool2d(5)).contains("too small"));
    assert!(message(flow().reshape((2, 60))?.avg_pool2d(1)).contains("[N, C, H, W]"));
    assert!(message(flow().reshape(120)?.modulate(&b, &b, LRELU)).contains("[N, C, ...]"));
    // No images are none afterwards.
    let none = Flow::enter(&x.narrow(0, 0, 0)?)?.upsample_nearest2d(2)?.avg_pool2d(4)?;
    let none = bias(none, &normal("bias", &[3], DType::F32), LRELU)?;
    assert_eq!(none.leave()?.dims(), [0, 3, 2, 2]);
    Ok(())
}

gan_ops::also_on_references!(
    gradients_are_those_of_finite_differences,
    a_flow_taken_twice_keeps_its_values,
    strided_inputs_are_read_right,
    other_types_run_the_twins,
);
