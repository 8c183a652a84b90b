//! What a classifier learns, and that it learns the same each time.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use common::Plain;
use gan_data::{Dataset, Digits};
use gan_eval::{ClassMap, Classifier, ClassifierConfig, Error, Part, Subset, TrainOptions};

fn config(base_width: usize) -> ClassifierConfig {
    ClassifierConfig { side: 16, base_width, ..ClassifierConfig::new(1, ClassMap::numbered(10)) }
}

fn digits(digits: gan_data::Result<Digits>, per_class: usize) -> Arc<dyn Dataset> {
    Arc::new(Subset::first_of_each_class(Arc::new(digits.unwrap()), per_class).unwrap())
}

fn trained(parts: &[Part], seed: u64, steps: u64) -> Classifier {
    let mut classifier = Classifier::new(config(8), seed, &Device::Cpu).unwrap();
    classifier.train(parts, &TrainOptions { steps, seed, shift: 1, ..TrainOptions::default() }).unwrap();
    classifier
}

#[test]
fn a_few_hundred_digits_are_enough_to_read_others() {
    let known = Part::whole(digits(Digits::train(0, 16), 40));
    let asked = digits(Digits::test(0, 16), 50);
    let untrained = Classifier::new(config(8), 1, &Device::Cpu).unwrap().accuracy(asked.clone()).unwrap();
    assert!(untrained.percent() < 30.0, "{untrained:?}");
    let accuracy = trained(&[known], 1, 250).accuracy(asked).unwrap();
    assert!(accuracy.percent() > 90.0, "{accuracy:?}");
    assert_eq!(accuracy.total, 500);
    assert!(accuracy.per_class.iter().all(|&(_, total)| total == 50));
    assert_eq!(accuracy.per_class.iter().map(|&(correct, _)| correct).sum::<usize>(), accuracy.correct);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let parts = [3, 60].map(|per_class| Part { data: digits(Digits::train(7, 16), per_class), share: 1.0 });
    let values = (0..4 * 256).map(|i| (i % 17) as f32 / 8.0 - 1.0).collect();
    let images = Tensor::from_vec(values, (4, 1, 16, 16), &Device::Cpu).unwrap();
    let bits = |seed| -> Vec<u32> {
        let logits = trained(&parts, seed, 20).logits(&images).unwrap();
        let logits: Vec<f32> = logits.flatten_all().unwrap().to_vec1().unwrap();
        logits.into_iter().map(f32::to_bits).collect()
    };
    let first = bits(3);
    assert_eq!(first, bits(3));
    assert_ne!(first, bits(4));
}

#[test]
fn generated_images_may_have_a_part_of_each_batch() {
    let asked = digits(Digits::test(0, 16), 20);
    let accuracy = |shares: [f64; 2]| {
        // Few real digits, and many others.
        let sets = [digits(Digits::train(0, 16), 1), digits(Digits::train(5, 16), 40)];
        let parts: Vec<Part> =
            sets.into_iter().zip(shares).map(|(data, share)| Part { data, share }).collect();
        trained(&parts, 1, 150).accuracy(asked.clone()).unwrap().percent()
    };
    let [few, both] = [[1.0, 0.0], [0.5, 0.5]].map(accuracy);
    assert!(both > few + 10.0, "{few} and {both}");
}

#[test]
fn an_image_is_judged_alone() {
    let classifier = trained(&[Part::whole(digits(Digits::train(0, 16), 10))], 1, 5);
    let values = (0..6 * 256).map(|i| (i % 23) as f32 / 11.0 - 1.0).collect();
    let images = Tensor::from_vec(values, (6, 1, 16, 16), &Device::Cpu).unwrap();
    let together: Vec<Vec<f32>> = classifier.logits(&images).unwrap().to_vec2().unwrap();
    let alone: Vec<Vec<f32>> =
        classifier.logits(&images.narrow(0, 2, 1).unwrap()).unwrap().to_vec2().unwrap();
    for (a, b) in together[2].iter().zip(&alone[0]) {
        assert!((a - b).abs() < 1e-4, "{together:?} and {alone:?}");
    }
    let largest = |row: &Vec<f32>| (0..10).max_by(|&a: &usize, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
    assert_eq!(classifier.predict(&images).unwrap(), together.iter().map(largest).collect::<Vec<_>>());
}

#[test]
fn wrong_labels_count_against_their_own_class() {
    let classifier = trained(&[Part::whole(digits(Digits::train(0, 16), 10))], 1, 60);
    // The classifier's own word is taken for the truth, but for one class, which is called another.
    let digits = Digits::test(0, 16).unwrap();
    let mut samples: Vec<_> = (0..300).map(|index| digits.get(index).unwrap()).collect();
    let images: Vec<_> = samples.iter().map(|sample| sample.image.clone()).collect();
    let images = gan_data::to_tensor(&images, &Device::Cpu).unwrap();
    let said = classifier.predict(&images).unwrap();
    let wrong = said[0];
    let other = (wrong + 5) % 10;
    for (sample, &said) in samples.iter_mut().zip(&said) {
        sample.label = Some(if said == wrong { other } else { said });
    }
    let count = |label| said.iter().filter(|&&said| said == label).count();
    let accuracy = classifier.accuracy(Arc::new(Plain::new(samples, 10))).unwrap();
    for label in 0..10 {
        let own = if label == wrong { 0 } else { count(label) };
        let all = if label == other { own + count(wrong) } else { own };
        assert_eq!(accuracy.per_class[label as usize], (own, all), "{label}");
    }
    assert_eq!((accuracy.correct, accuracy.total), (300 - count(wrong), 300));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let new = |config| Classifier::new(config, 0, &Device::Cpu).map(|_| ());
    for wrong in [
        ClassifierConfig { channels: 2, ..config(8) },
        ClassifierConfig { side: 7, ..config(8) },
        ClassifierConfig { base_width: 0, ..config(8) },
        ClassifierConfig { classes: ClassMap::numbered(1), ..config(8) },
    ] {
        assert!(matches!(new(wrong), Err(Error::Config { .. })));
    }
    let mut classifier = Classifier::new(config(1), 0, &Device::Cpu).unwrap();
    let of_size = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    for shape in [&[1, 1, 16, 15][..], &[1, 3, 16, 16], &[0, 1, 16, 16], &[1, 16, 16]] {
        assert!(matches!(classifier.predict(&of_size(shape)), Err(Error::Shape { .. })), "{shape:?}");
    }

    let known = [Part::whole(digits(Digits::train(0, 16), 1))];
    let normal = || TrainOptions { steps: 1, ..TrainOptions::default() };
    for wrong in [TrainOptions { batch_size: 0, ..normal() }, TrainOptions { lr: f64::NAN, ..normal() }] {
        assert!(matches!(classifier.train(&known, &wrong), Err(Error::Config { .. })));
    }
    let mut samples = vec![Digits::train(0, 16).unwrap().get(0).unwrap(); 3];
    samples[1].label = None;
    let nameless = Arc::new(Plain::new(samples, 10));
    let error = classifier.train(&[Part::whole(nameless.clone())], &normal()).unwrap_err();
    assert!(matches!(error, Error::Unlabelled { .. }), "{error}");
    assert!(matches!(classifier.accuracy(nameless), Err(Error::Unlabelled { .. })));
}
