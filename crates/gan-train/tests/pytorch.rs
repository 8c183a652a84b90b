//! Three whole training steps against PyTorch (assets/fixtures/make_dcgan_steps.py).

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{DType, Device, Result, Tensor, Var, safetensors};
use gan_data::Digits;
use gan_models::{Architecture, Context, ModelConfig, Params};
use gan_nn::{Average, Hyperparameters, Optimizer, OptimizerKind, Schedule};
use gan_train::gan::MicroBatch;
use gan_train::{Gan, GanLoss, LogitsAndTargets, Loss, Moment, Side, TrainConfig};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use strum::VariantNames;

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

fn gan(fixture: &HashMap<String, Tensor>, config: TrainConfig) -> Gan {
    let model =
        ModelConfig { base_width: 4, latent_dim: 8, ..ModelConfig::new(Architecture::Dcgan, 3, 32, 32) };
    let digits = Arc::new(Digits::train(0, 16).unwrap()); // no image of theirs is asked for
    let gan = Gan::from_config(&config.resolve().unwrap(), &model, digits, &Device::Cpu).unwrap();
    gan.generator().params().load_state_dict(&state(fixture, "init.generator.")).unwrap();
    gan.discriminator().params().load_state_dict(&state(fixture, "init.discriminator.")).unwrap();
    gan
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
fn expect_step(gan: &mut Gan, fixture: &HashMap<String, Tensor>, inputs: &str, expected: &str) {
    let input = |name: &str| fixture[&format!("{inputs}.{name}")].clone();
    let at = Moment { step: 1, rate: 1.0, seed: 0 };
    let mut next = |gan: &mut Gan, tracked| {
        let latents = input("latents");
        let fake = gan.generator().forward(&latents, &Context::train().tracked_if(tracked))?;
        Ok(MicroBatch { index: 0, real: input("real"), classes: None, latents, fake })
    };
    let numbers = gan.step_on(&at, &mut next).unwrap();
    for name in ["errD", "errG", "d_x", "d_g_z1", "d_g_z2", "grad_norm_d", "grad_norm_g"] {
        let ours = numbers.iter().find(|number| number.name == name).unwrap().value;
        expect_number(&format!("{expected}.{name}"), ours, &fixture[&format!("{expected}.{name}")]);
    }
    expect_state(&format!("{expected}.generator."), gan.generator().params(), fixture);
    expect_state(&format!("{expected}.discriminator."), gan.discriminator().params(), fixture);
}

#[test]
fn three_steps_leave_the_same_losses_weights_and_statistics_as_pytorch() {
    let fixture = fixture();
    let mut gan = gan(&fixture, TrainConfig::default());
    for step in ["step1", "step2", "step3"] {
        expect_step(&mut gan, &fixture, step, step);
    }
    let images = gan.generator().forward(&fixture["eval.latents"], &Context::eval()).unwrap();
    expect_tensor("eval.images", &images, &fixture["eval.images"]);
}

#[test]
fn a_step_of_the_minimax_game_with_smoothed_labels_is_pytorchs() {
    let fixture = fixture();
    let mut config = TrainConfig::default();
    config.objective.loss = Loss::Minimax;
    config.objective.label_smoothing = 0.1;
    expect_step(&mut gan(&fixture, config), &fixture, "step1", "minimax.step1");
}

/// One half of D's loss, where all are told the same.
fn half(loss: Loss, side: Side, logits: &Tensor, target: f64) -> Result<Tensor> {
    Ok(loss.half(side, &LogitsAndTargets::all(logits, target)?)?.unwrap())
}

#[test]
fn losses_and_their_gradients_are_pytorchs_also_at_extreme_logits() {
    let fixture = fixture();
    let logits = Var::from_tensor(&fixture["losses.logits"]).unwrap();
    type Formula = fn(&Tensor) -> Result<Tensor>;
    let losses: [(&str, Formula); 5] = [
        ("d_real", |x| half(Loss::NonSaturating, Side::Real, x, 1.0)),
        ("d_real_smooth", |x| half(Loss::NonSaturating, Side::Real, x, 0.9)),
        ("d_fake", |x| half(Loss::Minimax, Side::Fake, x, 0.0)),
        ("g_non_saturating", |x| Loss::NonSaturating.generator(x, None)),
        ("g_minimax", |x| Loss::Minimax.generator(x, None)),
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

fn training_fixture() -> HashMap<String, Tensor> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/training.safetensors");
    safetensors::load(path, &Device::Cpu).unwrap()
}

/// Element by element: what is near 0 may be off by what is nothing beside the rest.
fn expect_close(name: &str, ours: &Tensor, theirs: &Tensor) {
    let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    for (ours, theirs) in numbers(ours).into_iter().zip(numbers(theirs)) {
        assert!((ours - theirs).abs() < 1e-14 + 1e-12 * theirs.abs(), "{name}: {ours}, PyTorch {theirs}");
    }
}

#[test]
fn every_loss_and_its_gradients_are_pytorchs() {
    let fixture = training_fixture();
    let get = |name: &str| fixture[name].clone();
    for name in Loss::VARIANTS {
        let loss: Loss = name.parse().unwrap();
        let real = Var::from_tensor(&get("real")).unwrap();
        let fake = Var::from_tensor(&get("fake")).unwrap();
        let told = |logits: &Var, targets| LogitsAndTargets { logits: logits.as_tensor().clone(), targets };
        let (told_real, told_fake) = (told(&real, get("real_targets")), told(&fake, get("fake_targets")));
        let d = loss.discriminator(&told_real, &told_fake).unwrap();
        let halves = (loss.half(Side::Real, &told_real).unwrap(), loss.half(Side::Fake, &told_fake).unwrap());
        assert_eq!(halves.0.is_none(), loss == Loss::Relativistic, "{name}");
        if let (Some(real), Some(fake)) = halves {
            expect_close(name, &(real + fake).unwrap(), &d);
        }
        let g = loss.generator(&fake, loss.compares().then_some(real.as_tensor())).unwrap();
        for (player, value) in [("d", d), ("g", g)] {
            let key = |what: &str| format!("loss.{player}.{name}.{what}");
            expect_close(&key("value"), &value, &fixture[&key("value")]);
            let store = value.backward().unwrap();
            for (which, var) in [("real", &real), ("fake", &fake)] {
                let gradient = store.get(var).cloned().unwrap_or_else(|| var.zeros_like().unwrap());
                expect_close(&key(which), &gradient, &fixture[&key(which)]);
            }
        }
    }
}

#[test]
fn ten_steps_of_each_optimizer_are_pytorchs() {
    let fixture = training_fixture();
    for (name, kind, beta1, beta2) in [
        ("adam", OptimizerKind::Adam, 0.5, 0.9),
        ("rmsprop", OptimizerKind::RmsProp, 0.0, 0.9),
        ("sgd", OptimizerKind::Sgd, 0.0, 0.0),
        ("momentum", OptimizerKind::Sgd, 0.5, 0.0),
    ] {
        let parameter = Var::from_tensor(&fixture["optimizer.start"]).unwrap();
        let parameters = BTreeMap::from([("p".to_owned(), parameter.clone())]);
        let mut optimizer = Optimizer::new(&parameters, Hyperparameters { kind, beta1, beta2 }).unwrap();
        for i in 0..10 {
            let gradient = fixture["optimizer.grads"].get(i).unwrap();
            optimizer.step(&BTreeMap::from([("p".to_owned(), gradient)]), 0.01).unwrap();
        }
        expect_close(name, &parameter, &fixture[&format!("optimizer.{name}")]);
    }
}

#[test]
fn schedules_are_pytorchs() {
    let fixture = training_fixture();
    for (name, schedule) in [("linear", Schedule::Linear), ("cosine", Schedule::Cosine)] {
        let rates: Vec<f64> = (0..12).map(|step| schedule.factor(step, 10)).collect();
        expect_close(name, &Tensor::new(rates, &Device::Cpu).unwrap(), &fixture[&format!("schedule.{name}")]);
    }
}

#[test]
fn averaging_is_pytorchs() {
    let fixture = training_fixture();
    let weights = &fixture["average.weights"];
    let vars = candle_nn::VarMap::new();
    let live = Var::from_tensor(&weights.get(0).unwrap()).unwrap();
    vars.data().lock().unwrap().insert("p".to_owned(), live.clone());
    let mut average = Average::new(&Params::of_vars(&vars), 0.2).unwrap();
    for i in 1..6 {
        live.set(&weights.get(i).unwrap()).unwrap();
        average.follow(1000).unwrap(); // late: the whole decay
    }
    let estimate = || -> Result<()> { unreachable!("there are no statistics") };
    average
        .with(5, estimate, || {
            expect_close("average", &live, &fixture["average.end"]);
            Ok::<(), candle_core::Error>(())
        })
        .unwrap();
    expect_close("the trained weights are back", &live, &weights.get(5).unwrap());
}

gan_ops::also_on_references!(
    three_steps_leave_the_same_losses_weights_and_statistics_as_pytorch,
    a_step_of_the_minimax_game_with_smoothed_labels_is_pytorchs,
    losses_and_their_gradients_are_pytorchs_also_at_extreme_logits,
    every_loss_and_its_gradients_are_pytorchs,
    ten_steps_of_each_optimizer_are_pytorchs,
    averaging_is_pytorchs,
);
