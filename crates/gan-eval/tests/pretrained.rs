//! Features of networks that others have trained: their files, their names, the images they take.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Tensor};
use gan_data::Image;
use gan_eval::{
    Error, Extracted, FeatureExtractor, FeatureKind, Measure, PretrainedFeatures, Protocol, Reference, Score,
    ScoreKind,
};
use gan_rng::Stream;
use safetensors::SafeTensors;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Weights of the right names and shapes, which have learned nothing.
fn weights(network: &str) -> HashMap<String, Tensor> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/pretrained.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let about: serde_json::Value =
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["about"]).unwrap();
    let shapes: BTreeMap<String, Vec<usize>> = serde_json::from_value(about[network].clone()).unwrap();
    let value = |name: &str, shape: &[usize]| {
        let fan_in: usize = shape.iter().skip(1).product();
        let mean = if name.ends_with("running_var") || shape.len() == 1 { 1.0 } else { 0.0 };
        let deviation = if shape.len() == 1 { 0.0 } else { (2.0 / fan_in as f64).sqrt() };
        let values = Stream::new(0, name, 0).normals(shape.iter().product(), mean, deviation);
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap()
    };
    shapes.iter().map(|(name, shape)| (name.clone(), value(name, shape))).collect()
}

fn save(tensors: &HashMap<String, Tensor>, file: &Path) {
    candle_core::safetensors::save(tensors, file).unwrap();
}

/// An image of some texture.
fn image(height: usize, width: usize, channels: usize) -> Image {
    let pixels = (0..height * width * channels).map(|i| (i * i % 251) as u8).collect();
    Image { pixels, width, height, channels }
}

#[test]
fn lite0_takes_images_of_any_kind_and_names_its_scores() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lite0.safetensors");
    let mut tensors = weights("lite0");
    tensors.insert("bn1.num_batches_tracked".into(), Tensor::new(7i64, &Device::Cpu).unwrap());
    save(&tensors, &file);
    let lite0 = FeatureKind::Lite0.open(Some(&file)).unwrap();
    let mut found = Extracted::new(lite0.as_ref());
    let gray = image(32, 32, 1);
    let repeated =
        Image { pixels: gray.pixels.iter().flat_map(|&pixel| [pixel; 3]).collect(), channels: 3, ..gray };
    found.push_images(lite0.as_ref(), &[gray, repeated, image(300, 260, 3)]).unwrap();
    assert_eq!((found.features.len(), found.features.dim()), (3, 1280));
    assert_eq!(found.features.row(0), found.features.row(1), "gray is repeated");
    assert_ne!(found.features.row(0), found.features.row(2));

    let reference = Reference::new(found.clone(), "train").unwrap();
    let score = &reference.measure(lite0.as_ref(), &found, &[Measure::Fd]).unwrap()[0];
    assert!(score.to_string().starts_with("FD (EfficientNet-Lite0) "), "{score}");
    assert_eq!(score.protocol.digest.len(), 64);

    tensors.remove("bn1.num_batches_tracked"); // a counter is no weight
    save(&tensors, &file);
    assert_eq!(PretrainedFeatures::lite0(&file).unwrap().digest(), lite0.digest());
    tensors.insert("bn1.bias".into(), Tensor::zeros(32, DType::F32, &Device::Cpu).unwrap());
    save(&tensors, &file);
    assert_ne!(PretrainedFeatures::lite0(&file).unwrap().digest(), lite0.digest());
}

#[test]
fn only_inception_of_the_fid_measures_fid() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inception.safetensors");
    let mut tensors = weights("inception");
    save(&tensors, &file);
    let inception = FeatureKind::Inception.open(Some(&file)).unwrap();
    let mut found = Extracted::new(inception.as_ref());
    found.push_images(inception.as_ref(), &[image(20, 24, 3), image(33, 17, 1)]).unwrap();
    assert_eq!((found.features.len(), found.features.dim()), (2, 2048));

    let protocol = Protocol::of(inception.as_ref(), 2, 2, "train");
    let score = |protocol: Protocol| Score {
        kind: ScoreKind::Fd,
        value: 1.0,
        deviation: None,
        protocol,
        warning: None,
    };
    assert_eq!(score(protocol.clone()).to_string(), "FID (InceptionV3) 1.0000");
    let other = Protocol { resizer: "bicubic".into(), ..protocol };
    assert_eq!(score(other).title(), "FD");

    tensors.insert("fc.weight".into(), Tensor::zeros((1000, 2048), DType::F32, &Device::Cpu).unwrap());
    save(&tensors, &file);
    let refused = PretrainedFeatures::inception(&file).err().unwrap();
    assert!(refused.to_string().contains("1000 classes"), "{refused}");
}

#[test]
fn what_is_no_file_of_weights_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    let refused = |kind: FeatureKind, file: Option<&Path>| kind.open(file).err().unwrap();
    let missing = refused(FeatureKind::Lite0, Some(&file));
    assert!(matches!(missing, Error::Weights { .. }) && missing.hint().contains("--feature-weights"));
    std::fs::write(&file, b"not tensors").unwrap();
    assert!(refused(FeatureKind::Lite0, Some(&file)).to_string().contains("no safetensors file"));
    save(&HashMap::from([("a".to_owned(), Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap())]), &file);
    let lacks = refused(FeatureKind::Inception, Some(&file)).to_string();
    assert!(lacks.contains("no tensor Conv2d_1a_3x3.conv.weight") && !lacks.contains('\n'), "{lacks}");
    let unnamed = refused(FeatureKind::Inception, None);
    assert_eq!(unnamed.to_string(), "the features inception need the weights of a network");
    assert!(unnamed.hint().contains("--feature-weights"));
    assert!(matches!(refused(FeatureKind::Random, Some(&file)), Error::Config { .. }));
}
