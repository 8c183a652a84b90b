//! Differentiable augmentation against PyTorch (assets/fixtures/make_augment.py).

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{Device, Tensor, Var, safetensors};
use gan_train::augment::{
    AugmentParams, Augmentation, Center, Color, Policy, Shift, Step, apply, apply_tangent,
};
use std::collections::HashMap;

const TOLERANCE: f64 = 1e-12;

type Fixture = HashMap<String, Tensor>;

/// The parameters of a case for the transforms of a policy.
fn params(fixture: &Fixture, case: &str, policy: &Policy) -> AugmentParams {
    let whole = |name: &str| fixture[&format!("{case}.{name}")].to_vec2::<i64>().unwrap();
    let step = |transform: &Augmentation| match transform {
        Augmentation::Color => {
            let colors = fixture[&format!("{case}.colors")].to_vec2::<f64>().unwrap();
            let color = |c: &Vec<f64>| Color { brightness: c[0], saturation: c[1], contrast: c[2] };
            Step::Color(colors.iter().map(|c| Some(color(c))).collect())
        }
        Augmentation::Translation => {
            let shift = |s: &Vec<i64>| Shift { rows: s[0], columns: s[1] };
            Step::Translation(whole("shifts").iter().map(|s| Some(shift(s))).collect())
        }
        Augmentation::Cutout => {
            let center = |c: &Vec<i64>| Center { row: c[0] as usize, column: c[1] as usize };
            Step::Cutout(whole("centers").iter().map(|c| Some(center(c))).collect())
        }
        other => panic!("no fixture for {other:?}"),
    };
    AugmentParams { steps: policy.transforms().iter().map(step).collect() }
}

fn expect(name: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.dims(), theirs.dims(), "{name}");
    let furthest = (ours - theirs).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
    let furthest: f64 = furthest.to_scalar().unwrap();
    assert!(furthest < TOLERANCE, "{name} differs by {furthest:e}");
}

fn dot(a: &Tensor, b: &Tensor) -> f64 {
    (a * b).unwrap().sum_all().unwrap().to_scalar().unwrap()
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/augment.safetensors");
    let fixture: Fixture = safetensors::load(path, &Device::Cpu).unwrap();
    for case in ["rgb", "gray", "two"] {
        let tensor = |name: &str| &fixture[&format!("{case}.{name}")];
        for policy in
            ["color", "translation", "cutout", "color,translation,cutout", "cutout,translation,color"]
        {
            let name = |what: &str| format!("{policy}.{what}");
            let params = params(&fixture, case, &policy.parse().unwrap());
            let (x, dy) = (Var::from_tensor(tensor("x")).unwrap(), tensor("dy"));
            let y = apply(&x, &params).unwrap();
            expect(&format!("{case}.{policy}.y"), &y, tensor(&name("y")));

            let gradients = (&y * dy).unwrap().sum_all().unwrap().backward().unwrap();
            let dx = tensor(&name("dx"));
            expect(&format!("{case}.{policy}.dx"), gradients.get(&x).unwrap(), dx);

            // PyTorch's gradient is the transpose of our linear part: <dy, A v> = <A' dy, v>.
            let v = (dy.cos().unwrap() + 0.5).unwrap();
            let forward = dot(dy, &apply_tangent(&v, &params).unwrap());
            let backward = dot(dx, &v);
            assert!((forward - backward).abs() < 1e-11, "{case}.{policy}: {forward} and {backward}");
        }
    }
}
