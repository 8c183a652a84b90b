//! What the tests of the ops share.
#![allow(dead_code)] // each test file is a crate of its own and uses a part

use candle_core::{DType, Device, Result, Tensor, Var};
use gan_ops::Activation;
use proptest::prelude::*;

const F32_NOISE: f64 = 2e-6;

pub const ACTIVATIONS: [Activation; 4] =
    [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2), Activation::Tanh];

/// Holds value and gradients of two implementations together.
pub fn expect_twins(inputs: &[&Var], fast: impl Fn() -> Result<Tensor>, slow: impl Fn() -> Result<Tensor>) {
    let (fast, slow) = (fast().unwrap(), slow().unwrap());
    let noise = if slow.dtype() == DType::F32 { F32_NOISE } else { 1e-10 };
    assert!(relative_difference(&fast, &slow) < noise, "values differ");
    let dy = normal("dy", slow.dims(), slow.dtype());
    for (ours, theirs) in gradients(&fast, &dy, inputs).iter().zip(gradients(&slow, &dy, inputs)) {
        let difference = relative_difference(ours, &theirs);
        assert!(difference < 2.0 * noise, "gradients of shape {:?} differ by {difference}", ours.dims());
    }
}

/// Activations in f64 alone: in f32 rounding would decide on which side of a relu's kink a sum lies, and what is left of
/// the slope of a saturated tanh.
pub fn types() -> impl Strategy<Value = (DType, Activation)> {
    prop_oneof![
        2 => Just((DType::F32, Activation::Identity)),
        1 => (0..ACTIVATIONS.len()).prop_map(|i| (DType::F64, ACTIVATIONS[i])),
    ]
}

/// N(0, 1) numbers as a variable, always the same for one name.
pub fn normal(name: &str, shape: &[usize], dtype: DType) -> Var {
    let count = shape.iter().product();
    let values = gan_rng::Stream::new(0, name, 0).normals(count, 0.0, 1.0);
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap())
        .unwrap()
}

/// `|a - b| / |b|` over all elements (`|a|` where b is zero), after checking that the shapes agree.
pub fn relative_difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let norm = |t: &Tensor| {
        t.to_dtype(DType::F64).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt()
    };
    let difference = norm(&(a.to_dtype(DType::F64).unwrap() - b.to_dtype(DType::F64).unwrap()).unwrap());
    difference / if norm(b) > 0.0 { norm(b) } else { 1.0 }
}

/// Gradients of `sum(y * dy)` with respect to each input.
pub fn gradients(y: &Tensor, dy: &Tensor, inputs: &[&Var]) -> Vec<Tensor> {
    let grads = (y * dy).unwrap().sum_all().unwrap().backward().unwrap();
    inputs.iter().map(|input| grads.get(input.as_tensor()).unwrap().clone()).collect()
}

/// Checks the gradient of `sum(f(inputs) * dy)` with respect to every element against central differences, in f64.
pub fn check_against_differences(inputs: &[&Var], f: impl Fn() -> Result<Tensor>) {
    const STEP: f64 = 1e-5;
    let y = f().unwrap();
    let dy = normal("dy", y.dims(), DType::F64);
    let exact = gradients(&y, &dy, inputs);
    let objective =
        || (f().unwrap() * dy.as_tensor()).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
    for (input, exact) in inputs.iter().zip(exact) {
        let original = input.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let mut estimate = Vec::with_capacity(original.len());
        for i in 0..original.len() {
            let at = |value: f64| {
                let mut moved = original.clone();
                moved[i] = value;
                input.set(&Tensor::from_vec(moved, input.shape(), &Device::Cpu).unwrap()).unwrap();
                objective()
            };
            estimate.push((at(original[i] + STEP) - at(original[i] - STEP)) / (2.0 * STEP));
        }
        input.set(&Tensor::from_vec(original, input.shape(), &Device::Cpu).unwrap()).unwrap();
        let estimate = Tensor::from_vec(estimate, input.shape(), &Device::Cpu).unwrap();
        let difference = relative_difference(&exact, &estimate);
        assert!(difference < 1e-7, "gradient is off by {difference}");
    }
}
