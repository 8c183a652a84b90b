//! Every choice and every pair of choices: it trains, or it is refused at the start with a reason.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::Device;
use gan_data::{Digits, Points};
use gan_models::{Architecture, Conditional, Norm, Upsample};
use gan_train::{Error, Gan, Loss, Moment, System, TrainConfig, data};
use std::sync::Arc;
use strum::VariantNames;

const RING: &str = "dataset = 'ring'\nmodel = 'mlp'";
const ADA: &str = "augment = 'color'\nada_target = 0.6";
const AUGMENT: &str = "augment = 'color,translation,cutout'";
const R2: &str = "r2 = 1.0\npenalty_every = 2";

/// A setting with each of its values.
fn values(setting: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{setting} = '{name}'")).collect()
}

fn losses() -> Vec<String> {
    values("loss", Loss::VARIANTS)
}

/// What can be chosen, and between what. "" is the default.
fn choices() -> Vec<Vec<String>> {
    let list = |choices: &[&str]| choices.iter().map(|choice| choice.to_string()).collect::<Vec<_>>();
    let or_default = |choices: Vec<String>| [list(&[""]), choices].concat();
    vec![
        [values("model", Architecture::VARIANTS), list(&[RING])].concat(),
        or_default(values("conditional", Conditional::VARIANTS)),
        or_default(values("norm_g", Norm::VARIANTS)),
        or_default(values("upsample", Upsample::VARIANTS)),
        losses(),
        or_default(values("norm_d", Norm::VARIANTS)),
        list(&["", "gradient_penalty = 10.0", "dragan = 1.0", "r1 = 1.0", R2]),
        list(&["", "clip_weights = 0.01", "clip_grad = 0.1"]),
        list(&["", "optimizer = 'rmsprop'", "optimizer = 'sgd'", "lr_d = 1e-3\nschedule = 'cosine'"]),
        list(&["", AUGMENT, ADA, "instance_noise = 0.1"]),
        list(&["", "label_smoothing = 0.1", "label_smoothing_fake = 0.1", "label_noise = 0.1"]),
        list(&["", "fit = 'pad'", "fit = 'stretch'", "crop = 'random'", "channels = 4"]),
        list(&["", "n_critic = 2", "accumulate = 2", "ema = 0.9"]),
    ]
}

/// All that is refused: one of these with one of those, and part of the reason.
const CLASHES: [(&[&str], &[&str], &str); 10] = [
    (
        &["model = 'mlp'", RING],
        &["norm_g = 'batch'", "norm_g = 'instance'", "norm_d = 'batch'", "norm_d = 'instance'"],
        "the mlp model has none",
    ),
    (
        &["model = 'mlp'", "model = 'notebook'", RING],
        &["upsample = 'nearest'", "upsample = 'pixel-shuffle'"],
        "model has its own way to larger images",
    ),
    (&[RING], &[AUGMENT, ADA], "points of the plane cannot be augmented"),
    (&[RING], &["channels = 4"], "images of 1x2 gray pixels"),
    (&[RING], &["crop = 'random'"], "cannot be cropped, mirrored or coloured"),
    (
        &["conditional = 'projection'"],
        &[
            "model = 'mlp'",
            RING,
            "norm_g = 'instance'",
            "norm_g = 'layer'",
            "norm_g = 'spectral'",
            "norm_g = 'none'",
        ],
        "projection tells the generator its class by batch norm",
    ),
    (
        &["loss = 'wasserstein'", "loss = 'hinge'"],
        &["label_smoothing = 0.1", "label_smoothing_fake = 0.1", "label_noise = 0.1"],
        "tells D no number",
    ),
    (
        &["loss = 'lsgan'", "loss = 'wasserstein'", "loss = 'relativistic'"],
        &[ADA],
        "ADA tells by the sign of D's logits",
    ),
    (
        &["clip_weights = 0.01"],
        &["norm_d = 'spectral'", "model = 'sngan'", "model = 'sagan'"],
        "clipping them has no effect",
    ),
    (
        &[RING],
        &[
            "conditional = 'concat'",
            "conditional = 'embed'",
            "conditional = 'projection'",
            "conditional = 'acgan'",
        ],
        "need images with classes, and there are none",
    ),
];

/// What is refused without one of others, and part of the reason.
const NEEDS: [(&str, &[&str], &str); 2] = [
    (
        "gradient_penalty = 10.0",
        &[
            "model = 'mlp'",
            RING,
            "model = 'sngan'",
            "model = 'sagan'",
            "norm_d = 'instance'",
            "norm_d = 'layer'",
            "norm_d = 'spectral'",
            "norm_d = 'none'",
        ],
        "with batch norm D has none",
    ),
    (
        "loss = 'wasserstein'",
        &[
            "model = 'sngan'",
            "model = 'sagan'",
            "norm_d = 'spectral'",
            "gradient_penalty = 10.0",
            "dragan = 1.0",
            "r1 = 1.0",
            R2,
            "clip_weights = 0.01",
        ],
        "needs a critic whose slope is bounded",
    ),
];

/// Why these choices have to be refused; nothing if they have to be trained.
fn reasons(choices: &[&str]) -> Vec<&'static str> {
    let is_chosen = |any: &&[&str]| any.iter().any(|choice| choices.contains(choice));
    let clashes = CLASHES.iter().filter(|(these, those, _)| is_chosen(these) && is_chosen(those));
    let wanting = NEEDS.iter().filter(|(this, others, _)| choices.contains(this) && !is_chosen(others));
    clashes.map(|clash| clash.2).chain(wanting.map(|need| need.2)).collect()
}

/// Trains for two steps at a tiny size, or says why not.
fn try_it(choices: &[&str]) -> Result<(), Error> {
    let text = format!("base_width = 2\nlatent_dim = 4\nbatch_size = 4\nsteps = 2\n{}", choices.join("\n"));
    let mut config = TrainConfig::from_toml(&text).unwrap();
    if config.model.model != Architecture::Notebook && config.data.dataset == "digits" {
        config.data.image_size = Some("8".parse().unwrap());
    }
    let config = config.resolve()?;
    let dataset: Arc<dyn gan_data::Dataset> = match config.data.dataset.as_str() {
        "ring" => Arc::new(Points::ring(0)),
        _ => Arc::new(Digits::train(0, 16).unwrap()),
    };
    let model = config.model_config(1, &data::class_names(dataset.as_ref()));
    model.validate()?;
    let mut gan = Gan::from_config(&config, &model, dataset, &Device::Cpu)?;
    for step in 1..=2 {
        let numbers = gan.step(&Moment { step, rate: 1.0, seed: 0 })?;
        let get = |name: &str| numbers.iter().find(|number| number.name == name).unwrap().value;
        let learns = get("grad_norm_d") > 0.0 || get("errD") == 0.0; // the hinge may have nothing left to ask
        assert!(get("errD").is_finite() && get("errG").is_finite() && learns, "{text}: {numbers:?}");
    }
    gan.draw(0, 0, 3)?;
    Ok(())
}

/// Tries choices, and says how that differs from what has to become of them.
fn differs(choices: &[&str]) -> Option<String> {
    let reasons = reasons(choices);
    match try_it(choices) {
        Ok(()) if reasons.is_empty() => None,
        Ok(()) => Some(format!("{choices:?} trains: {reasons:?}")),
        Err(error) => {
            let is_refusal =
                matches!(error, Error::Config { .. } | Error::Model(gan_models::Error::Config { .. }));
            let is_told = !error.hint().is_empty() && !error.to_string().contains('\n');
            let is_expected = reasons.iter().any(|reason| error.to_string().contains(reason));
            (!(is_refusal && is_told && is_expected)).then(|| format!("{choices:?}: {error}"))
        }
    }
}

#[test]
fn every_choice_and_every_pair_of_choices_trains_or_is_refused_with_a_reason() {
    let choices = choices();
    let mut walked = 0;
    let mut differences = Vec::new();
    let mut walk = |choices: &[&str]| {
        walked += 1;
        differences.extend(differs(choices));
    };
    for (i, first) in choices.iter().enumerate() {
        first.iter().for_each(|choice| walk(&[choice]));
        for second in &choices[i + 1..] {
            for choice in first {
                second.iter().for_each(|other| walk(&[choice, other]));
            }
        }
    }
    // More than pairs, where a pair alone is refused for want of the third: every loss under norms that do not mix
    // images, with all that bounds D or changes what it sees and is told.
    for loss in losses() {
        for norm in ["norm_d = 'layer'", "norm_d = 'spectral'"] {
            choices[6..12].iter().flatten().for_each(|other| walk(&[&loss, norm, other]));
        }
    }
    assert!(differences.is_empty(), "{} of {walked}:\n{}", differences.len(), differences.join("\n"));
}
