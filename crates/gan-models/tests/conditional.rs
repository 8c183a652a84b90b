//! Networks that know classes: what a class changes, what the generator file keeps of it, and what is refused.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use gan_models::candle_core::{Device, Tensor};
use gan_models::{Architecture, Conditional, Context, ModelConfig, Norm, load_generator, save_generator};
use strum::VariantNames;

const CLASSES: [&str; 3] = ["cat", "dog", "a \"third\"\n"];

fn config(architecture: Architecture, conditional: Conditional) -> ModelConfig {
    ModelConfig {
        base_width: 4,
        latent_dim: 6,
        conditional: Some(conditional),
        classes: CLASSES.map(String::from).to_vec(),
        ..ModelConfig::new(architecture, 1, 16, 16)
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_class_changes_what_is_made_and_what_is_thought_of_it() {
    use Architecture::{Dcgan, Mlp, Sagan, Sngan};
    for architecture in [Dcgan, Mlp, Sngan, Sagan] {
        for name in Conditional::VARIANTS {
            let kind: Conditional = name.parse().unwrap();
            let config = config(architecture, kind);
            if (architecture, kind) == (Architecture::Mlp, Conditional::Projection) {
                continue; // refused, see below
            }
            let g = config.generator(1, &Device::Cpu).unwrap();
            let d = config.discriminator(1, &Device::Cpu).unwrap();
            let z = config.latent_space().sample(0, 2, &Device::Cpu).unwrap();
            let images = |classes: &[u32]| g.forward(&z, &Context::eval().of_classes(Some(classes))).unwrap();
            let cats = images(&[0, 0]);
            let mixed = images(&[0, 2]);
            let first = |images: &Tensor| values(&images.narrow(0, 0, 1).unwrap());
            assert_eq!(first(&cats), first(&mixed), "{architecture:?} {name}: the same latent and class");
            // Conditional batch norm that begins at 1 and 0 treats all classes alike at first.
            let alike = kind == Conditional::Projection
                && matches!(architecture, Architecture::Sngan | Architecture::Sagan);
            assert_eq!(values(&cats) == values(&mixed), alike, "{architecture:?} {name}");
            let logits =
                |classes: &[u32]| d.forward(&cats, &Context::eval().of_classes(Some(classes))).unwrap();
            let (as_cats, as_others) = (logits(&[0, 0]), logits(&[1, 2]));
            assert_eq!(
                as_cats.class_logits.map(|logits| logits.dims().to_vec()),
                match kind {
                    Conditional::Acgan => Some(vec![2, 3]),
                    _ => None,
                }
            );
            // An AC-GAN's discriminator is not told.
            let told = values(&as_cats.logits[0]) != values(&as_others.logits[0]);
            assert_eq!(told, kind != Conditional::Acgan, "{architecture:?} {name}");
        }
    }
}

#[test]
fn classes_that_do_not_fit_are_errors() {
    let conditional = config(Architecture::Dcgan, Conditional::Concat);
    let plain = ModelConfig { conditional: None, classes: Vec::new(), ..conditional.clone() };
    let forward = |config: &ModelConfig, classes: Option<&[u32]>| {
        let z = config.latent_space().sample(0, 2, &Device::Cpu).unwrap();
        config
            .generator(0, &Device::Cpu)
            .unwrap()
            .forward(&z, &Context::eval().of_classes(classes))
            .map(|_| ())
    };
    assert!(forward(&plain, None).is_ok() && forward(&conditional, Some(&[0, 2])).is_ok());
    for (config, classes, named) in [
        (&plain, Some(&[0, 0][..]), "takes no classes"),
        (&conditional, None, "needs one of its 3 classes"),
        (&conditional, Some(&[0, 3]), "no class 3"),
        (&conditional, Some(&[0]), "1 classes for 2 samples"),
    ] {
        let error = forward(config, classes).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_generator_file_keeps_the_names_of_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    for config in [
        config(Architecture::Dcgan, Conditional::Embed),
        ModelConfig { norm_g: Some(Norm::Spectral), ..config(Architecture::Dcgan, Conditional::Acgan) },
        config(Architecture::Sagan, Conditional::Projection),
    ] {
        let generator = config.generator(3, &Device::Cpu).unwrap();
        let z = config.latent_space().sample(0, 3, &Device::Cpu).unwrap();
        generator.forward(&z, &Context::train().of_classes(Some(&[0, 1, 2]))).unwrap(); // statistics, and a step of spectral norm
        save_generator(generator.as_ref(), &path).unwrap();
        let loaded = load_generator(&path, &Device::Cpu).unwrap();
        assert_eq!(loaded.model(), Some(&config));
        let images = |g: &dyn gan_models::Generator| {
            values(&g.forward(&z, &Context::eval().of_classes(config.classes_in_turn(3).as_deref())).unwrap())
        };
        assert_eq!(images(loaded.as_ref()), images(generator.as_ref()));
    }
}

#[test]
fn what_cannot_be_conditional_is_refused_with_what_can() {
    let refusal = |config: ModelConfig| {
        let error = config.validate().unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string()
    };
    let dcgan = config(Architecture::Dcgan, Conditional::Projection);
    assert!(refusal(ModelConfig { classes: Vec::new(), ..dcgan.clone() }).contains("there are none"));
    assert!(refusal(ModelConfig { conditional: None, ..dcgan.clone() }).contains("not conditional"));
    assert!(refusal(ModelConfig { norm_g: Some(Norm::Layer), ..dcgan }).contains("by batch norm"));
    assert!(refusal(config(Architecture::Mlp, Conditional::Projection)).contains("by batch norm"));
    let many = vec![String::new(); 30_000_000];
    let many = ModelConfig { classes: many, ..config(Architecture::Dcgan, Conditional::Embed) };
    assert!(refusal(many).contains("more than a machine can hold"));
}

gan_ops::also_on_references!(
    the_class_changes_what_is_made_and_what_is_thought_of_it,
    classes_that_do_not_fit_are_errors,
    a_generator_file_keeps_the_names_of_the_classes,
);
