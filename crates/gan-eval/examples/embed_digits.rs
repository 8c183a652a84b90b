//! Makes the classifier of the embedded digits, which every program of this crate carries.
//!
//! `cargo run -p gan-eval --example embed_digits` writes crates/gan-eval/assets/digits.safetensors and says
//! how many of the test images it reads right. The same machine writes the same bytes.

#![allow(clippy::print_stdout)] // an example prints

use candle_core::Device;
use gan_data::Digits;
use gan_eval::{ClassMap, Classifier, ClassifierConfig, Part, TrainOptions};
use std::sync::Arc;

/// Small enough to be embedded (206 kB), and wide enough to read nearly all.
const BASE_WIDTH: usize = 16;
const SEED: u64 = 0;
const STEPS: u64 = 4000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let digits = Arc::new(Digits::train(SEED, 32)?);
    let config = ClassifierConfig {
        base_width: BASE_WIDTH,
        ..ClassifierConfig::new(1, ClassMap::of(digits.as_ref())?)
    };
    let mut classifier = Classifier::new(config, SEED, &Device::Cpu)?;
    classifier.train(&[Part::whole(digits)], &TrainOptions { steps: STEPS, ..TrainOptions::default() })?;
    let accuracy = classifier.accuracy(Arc::new(Digits::test(SEED, 32)?))?;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/digits.safetensors");
    let bytes = classifier.to_bytes()?;
    std::fs::write(path, &bytes)?;
    println!("{path}: {} bytes, {:.2} % of {} test images", bytes.len(), accuracy.percent(), accuracy.total);
    Ok(())
}
