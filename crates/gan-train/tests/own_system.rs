//! A system of somebody else, by the public API alone: two generators map one ring to another and back, against two
//! discriminators (CycleGAN's game in the plane). It trains, logs, draws, saves, and survives kills through the same loop.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use candle_core::{Device, Tensor};
use gan_data::{Dataset, LoaderConfig, Points, Transforms};
use gan_nn::{Builder, Context, Params, Sequential, SequentialBuilder, State, l1, mse};
use gan_train::*;
use std::process::{Command, Stdio};
use std::{ops::ControlFlow, path::Path, sync::Arc, time::Duration};

type Net = (Sequential, Params);

struct Rings {
    g: [Net; 2],
    d: [Net; 2],
    players: [Player; 2],
    feeds: [Feed; 2],
}

fn net(name: &str, outputs: usize) -> Net {
    let net = SequentialBuilder::new(Builder::from_seed(0, name, &Device::Cpu)).linear(2, 16).unwrap();
    net.leaky_relu(0.2).linear(16, outputs).unwrap().finish().unwrap()
}

fn rings() -> Rings {
    let (g, d) = (["a to b", "b to a"].map(|name| net(name, 2)), ["a", "b"].map(|name| net(name, 1)));
    let options = GanOptions::default();
    let generators = [("a_to_b", &g[0].1), ("b_to_a", &g[1].1)];
    let averaged = PlayerSettings { average: 0.9, lr: 2e-3, ..options.g };
    let g_player = Player::new(("the generators", "g"), &generators, averaged).unwrap();
    let discriminators = [("judge_a", &d[0].1), ("judge_b", &d[1].1)];
    let d_player = Player::new(("the discriminators", "d"), &discriminators, options.d).unwrap();
    let feed = |points| {
        let config = LoaderConfig { batch_size: 32, seed: 0, ..LoaderConfig::default() };
        Feed::new(Arc::new(points), Transforms::new(Vec::new()), config, &Device::Cpu)
    };
    Rings { g, d, players: [g_player, d_player], feeds: [Points::ring(0), Points::ring(1)].map(feed) }
}

impl Rings {
    fn maps(&self, which: usize, x: &Tensor, context: &Context) -> Result<Tensor> {
        Ok(self.g[which].0.forward(x, context)?)
    }

    /// Least squares: how far this ring's discriminator is from calling these points real (1) or not (0).
    fn lsgan(&self, ring: usize, x: &Tensor, target: f64, context: &Context) -> Result<Tensor> {
        let logits = self.d[ring].0.forward(x, context)?;
        Ok(mse(&logits, &logits.ones_like()?.affine(target, 0.0)?)?)
    }
}

impl System for Rings {
    fn step(&mut self, at: &Moment) -> Result<Vec<Number>> {
        let mut real =
            |ring: usize| Ok::<_, Error>(self.feeds[ring].next(at.seed)?.1.images.flatten_from(1)?);
        let real = [real(0)?, real(1)?];
        let (learns, fixed) = (Context::train(), Context::train().untracked());
        let fake_b = self.maps(0, &real[0], &learns)?;
        let fake_a = self.maps(1, &real[1], &learns)?;
        let mut d_loss = self.lsgan(0, &real[0], 1.0, &learns)?;
        for (ring, x, target) in [(1, &real[1], 1.0), (0, &fake_a.detach(), 0.0), (1, &fake_b.detach(), 0.0)]
        {
            d_loss = (d_loss + self.lsgan(ring, x, target, &learns)?)?;
        }
        self.players[1].zero_grad();
        backward(&d_loss, 1.0, &[&self.players[1]], &[&self.players[0]])?;
        self.players[1].update(at)?;
        let cycle = (l1(&self.maps(1, &fake_b, &learns)?, &real[0])?
            + l1(&self.maps(0, &fake_a, &learns)?, &real[1])?)?;
        let fooled = (self.lsgan(1, &fake_b, 1.0, &fixed)? + self.lsgan(0, &fake_a, 1.0, &fixed)?)?;
        self.players[0].zero_grad();
        backward(&(&fooled + cycle.affine(10.0, 0.0)?)?, 1.0, &[&self.players[0]], &[&self.players[1]])?;
        self.players[0].update(at)?;
        let value = |x: &Tensor| -> Result<f64> { Ok(f64::from(x.to_scalar::<f32>()?)) };
        let cycle = Number::new("cycle", Kind::Loss, value(&cycle)?).shown("cycle");
        Ok(vec![Number::new("judges", Kind::Loss, value(&d_loss)?), cycle])
    }
    fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        self.players.iter_mut().for_each(|player| state.include(player.state()));
        self.feeds.iter_mut().zip(["a", "b"]).for_each(|(feed, ring)| state.part(ring, feed.state()));
        state
    }
    fn samples_seen(&self) -> u64 {
        self.feeds[0].images_seen()
    }
    fn samples_per_epoch(&self) -> u64 {
        self.feeds[0].data().len() as u64
    }
    fn pictures(&mut self) -> Result<Vec<Picture>> {
        let mapped = self.draw(0, 0, 500)?.reshape(((), 1, 1, 2))?;
        Ok(vec![Picture { name: "b", image: Points::ring(0).scatter(Some(&mapped))? }])
    }
    fn draw(&mut self, _: u64, _: u64, count: usize) -> Result<Tensor> {
        let (net, a) = (&self.g[0].0, self.feeds[0].first(count)?.flatten_from(1)?);
        self.players[0].with_average(|| Ok(()), || Ok(net.forward(&a, &Context::eval())?))
    }
}

fn train(folder: &Path) {
    let mut rings = rings();
    let data: [&dyn Dataset; 2] = [&Points::ring(0), &Points::ring(1)];
    let about = std::collections::BTreeMap::from([("rings", 2)]);
    let about = Metadata::new("rings", 400, &about, &about, &data, &Device::Cpu).unwrap();
    let run = match folder.join("config.toml").exists() {
        true => RunDir::open(folder).unwrap(),
        false => RunDir::create(Some(folder), &about.settings).unwrap(),
    };
    let from = run.latest_checkpoint().unwrap();
    let options = RunOptions { steps: 300, checkpoint_every: 20, log_every: 10, ..RunOptions::default() };
    let mut on_step = |_: &StepStats| ControlFlow::Continue(());
    run::train(&mut rings, &options, &about, &run, from.as_ref(), None, &mut on_step).unwrap();
}

/// What a killed process runs: this same program, told by its environment where to train.
#[test]
fn a_child_that_trains() {
    let _ = std::env::var("RINGS_RUN").map(|folder| train(Path::new(&folder)));
}

#[test]
fn somebody_elses_system_trains_and_ends_with_the_same_bytes_however_often_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    train(&whole);
    let bytes =
        |run: &Path, file: &str| std::fs::read(run.join("checkpoints/step-000300").join(file)).unwrap();
    for pause in (0..).map(|kill: u64| Duration::from_millis(60 + kill * 37 % 200 + 20 * kill)) {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", "a_child_that_trains"]).env("RINGS_RUN", &killed);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(pause);
        let done = child.try_wait().unwrap().is_some_and(|status| status.success());
        let _ = child.kill();
        child.wait().unwrap();
        if done {
            break;
        }
    }
    let same = |file: &&str| bytes(&whole, file) == bytes(&killed, file);
    assert!(["training.safetensors", "checkpoint.json"].iter().all(same));
    let log = std::fs::read_to_string(killed.join("metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cycle = |line: usize| lines[line]["cycle"].as_f64().unwrap();
    assert!(lines.len() == 31 && cycle(30) < 0.5 * cycle(0), "there and back again: {}", cycle(30));
    assert!(killed.join("samples/step-000300-b.png").is_file());
}
