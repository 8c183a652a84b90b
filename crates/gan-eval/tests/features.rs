//! The networks whose features are compared, and scores by them.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Tensor};
use gan_data::{Dataset, Digits, Image, Points, ProgressCallback};
use gan_eval::{
    Cache, ClassMap, Classifier, ClassifierConfig, ClassifierFeatures, Error, Extracted, FeatureExtractor,
    FeatureKind, Measure, Measures, RandomFeatures, Reference, ScoreKind, Subset, TrainOptions,
    metrics::Gaussian,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn digits(from: usize, count: usize) -> Vec<Image> {
    let data = Digits::test(0, 32).unwrap();
    (from..from + count).map(|i| data.get(i).unwrap().image).collect()
}

fn extracted(extractor: &dyn FeatureExtractor, images: &[Image]) -> Extracted {
    let mut found = Extracted::new(extractor);
    found.push_images(extractor, images).unwrap();
    found
}

#[test]
fn the_classifier_that_comes_with_the_program_reads_the_digits() {
    let features = ClassifierFeatures::digits().unwrap();
    let accuracy = features
        .classifier()
        .accuracy(Arc::new(
            gan_eval::Subset::first_of_each_class(Arc::new(Digits::test(7, 32).unwrap()), 50).unwrap(),
        ))
        .unwrap();
    assert!(accuracy.percent() > 99.0, "{accuracy:?}");
    assert!(include_bytes!("../assets/digits.safetensors").len() < 300_000);
}

#[test]
fn real_digits_score_well_against_others_and_noise_or_one_digit_does_not() {
    let extractor = ClassifierFeatures::digits().unwrap();
    let reference = Reference::new(extracted(&extractor, &digits(0, 600)), "test").unwrap();
    let noise: Vec<Image> = (0..600)
        .map(|i| Image {
            pixels: (0..1024).map(|p| (p * 37 + i * 91 + p * p * i) as u8).collect(),
            width: 32,
            height: 32,
            channels: 1,
        })
        .collect();
    let one = vec![digits(5, 1)[0].clone(); 600];
    let all: Measures = "fd,kid,prdc,is,classes,copies".parse().unwrap();
    let of = |images: &[Image], kind: ScoreKind| {
        let fake = extracted(&extractor, images);
        let alone = |measure: &Measure| reference.measure(&extractor, &fake, &[*measure]).unwrap();
        // Of those that are asked for, the one that has this score.
        let mut wanted = all.list().iter().filter(|measure| match kind {
            ScoreKind::Recall | ScoreKind::Coverage => **measure == Measure::Prdc,
            kind => measure.score() == kind,
        });
        let scores = wanted.next().map(alone).unwrap();
        scores.into_iter().find(|score| score.kind == kind).unwrap()
    };
    let fresh = digits(600, 600);
    for kind in [ScoreKind::Fd, ScoreKind::Kid, ScoreKind::Coverage, ScoreKind::Recall, ScoreKind::Is] {
        for bad in [&noise, &one] {
            let (good, bad) = (of(&fresh, kind).value, of(bad, kind).value);
            assert!(
                if kind.higher_is_better() { good > bad } else { good < bad },
                "{kind:?}: {good} and {bad}"
            );
        }
    }
    let missing = of(&one, ScoreKind::ClassDivergence).warning.unwrap();
    assert!(missing.starts_with("hardly any of ") && missing.matches(',').count() == 8, "{missing}");
    assert_eq!(of(&digits(0, 300), ScoreKind::Copies).value, 1.0);
    assert!(of(&fresh, ScoreKind::Copies).value < 0.7);

    let score = of(&fresh, ScoreKind::Fd);
    assert!(score.to_string().starts_with("FD (digits classifier) "), "{score}");
    assert_eq!(
        (score.protocol.n_real, score.protocol.n_fake, score.protocol.split.as_str()),
        (600, 600, "test")
    );
    assert!(
        of(&digits(600, 60), ScoreKind::Fd).warning.unwrap().contains("too few"),
        "60 images, 64 features"
    );
}

#[test]
fn random_features_are_the_same_each_time_and_take_images_of_any_kind() {
    let (a, b) = (RandomFeatures::new().unwrap(), RandomFeatures::new().unwrap());
    assert_eq!(a.digest(), b.digest());
    let colour = Image {
        pixels: (0..30 * 20 * 3).map(|i| (i % 251) as u8).collect(),
        width: 30,
        height: 20,
        channels: 3,
    };
    let found = extracted(&a, &[digits(0, 1)[0].clone(), colour]);
    assert_eq!((found.features.len(), found.features.dim()), (2, a.dim()));
    assert_ne!(found.features.row(0), found.features.row(1));
    assert_eq!(
        found.features,
        extracted(
            &b,
            &[
                digits(0, 1)[0].clone(),
                Image {
                    pixels: (0..30 * 20 * 3).map(|i| (i % 251) as u8).collect(),
                    width: 30,
                    height: 20,
                    channels: 3
                }
            ]
        )
        .features
    );
    let reference = Reference::new(found.clone(), "train").unwrap();
    assert!(
        matches!(reference.measure(&a, &found, &[Measure::Is]), Err(Error::Config { .. })),
        "they know no classes"
    );
}

#[test]
fn a_classifier_is_read_back_as_it_was_written_and_damage_is_refused() {
    let config =
        ClassifierConfig { side: 16, base_width: 4, ..ClassifierConfig::new(1, ClassMap::numbered(3)) };
    let classifier = Classifier::new(config, 1, &Device::Cpu).unwrap();
    let bytes = classifier.to_bytes().unwrap();
    let again = Classifier::of_bytes(&bytes, &Device::Cpu).unwrap();
    assert_eq!(again.config(), classifier.config());
    assert_eq!(again.to_bytes().unwrap(), bytes);
    let images = Tensor::ones((2, 1, 16, 16), DType::F32, &Device::Cpu).unwrap();
    let logits = |it: &Classifier| it.logits(&images).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(logits(&again), logits(&classifier));
    for damaged in [&bytes[..bytes.len() - 4], &bytes[..7], b"", b"not a file at all"] {
        assert!(matches!(Classifier::of_bytes(damaged, &Device::Cpu), Err(Error::NotAClassifier { .. })));
    }
    let other = safetensors::serialize(std::collections::BTreeMap::<String, Tensor>::new(), None).unwrap();
    assert!(matches!(Classifier::of_bytes(&other, &Device::Cpu), Err(Error::NotAClassifier { .. })));
}

#[test]
fn a_classifier_learns_from_the_images_at_hand_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let few = Subset::first_of_each_class(Arc::new(Digits::train(0, 32).unwrap()), 3).unwrap();
    let few: Arc<dyn Dataset> = Arc::new(few);
    let learn = |steps: u64| {
        let batches = Arc::new(AtomicUsize::new(0));
        let counted = batches.clone();
        let watch = ProgressCallback::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let options = TrainOptions { steps, batch_size: 4, watch, ..TrainOptions::default() };
        let features = ClassifierFeatures::learned_from(&few, &options, &cache).unwrap();
        (features.digest().to_owned(), features.classes().len(), batches.load(Ordering::Relaxed))
    };
    let (digest, classes, learned) = learn(3);
    assert_eq!((classes, learned), (10, 3));
    assert_eq!(learn(3), (digest.clone(), 10, 0), "it is kept");
    assert_ne!(learn(4).0, digest, "learning otherwise makes another");

    let (none, watch) = (Points::ring(0), ProgressCallback::default());
    let no_classes: Arc<dyn Dataset> = Arc::new(none);
    assert!(FeatureKind::Classifier.open_for(None, &no_classes, &watch).is_err());
    assert!(FeatureKind::Classifier.open(None).is_err());
}

#[test]
fn statistics_of_pytorch_fid_are_read_and_others_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, arrays: &[(&str, Tensor)]| {
        let path = folder.path().join(name);
        Tensor::write_npz(arrays, &path).unwrap();
        path
    };
    let mu = Tensor::new(&[0.5f64, -2.0], &Device::Cpu).unwrap();
    let sigma = Tensor::new(&[[2.0f64, 0.25], [0.25, 1.0]], &Device::Cpu).unwrap();
    let good = write("good.npz", &[("mu", mu.clone()), ("sigma", sigma.clone())]);
    let wanted = Gaussian { mean: vec![0.5, -2.0], covariance: vec![2.0, 0.25, 0.25, 1.0] };
    assert_eq!(Gaussian::of_npz(&good).unwrap(), wanted);
    let nan = Tensor::new(&[f64::NAN, 0.0], &Device::Cpu).unwrap();
    let text = folder.path().join("text.npz");
    std::fs::write(&text, "no archive").unwrap();
    for bad in [
        write("alone.npz", &[("mu", mu.clone())]),
        write("square.npz", &[("mu", sigma.clone()), ("sigma", sigma.clone())]),
        write("sizes.npz", &[("mu", mu.clone()), ("sigma", mu)]),
        write("nan.npz", &[("mu", nan), ("sigma", sigma)]),
        text,
        folder.path().join("nothing.npz"),
    ] {
        assert!(Gaussian::of_npz(&bad).is_err(), "{}", bad.display());
    }
}
