//! Gradients of gradient penalties through conditional discriminators, residual blocks and attention, against PyTorch's double
//! backward (assets/fixtures/make_networks.py).

#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::print_stdout)] // with --nocapture it says how far each case is off

use candle_core::{DType, Device, Tensor, safetensors};
use gan_models::{Context, ModelConfig};
use gan_train::gan::Penalty;
use gan_train::{GanOptions, Player};
use std::collections::BTreeMap;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/networks.safetensors");

/// Of each tensor, `|a - b| / |b|`; PyTorch's own float32 is off by up to 1e-5, as the script prints.
const TOLERANCE: f64 = 1e-4;
/// As in the script.
const WEIGHT: f64 = 10.0;

fn cases() -> BTreeMap<String, ModelConfig> {
    let bytes = std::fs::read(FILE).unwrap();
    let (_, metadata) = ::safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let about: serde_json::Value =
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["about"]).unwrap();
    serde_json::from_value(about["penalties"].clone()).unwrap()
}

fn length(x: &Tensor) -> f64 {
    x.to_dtype(DType::F64).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt()
}

#[test]
fn gradients_of_penalties_are_those_of_pytorchs_double_backward() {
    let fixture = safetensors::load(FILE, &Device::Cpu).unwrap();
    let labels: Vec<i64> = fixture["labels"].to_vec1().unwrap();
    let labels: Vec<u32> = labels.into_iter().map(|label| label as u32).collect();
    let cases = cases();
    assert!(cases.len() > 7);
    for (case, config) in cases {
        let under = |part: &str| -> BTreeMap<String, Tensor> {
            let prefix = format!("penalty.{case}.{part}.");
            let stripped = fixture.iter().map(|(name, tensor)| (name.strip_prefix(&prefix), tensor));
            stripped.filter_map(|(name, tensor)| Some((name?.to_owned(), tensor.clone()))).collect()
        };
        for (name, penalty) in [("unit", Penalty::UnitNorm), ("zero", Penalty::Zero)] {
            let discriminator = config.discriminator(0, &Device::Cpu).unwrap();
            let params = discriminator.params();
            let player =
                Player::new(("D", "d"), &[("discriminator", params)], GanOptions::default().d).unwrap();
            params.load_state_dict(&under("state")).unwrap();
            let classes = config.conditional.map(|_| &labels[..]);
            let x = &fixture[&format!("penalty.{case}.x")];
            let of = (discriminator.as_ref(), &player);
            let context = Context::train().of_classes(classes);
            let value = penalty.backward(WEIGHT, of, x, &context, 1.0).unwrap();
            let wanted =
                f64::from(fixture[&format!("penalty.{case}.{name}.value")].to_scalar::<f32>().unwrap());
            assert!(
                ((value - wanted) / wanted).abs() < TOLERANCE,
                "{case}, {name}: {value}, PyTorch {wanted}"
            );
            let (ours, wanted) = (params.gradients(), under(&format!("{name}.grad")));
            assert!(wanted.len() > 2);
            let largest = wanted.values().map(length).fold(0.0, f64::max);
            // What PyTorch gives no gradient, like the bias of the logit, gets nothing but rounding.
            for (parameter, ours) in ours.iter().filter(|(parameter, _)| !wanted.contains_key(*parameter)) {
                assert!(length(ours) < 1e-6 * largest, "{case}, {name}: {parameter} has a gradient");
            }
            let mut furthest = (0.0, "");
            for (parameter, wanted) in &wanted {
                let ours = ours.get(parameter).cloned().unwrap_or(wanted.zeros_like().unwrap());
                let size = Some(length(wanted)).filter(|&size| size > 0.0).unwrap_or(largest);
                let distance = length(&(ours - wanted).unwrap()) / size;
                assert!(distance < TOLERANCE, "{case}, {name}: {parameter} differs by {distance:e}");
                if distance > furthest.0 {
                    furthest = (distance, parameter);
                }
            }
            println!("{case}, {name}: {:.1e}, {}", furthest.0, furthest.1);
        }
    }
}

gan_ops::also_on_references!(gradients_of_penalties_are_those_of_pytorchs_double_backward);
