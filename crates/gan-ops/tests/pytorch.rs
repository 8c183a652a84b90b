//! Values and gradients against PyTorch (assets/fixtures/make_ops.py), in f64.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;
use candle_core::{Device, Result, Tensor, Var, safetensors};
use common::{gradients, relative_difference};
use gan_ops::Activation;
use std::collections::HashMap;

struct Case {
    tensors: HashMap<String, Tensor>,
    prefix: String,
}

impl Case {
    fn get(&self, name: &str) -> &Tensor {
        &self.tensors[&format!("{}.{name}", self.prefix)]
    }

    fn var(&self, name: &str) -> Var {
        Var::from_tensor(self.get(name)).unwrap()
    }

    fn params(&self) -> Vec<usize> {
        self.get("params").to_vec1::<i64>().unwrap().into_iter().map(|x| x as usize).collect()
    }

    fn expect(&self, name: &str, ours: &Tensor) {
        let difference = relative_difference(ours, self.get(name));
        assert!(difference < 1e-12, "{}.{name} differs from PyTorch by {difference}", self.prefix);
    }

    fn expect_gradients(&self, y: &Tensor, dy: &str, inputs: &[(&str, &Var)]) {
        let vars: Vec<&Var> = inputs.iter().map(|(_, var)| *var).collect();
        for ((name, _), gradient) in inputs.iter().zip(gradients(y, self.get(dy), &vars)) {
            self.expect(name, &gradient);
        }
    }
}

/// Every case of an op in the fixture: `op`, or `op.0`, `op.1`, ...
fn cases(op: &str) -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/ops.safetensors");
    let tensors = safetensors::load(path, &Device::Cpu).unwrap();
    let cases: Vec<Case> = std::iter::once(op.to_string())
        .chain((0..20).map(|i| format!("{op}.{i}")))
        .filter(|prefix| tensors.contains_key(&format!("{prefix}.x")))
        .map(|prefix| Case { tensors: tensors.clone(), prefix })
        .collect();
    assert!(!cases.is_empty(), "the fixture has no case of {op}");
    cases
}

#[test]
fn conv2d_is_pytorchs() -> Result<()> {
    for case in cases("conv2d") {
        let (x, w, params) = (case.var("x"), case.var("w"), case.params());
        for conv in [gan_ops::conv2d, gan_ops::reference::conv2d] {
            let y = conv(&x, &w, params[0], params[1])?;
            case.expect("y", &y);
            case.expect_gradients(&y, "dy", &[("dx", &x), ("dw", &w)]);
        }
    }
    Ok(())
}

#[test]
fn conv_transpose2d_is_pytorchs() -> Result<()> {
    for case in cases("conv_transpose2d") {
        let (x, w, params) = (case.var("x"), case.var("w"), case.params());
        for conv in [gan_ops::conv_transpose2d, gan_ops::reference::conv_transpose2d] {
            let y = conv(&x, &w, params[0], params[1], params[2])?;
            case.expect("y", &y);
            case.expect_gradients(&y, "dy", &[("dx", &x), ("dw", &w)]);
        }
    }
    Ok(())
}

#[test]
fn batch_norm_in_training_is_pytorchs() -> Result<()> {
    for case in cases("batch_norm2d") {
        let (x, weight, bias) = (case.var("x"), case.var("weight"), case.var("bias"));
        for batch_norm in [gan_ops::batch_norm2d_train, gan_ops::reference::batch_norm2d_train] {
            let out = batch_norm(&x, &weight, &bias, 1e-5, Activation::Identity)?;
            case.expect("y", &out.output);
            let running = |old: &Tensor, new: &Tensor| (old * 0.9)? + (new * 0.1)?;
            case.expect("new_running_mean", &running(case.get("running_mean"), &out.mean)?);
            case.expect("new_running_var", &running(case.get("running_var"), &out.unbiased_var)?);
            case.expect_gradients(&out.output, "dy", &[("dx", &x), ("dweight", &weight), ("dbias", &bias)]);
        }
    }
    Ok(())
}

#[test]
fn batch_norm_in_evaluation_is_pytorchs() -> Result<()> {
    for case in cases("batch_norm2d_eval") {
        let (x, weight, bias) = (case.var("x"), case.var("weight"), case.var("bias"));
        let (mean, var) = (case.get("running_mean"), case.get("running_var"));
        let y = gan_ops::batch_norm2d_eval(&x, &weight, &bias, mean, var, 1e-5, Activation::Identity)?;
        case.expect("y", &y);
        case.expect_gradients(&y, "dy", &[("dx", &x), ("dweight", &weight), ("dbias", &bias)]);
    }
    Ok(())
}

#[test]
fn activations_are_pytorchs_also_at_zero() -> Result<()> {
    type Activation = fn(&Tensor) -> Result<Tensor>;
    let ops: [(&str, [Activation; 2]); 3] = [
        ("relu", [gan_ops::relu, |x| gan_ops::reference::leaky_relu(x, 0.0)]),
        ("leaky_relu", [|x| gan_ops::leaky_relu(x, 0.2), |x| gan_ops::reference::leaky_relu(x, 0.2)]),
        ("tanh", [gan_ops::tanh, Tensor::tanh]),
    ];
    for (name, references) in ops {
        for case in cases(name) {
            assert!(case.get("x").flatten_all()?.to_vec1::<f64>()?.contains(&0.0));
            for activation in references {
                let x = case.var("x");
                let y = activation(&x)?;
                case.expect("y", &y);
                case.expect_gradients(&y, "dy", &[("dx", &x)]);
            }
        }
    }
    Ok(())
}

#[test]
fn binary_cross_entropy_is_pytorchs_also_at_extremes() -> Result<()> {
    for case in cases("bce_with_logits") {
        let x = case.var("x");
        let loss = gan_ops::bce_with_logits(&x, case.get("target"))?;
        case.expect("y", &loss);
        let one = Tensor::ones((), x.dtype(), x.device())?;
        case.expect("dx", &gradients(&loss, &one, &[&x])[0]);
    }
    Ok(())
}

gan_ops::also_on_references!(
    conv2d_is_pytorchs,
    conv_transpose2d_is_pytorchs,
    batch_norm_in_training_is_pytorchs,
    batch_norm_in_evaluation_is_pytorchs,
    activations_are_pytorchs_also_at_zero,
    binary_cross_entropy_is_pytorchs_also_at_extremes,
);
