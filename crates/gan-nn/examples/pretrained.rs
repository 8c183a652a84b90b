//! Features by a frozen network, and how long they take: `scripts/pretrained_peer.py` compares both with
//! PyTorch's.
//!
//! `pretrained NETWORK WEIGHTS.safetensors IMAGES.safetensors FEATURES.safetensors [BATCH [ROUNDS
//! [THREADS]]]`, where NETWORK is `lite0` or `inception`, and `images` [N, 3, H, W] are in [-1, 1]. Says the
//! seconds of each round.

#![allow(clippy::print_stdout)] // a program that says what it measured

use candle_core::{Device, Result, Tensor, bail};
use gan_nn::pretrained::{EfficientNetLite0, InceptionV3};
use std::collections::HashMap;
use std::time::Instant;

/// From images to features.
type Network = dyn Fn(&Tensor) -> gan_nn::Result<Tensor>;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, weights, images, features, numbers @ ..] = &arguments[..] else {
        return Err("NETWORK WEIGHTS IMAGES FEATURES [BATCH [ROUNDS [THREADS]]]".into());
    };
    let number = |index: usize, default: usize| {
        numbers.get(index).map_or(Ok(default), |number| number.parse::<usize>())
    };
    let (batch, rounds, threads) = (number(0, 16)?, number(1, 1)?, number(2, 2)?);
    gan_ops::set_threads(threads)?;
    let device = Device::Cpu;
    let weights = candle_core::safetensors::load(weights, &device)?.into_iter().collect();
    let network: Box<Network> = match network.as_str() {
        "lite0" => {
            let network = EfficientNetLite0::new(&weights, &device)?;
            Box::new(move |images| network.features(images))
        }
        "inception" => {
            let network = InceptionV3::new(&weights, &device)?;
            Box::new(move |images| network.features(images))
        }
        other => return Err(format!("there is no network {other}").into()),
    };
    let images = images_of(images)?;
    let count = images.dim(0)?;
    let all = || -> gan_nn::Result<Tensor> {
        let starts = (0..count).step_by(batch);
        let parts = starts.map(|start| network(&images.narrow(0, start, batch.min(count - start))?));
        Ok(Tensor::cat(&parts.collect::<gan_nn::Result<Vec<_>>>()?, 0)?)
    };
    let made = all()?; // buffers are made here
    for _ in 0..rounds {
        let start = Instant::now();
        gan_ops::keep_workers_spinning(all)?;
        println!("{:.4}", start.elapsed().as_secs_f64());
    }
    candle_core::safetensors::save(&HashMap::from([("features", made)]), features)?;
    Ok(())
}

fn images_of(file: &str) -> Result<Tensor> {
    match candle_core::safetensors::load(file, &Device::Cpu)?.remove("images") {
        Some(images) => Ok(images),
        None => bail!("{file} has no images"),
    }
}
