//! A GAN of your own on the libraries: own data, own networks (one of gan-nn's layers, one of candle-nn's), own loss; first
//! through the library's loop, with log, pictures, checkpoints and resume, then with a loop written out.

use candle_core::{DType, Device, Tensor};
use candle_nn::{Conv2dConfig, Module, VarBuilder, VarMap, conv2d};
use gan_data::{Dataset, Image, LoaderConfig, Sample, Transforms};
use gan_models::{CandleNetwork, Discriminator, Generator, Latent, LatentSpace};
use gan_nn::{Builder, Context, Params, Sequential, SequentialBuilder};
use gan_train::{gan::Objective, *};
use std::{ops::ControlFlow, path::Path, sync::Arc};

/// Gray images of 8x8 pixels: a bright square in one of the corners.
struct Squares;

impl Dataset for Squares {
    fn name(&self) -> &str {
        "squares"
    }
    fn len(&self) -> usize {
        1024
    }
    fn channels(&self) -> usize {
        1
    }
    fn get(&self, index: usize) -> gan_data::Result<Sample> {
        let inside = |i: usize| i % 8 / 4 == index % 2 && i / 8 / 4 == index / 2 % 2;
        let pixels = (0..64).map(|i| if inside(i) { 230 } else { 10 }).collect();
        Ok(Sample { image: Image { width: 8, height: 8, channels: 1, pixels }, label: None })
    }
}

/// Of gan-nn's layers: on the fast path, and with second derivatives.
struct MyGenerator(Sequential, Params);

fn my_generator(seed: u64) -> Result<MyGenerator> {
    let net = SequentialBuilder::new(Builder::from_seed(seed, "my generator", &Device::Cpu));
    let net = net.reshape(&[16, 1, 1]).conv_transpose2d((16, 32), (4, 4), 1, 0)?.norm2d(32)?.relu();
    let (net, params) = net.conv_transpose2d((32, 1), (4, 4), 2, 1)?.tanh().finish()?;
    Ok(MyGenerator(net, params))
}

impl Generator for MyGenerator {
    fn forward(&self, latents: &Tensor, context: &Context) -> candle_core::Result<Tensor> {
        self.0.forward(latents, context)
    }
    fn params(&self) -> &Params {
        &self.1
    }
    fn latent_space(&self) -> LatentSpace {
        LatentSpace { dim: 16, latent: Latent::Gaussian }
    }
}

/// Of candle-nn alone. (`VarMap`'s initial weights are not those of a seed.)
fn my_discriminator() -> candle_core::Result<Box<dyn Discriminator>> {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let halve = Conv2dConfig { stride: 2, padding: 1, ..Default::default() };
    let first = conv2d(1, 32, 4, halve, vb.pp("first"))?;
    let last = conv2d(32, 1, 4, Conv2dConfig::default(), vb.pp("last"))?;
    let net = candle_nn::func(move |x: &Tensor| last.forward(&first.forward(x)?.relu()?));
    Ok(Box::new(CandleNetwork::discriminator("my critic", net, &vars)))
}

/// Least squares with 1 and -1 (a = -1, b = 1, c = 0 in Mao et al. 2017).
struct MyLoss;

impl GanLoss for MyLoss {
    fn discriminator(&self, real: &LogitsAndTargets, fake: &LogitsAndTargets) -> candle_core::Result<Tensor> {
        let far = |logits: &Tensor, from: f64| logits.affine(1.0, -from)?.sqr()?.mean_all();
        far(&real.logits, 1.0)? + far(&fake.logits, -1.0)?
    }
    fn generator(&self, fake: &Tensor, _: Option<&Tensor>) -> candle_core::Result<Tensor> {
        fake.sqr()?.mean_all()
    }
}

fn feed() -> Feed {
    let config = LoaderConfig { batch_size: 32, ..LoaderConfig::default() };
    Feed::new(Arc::new(Squares), Transforms::new(Vec::new()), config, &Device::Cpu)
}

fn with_the_librarys_loop(folder: &Path) -> Result<()> {
    let objective = Objective { loss: Box::new(MyLoss), ..GanOptions::default().objective };
    let options = GanOptions { objective, ..GanOptions::default() };
    let mut gan = Gan::new(Box::new(my_generator(0)?), my_discriminator()?, feed(), options)?;
    let nothing = std::collections::BTreeMap::<String, u64>::new();
    let about = Metadata::new("gan", 20_000, &nothing, &nothing, &[&Squares], &Device::Cpu)?;
    let run = RunDir::create(Some(folder), &nothing)?;
    let options = RunOptions { steps: 20, log_every: 5, ..RunOptions::default() };
    run::train(&mut gan, &options, &about, &run, None, None, &mut |_| ControlFlow::Continue(())).map(|_| ())
}

fn with_a_loop_written_out() -> Result<()> {
    let (generator, discriminator, mut feed) = (my_generator(1)?, my_discriminator()?, feed());
    let mut g = Player::new(("G", "g"), &[("generator", generator.params())], GanOptions::default().g)?;
    let mut d = Player::new(("D", "d"), &[("critic", discriminator.params())], GanOptions::default().d)?;
    let (learns, fixed) = (Context::train(), Context::train().untracked());
    for step in 1..=20 {
        let at = Moment { step, rate: 1.0, seed: 0 };
        let real = feed.next(at.seed)?.1.images;
        let z = generator.latent_space().sample_from(2, 32 * step, 32, &Device::Cpu)?;
        let fake = generator.forward(&z, &learns)?;
        let judge = |images: &Tensor, context| discriminator.forward(images, context)?.flat_logits();
        let told = |logits: Tensor, target| LogitsAndTargets::all(&logits, target);
        let (on_real, on_fake) = (judge(&real, &learns)?, judge(&fake.detach(), &learns)?);
        let loss = MyLoss.discriminator(&told(on_real, 1.0)?, &told(on_fake, 0.0)?)?;
        backward(&loss, 1.0, &[&d], &[&g])?;
        d.update(&at)?;
        backward(&MyLoss.generator(&judge(&fake, &fixed)?, None)?, 1.0, &[&g], &[&d])?;
        g.update(&at)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    with_the_librarys_loop(Path::new(&std::env::args().nth(1).unwrap_or_else(|| "my-run".to_owned())))?;
    with_a_loop_written_out()
}
