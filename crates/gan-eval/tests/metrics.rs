//! Each measure against the package that people compare with (assets/fixtures/make_metrics.py), and the traps
//! they are known for.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Tensor};
use gan_eval::Error;
use gan_eval::metrics::{
    ClassBalance, Features, Gaussian, KidOptions, Moments, PathOptions, diversity_within_classes,
    frechet_distance, inception_score, kid, mmd2, ms_ssim, nearest, path_length, prdc,
};
use gan_rng::Stream;
use std::collections::HashMap;

const SETS: [&str; 4] = ["near", "far", "few", "narrow"];

fn fixture() -> HashMap<String, Tensor> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/metrics.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn sides(fixture: &HashMap<String, Tensor>, set: &str) -> [Features; 2] {
    ["real", "fake"].map(|side| Features::of(&fixture[&format!("{set}.{side}")]).unwrap())
}

fn gaussian(features: &Features) -> Gaussian {
    Moments::of(features).unwrap().gaussian().unwrap()
}

fn assert_near(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "{what}: {ours}, theirs {theirs}");
}

/// Features of a Gaussian, of another for each seed.
fn normal(count: usize, dim: usize, seed: u64) -> Features {
    let values = Stream::new(seed, "test", 0).normals(count * dim, 0.0, 1.0);
    Features::of(&Tensor::from_vec(values, (count, dim), &Device::Cpu).unwrap()).unwrap()
}

fn first(features: &Features, count: usize) -> Features {
    features.select(&(0..count).collect::<Vec<_>>())
}

#[test]
fn frechet_distances_are_pytorch_fids() {
    let fixture = fixture();
    for set in SETS {
        let [real, fake] = sides(&fixture, set).map(|features| gaussian(&features));
        let (ours, theirs) =
            (frechet_distance(&real, &fake).unwrap(), numbers(&fixture[&format!("{set}.frechet")])[0]);
        // Of "few" and "narrow" covariances are singular: scipy warns that its root of their product may be
        // off, and our eigenvalues that are 0 but for rounding have roots of some 1e-8.
        let tolerance = if ["few", "narrow"].contains(&set) { 1e-6 } else { 1e-9 };
        assert_near(ours, theirs, tolerance, set);
        assert_near(frechet_distance(&fake, &real).unwrap(), ours, tolerance, "the other way round");
    }
}

#[test]
fn moments_do_not_depend_on_the_batches_and_keep_their_digits_far_from_zero() {
    let features = normal(101, 5, 0);
    let whole = gaussian(&features);
    let matrix = |from: usize, count: usize, shift: f64| {
        let rows: Vec<f64> = (from..from + count)
            .flat_map(|i| features.row(i).to_vec())
            .map(|x| f64::from(x) + shift)
            .collect();
        Tensor::from_vec(rows, (count, 5), &Device::Cpu).unwrap()
    };
    let mut moments = Moments::new(5).unwrap();
    for (from, count) in [(0, 1), (1, 50), (51, 0), (51, 49), (100, 1)] {
        moments.add(&matrix(from, count, 1e6)).unwrap();
    }
    let streamed = moments.gaussian().unwrap();
    assert_eq!(moments.count(), 101);
    for (ours, theirs) in streamed.covariance.iter().zip(&whole.covariance) {
        assert_near(*ours, *theirs, 1e-9, "covariance");
    }
    assert_near(streamed.mean[0] - 1e6, whole.mean[0], 1e-9, "mean");
}

#[test]
fn kernel_distances_are_torch_fidelitys() {
    let fixture = fixture();
    for set in SETS {
        let sides = sides(&fixture, set);
        let size = sides[0].len().min(sides[1].len());
        let [real, fake] = sides.map(|features| first(&features, size));
        assert_near(mmd2(&real, &fake).unwrap(), numbers(&fixture[&format!("{set}.mmd2")])[0], 1e-9, set);
        let one = KidOptions { subsets: 1, subset_size: 1000, seed: 0 };
        assert_near(
            kid(&real, &fake, &one).unwrap().mean,
            mmd2(&real, &fake).unwrap(),
            1e-9,
            "all in one subset",
        );
    }
}

#[test]
fn kernel_distances_of_one_distribution_lie_around_0_and_say_how_sure_they_are() {
    let options = KidOptions { subsets: 50, subset_size: 100, seed: 3 };
    let same = kid(&normal(400, 6, 1), &normal(300, 6, 2), &options).unwrap();
    assert!(same.mean.abs() < 2.0 * same.deviation, "{same:?}");
    let shifted = {
        let features = normal(300, 6, 2);
        let values: Vec<f32> = (0..300).flat_map(|i| features.row(i).to_vec()).map(|x| x + 1.0).collect();
        Features::of(&Tensor::from_vec(values, (300, 6), &Device::Cpu).unwrap()).unwrap()
    };
    let other = kid(&normal(400, 6, 1), &shifted, &options).unwrap();
    assert!(other.mean > 5.0 * other.deviation, "{other:?}");
    assert_eq!(
        other,
        kid(&normal(400, 6, 1), &shifted, &options).unwrap(),
        "the same seed, the same subsets"
    );
}

#[test]
fn precision_recall_density_and_coverage_are_prdcs() {
    let fixture = fixture();
    for set in SETS {
        let [real, fake] = sides(&fixture, set);
        for k in [3, 5] {
            let found = prdc(&real, &fake, k).unwrap();
            let ours = [found.precision, found.recall, found.density, found.coverage];
            for (ours, theirs) in ours.iter().zip(numbers(&fixture[&format!("{set}.prdc{k}")])) {
                assert_near(*ours, theirs, 1e-7, &format!("{set}, k {k}, {found:?}"));
            }
        }
    }
}

#[test]
fn inception_scores_are_torch_fidelitys() {
    let fixture = fixture();
    for splits in [1, 10] {
        let score = inception_score(&fixture["logits"], splits).unwrap();
        let theirs = numbers(&fixture[&format!("inception_score{splits}")]);
        assert_near(score.mean, theirs[0], 1e-6, "mean");
        assert_near(score.deviation, theirs[1], 1e-6, "deviation");
    }
}

#[test]
fn structural_similarity_is_pytorch_msssims() {
    let fixture = fixture();
    for size in ["large", "small"] {
        let image = |which: &str| {
            let bytes = fixture[&format!("{size}.{which}")].to_dtype(DType::F64).unwrap();
            bytes.affine(2.0 / 255.0, -1.0).unwrap()
        };
        let ours = ms_ssim(&image("a"), &image("b")).unwrap();
        for (ours, theirs) in ours.iter().zip(numbers(&fixture[&format!("{size}.ms_ssim")])) {
            assert_near(*ours, theirs, 1e-9, size);
        }
        let equal = ms_ssim(&image("a"), &image("a")).unwrap();
        assert!(equal.iter().all(|value| (value - 1.0).abs() < 1e-12), "{equal:?}");
    }
    assert!(matches!(
        ms_ssim(
            &Tensor::zeros((1, 1, 10, 64), DType::F32, &Device::Cpu).unwrap(),
            &Tensor::zeros((1, 1, 10, 64), DType::F32, &Device::Cpu).unwrap()
        ),
        Err(Error::Config { .. })
    ));
}

#[test]
fn classes_of_equal_images_are_less_diverse_than_classes_of_different_ones() {
    let noise = Stream::new(0, "noise", 0).uniforms(6 * 256, -1.0, 1.0);
    let noise = Tensor::from_vec(noise, (6, 1, 16, 16), &Device::Cpu).unwrap();
    // Class 0: the same image three times. Class 1: three others. Class 7: one alone.
    let order = Tensor::new(&[0u32, 0, 0, 1, 2, 3, 4], &Device::Cpu).unwrap();
    let images = noise.index_select(&order, 0).unwrap();
    let found = diversity_within_classes(&images, Some(&[0, 0, 0, 1, 1, 1, 7]), 20, 0).unwrap();
    assert_eq!(found.per_class.keys().copied().collect::<Vec<_>>(), [0, 1]);
    assert!(found.per_class[&0] > 0.999 && found.per_class[&1] < 0.3, "{found:?}");
    let one = images.narrow(0, 0, 1).unwrap();
    assert!(matches!(diversity_within_classes(&one, None, 5, 0), Err(Error::TooFewImages { .. })));
}

#[test]
fn copies_of_training_images_are_found() {
    let (train, fresh) = (normal(200, 4, 5), normal(100, 4, 6));
    let copies = nearest(&train, &first(&train, 50)).unwrap();
    assert_eq!((copies.nearest, copies.copied), ((0..50).collect::<Vec<_>>(), 1.0));
    assert!(copies.distances.iter().all(|distance| *distance < 1e-6));
    let honest = nearest(&train, &fresh).unwrap();
    assert!((0.3..0.7).contains(&honest.copied), "{}", honest.copied);
}

#[test]
fn missing_classes_are_named_and_an_even_spread_has_no_divergence() {
    let even: Vec<u32> = (0..1000).map(|i| i % 10).collect();
    let even = ClassBalance::of(&even, 10);
    assert_eq!((even.total(), even.divergence(), even.missing()), (1000, 0.0, vec![]));
    let collapsed = ClassBalance::of(&[7; 500], 10);
    assert!((collapsed.divergence() - 10f64.ln()).abs() < 1e-12);
    assert_eq!(collapsed.missing(), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
    assert!(ClassBalance::of(&[7; 5], 10).missing().is_empty(), "five images say nothing of ten classes");
    assert_eq!(ClassBalance::of(&[], 10).divergence(), 0.0);
}

#[test]
fn a_path_length_is_that_of_the_features() {
    // Latents in the plane, features that are the latents themselves, times 3: on the unit circle a step of
    // epsilon of the way is epsilon times the angle long.
    let latents = |_: u64, count: usize| -> gan_eval::Result<[Tensor; 2]> {
        let row = |x: f32, y: f32| Tensor::new(&[[x, y]], &Device::Cpu)?.repeat((count, 1));
        Ok([row(1.0, 0.0)?, row(0.0, 1.0)?])
    };
    let tripled = |z: &Tensor| -> gan_eval::Result<Tensor> { Ok((z * 3.0)?) };
    let quarter = std::f64::consts::FRAC_PI_2;
    let options = PathOptions { samples: 120, batch_size: 50, epsilon: 1e-2, ..PathOptions::default() };
    assert_near(
        path_length(latents, tripled, &options).unwrap().mean,
        9.0 * quarter * quarter,
        1e-3,
        "slerp",
    );
    let straight = PathOptions { spherical: false, ..options };
    assert_near(path_length(latents, tripled, &straight).unwrap().mean, 18.0, 1e-3, "lerp");
    let nothing = PathOptions { samples: 0, ..options };
    assert!(matches!(path_length(latents, tripled, &nothing), Err(Error::TooFewImages { .. })));
}

#[test]
fn identical_sets_are_at_no_distance() {
    let features = normal(60, 5, 9);
    let same = gaussian(&features);
    assert!(frechet_distance(&same, &same).unwrap() < 1e-9);
    assert!(mmd2(&features, &features).unwrap() < 0.0, "unbiased: of equal sets it is below 0");
    let found = prdc(&features, &features, 3).unwrap();
    assert_eq!((found.precision, found.recall, found.coverage), (1.0, 1.0, 1.0));
}

#[test]
fn constant_features_and_few_images_give_a_number_or_a_refusal_and_never_nan() {
    let constant = Features::of(&Tensor::ones((30, 4), DType::F32, &Device::Cpu).unwrap()).unwrap();
    let real = normal(30, 4, 0);
    let distance = frechet_distance(&gaussian(&real), &gaussian(&constant)).unwrap();
    assert!(distance.is_finite() && distance > 1.0);
    assert_eq!(frechet_distance(&gaussian(&constant), &gaussian(&constant)).unwrap(), 0.0);
    assert!(kid(&real, &constant, &KidOptions::default()).unwrap().mean.is_finite());
    let found = prdc(&constant, &constant, 3).unwrap();
    assert!([found.precision, found.recall, found.density, found.coverage].iter().all(|x| x.is_finite()));

    let one = first(&real, 1);
    assert!(matches!(
        Moments::of(&one).unwrap().gaussian(),
        Err(Error::TooFewImages { least: 2, found: 1, .. })
    ));
    assert!(matches!(kid(&real, &one, &KidOptions::default()), Err(Error::TooFewImages { .. })));
    assert!(matches!(prdc(&real, &first(&real, 3), 3), Err(Error::TooFewImages { least: 4, found: 3, .. })));
    assert!(matches!(nearest(&one, &real), Err(Error::TooFewImages { .. })));
    assert!(matches!(
        inception_score(&Tensor::zeros((5, 3), DType::F32, &Device::Cpu).unwrap(), 10),
        Err(Error::TooFewImages { .. })
    ));
    assert!(matches!(mmd2(&real, &normal(30, 5, 0)), Err(Error::FeatureSize { wanted: 4, found: 5 })));
    let nan = Tensor::new(&[[f32::NAN, 0.0]], &Device::Cpu).unwrap();
    assert!(matches!(Features::of(&nan), Err(Error::NotFinite)));
}
