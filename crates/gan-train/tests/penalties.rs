//! Gradients of gradient penalties against PyTorch's double backward (assets/fixtures/make_penalties.py), and what a
//! penalty does to a discriminator.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{Device, Tensor, safetensors};
use gan_models::{Architecture, Discriminator, Mode, ModelConfig, Norm};
use gan_train::penalty::{Penalty, between, near};
use std::collections::{BTreeMap, HashMap};
use strum::VariantNames;

/// What is asked for; float32 noise is below 1e-5 here.
const TOLERANCE: f64 = 1e-4;
/// As in the script.
const WEIGHT: f64 = 10.0;

fn under(fixture: &HashMap<String, Tensor>, prefix: &str) -> BTreeMap<String, Tensor> {
    let strip =
        |(name, tensor): (&String, &Tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()));
    fixture.iter().filter_map(strip).collect()
}

fn discriminator(norm: Norm) -> Box<dyn Discriminator> {
    let config = ModelConfig::new(Architecture::Dcgan, 3, 16, 16);
    let config = ModelConfig { base_width: 4, norm_d: Some(norm), ..config };
    let discriminator = config.discriminator(0, &Device::Cpu).unwrap();
    discriminator.params().accumulate_gradients().unwrap();
    discriminator
}

fn length(x: &Tensor) -> f64 {
    f64::from(x.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()).sqrt()
}

#[test]
fn gradients_of_penalties_are_those_of_pytorchs_double_backward_with_every_norm() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/penalties.safetensors");
    let fixture = safetensors::load(path, &Device::Cpu).unwrap();
    for norm_name in Norm::VARIANTS {
        let norm: Norm = norm_name.parse().unwrap();
        for (name, penalty) in [("unit", Penalty::UnitNorm), ("zero", Penalty::Zero)] {
            let case = format!("{norm_name}.{name}");
            let discriminator = discriminator(norm);
            let params = discriminator.params();
            params.load_state_dict(&under(&fixture, &format!("{norm_name}.state."))).unwrap();
            let value =
                penalty.add_gradients(WEIGHT, discriminator.as_ref(), &fixture["real"], None, 1.0).unwrap();
            let wanted = f64::from(fixture[&format!("{case}.value")].to_scalar::<f32>().unwrap());
            assert!(((value - wanted) / wanted).abs() < TOLERANCE, "{case}: {value}, PyTorch {wanted}");
            let gradients = params.gradients();
            let all_wanted = under(&fixture, &format!("{case}.grad."));
            let longest = all_wanted.values().map(length).fold(0.0, f64::max);
            for (parameter, wanted) in all_wanted {
                // What a bias behind the last activation gets is nothing but rounding; so is what one gets that instance norm takes
                // away, which is held to the longest gradient.
                let taken_away = norm == Norm::Instance && parameter == "main.2.bias";
                let least = if taken_away { longest / 30.0 } else { 1e-3 };
                let ours = gradients.get(&parameter).cloned().unwrap_or(wanted.zeros_like().unwrap());
                let difference = length(&(&ours - &wanted).unwrap());
                let scale = length(&wanted).max(least);
                assert!(
                    difference / scale < TOLERANCE,
                    "{case}: {parameter} differs by {:e}",
                    difference / scale
                );
            }
            assert!(gradients.len() >= 3, "{case}: {:?}", gradients.keys());
        }
    }
}

#[test]
fn the_directional_derivative_is_that_of_finite_differences_in_every_family() {
    for (architecture, side) in
        [(Architecture::Dcgan, 16), (Architecture::Notebook, 46), (Architecture::Mlp, 6)]
    {
        for name in Norm::VARIANTS {
            let norm: Norm = name.parse().unwrap();
            let config = ModelConfig::new(architecture, 1, side, side);
            let config = ModelConfig { base_width: 4, norm_d: Some(norm), ..config };
            let Ok(discriminator) = config.discriminator(3, &Device::Cpu) else { continue };
            let mut stream = gan_rng::Stream::new(1, "test", 0);
            let mut images = || {
                let values = stream.uniforms(8 * side * side, -1.0, 1.0);
                Tensor::from_vec(values, (8, 1, side, side), &Device::Cpu).unwrap()
            };
            let (x, v) = (images(), images());
            let dual = discriminator.forward_dual(&gan_ops::Dual::new(&x, &v).unwrap(), None).unwrap();
            let at = |step: f64| {
                let x = (&x + v.affine(step, 0.0).unwrap()).unwrap();
                // As the dual numbers: by the batch, with the singular vectors as they are.
                discriminator.forward_dual(&gan_ops::Dual::constant(&x).unwrap(), None).unwrap().value
            };
            let differences = ((at(1e-3) - at(-1e-3)).unwrap() / 2e-3).unwrap();
            // A kink of LeakyReLU between the two points throws single logits off.
            let (ours, theirs): (Vec<f32>, Vec<f32>) =
                (dual.tangent.to_vec1().unwrap(), differences.to_vec1().unwrap());
            let scale = (length(&differences) / (ours.len() as f64).sqrt()) as f32;
            let close = ours.iter().zip(&theirs).filter(|(a, b)| (*a - *b).abs() < 0.1 * scale).count();
            assert!(close >= 6, "{architecture:?} with {name}: {ours:?} {theirs:?}");
            if norm != Norm::Spectral {
                let value = discriminator.forward(&x, None, Mode::Train).unwrap().logits;
                let error = length(&(&dual.value - &value).unwrap()) / length(&value);
                assert!(error < 1e-4, "{architecture:?} with {name}: the value differs by {error}");
            }
        }
    }
}

#[test]
fn spectral_norm_keeps_every_layer_at_a_largest_singular_value_of_one() {
    let discriminator = discriminator(Norm::Spectral);
    let x = Tensor::zeros((2, 3, 16, 16), candle_core::DType::F32, &Device::Cpu).unwrap();
    for _ in 0..50 {
        discriminator.forward(&x, None, Mode::Train).unwrap(); // each takes the estimate a step further
    }
    let state = discriminator.params().state_dict();
    for layer in ["main.0", "main.2", "main.4"] {
        let of = |part: &str| &state[&format!("{layer}.parametrizations.weight.{part}")];
        let weight = of("original").flatten_from(1).unwrap();
        let (u, v) = (of("0._u"), of("0._v"));
        let times_v = weight.matmul(&v.unsqueeze(1).unwrap()).unwrap().squeeze(1).unwrap();
        let sigma = f64::from((u * &times_v).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
        // Divided by sigma, the largest singular value is 1 if |W v| is sigma: v is its vector.
        assert!((length(&times_v) / sigma - 1.0).abs() < 1e-3, "{layer}: {} {sigma}", length(&times_v));
    }
}

#[test]
fn points_lie_where_they_should() {
    let real = Tensor::full(1f32, (200, 1, 2, 2), &Device::Cpu).unwrap();
    let fake = Tensor::full(-1f32, (200, 1, 2, 2), &Device::Cpu).unwrap();
    let points = between(&real, &fake, &mut gan_rng::Stream::new(0, "test", 0)).unwrap();
    let values: Vec<Vec<f32>> = points.flatten_from(1).unwrap().to_vec2().unwrap();
    assert!(values.iter().all(|image| image.iter().all(|&value| value == image[0] && value.abs() <= 1.0)));
    let mean: f32 = values.iter().map(|image| image[0]).sum::<f32>() / 200.0;
    assert!(mean.abs() < 0.2 && values.iter().any(|image| image[0] > 0.9), "{mean}");

    let mixed = Tensor::cat(&[&real, &fake], 0).unwrap(); // its standard deviation is 1
    let near = near(&mixed, &mut gan_rng::Stream::new(0, "test", 1)).unwrap();
    let moved: Vec<f32> = (near - mixed).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert!(moved.iter().all(|&value| (-1e-6..0.502).contains(&value)));
    assert!((moved.iter().sum::<f32>() / moved.len() as f32 - 0.25).abs() < 0.02);
}
