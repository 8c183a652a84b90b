//! Three whole training steps against PyTorch (assets/fixtures/make_dcgan_steps.py).

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Result, Tensor, Var, safetensors};
use gan_models::{Family, Mode, ModelConfig, Params};
use gan_train::{Loss, TrainConfig, Trainer};
use std::collections::{BTreeMap, HashMap};

/// What float rounding may do. PyTorch itself moves by up to 7.5e-7 when the order of its sums changes.
const TOLERANCE: f64 = 1e-5;

fn fixture() -> HashMap<String, Tensor> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/dcgan_steps.safetensors");
    safetensors::load(path, &Device::Cpu).unwrap()
}

/// The tensors under a prefix, without it.
fn state(fixture: &HashMap<String, Tensor>, prefix: &str) -> BTreeMap<String, Tensor> {
    let strip =
        |(name, tensor): (&String, &Tensor)| Some((name.strip_prefix(prefix)?.to_string(), tensor.clone()));
    fixture.iter().filter_map(strip).collect()
}

fn trainer(fixture: &HashMap<String, Tensor>, config: TrainConfig) -> Trainer {
    let model = ModelConfig { base_width: 4, latent_dim: 8, ..ModelConfig::new(Family::Dcgan, 3, 32, 32) };
    let trainer = Trainer::new(&config.resolve().unwrap(), &model, &Device::Cpu).unwrap();
    trainer.generator().params().load_state_dict(&state(fixture, "init.generator.")).unwrap();
    trainer.discriminator().params().load_state_dict(&state(fixture, "init.discriminator.")).unwrap();
    trainer
}

fn expect_tensor(name: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.dims(), theirs.dims(), "{name}");
    let norm = |t: &Tensor| t.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
    let (ours, theirs) = (ours.to_dtype(DType::F64).unwrap(), theirs.to_dtype(DType::F64).unwrap());
    let difference = norm(&(&ours - &theirs).unwrap()) / norm(&theirs);
    assert!(difference < TOLERANCE, "{name} differs by {difference:e}");
}

fn expect_number(name: &str, ours: f64, theirs: &Tensor) {
    let theirs = f64::from(theirs.to_scalar::<f32>().unwrap());
    let difference = (ours - theirs).abs() / theirs.abs();
    assert!(difference < TOLERANCE, "{name}: {ours} differs from {theirs} by {difference:e}");
}

fn expect_state(prefix: &str, params: &Params, fixture: &HashMap<String, Tensor>) {
    let (ours, theirs) = (params.state_dict(), state(fixture, prefix));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, tensor) in ours {
        expect_tensor(&format!("{prefix}{name}"), &tensor, &theirs[&name]);
    }
}

/// Runs one step from given images and latents, and compares everything it leaves behind.
fn expect_step(trainer: &mut Trainer, fixture: &HashMap<String, Tensor>, inputs: &str, expected: &str) {
    let number = |name: &str, ours| {
        expect_number(&format!("{expected}.{name}"), ours, &fixture[&format!("{expected}.{name}")]);
    };
    trainer.generator().params().set_requires_grad(true);
    let fake = trainer.generator().forward(&fixture[&format!("{inputs}.latents")], Mode::Train).unwrap();
    let d = trainer.update_discriminator(&fixture[&format!("{inputs}.real")], &fake).unwrap();
    let g = trainer.update_generator(&fake).unwrap();
    number("errD", d.err_d);
    number("errG", g.err_g);
    number("d_x", d.d_x);
    number("d_g_z1", d.d_g_z1);
    number("d_g_z2", g.d_g_z2);
    number("grad_norm_d", d.grad_norm);
    number("grad_norm_g", g.grad_norm);
    expect_state(&format!("{expected}.generator."), trainer.generator().params(), fixture);
    expect_state(&format!("{expected}.discriminator."), trainer.discriminator().params(), fixture);
}

#[test]
fn three_steps_leave_the_same_losses_weights_and_statistics_as_pytorch() {
    let fixture = fixture();
    let mut trainer = trainer(&fixture, TrainConfig::default());
    for step in ["step1", "step2", "step3"] {
        expect_step(&mut trainer, &fixture, step, step);
    }
    let images = trainer.generator().forward(&fixture["eval.latents"], Mode::Eval).unwrap();
    expect_tensor("eval.images", &images, &fixture["eval.images"]);
}

#[test]
fn a_step_of_the_minimax_game_with_smoothed_labels_is_pytorchs() {
    let fixture = fixture();
    let config = TrainConfig { loss: Loss::Minimax, label_smoothing: 0.1, ..TrainConfig::default() };
    expect_step(&mut trainer(&fixture, config), &fixture, "step1", "minimax.step1");
}

#[test]
fn losses_and_their_gradients_are_pytorchs_also_at_extreme_logits() {
    let fixture = fixture();
    let logits = Var::from_tensor(&fixture["losses.logits"]).unwrap();
    type Formula = fn(&Tensor) -> Result<Tensor>;
    let losses: [(&str, Formula); 5] = [
        ("d_real", |x| Loss::NonSaturating.discriminator_real(x, 0.0)),
        ("d_real_smooth", |x| Loss::NonSaturating.discriminator_real(x, 0.1)),
        ("d_fake", |x| Loss::Minimax.discriminator_fake(x)),
        ("g_non_saturating", |x| Loss::NonSaturating.generator(x)),
        ("g_minimax", |x| Loss::Minimax.generator(x)),
    ];
    for (name, formula) in losses {
        let loss = formula(&logits).unwrap();
        let (value, expected) = (
            loss.to_scalar::<f64>().unwrap(),
            fixture[&format!("losses.{name}.value")].to_scalar::<f64>().unwrap(),
        );
        assert!(((value - expected) / expected).abs() < 1e-12, "{name}: {value}, PyTorch {expected}");
        let gradient = loss.backward().unwrap().get(&logits).unwrap().to_vec1::<f64>().unwrap();
        let expected = fixture[&format!("losses.{name}.grad")].to_vec1::<f64>().unwrap();
        for (ours, theirs) in gradient.iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-15 + 1e-12 * theirs.abs(), "{name}: {ours}, PyTorch {theirs}");
        }
    }
}
