//! Each fast op against its twin in plain Candle, against finite differences, and against itself on other threads.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{DType, Device, Result, Tensor, Var};
use common::{check_against_differences, gradients, normal, relative_difference};
use gan_ops::{Activation, AdamStep, adam_step, conv_transpose2d, conv2d, reference};
use proptest::prelude::*;

const F32_NOISE: f64 = 2e-6;

const ACTIVATIONS: [Activation; 4] =
    [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2), Activation::Tanh];

/// Holds value and gradients of two implementations together, in f32.
fn expect_twins(inputs: &[&Var], fast: impl Fn() -> Result<Tensor>, slow: impl Fn() -> Result<Tensor>) {
    let (fast, slow) = (fast().unwrap(), slow().unwrap());
    assert!(relative_difference(&fast, &slow) < F32_NOISE, "values differ");
    let dy = normal("dy", slow.dims(), slow.dtype());
    for (ours, theirs) in gradients(&fast, &dy, inputs).iter().zip(gradients(&slow, &dy, inputs)) {
        let difference = relative_difference(ours, &theirs);
        assert!(difference < 2.0 * F32_NOISE, "gradients of shape {:?} differ by {difference}", ours.dims());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conv2d_is_its_twin(
        batch in 1usize..12, c in 1usize..20, o in 1usize..20, h in 1usize..=17, w in 1usize..=31,
        kh in 1usize..=5, kw in 1usize..=5, stride in 1usize..=3, padding in 0usize..=3,
    ) {
        prop_assume!(kh <= h + 2 * padding && kw <= w + 2 * padding);
        let x = normal("x", &[batch, c, h, w], DType::F32);
        let weight = normal("w", &[o, c, kh, kw], DType::F32);
        expect_twins(
            &[&x, &weight],
            || conv2d(&x, &weight, stride, padding),
            || reference::conv2d(&x, &weight, stride, padding),
        );
    }

    #[test]
    fn conv_transpose2d_is_its_twin(
        batch in 1usize..12, i in 1usize..20, o in 1usize..20, h in 1usize..=9, w in 1usize..=13,
        kh in 1usize..=5, kw in 1usize..=5, stride in 1usize..=3, padding in 0usize..=3, extra in 0usize..=1,
    ) {
        let extra = extra.min(stride - 1);
        prop_assume!((h - 1) * stride + kh + extra > 2 * padding && (w - 1) * stride + kw + extra > 2 * padding);
        let x = normal("x", &[batch, i, h, w], DType::F32);
        let weight = normal("w", &[i, o, kh, kw], DType::F32);
        expect_twins(
            &[&x, &weight],
            || conv_transpose2d(&x, &weight, stride, padding, extra),
            || reference::conv_transpose2d(&x, &weight, stride, padding, extra),
        );
    }

    #[test]
    fn batch_norm_is_its_twin(
        batch in 1usize..9, c in 1usize..131, h in 1usize..=17, w in 1usize..=31, activation in 0usize..4,
    ) {
        prop_assume!(batch * h * w > 4); // with fewer values both drown in rounding
        let x = normal("x", &[batch, c, h, w], DType::F32);
        let (weight, bias) = (normal("weight", &[c], DType::F32), normal("bias", &[c], DType::F32));
        expect_twins(
            &[&x, &weight, &bias],
            || Ok(gan_ops::batch_norm2d_train(&x, &weight, &bias, 1e-5, ACTIVATIONS[activation])?.output),
            || Ok(reference::batch_norm2d_train(&x, &weight, &bias, 1e-5, ACTIVATIONS[activation])?.output),
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
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = normal("x", &[13, 6, 16, 16], DType::F32);
            let (w1, w2) =
                (normal("w1", &[24, 6, 4, 4], DType::F32), normal("w2", &[24, 5, 4, 4], DType::F32));
            let (weight, bias) = (normal("weight", &[24], DType::F32), normal("bias", &[24], DType::F32));
            let y = conv2d(&x, &w1, 2, 1).unwrap();
            let activation = Activation::LeakyRelu(0.2);
            let y = gan_ops::batch_norm2d_train(&y, &weight, &bias, 1e-5, activation).unwrap().output;
            let y = gan_ops::tanh(&conv_transpose2d(&y, &w2, 2, 1, 0).unwrap()).unwrap();
            let dy = normal("dy", y.dims(), DType::F32);
            let mut all = gradients(&y, &dy, &[&x, &w1, &w2, &weight, &bias]);
            all.push(y);
            let norms = all.iter().map(|t| gan_ops::sum_of_squares(t).unwrap().to_bits());
            let norms: Vec<u64> = norms.collect();
            let bits =
                |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits);
            (norms, all.iter().flat_map(bits).collect::<Vec<u32>>())
        })
    };
    assert_eq!(bits(1), bits(3));
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
    let one = normal("x", &[1, 3, 1, 1], DType::F32);
    let c = normal("c", &[3], DType::F32);
    let adam = AdamStep { lr: 0.1, beta1: 0.5, beta2: 0.999, eps: 1e-8, step: 1 };
    let error = adam_step(&c, &one, &c, &c, adam).unwrap_err().to_string();
    assert!(error.contains("adam_step: a tensor of"), "{error}");
    let error = gan_ops::batch_norm2d_train(&one, &c, &c, 1e-5, Activation::Relu).map(|out| out.output);
    assert!(message(error).contains("more than one value a channel"));
}
