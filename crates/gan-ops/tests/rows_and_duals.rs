//! Layer norm, instance norm, linear layers and dual numbers on flows: against their references in plain
//! Candle, against finite differences, and against themselves on other threads.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Result, Tensor, Var};
use common::{ACTIVATIONS, check_against_differences, expect_twins, gradients, normal, types};
use gan_ops::{Activation, Dual, DualFlow, Flow, Gradient, Parameter, reference};
use proptest::prelude::*;

const EPS: f64 = 1e-5;
const LRELU: Activation = Activation::LeakyRelu(0.2);

fn parameter(var: &Var) -> Parameter {
    var.as_tensor().into()
}

/// The tangent of an op on dual numbers, through which all gradients of second order go.
fn tangent(x: &Var, t: &Var, op: impl FnOnce(DualFlow) -> Result<DualFlow>) -> Result<Tensor> {
    Ok(op(DualFlow::enter(&Dual::new(x, t)?)?)?.leave()?.tangent)
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
    fn norms_are_their_twins(
        batch in 1usize..9, c in 1usize..131, h in 1usize..=17, w in 1usize..=31, flat in any::<bool>(),
        (dtype, activation) in types(),
    ) {
        let shape = if flat { vec![batch, c] } else { vec![batch, c, h, w] };
        prop_assume!(shape[1..].iter().product::<usize>() > 1);
        let (x, t) = (normal("x", &shape, dtype), normal("t", &shape, dtype));
        let (weight, bias) = (normal("weight", &[c], dtype), normal("bias", &[c], dtype));
        let (of_weight, of_bias) = (parameter(&weight), parameter(&bias));
        expect_twins(
            &[&x, &weight, &bias],
            || Flow::enter(&x)?.layer_norm(&of_weight, &of_bias, EPS, activation)?.leave(),
            || reference::layer_norm(&x, &weight, &bias, EPS, activation),
        );
        let layer_norm = || tangent(&x, &t, |x| x.layer_norm(&of_weight, &of_bias, EPS, activation));
        // Bias and, of what is linear in pieces, x take part only in the choice of the piece.
        expect_twins(&[&x, &t, &weight], layer_norm, || reference::only(layer_norm));
        if flat || h * w == 1 {
            return Ok(());
        }
        expect_twins(
            &[&x, &weight, &bias],
            || Flow::enter(&x)?.instance_norm2d(&of_weight, &of_bias, EPS, activation)?.leave(),
            || reference::instance_norm2d(&x, &weight, &bias, EPS, activation),
        );
        let instance_norm = || tangent(&x, &t, |x| x.instance_norm2d(&of_weight, &of_bias, EPS, activation));
        expect_twins(&[&x, &t, &weight], instance_norm, || reference::only(instance_norm));
    }

    #[test]
    fn pools_sums_and_scales_are_their_twins(
        batch in 1usize..9, c in 1usize..40, h in 1usize..=17, w in 1usize..=31, size in 1usize..=4,
        dtype in prop_oneof![Just(DType::F32), Just(DType::F64)],
    ) {
        let x = normal("x", &[batch, c, h, w], dtype);
        expect_twins(&[&x], || Flow::enter(&x)?.sum_spatial()?.leave(), || x.sum((2, 3)));
        let scaled = |dtype| {
            let (x, factor) = (normal("x", &[batch, c, h, w], dtype), normal("factor", &[1], dtype));
            expect_twins(
                &[&x],
                || Flow::enter(&x)?.scale(&parameter(&factor))?.leave(),
                || x.broadcast_mul(&factor),
            );
            let y = Flow::enter(&x).unwrap().scale(&parameter(&factor)).unwrap().leave().unwrap();
            let dy = normal("dy", y.dims(), dtype);
            let gradient = gradients(&y, &dy, &[&factor]).remove(0).to_dtype(DType::F64).unwrap();
            gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap()[0]
        };
        // The factor's gradient is one number, whose terms cancel: it is held to their length, and to f64.
        let [dy, x] = ["dy", "x"].map(|name| normal(name, &[batch, c, h, w], DType::F64));
        let length = |t: &Var| gan_ops::sum_of_squares(t).unwrap().sqrt();
        let exact = (x.as_tensor() * dy.as_tensor()).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        for (dtype, noise) in [(DType::F32, 1e-7), (DType::F64, 1e-14)] {
            prop_assert!((scaled(dtype) - exact).abs() <= noise * length(&x) * length(&dy));
        }
        if h >= size && w >= size {
            let pool = || gan_ops::max_pool2d(&x, size);
            expect_twins(&[&x], pool, || reference::only(pool));
        }
    }

    #[test]
    fn attention_is_its_twin(
        batch in 1usize..5, inner in 1usize..20, outer in 1usize..40,
        queries in 1usize..80, keys in 2usize..80,
        dtype in prop_oneof![Just(DType::F32), Just(DType::F64)],
    ) {
        let query = normal("query", &[batch, inner, queries], dtype);
        let key = normal("key", &[batch, inner, keys], dtype);
        let value = normal("value", &[batch, outer, keys], dtype);
        // Small, or one key would have all the weight and the gradients would cancel.
        let small = || query.as_tensor() * 0.2;
        expect_twins(
            &[&query, &key, &value],
            || gan_ops::attention(&small()?, &key, &value),
            || reference::attention(&small()?, &key, &value),
        );
    }

    #[test]
    fn linear_is_its_twin(
        batch in 1usize..150, inputs in 1usize..131, outputs in 1usize..90, with_bias in any::<bool>(),
        (dtype, activation) in types(),
    ) {
        let (x, weight) = (normal("x", &[batch, inputs], dtype), normal("weight", &[outputs, inputs], dtype));
        let bias = with_bias.then(|| normal("bias", &[outputs], dtype));
        let inputs: Vec<&Var> = [&x, &weight].into_iter().chain(&bias).collect();
        let of_bias = bias.as_ref().map(parameter);
        expect_twins(
            &inputs,
            || Flow::enter(&x)?.linear(&parameter(&weight), of_bias.as_ref(), activation)?.leave(),
            || reference::linear(&x, &weight, bias.as_ref().map(Var::as_tensor), activation),
        );
    }
}

#[test]
fn a_single_row_of_many_columns_is_its_twin() {
    for dtype in [DType::F32, DType::F64] {
        let (x, weight) = (normal("x", &[1, 70], dtype), normal("weight", &[1100, 70], dtype));
        let bias = normal("bias", &[1100], dtype);
        expect_twins(
            &[&x, &weight, &bias],
            || {
                Flow::enter(&x)?
                    .linear(&parameter(&weight), Some(&parameter(&bias)), Activation::Identity)?
                    .leave()
            },
            || reference::linear(&x, &weight, Some(bias.as_tensor()), Activation::Identity),
        );
    }
}

/// The parts of a discriminator, and the head of one for vectors.
fn network(x: DualFlow, [w0, w1, w2, weight, bias]: [&Parameter; 5], act: Activation) -> Result<DualFlow> {
    let x = x.conv2d(w0, Some(bias), 1, 1, act)?;
    let y = x.clone().layer_norm(weight, bias, EPS, act)?.conv_transpose2d(w1, Some(bias), 1, 1, act)?;
    let y = y.instance_norm2d(weight, bias, EPS, act)?.add(x)?.activate(act)?;
    let flat = y.dims()[1..].iter().product::<usize>();
    let batch = y.dims()[0];
    y.map_linear(|x| x.reshape((batch, flat)))?.linear(w2, None, act)
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let var = |name: &str, shape: &[usize]| normal(name, shape, DType::F64);
    let (x, t) = (var("x", &[2, 3, 3, 4]), var("t", &[2, 3, 3, 4]));
    let (w0, w1, w2) = (var("w0", &[3, 3, 3, 3]), var("w1", &[3, 3, 3, 3]), var("w2", &[5, 36]));
    let (weight, bias) = (var("weight", &[3]), var("bias", &[3]));
    for activation in ACTIVATIONS {
        let parameters = [&w0, &w1, &w2, &weight, &bias].map(parameter);
        let run = |x: DualFlow| network(x, parameters.each_ref(), activation);
        check_against_differences(&[&x, &t, &w0, &w1, &w2, &weight, &bias], || {
            let y = run(DualFlow::enter(&Dual::new(&x, &t)?)?)?.leave()?;
            y.value + y.tangent
        });
        // The tangent is the derivative of the value.
        let value = |x: &Tensor| run(DualFlow::enter(&Dual::constant(x)?)?)?.value.leave();
        let at = |step: f64| value(&(x.as_tensor() + (t.as_tensor() * step).unwrap()).unwrap()).unwrap();
        let slope = ((at(1e-6) - at(-1e-6)).unwrap() / 2e-6).unwrap();
        assert!(common::relative_difference(&tangent(&x, &t, run).unwrap(), &slope) < 1e-7);
    }
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let var = |name: &str, shape: &[usize]| normal(name, shape, DType::F32);
            let (x, t) = (var("x", &[21, 33, 20, 18]), var("t", &[21, 33, 20, 18]));
            let (w0, w1) = (var("w0", &[33, 33, 3, 3]), var("w1", &[33, 33, 3, 3]));
            let w2 = var("w2", &[70, 33 * 20 * 18]);
            let (weight, bias) = (var("weight", &[33]), var("bias", &[33]));
            let parameters = [&w0, &w1, &w2, &weight, &bias].map(parameter);
            let y = DualFlow::enter(&Dual::new(&x, &t).unwrap()).unwrap();
            let y = network(y, parameters.each_ref(), LRELU).unwrap().leave().unwrap();
            let y = (y.value + y.tangent).unwrap();
            let dy = var("dy", y.dims());
            let mut all = gradients(&y, &dy, &[&x, &t, &w0, &w1, &w2, &weight, &bias]);
            all.push(y);
            let flat = |v: &Var| v.reshape((21, 33, 20 * 18)).unwrap();
            let y = gan_ops::attention(&flat(&x), &flat(&t), &flat(&x)).unwrap();
            all.extend(gradients(&y, &var("dy", y.dims()), &[&x, &t]));
            all.push(y);
            let bits = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            all.iter().flat_map(bits).map(f32::to_bits).collect::<Vec<u32>>()
        })
    };
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(3));
}

#[test]
fn value_and_tangent_add_to_one_gradient() -> Result<()> {
    let (x, t) = (normal("x", &[4, 6], DType::F64), normal("t", &[4, 6], DType::F64));
    let weight = normal("weight", &[3, 6], DType::F64);
    let gradient = Gradient::of(&weight)?;
    let run = |weight: &Parameter| -> Result<_> {
        let y = DualFlow::enter(&Dual::new(&x, &t)?)?.linear(weight, None, Activation::Tanh)?.leave()?;
        (y.value + y.tangent)?.sum_all()?.backward()
    };
    let expected = run(&parameter(&weight))?.remove(&weight).unwrap();
    run(&Parameter { gradient: Some(gradient.clone()), ..weight.as_tensor().into() })?;
    assert!(common::relative_difference(&gradient.get().unwrap(), &expected) < 1e-14);
    Ok(())
}

#[test]
fn what_cannot_be_done_is_an_error() -> Result<()> {
    let x = normal("x", &[2, 3, 4, 5], DType::F64);
    let (three, four) =
        (parameter(&normal("v", &[3], DType::F64)), parameter(&normal("v", &[4], DType::F64)));
    let matrix = parameter(&normal("w", &[3, 7], DType::F64));
    let flow = || Flow::enter(&x);
    let flat = || flow()?.reshape((2, 60));
    assert!(flow()?.layer_norm(&four, &three, EPS, LRELU).is_err());
    assert!(flow()?.instance_norm2d(&three, &four, EPS, LRELU).is_err());
    assert!(flat()?.instance_norm2d(&three, &three, EPS, LRELU).is_err());
    assert!(flow()?.linear(&matrix, None, LRELU).is_err());
    assert!(flat()?.linear(&matrix, None, LRELU).is_err());
    assert!(flow()?.scale(&three).is_err());
    assert!(flat()?.activation_tangent(LRELU, &flow()?).is_err());
    Ok(())
}

gan_ops::also_on_references!(gradients_are_those_of_finite_differences, what_cannot_be_done_is_an_error,);
