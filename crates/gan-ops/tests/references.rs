//! Each fast op against its reference in plain Candle, against finite differences, and against itself on other threads.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Device, Result, Tensor, Var};
use common::{
    ACTIVATIONS, check_against_differences, expect_twins, gradients, normal, relative_difference, types,
};
use gan_ops::{
    Activation, AdamStep, Epilogue, Flow, Precision, adam_step, conv_transpose2d, conv2d, reference,
};
use proptest::prelude::*;

/// Few channels mostly, so that many cases can be tried; now and then more than fit some panels of any CPU.
fn channels() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![6 => (1usize..20, 1usize..20), 1 => (1usize..=130, 1usize..40), 1 => (1usize..20, 1usize..=130)]
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
    fn conv2d_is_its_twin(
        batch in 1usize..12, (c, o) in channels(), h in 1usize..=17, w in 1usize..=31,
        kh in 1usize..=5, kw in 1usize..=5, stride in 1usize..=3, padding in 0usize..=3,
        (dtype, activation) in types(),
    ) {
        prop_assume!(kh <= h + 2 * padding && kw <= w + 2 * padding);
        let x = normal("x", &[batch, c, h, w], dtype);
        let weight = normal("w", &[o, c, kh, kw], dtype);
        expect_twins(
            &[&x, &weight],
            || Flow::enter(&x)?.conv2d(&weight.as_tensor().into(), stride, padding, activation)?.leave(),
            || activation.apply(&reference::conv2d(&x, &weight, stride, padding)?),
        );
    }

    #[test]
    fn conv_transpose2d_is_its_twin(
        batch in 1usize..12, (i, o) in channels(), h in 1usize..=9, w in 1usize..=13,
        kh in 1usize..=5, kw in 1usize..=5, stride in 1usize..=3, padding in 0usize..=3, extra in 0usize..=1,
        (dtype, activation) in types(),
    ) {
        let extra = extra.min(stride - 1);
        prop_assume!((h - 1) * stride + kh + extra > 2 * padding && (w - 1) * stride + kw + extra > 2 * padding);
        let x = normal("x", &[batch, i, h, w], dtype);
        let weight = normal("w", &[i, o, kh, kw], dtype);
        let parameter = weight.as_tensor().into();
        expect_twins(
            &[&x, &weight],
            || Flow::enter(&x)?.conv_transpose2d(&parameter, stride, padding, extra, activation)?.leave(),
            || activation.apply(&reference::conv_transpose2d(&x, &weight, stride, padding, extra)?),
        );
    }

    #[test]
    fn a_convolution_that_measures_for_the_batch_norm_after_it_changes_nothing(
        batch in 1usize..9, (c, o) in channels(), h in 3usize..=17, w in 3usize..=31, transposed in any::<bool>(),
    ) {
        prop_assume!(batch * (h / 2) * (w / 2) > 8);
        let x = normal("x", &[batch, c, h, w], DType::F64);
        let weight = if transposed { normal("w", &[c, o, 4, 4], DType::F64) } else { normal("w", &[o, c, 4, 4], DType::F64) };
        let (scale, shift) = (normal("scale", &[o], DType::F64), normal("shift", &[o], DType::F64));
        let run = |epilogue: Epilogue| {
            let (x, weight) = (Flow::enter(&x).unwrap(), weight.as_tensor().into());
            let y = if transposed { x.conv_transpose2d(&weight, 2, 1, 0, epilogue) } else { x.conv2d(&weight, 2, 1, epilogue) };
            let parameters = (scale.as_tensor().into(), shift.as_tensor().into());
            let y = y.unwrap().batch_norm2d_train(&parameters.0, &parameters.1, 1e-5, Activation::Relu).unwrap();
            [y.output.leave().unwrap(), y.mean, y.unbiased_var]
        };
        for (measured, apart) in run(Epilogue::Moments).iter().zip(run(Activation::Identity.into())) {
            prop_assert!(relative_difference(measured, &apart) < 1e-9);
        }
    }

    #[test]
    fn batch_norm_is_its_twin(
        batch in 1usize..9, c in 1usize..131, h in 1usize..=17, w in 1usize..=31, (dtype, activation) in types(),
    ) {
        prop_assume!(batch * h * w > 4); // with fewer values both drown in rounding
        let x = normal("x", &[batch, c, h, w], dtype);
        let (weight, bias) = (normal("weight", &[c], dtype), normal("bias", &[c], dtype));
        expect_twins(
            &[&x, &weight, &bias],
            || Ok(gan_ops::batch_norm2d_train(&x, &weight, &bias, 1e-5, activation)?.output),
            || Ok(reference::batch_norm2d_train(&x, &weight, &bias, 1e-5, activation)?.output),
        );
    }
}

#[test]
fn wide_layers_are_their_twins() {
    // Channels beyond one block of the gemm, maps small enough to be grouped.
    let (x, weight) = (normal("x", &[9, 130, 8, 6], DType::F32), normal("w", &[67, 130, 4, 4], DType::F32));
    expect_twins(&[&x, &weight], || conv2d(&x, &weight, 2, 1), || reference::conv2d(&x, &weight, 2, 1));
    let (z, weight) = (normal("z", &[9, 130, 1, 1], DType::F32), normal("w", &[130, 67, 4, 3], DType::F32));
    expect_twins(
        &[&z, &weight],
        || conv_transpose2d(&z, &weight, 1, 0, 0),
        || reference::conv_transpose2d(&z, &weight, 1, 0, 0),
    );
}

#[test]
fn batch_norm_of_large_maps_far_from_zero_keeps_its_accuracy() {
    // Maps of more than one run, a mean of 100 deviations; against the same in f64.
    let x =
        Var::from_tensor(&(normal("x", &[2, 3, 81, 79], DType::F32).as_tensor() + 100.0).unwrap()).unwrap();
    let (weight, bias) = (normal("weight", &[3], DType::F32), normal("bias", &[3], DType::F32));
    let wide = |t: &Var| t.to_dtype(DType::F64).unwrap();
    let ours = gan_ops::batch_norm2d_train(&x, &weight, &bias, 1e-5, Activation::Identity).unwrap();
    let exact =
        reference::batch_norm2d_train(&wide(&x), &wide(&weight), &wide(&bias), 1e-5, Activation::Identity)
            .unwrap();
    assert!(relative_difference(&ours.mean, &exact.mean) < 1e-7);
    assert!(relative_difference(&ours.unbiased_var, &exact.unbiased_var) < 1e-6);
    assert!(
        relative_difference(&ours.output, &exact.output) < 2e-5,
        "rounding of x * scale + shift, and no more"
    );
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (x, w) = (normal("x", &[2, 3, 5, 6], DType::F64), normal("w", &[4, 3, 3, 2], DType::F64));
    check_against_differences(&[&x, &w], || conv2d(&x, &w, 2, 1));
    let (x, w) = (normal("x", &[2, 3, 2, 3], DType::F64), normal("w", &[3, 2, 4, 3], DType::F64));
    check_against_differences(&[&x, &w], || conv_transpose2d(&x, &w, 2, 1, 1));
    // Three layers on a flow, each with its epilogue; the second flow is taken twice.
    let (x, w) = (normal("x", &[3, 2, 4, 4], DType::F64), normal("w", &[3, 2, 3, 3], DType::F64));
    let (scale, shift) = (normal("scale", &[3], DType::F64), normal("shift", &[3], DType::F64));
    let w2 = normal("w2", &[3, 2, 3, 3], DType::F64);
    for activation in ACTIVATIONS {
        check_against_differences(&[&x, &w, &scale, &shift, &w2], || {
            let y = Flow::enter(&x)?.conv2d(&w.as_tensor().into(), 1, 1, Epilogue::Moments)?;
            let y = y
                .batch_norm2d_train(&scale.as_tensor().into(), &shift.as_tensor().into(), 1e-5, activation)?
                .output;
            let other = y.clone().activate(Activation::Tanh)?.leave()?.narrow(1, 0, 2)?;
            y.conv_transpose2d(&w2.as_tensor().into(), 1, 1, 0, activation)?.leave()? + other
        });
    }
    let (x, weight, bias) = (
        normal("x", &[3, 4, 2, 3], DType::F64),
        normal("weight", &[4], DType::F64),
        normal("bias", &[4], DType::F64),
    );
    let (mean, var) = (normal("mean", &[4], DType::F64), normal("var", &[4], DType::F64).sqr().unwrap());
    for activation in ACTIVATIONS {
        check_against_differences(&[&x, &weight, &bias], || {
            Ok(gan_ops::batch_norm2d_train(&x, &weight, &bias, 1e-5, activation)?.output)
        });
        check_against_differences(&[&x, &weight, &bias], || {
            gan_ops::batch_norm2d_eval(&x, &weight, &bias, &mean, &var, 1e-5, activation)
        });
    }
    check_against_differences(&[&x], || gan_ops::leaky_relu(&x, 0.2));
    check_against_differences(&[&x], || gan_ops::tanh(&x));
    check_against_differences(&[&x], || gan_ops::softplus(&x));
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    let bits = |threads: usize, precision: Precision| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            // More channels than a panel has, more images than a group, taps beyond a block; few channels first, then many.
            let x = normal("x", &[37, 6, 16, 16], DType::F32);
            let [w0, w1, w2] = [[50, 6, 3, 3], [70, 50, 4, 4], [70, 50, 4, 4]];
            let [w0, w1, w2] = [("w0", w0), ("w1", w1), ("w2", w2)].map(|(n, s)| normal(n, &s, DType::F32));
            let (weight, bias) = (normal("weight", &[70], DType::F32), normal("bias", &[70], DType::F32));
            let [p0, p1, p2, pw, pb] = [&w0, &w1, &w2, &weight, &bias].map(|v| v.as_tensor().into());
            let flow = Flow::enter(&x).unwrap().with_precision(precision);
            let y = flow.conv2d(&p0, 1, 1, Activation::Identity).unwrap();
            let y = y.conv2d(&p1, 2, 1, Epilogue::Moments).unwrap();
            let y = y.batch_norm2d_train(&pw, &pb, 1e-5, Activation::LeakyRelu(0.2)).unwrap().output;
            let y = y.conv_transpose2d(&p2, 2, 1, 0, Activation::Tanh).unwrap().leave().unwrap();
            let dy = normal("dy", y.dims(), DType::F32);
            let mut all = gradients(&y, &dy, &[&x, &w0, &w1, &w2, &weight, &bias]);
            all.push(y);
            let norms = all.iter().map(|t| gan_ops::sum_of_squares(t).unwrap().to_bits());
            let norms: Vec<u64> = norms.collect();
            let bits =
                |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits);
            (norms, all.iter().flat_map(bits).collect::<Vec<u32>>())
        })
    };
    for precision in [Precision::F32, Precision::Bf16] {
        assert_eq!(bits(1, precision), bits(3, precision), "{precision}");
    }
}

#[test]
fn bf16_rounds_factors_where_it_is_fast_and_nothing_elsewhere() -> Result<()> {
    let (x, weight) = (normal("x", &[9, 64, 8, 8], DType::F32), normal("w", &[64, 64, 4, 4], DType::F32));
    let run = |precision| -> Result<[Tensor; 3]> {
        let flow = Flow::enter(&x)?.with_precision(precision);
        let y = flow.conv2d(&weight.as_tensor().into(), 2, 1, Activation::Identity)?.leave()?;
        let dy = normal("dy", y.dims(), DType::F32);
        let [dx, dw] = gradients(&y, &dy, &[&x, &weight]).try_into().expect("two of them");
        Ok([y, dx, dw])
    };
    for (f32, bf16) in run(Precision::F32)?.iter().zip(&run(Precision::Bf16)?) {
        let difference = relative_difference(bf16, f32);
        // A factor is off by up to 1 in 256, either way: much less in a sum of a thousand.
        let expected = if gan_ops::bf16_is_fast() { 1e-4..1e-2 } else { 0.0..1e-12 };
        assert!(expected.contains(&difference), "{difference}");
    }
    Ok(())
}

#[test]
fn a_gradient_that_nobody_tracks_is_not_computed() -> Result<()> {
    let image = normal("x", &[2, 3, 8, 8], DType::F32);
    let w = normal("w", &[4, 3, 4, 4], DType::F32);
    let first_layer = conv2d(&image.as_tensor().detach(), &w, 2, 1)?.sum_all()?.backward()?;
    assert!(first_layer.get(&w).is_some() && first_layer.get(&image).is_none());
    let fixed_weight = conv2d(&image, &w.as_tensor().detach(), 2, 1)?.sum_all()?.backward()?;
    assert!(fixed_weight.get(&image).is_some() && fixed_weight.get(&w).is_none());
    Ok(())
}

#[test]
fn strided_inputs_are_read_right() -> Result<()> {
    let x = normal("x", &[5, 4, 3, 6], DType::F32); // read with its first two dimensions swapped, and from an offset
    let view = x.transpose(0, 1)?.narrow(0, 1, 2)?;
    let w = normal("w", &[2, 5, 3, 3], DType::F32);
    expect_twins(&[&x, &w], || conv2d(&view, &w, 1, 1), || reference::conv2d(&view, &w, 1, 1));
    Ok(())
}

#[test]
fn softplus_is_finite_and_right_far_from_zero() -> Result<()> {
    let x = Var::new(&[-1e4f32, -90.0, -20.0, 0.0, 20.0, 90.0, 1e4], &Device::Cpu)?;
    for softplus in [gan_ops::softplus, reference::softplus] {
        let y = softplus(&x)?;
        assert_eq!(y.to_vec1::<f32>()?[4..], [20.0, 90.0, 1e4]);
        let dx = gradients(&y, &x.ones_like()?, &[&x])[0].to_vec1::<f32>()?;
        assert!((dx[3] - 0.5).abs() < 1e-7 && dx[0] == 0.0 && dx[6] == 1.0, "{dx:?}");
    }
    let small = gan_ops::softplus(&x)?.to_vec1::<f32>()?[2];
    assert!((small / (-20f32).exp() - 1.0).abs() < 1e-6, "the tail keeps its relative accuracy: {small}");
    let nan = gan_ops::softplus(&Tensor::new(&[f32::NAN], &Device::Cpu)?)?.to_vec1::<f32>()?[0];
    assert!(nan.is_nan(), "NaN must not be hidden");
    Ok(())
}

#[test]
fn adam_follows_its_formula() -> Result<()> {
    adam_follows_its_formula_with(adam_step)?;
    adam_follows_its_formula_with(reference::adam_step)
}

fn adam_follows_its_formula_with(
    adam_step: fn(&Var, &Tensor, &Var, &Var, AdamStep) -> Result<()>,
) -> Result<()> {
    let p = normal("p", &[3, 5], DType::F64);
    let (m, v) = (Var::from_tensor(&p.zeros_like()?)?, Var::from_tensor(&p.zeros_like()?)?);
    let (lr, beta1, beta2, eps) = (0.1, 0.5, 0.999, 1e-8);
    let mut expected: Vec<(f64, f64, f64)> =
        p.flatten_all()?.to_vec1()?.into_iter().map(|p| (p, 0.0, 0.0)).collect();
    for step in 1..=3 {
        let g = normal(&format!("g{step}"), &[3, 5], DType::F64);
        adam_step(&p, &g, &m, &v, AdamStep { lr, beta1, beta2, eps, step })?;
        for ((p, m, v), g) in expected.iter_mut().zip(g.flatten_all()?.to_vec1::<f64>()?) {
            (*m, *v) = (beta1 * *m + (1.0 - beta1) * g, beta2 * *v + (1.0 - beta2) * g * g);
            let (mhat, vhat) = (*m / (1.0 - beta1.powi(step as i32)), *v / (1.0 - beta2.powi(step as i32)));
            *p -= lr * mhat / (vhat.sqrt() + eps);
        }
    }
    for (ours, (p, _, _)) in p.flatten_all()?.to_vec1::<f64>()?.iter().zip(expected) {
        assert!((ours - p).abs() < 1e-12);
    }
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let x = normal("x", &[2, 3, 8, 8], DType::F32);
    let message = |result: Result<Tensor>| result.unwrap_err().to_string();
    let w = normal("w", &[4, 5, 3, 3], DType::F32);
    assert!(message(conv2d(&x, &w, 1, 1)).contains("has 3 channels"));
    let w = normal("w", &[4, 3, 11, 3], DType::F32);
    assert!(message(conv2d(&x, &w, 1, 1)).contains("does not fit"));
    assert!(message(conv2d(&x, &w, 0, 1)).contains("stride 0"));
    assert!(message(conv_transpose2d(&x, &w, 1, 1, 0)).contains("has 3 channels"));
    let backwards = Flow::enter(&x).and_then(|x| x.activate(Activation::LeakyRelu(-0.1))?.leave());
    assert!(message(backwards).contains("slope 0 or more"));
    let one = normal("x", &[1, 3, 1, 1], DType::F32);
    let c = normal("c", &[3], DType::F32);
    let adam = AdamStep { lr: 0.1, beta1: 0.5, beta2: 0.999, eps: 1e-8, step: 1 };
    let error = adam_step(&c, &one, &c, &c, adam).unwrap_err().to_string();
    assert!(error.contains("adam_step: a tensor of"), "{error}");
    let error = gan_ops::batch_norm2d_train(&one, &c, &c, 1e-5, Activation::Relu).map(|out| out.output);
    assert!(message(error).contains("more than one value a channel"));
}

gan_ops::also_on_references!(
    gradients_are_those_of_finite_differences,
    a_gradient_that_nobody_tracks_is_not_computed,
    strided_inputs_are_read_right,
    softplus_is_finite_and_right_far_from_zero,
    adam_follows_its_formula,
    shapes_that_do_not_fit_are_errors,
);
