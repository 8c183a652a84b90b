//! What a user of the models relies on: PyTorch's names and counts, shapes, seeds, and what is refused.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use gan_models::candle_core::{Device, Result as TensorResult, Tensor};
use gan_models::{Architecture, Context, Discriminator, Generator, Latent, Mode, ModelConfig, probability};

fn config(architecture: Architecture, channels: usize, height: usize, width: usize) -> ModelConfig {
    ModelConfig { base_width: 4, latent_dim: 6, ..ModelConfig::new(architecture, channels, height, width) }
}

fn pair(config: &ModelConfig) -> (Box<dyn Generator>, Box<dyn Discriminator>) {
    (config.generator(1, &Device::Cpu).unwrap(), config.discriminator(1, &Device::Cpu).unwrap())
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_dcgan_at_64_px_has_the_counts_and_names_of_pytorchs_example() {
    let (g, d) = pair(&ModelConfig::new(Architecture::Dcgan, 3, 64, 64));
    assert_eq!(g.params().count(), 3_576_704);
    assert_eq!(d.params().count(), 2_765_568);
    let names: Vec<String> = g.params().state_dict().into_keys().collect();
    let mut expected = Vec::new();
    for conv in [0, 3, 6, 9, 12] {
        expected.push(format!("main.{conv}.weight"));
    }
    for norm in [1, 4, 7, 10] {
        for tensor in ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"] {
            expected.push(format!("main.{norm}.{tensor}"));
        }
    }
    expected.sort();
    assert_eq!(names, expected);
    let names: Vec<String> = d.params().parameters().keys().cloned().collect();
    assert!(
        ["main.0.weight", "main.2.weight", "main.3.bias", "main.11.weight"]
            .iter()
            .all(|n| names.contains(&n.to_string()))
    );
    assert_eq!(d.params().state_dict()["main.11.weight"].dims(), [1, 512, 4, 4]);
}

#[test]
fn the_notebook_networks_have_its_shapes() {
    let (g, d) = pair(&ModelConfig::new(Architecture::Notebook, 3, 46, 46));
    let shape = |name: &str| g.params().state_dict()[name].dims().to_vec();
    assert_eq!(shape("main.0.weight"), [100, 64, 4, 4]);
    assert_eq!(shape("main.3.weight"), [64, 32, 4, 4]);
    assert_eq!(shape("main.6.weight"), [32, 16, 4, 4]);
    assert_eq!(shape("main.9.weight"), [16, 3, 4, 4]);
    assert_eq!(g.params().count(), 144_352);
    let d_shape = |name: &str| d.params().state_dict()[name].dims().to_vec();
    assert_eq!(d_shape("main.0.weight"), [16, 3, 4, 4]);
    assert_eq!(d_shape("main.1.running_var"), [16]);
    assert_eq!(d_shape("main.9.weight"), [1, 64, 4, 4]);
}

#[test]
fn every_family_makes_and_judges_images_of_its_size() -> TensorResult<()> {
    for (architecture, sizes) in [
        (Architecture::Dcgan, &[(8, 8), (14, 14), (28, 28), (32, 32), (32, 48), (80, 40), (64, 64)][..]),
        (Architecture::Notebook, &[(46, 46)]),
        (Architecture::Mlp, &[(1, 1), (17, 31), (28, 28)]),
        (Architecture::Sngan, &[(8, 8), (28, 28), (32, 48), (64, 64)]),
        (Architecture::Sagan, &[(8, 8), (32, 32), (64, 96), (128, 128)]),
    ] {
        for &(height, width) in sizes {
            for channels in 1..=4 {
                let config = config(architecture, channels, height, width);
                let (g, d) = pair(&config);
                for context in [Context::train(), Context::eval()] {
                    let z = config.latent_space().sample(0, 3, &Device::Cpu)?;
                    let images = g.forward(&z, &context)?;
                    assert_eq!(images.dims(), [3, channels, height, width], "{architecture:?}");
                    assert!(values(&images).iter().all(|x| (-1.0..=1.0).contains(x)));
                    let logits = d.forward(&images, &context)?.flat_logits()?;
                    assert_eq!(logits.dims(), [3]);
                    assert!(values(&probability(&logits)?).iter().all(|p| (0.0..=1.0).contains(p)));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn initial_weights_follow_from_seed_and_name() {
    let big = ModelConfig::new(Architecture::Dcgan, 1, 32, 32);
    let weights = |seed| big.generator(seed, &Device::Cpu).unwrap().params().state_dict();
    let (first, again, other) = (weights(1), weights(1), weights(2));
    let weight = values(&first["main.3.weight"]);
    assert_eq!(weight, values(&again["main.3.weight"]));
    assert_ne!(weight, values(&other["main.3.weight"]));
    // Golden: the same on every platform.
    assert_eq!(weight[..3].iter().map(|x| x.to_bits()).collect::<Vec<_>>(), GOLDEN);
    let moments = |x: &[f32]| {
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64;
        (mean, (x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt())
    };
    let (mean, std) = moments(&weight);
    assert!(mean.abs() < 1e-4 && (std - 0.02).abs() < 1e-4, "conv: mean {mean}, std {std}");
    let (mean, std) = moments(&values(&first["main.1.weight"]));
    assert!((mean - 1.0).abs() < 0.01 && (std - 0.02).abs() < 0.005, "batch norm: mean {mean}, std {std}");
    assert!(values(&first["main.1.bias"]).iter().all(|&bias| bias == 0.0));
}

const GOLDEN: [u32; 3] = [3160790889, 3143163641, 1028743907];

#[test]
fn batch_norm_follows_the_batch_in_training_only() -> TensorResult<()> {
    let config = config(Architecture::Dcgan, 1, 16, 16);
    let (g, _) = pair(&config);
    let z = config.latent_space().sample(0, 8, &Device::Cpu)?;
    let statistics = || values(&g.params().state_dict()["main.1.running_mean"]);
    let before = statistics();
    let alone = g.forward(&z.narrow(0, 0, 1)?, &Context::eval())?;
    assert_eq!(statistics(), before, "evaluation leaves the statistics alone");
    let among_others = g.forward(&z, &Context::eval())?.narrow(0, 0, 1)?;
    assert_eq!(values(&alone), values(&among_others), "in evaluation an image does not depend on its batch");
    g.forward(&z, &Context::train())?;
    assert_ne!(statistics(), before);
    assert_eq!(g.params().state_dict()["main.1.num_batches_tracked"].to_scalar::<i64>()?, 1);
    Ok(())
}

#[test]
fn recalibrated_statistics_are_the_average_over_the_batches() -> TensorResult<()> {
    let config = config(Architecture::Dcgan, 1, 16, 16);
    let (g, _) = pair(&config);
    let mean_of = |seeds: &[u64]| -> TensorResult<Vec<f32>> {
        g.params().reset_statistics()?;
        for &seed in seeds {
            g.forward(
                &config.latent_space().sample(seed, 8, &Device::Cpu)?,
                &Context::eval().with_mode(Mode::Recalibrate),
            )?;
        }
        Ok(values(&g.params().state_dict()["main.1.running_mean"]))
    };
    let (first, second, both) = (mean_of(&[1])?, mean_of(&[2])?, mean_of(&[1, 2])?);
    for ((a, b), average) in first.iter().zip(&second).zip(&both) {
        assert!((0.5 * (a + b) - average).abs() < 1e-7);
    }
    Ok(())
}

#[test]
fn latents_have_their_distribution_and_do_not_depend_on_the_count() -> TensorResult<()> {
    let gaussian = ModelConfig { latent_dim: 50, ..ModelConfig::new(Architecture::Mlp, 1, 4, 4) };
    let few = gaussian.latent_space().sample(3, 2, &Device::Cpu)?;
    let many = gaussian.latent_space().sample(3, 100, &Device::Cpu)?;
    assert_eq!(values(&few), values(&many.narrow(0, 0, 2)?));
    assert!(values(&many).iter().any(|x| x.abs() > 2.0));
    let uniform = ModelConfig { latent: Latent::Uniform, ..gaussian };
    let z = values(&uniform.latent_space().sample(3, 100, &Device::Cpu)?);
    assert!(z.iter().all(|x| (-1.0..1.0).contains(x)) && z.iter().any(|x| x.abs() > 0.99));
    Ok(())
}

#[test]
fn what_cannot_be_built_is_refused_with_what_can() {
    let refusal = |config: ModelConfig| {
        let error = config.generator(0, &Device::Cpu).map(|_| ()).unwrap_err();
        assert!(config.discriminator(0, &Device::Cpu).is_err());
        format!("{error} | {}", error.hint())
    };
    let dcgan = ModelConfig::new(Architecture::Dcgan, 3, 64, 64);
    let text = refusal(ModelConfig { height: 100, width: 100, ..dcgan.clone() });
    assert!(text.contains("100x100") && text.contains("96x96 and 112x112"), "{text}");
    let text = refusal(ModelConfig::new(Architecture::Notebook, 3, 64, 64));
    assert!(text.contains("46x46 images, not 64x64") && text.contains("image size 46"), "{text}");
    assert!(refusal(ModelConfig { channels: 5, ..dcgan.clone() }).contains("1 to 4 channels, not 5"));
    assert!(refusal(ModelConfig { base_width: 0, ..dcgan.clone() }).contains("base_width is 0"));
    assert!(refusal(ModelConfig { latent_dim: 0, ..dcgan.clone() }).contains("latent_dim is 0"));
    for config in [
        ModelConfig { base_width: usize::MAX, ..dcgan.clone() },
        ModelConfig { latent_dim: usize::MAX, ..dcgan.clone() },
        ModelConfig { height: 1 << 62, width: 1 << 62, ..dcgan },
        ModelConfig::new(Architecture::Mlp, 4, usize::MAX, usize::MAX),
    ] {
        let text = refusal(config);
        assert!(text.contains("more than a machine can hold"), "{text}");
    }
}

#[test]
fn inputs_of_another_shape_are_errors_that_name_it() {
    let (g, d) = pair(&config(Architecture::Dcgan, 1, 16, 16));
    let zeros =
        |shape: &[usize]| Tensor::zeros(shape, gan_models::candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = g.forward(&zeros(&[2, 7]), &Context::eval()).unwrap_err().to_string();
    assert!(error.contains("latents [N, 6], not [2, 7]"), "{error}");
    let error = d.forward(&zeros(&[2, 3, 16, 16]), &Context::eval()).unwrap_err().to_string();
    assert!(error.contains("images [N, 1, 16, 16], not [2, 3, 16, 16]"), "{error}");
}

gan_ops::also_on_references!(
    every_family_makes_and_judges_images_of_its_size,
    batch_norm_follows_the_batch_in_training_only,
    recalibrated_statistics_are_the_average_over_the_batches,
);
