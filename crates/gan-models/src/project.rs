//! From an image back to a latent: the one whose image is nearest, by gradient descent (Creswell & Bharath
//! 2018, Lipton & Tripathi 2017).
//!
//! ```
//! use gan_models::candle_core::Device;
//! use gan_models::project::{ProjectOptions, project};
//! use gan_models::{Architecture, Context, ModelConfig};
//!
//! let plain = ModelConfig::new(Architecture::Dcgan, 1, 8, 8);
//! let config = ModelConfig { base_width: 4, latent_dim: 4, ..plain };
//! let generator = config.generator(1, &Device::Cpu)?;
//! let z = config.latent_space().sample(0, 1, &Device::Cpu)?;
//! let image = generator.forward(&z, &Context::eval())?; // [1, 1, 8, 8]
//! let options = ProjectOptions { steps: 100, starts: 4, ..ProjectOptions::default() };
//! let found = project(generator.as_ref(), &image, &[], &options, &mut |_, _| ())?;
//! assert!(found.psnr() > 30.0);
//! # Ok::<(), gan_models::Error>(())
//! ```

use crate::latent::within;
use crate::networks::Generator;
use candle_core::{Result, Tensor, Var, bail};
use gan_nn::{Context, Hyperparameters, Optimizer, OptimizerKind, Schedule};
use gan_rng::Stream;
use std::collections::BTreeMap;

/// Latents that are worked on at once.
const BATCH: usize = 64;
/// So many latents are drawn for each start; the starts are those with the nearest images.
const DRAWN_A_START: usize = 16;
/// Where there are several classes, each is tried for such a part of the steps first.
const TRIAL: u32 = 4;
/// Images are compared at half the size again and again, down to this side, px.
const LEAST_SIDE: usize = 4;

/// How a latent is looked for.
#[derive(Clone, Copy, Debug)]
pub struct ProjectOptions {
    /// Steps of Adam.
    pub steps: u32,
    /// Latents that are followed, of which the best is taken.
    pub starts: u32,
    /// The learning rate at the beginning; it goes down to 0 in half a cosine.
    pub lr: f64,
    /// Names the starts.
    pub seed: u64,
}

impl Default for ProjectOptions {
    fn default() -> Self {
        Self { steps: 400, starts: 8, lr: 0.1, seed: 0 }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Projection {
    /// `[1, Z]`
    pub latent: Tensor,
    /// The image that it makes, `[1, C, H, W]`.
    pub image: Tensor,
    /// The class that it is made of, where there are classes.
    pub class: Option<u32>,
    /// Mean of the squared differences of the two images, whose values are in [-1, 1].
    pub mse: f64,
}

impl Projection {
    /// Peak signal-to-noise ratio, dB: `10 log10(2^2 / mse)`, as values have a range of 2. Infinite if
    /// nothing differs.
    pub fn psnr(&self) -> f64 {
        10.0 * libm::log10(4.0 / self.mse)
    }
}

/// The latent whose image is nearest to `image` `[1, C, H, W]`, of any of these classes (none, if the
/// generator is not conditional). `on_step` is told how many steps of how many are done.
///
/// What is minimised is the mean squared error, for the first half of the steps with that of both images at a
/// half, a quarter, ... of their size beside it, which fades: large shapes come to lie in their places first.
/// The weights of the generator stay as they are, in evaluation. Uniform latents are kept within [-1, 1].
///
/// # Errors
/// If there are no starts, or the image or the classes are not what the generator makes.
pub fn project(
    generator: &dyn Generator,
    image: &Tensor,
    classes: &[u32],
    options: &ProjectOptions,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Projection> {
    if image.dims().first() != Some(&1) || options.starts == 0 {
        bail!("one image [1, C, H, W] is projected, from 1 start at least");
    }
    let search = Search { generator, image, options };
    let classes: Vec<Option<u32>> =
        if classes.is_empty() { vec![None] } else { classes.iter().copied().map(Some).collect() };
    let mut candidates = Vec::new();
    for &class in &classes {
        candidates.extend(search.starts(class)?);
    }
    let trial = if classes.len() > 1 { options.steps / TRIAL } else { 0 };
    let batches = |candidates: usize| candidates.div_ceil(BATCH) as u64;
    let starts = options.starts as usize;
    let total = batches(candidates.len()) * u64::from(trial) + batches(starts) * u64::from(options.steps);
    let mut done = 0;
    let mut on_step = || {
        done += 1;
        on_step(done, total);
    };
    if trial > 0 {
        candidates = search.best(search.descend(&candidates, trial, &mut on_step)?, starts);
    }
    let found = search.best(search.descend(&candidates, options.steps, &mut on_step)?, 1);
    let [Candidate { latent, class, mse }] = &found[..] else { bail!("nothing was found") };
    let latent = search.tensor(&[latent])?;
    let image = search.forward(&latent, &[*class])?;
    Ok(Projection { latent, image, class: *class, mse: *mse })
}

/// A latent, and how far its image is.
#[derive(Clone)]
struct Candidate {
    latent: Vec<f32>,
    class: Option<u32>,
    mse: f64,
}

struct Search<'a> {
    generator: &'a dyn Generator,
    image: &'a Tensor,
    options: &'a ProjectOptions,
}

impl Search<'_> {
    /// Where to begin with a class: at the best of many drawn latents.
    fn starts(&self, class: Option<u32>) -> Result<Vec<Candidate>> {
        let starts = self.options.starts as usize;
        let (space, device) = (self.generator.latent_space(), self.image.device());
        let mut drawn = Vec::new();
        for first in (0..starts * DRAWN_A_START).step_by(BATCH) {
            let count = BATCH.min(starts * DRAWN_A_START - first);
            let mut stream = Stream::new(self.options.seed, "project", first as u64);
            let latents = space.draw(&mut stream, count, device)?;
            let errors = errors(&self.forward(&latents, &vec![class; count])?, self.image)?;
            drawn.extend(candidates(&latents, &vec![class; count], &errors)?);
        }
        Ok(self.best(drawn, starts))
    }

    fn best(&self, mut candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
        candidates.sort_by(|a, b| a.mse.total_cmp(&b.mse)); // NaN comes last
        candidates.truncate(count);
        candidates
    }

    /// Candidates after so many steps, each of which follows its own gradient.
    fn descend(
        &self,
        candidates: &[Candidate],
        steps: u32,
        on_step: &mut dyn FnMut(),
    ) -> Result<Vec<Candidate>> {
        let mut found = Vec::new();
        for batch in candidates.chunks(BATCH) {
            let classes: Vec<_> = batch.iter().map(|candidate| candidate.class).collect();
            let latents: Vec<_> = batch.iter().map(|candidate| &candidate.latent[..]).collect();
            let latents = Var::from_tensor(&self.tensor(&latents)?)?;
            self.descend_batch(&latents, &classes, steps, on_step)?;
            let latents = latents.as_detached_tensor();
            let errors = errors(&self.forward(&latents, &classes)?, self.image)?;
            found.extend(self::candidates(&latents, &classes, &errors)?);
        }
        Ok(found)
    }

    fn descend_batch(
        &self,
        latents: &Var,
        classes: &[Option<u32>],
        steps: u32,
        on_step: &mut dyn FnMut(),
    ) -> Result<()> {
        let named = |tensor| BTreeMap::from([("latents".to_owned(), tensor)]);
        let parameters = BTreeMap::from([("latents".to_owned(), latents.clone())]);
        let hyper = Hyperparameters { kind: OptimizerKind::Adam, beta1: 0.9, beta2: 0.999 };
        let mut adam = Optimizer::new(&parameters, hyper)?;
        let kind = self.generator.latent_space().latent;
        for step in 0..steps {
            let images = self.forward(latents, classes)?;
            let coarse = (1.0 - 2.0 * f64::from(step) / f64::from(steps)).max(0.0);
            // A sum: what one latent learns does not depend on how many there are.
            let gradients = loss(&images, self.image, coarse)?.sum_all()?.backward()?;
            let Some(gradient) = gradients.get(latents) else {
                bail!("the image does not depend on the latent");
            };
            let lr = self.options.lr * Schedule::Cosine.factor(step.into(), steps.into());
            adam.step(&named(gradient.detach()), lr)?;
            let moved = latents.as_detached_tensor();
            latents.set(&within(&moved, kind, None)?.copy()?)?;
            on_step();
        }
        Ok(())
    }

    fn forward(&self, latents: &Tensor, classes: &[Option<u32>]) -> Result<Tensor> {
        let classes: Option<Vec<u32>> = classes.iter().copied().collect();
        self.generator.forward(latents, &Context::eval().of_classes(classes.as_deref()))
    }

    /// `[N, Z]`
    fn tensor(&self, latents: &[impl AsRef<[f32]>]) -> Result<Tensor> {
        let dim = self.generator.latent_space().dim;
        let numbers: Vec<f32> = latents.iter().flat_map(|latent| latent.as_ref()).copied().collect();
        Tensor::from_vec(numbers, (latents.len(), dim), self.image.device())
    }
}

/// Latents `[N, Z]` with what they were made of and how far they are.
fn candidates(latents: &Tensor, classes: &[Option<u32>], errors: &Tensor) -> Result<Vec<Candidate>> {
    let rows = latents.to_vec2::<f32>()?.into_iter().zip(classes).zip(errors.to_vec1::<f32>()?);
    Ok(rows.map(|((latent, &class), mse)| Candidate { latent, class, mse: mse.into() }).collect())
}

/// The mean squared error of each of the images `[N, C, H, W]` to one `[1, C, H, W]`: `[N]`.
fn errors(images: &Tensor, target: &Tensor) -> Result<Tensor> {
    images.broadcast_sub(target)?.sqr()?.flatten_from(1)?.mean(1)
}

/// The same, and `coarse` times that of smaller images.
fn loss(images: &Tensor, target: &Tensor, coarse: f64) -> Result<Tensor> {
    let mut loss = errors(images, target)?;
    if coarse == 0.0 {
        return Ok(loss);
    }
    let (mut images, mut target) = (images.clone(), target.clone());
    loop {
        let (_, _, height, width) = images.dims4()?;
        if height % 2 + width % 2 != 0 || height.min(width) < 2 * LEAST_SIDE {
            return Ok(loss);
        }
        (images, target) = (halved(&images)?, halved(&target)?);
        loss = (loss + errors(&images, &target)?.affine(coarse, 0.0)?)?;
    }
}

/// The mean of each four pixels.
fn halved(images: &Tensor) -> Result<Tensor> {
    let (count, channels, height, width) = images.dims4()?;
    images.reshape((count, channels, height / 2, 2, width / 2, 2))?.mean((3, 5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Conditional, Latent, ModelConfig};
    use candle_core::Device;

    fn config(architecture: Architecture, latent: Latent) -> ModelConfig {
        let plain = ModelConfig::new(architecture, 1, 16, 16);
        ModelConfig { base_width: 8, latent_dim: 8, latent, ..plain }
    }

    /// A tiny generator whose images differ: initial weights as they are make them all but gray.
    fn generator(config: &ModelConfig) -> Box<dyn Generator> {
        let generator = config.generator(1, &Device::Cpu).unwrap();
        for (name, var) in generator.params().parameters() {
            if name.ends_with("weight") && var.rank() > 1 {
                var.set(&var.affine(4.0, 0.0).unwrap()).unwrap();
            }
        }
        generator
    }

    fn image(generator: &dyn Generator, class: Option<u32>) -> Tensor {
        let z = generator.latent_space().sample(9, 1, &Device::Cpu).unwrap();
        let classes = class.map(|class| vec![class]);
        generator.forward(&z, &Context::eval().of_classes(classes.as_deref())).unwrap()
    }

    #[test]
    fn images_of_a_generator_are_found_again() {
        for (architecture, latent) in [
            (Architecture::Dcgan, Latent::Gaussian),
            (Architecture::Mlp, Latent::Gaussian),
            (Architecture::Mlp, Latent::Uniform),
        ] {
            let generator = generator(&config(architecture, latent));
            let image = image(generator.as_ref(), None);
            let mut told = Vec::new();
            let options = ProjectOptions { steps: 300, ..ProjectOptions::default() };
            let found =
                project(generator.as_ref(), &image, &[], &options, &mut |done, of| told.push((done, of)));
            let found = found.unwrap();
            assert!(found.psnr() > 35.0, "{architecture:?} {latent}: {} dB", found.psnr());
            assert_eq!((told.len(), told[0], told[299]), (300, (1, 300), (300, 300)));
            let numbers = found.latent.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(latent == Latent::Gaussian || numbers.iter().all(|x| x.abs() <= 1.0));
            let again = generator.forward(&found.latent, &Context::eval()).unwrap();
            let mse = errors(&again, &image).unwrap().to_vec1::<f32>().unwrap()[0];
            assert!((f64::from(mse) / found.mse - 1.0).abs() < 1e-3, "{mse}, said to be {}", found.mse);
        }
    }

    #[test]
    fn the_class_of_an_image_is_found_and_one_seed_finds_the_same() {
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        let conditional = Some(Conditional::Embed);
        let config = ModelConfig { classes, conditional, ..config(Architecture::Dcgan, Latent::Gaussian) };
        let generator = generator(&config);
        let image = image(generator.as_ref(), Some(2));
        let run = |classes: &[u32], seed| {
            let options = ProjectOptions { steps: 200, starts: 4, seed, ..ProjectOptions::default() };
            project(generator.as_ref(), &image, classes, &options, &mut |_, _| ()).unwrap()
        };
        let numbers = |found: &Projection| found.latent.to_vec2::<f32>().unwrap();
        let found = run(&[0, 1, 2], 0);
        assert!(found.class == Some(2) && found.psnr() > 30.0, "{:?}: {} dB", found.class, found.psnr());
        assert_eq!(numbers(&found), numbers(&run(&[0, 1, 2], 0)));
        assert_ne!(numbers(&found), numbers(&run(&[0, 1, 2], 1)));
        assert_eq!(run(&[1], 0).class, Some(1));
    }

    #[test]
    fn small_images_are_means_and_the_gradient_is_that_of_differences() {
        let values: Vec<f32> = (0..64).map(|i| ((i * 7 % 13) as f32 - 6.0) / 6.0).collect();
        let image = Tensor::from_vec(values.clone(), (1, 1, 8, 8), &Device::Cpu).unwrap();
        let half = halved(&image).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!((half[5] - (values[18] + values[19] + values[26] + values[27]) / 4.0).abs() < 1e-6);
        let target = image.affine(0.5, 0.1).unwrap();
        let loss_of = |image: &Tensor| loss(image, &target, 0.7).unwrap().sum_all().unwrap();
        let var = Var::from_tensor(&image).unwrap();
        let gradient = loss_of(&var).backward().unwrap().get(&var).unwrap().flatten_all().unwrap();
        let gradient = gradient.to_vec1::<f32>().unwrap();
        for i in [0, 27, 63] {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[i] += by;
                let moved = Tensor::from_vec(values, (1, 1, 8, 8), &Device::Cpu).unwrap();
                loss_of(&moved).to_scalar::<f32>().unwrap()
            };
            let difference = (moved(0.05) - moved(-0.05)) / 0.1;
            assert!((gradient[i] - difference).abs() < 1e-4, "{i}: {} and {difference}", gradient[i]);
        }
    }
}
