//! Gradients of gradient penalties against PyTorch's double backward (assets/fixtures/make_penalties.py), and what a
//! penalty does to a discriminator.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{Device, Tensor, safetensors};
use gan_models::{Architecture, Context, Discriminator, ModelConfig, Norm};
use gan_train::gan::{Penalty, between, near};
use gan_train::{GanOptions, Player};
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
    config.discriminator(0, &Device::Cpu).unwrap()
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
            let player =
                Player::new(("D", "d"), &[("discriminator", params)], GanOptions::default().d).unwrap();
            let of = (discriminator.as_ref(), &player);
            let value = penalty.backward(WEIGHT, of, &fixture["real"], &Context::train(), 1.0).unwrap();
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

/// Every discriminator that an architecture has, in a small size.
fn discriminators() -> Vec<(String, usize, Norm, Box<dyn Discriminator>)> {
    let mut all = Vec::new();
    for (architecture, side) in [
        (Architecture::Dcgan, 16),
        (Architecture::Notebook, 46),
        (Architecture::Mlp, 6),
        (Architecture::Sngan, 8),
        (Architecture::Sagan, 8),
    ] {
        for name in Norm::VARIANTS {
            let norm: Norm = name.parse().unwrap();
            let config = ModelConfig::new(architecture, 1, side, side);
            let config = ModelConfig { base_width: 4, norm_d: Some(norm), ..config };
            let Ok(discriminator) = config.discriminator(3, &Device::Cpu) else { continue };
            all.push((format!("{architecture:?} with {name}"), side, norm, discriminator));
        }
    }
    assert_eq!(all.len(), 23, "all but batch and instance norm of the fully connected ones");
    all
}

/// Images, and the direction in which they move.
fn images_and_direction(side: usize, count: usize, draw: u64) -> (Tensor, Tensor) {
    let mut stream = gan_rng::Stream::new(1, "test", draw);
    let mut images = || {
        let values = stream.uniforms(count * side * side, -1.0, 1.0);
        Tensor::from_vec(values, (count, 1, side, side), &Device::Cpu).unwrap()
    };
    (images(), images())
}

fn logits(x: &Tensor) -> Vec<f64> {
    x.to_dtype(candle_core::DType::F64).unwrap().to_vec1().unwrap()
}

fn root_mean_square(x: &[f64]) -> f64 {
    (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64).sqrt()
}

#[test]
fn the_directional_derivative_is_that_of_finite_differences_in_every_family() {
    /// In f32, in which networks are: the logits are off by some 1e-7, and so their slopes by 1e-3.
    const STEP: f64 = 2e-4;
    const TOLERANCE: f64 = 1e-2;
    for (name, side, norm, discriminator) in discriminators() {
        // As the dual numbers: by the batch, with the singular vectors as they are.
        let value = |x: &Tensor| {
            let x = gan_ops::Dual::constant(x).unwrap();
            logits(&discriminator.forward_dual(&x, &Context::train()).unwrap().value)
        };
        // Away from the kinks of leaky_relu: the slopes between five points are the same.
        let smooth = |draw| {
            let (x, v) = images_and_direction(side, 2, draw);
            let at = |steps: f64| value(&(&x + v.affine(steps * STEP, 0.0).unwrap()).unwrap());
            let points = [-2.0, -1.0, 0.0, 1.0, 2.0].map(at);
            let slopes = |i: usize, j: usize| -> Vec<f64> {
                points[i].iter().zip(&points[j]).map(|(a, b)| (b - a) / (STEP * (j - i) as f64)).collect()
            };
            let (central, scale) = (slopes(1, 3), root_mean_square(&slopes(1, 3)));
            let near = |slope: &f64, central: &f64| (slope - central).abs() < TOLERANCE / 2.0 * scale;
            let is_smooth = (0..4).all(|i| slopes(i, i + 1).iter().zip(&central).all(|(a, b)| near(a, b)));
            is_smooth.then_some((x, v, central, scale))
        };
        let (x, v, differences, scale) = (0..200).find_map(smooth).expect("a place without kinks");
        let dual =
            discriminator.forward_dual(&gan_ops::Dual::new(&x, &v).unwrap(), &Context::train()).unwrap();
        for (ours, theirs) in logits(&dual.tangent).iter().zip(&differences) {
            let error = (ours - theirs).abs() / scale;
            assert!(error < TOLERANCE, "{name}: {ours}, by differences {theirs}");
        }
        if norm != Norm::Spectral {
            let value = discriminator.forward(&x, &Context::train()).unwrap().flat_logits().unwrap();
            let error = length(&(&dual.value - &value).unwrap()) / length(&value);
            assert!(error < 1e-4, "{name}: the value differs by {error}");
        }
    }
}

/// The same without steps and so without kinks: what backward passes say of each logit, times the direction.
#[test]
fn the_directional_derivative_is_that_of_backward_passes_in_every_family() {
    for (name, side, _, discriminator) in discriminators() {
        let (x, v) = images_and_direction(side, 8, 0);
        let dual =
            discriminator.forward_dual(&gan_ops::Dual::new(&x, &v).unwrap(), &Context::train()).unwrap();
        let x = candle_core::Var::from_tensor(&x).unwrap();
        let value = discriminator
            .forward_dual(&gan_ops::Dual::constant(&x).unwrap(), &Context::train())
            .unwrap()
            .value;
        let of_logit = |i: usize| {
            let store = value.get(i).unwrap().backward().unwrap();
            let along = (store.get(&x).unwrap() * &v).unwrap().sum_all().unwrap();
            f64::from(along.to_scalar::<f32>().unwrap())
        };
        let expected: Vec<f64> = (0..8).map(of_logit).collect();
        let scale = root_mean_square(&expected);
        for (ours, theirs) in logits(&dual.tangent).iter().zip(&expected) {
            let error = (ours - theirs).abs() / scale;
            assert!(error < 1e-5, "{name}: {ours}, by backward passes {theirs}");
        }
    }
}

#[test]
fn spectral_norm_keeps_every_layer_at_a_largest_singular_value_of_one() {
    let discriminator = discriminator(Norm::Spectral);
    let x = Tensor::zeros((2, 3, 16, 16), candle_core::DType::F32, &Device::Cpu).unwrap();
    for _ in 0..50 {
        discriminator.forward(&x, &Context::train()).unwrap(); // each takes the estimate a step further
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

    // Of a standard deviation of 1: moved by u / 2 times an alpha of the image's own, of mean 1/8. An image of 64
    // values, whose largest u is all but 1, says its alpha; those are as uniform as the u.
    let mixed = Tensor::cat(&[&real, &fake], 0).unwrap().repeat((1, 1, 4, 4)).unwrap();
    let near = near(&mixed, &mut gan_rng::Stream::new(0, "test", 1)).unwrap();
    let moved: Vec<Vec<f32>> = (near - mixed).unwrap().flatten_from(1).unwrap().to_vec2().unwrap();
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!(moved.iter().flatten().all(|&value| (-1e-6..0.502).contains(&value)));
    assert!((mean(&moved.concat()) - 0.125).abs() < 0.01, "{}", mean(&moved.concat()));
    let alphas: Vec<f32> =
        moved.iter().map(|image| 2.0 * image.iter().copied().fold(0.0, f32::max)).collect();
    let below = |limit: f32| alphas.iter().filter(|&&alpha| alpha < limit).count();
    assert!((60..140).contains(&below(0.25)) && (260..340).contains(&below(0.75)), "{alphas:?}");
    for (image, alpha) in moved.iter().zip(&alphas).filter(|(_, alpha)| **alpha > 0.1) {
        assert!((mean(image) / alpha - 0.25).abs() < 0.1, "each value has its own u: {image:?}");
    }
}

gan_ops::also_on_references!(
    gradients_of_penalties_are_those_of_pytorchs_double_backward_with_every_norm,
    the_directional_derivative_is_that_of_finite_differences_in_every_family,
    the_directional_derivative_is_that_of_backward_passes_in_every_family,
    spectral_norm_keeps_every_layer_at_a_largest_singular_value_of_one,
);
