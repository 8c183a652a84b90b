//! Every choice and every pair of choices: it trains, or it is refused at the start with a reason.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::Device;
use gan_data::{Digits, Points};
use gan_train::{Error, TrainConfig, Trainer, data};
use std::sync::Arc;

const LOSSES: [&str; 6] = [
    "loss = 'non-saturating'",
    "loss = 'minimax'",
    "loss = 'lsgan'",
    "loss = 'wasserstein'",
    "loss = 'hinge'",
    "loss = 'relativistic'",
];

/// What can be chosen, and between what; the first of each is the default.
const CHOICES: [&[&str]; 13] = [
    &[
        "model = 'dcgan'",
        "model = 'mlp'",
        "model = 'notebook'",
        "model = 'sngan'",
        "model = 'sagan'",
        "dataset = 'ring'\nmodel = 'mlp'",
    ],
    &[
        "",
        "conditional = 'concat'",
        "conditional = 'embed'",
        "conditional = 'projection'",
        "conditional = 'acgan'",
    ],
    &[
        "",
        "norm_g = 'batch'",
        "norm_g = 'instance'",
        "norm_g = 'layer'",
        "norm_g = 'spectral'",
        "norm_g = 'none'",
    ],
    &["", "upsample = 'transposed'", "upsample = 'nearest'", "upsample = 'pixel-shuffle'"],
    &LOSSES,
    &[
        "",
        "norm_d = 'batch'",
        "norm_d = 'instance'",
        "norm_d = 'layer'",
        "norm_d = 'spectral'",
        "norm_d = 'none'",
    ],
    &["", "gradient_penalty = 10.0", "dragan = 1.0", "r1 = 1.0", "r2 = 1.0\npenalty_every = 2"],
    &["", "clip_weights = 0.01", "clip_grad = 0.1"],
    &["", "optimizer = 'rmsprop'", "optimizer = 'sgd'", "lr_d = 1e-3\nschedule = 'cosine'"],
    &[
        "",
        "augment = 'color,translation,cutout'",
        "augment = 'color'\nada_target = 0.6",
        "instance_noise = 0.1",
    ],
    &["", "label_smoothing = 0.1", "label_smoothing_fake = 0.1", "label_noise = 0.1"],
    &["", "fit = 'pad'", "fit = 'stretch'", "crop = 'random'", "channels = 4"],
    &["", "n_critic = 2", "accumulate = 2", "ema = 0.9"],
];

/// Trains for two steps at a tiny size, or says why not.
fn try_it(choices: &[&str]) -> Result<(), Error> {
    let text = format!("base_width = 2\nlatent_dim = 4\nbatch_size = 4\nsteps = 2\n{}", choices.join("\n"));
    let mut config = TrainConfig::from_toml(&text).unwrap();
    if config.model.model != gan_models::Architecture::Notebook && config.data.dataset == "digits" {
        config.data.image_size = Some("8".parse().unwrap());
    }
    let config = config.resolve()?;
    let dataset: Arc<dyn gan_data::Dataset> = match config.data.dataset.as_str() {
        "ring" => Arc::new(Points::ring(0)),
        _ => Arc::new(Digits::train(0, 16).unwrap()),
    };
    let model = config.model_config(1, &data::class_names(dataset.as_ref()));
    model.validate()?;
    let mut trainer = Trainer::new(&config, &model, &Device::Cpu)?;
    let mut reals = data::loader(&config, dataset, &Device::Cpu)?;
    for _ in 0..2 {
        let (d, g) = trainer.train_step(&mut reals)?;
        let learns = d.grad_norm > 0.0 || d.err_d == 0.0; // the hinge may have nothing left to ask
        assert!(d.err_d.is_finite() && g.err_g.is_finite() && learns, "{text}: {d:?} {g:?}");
    }
    trainer.sample_fixed(3)?;
    Ok(())
}

#[test]
fn every_choice_and_every_pair_of_choices_trains_or_is_refused_with_a_reason() {
    let (mut trained, mut refused) = (0, std::collections::BTreeSet::new());
    let mut walk = |choices: &[&str]| match try_it(choices) {
        Ok(()) => trained += 1,
        Err(error) => {
            let is_refusal =
                matches!(error, Error::Config { .. } | Error::Model(gan_models::Error::Config { .. }));
            assert!(is_refusal, "{choices:?}: {error}");
            assert!(!error.hint().is_empty() && !error.to_string().contains('\n'), "{choices:?}: {error}");
            refused.insert(error.to_string());
        }
    };
    for (i, first) in CHOICES.iter().enumerate() {
        first.iter().for_each(|choice| walk(&[choice]));
        for second in &CHOICES[i + 1..] {
            for choice in *first {
                second.iter().for_each(|other| walk(&[choice, other]));
            }
        }
    }
    // More than pairs, where a pair alone is refused for want of the third.
    for norm in ["layer", "instance", "spectral", "none"] {
        let norm = format!("norm_d = '{norm}'");
        for loss in LOSSES {
            walk(&[loss, &norm, "gradient_penalty = 10.0"]);
        }
    }
    assert!(trained > 500, "{trained}");
    let reasons = refused.into_iter().collect::<Vec<_>>().join("\n");
    for reason in [
        "with batch norm D has none",
        "needs a critic whose slope is bounded",
        "clipping them has no effect",
        "the hinge loss tells D no number",
        "the mlp model has none",
        "points of the plane cannot be augmented",
        "model has its own way to larger images",
        "projection tells the generator its class by batch norm",
        "need images with classes, and there are none",
    ] {
        assert!(reasons.contains(reason), "{reason} in\n{reasons}");
    }
}
