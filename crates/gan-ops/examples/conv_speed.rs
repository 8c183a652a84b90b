//! GFLOP/s of the convolutions of a DCGAN, layer by layer: `conv_speed [threads] [layer]`.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a tool for us

use candle_core::{Device, Tensor, Var};
use gan_ops::{Activation, Flow, Gradient, Parameter};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn var(shape: &[usize]) -> Var {
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|i: usize| (i * 7919 % 1000) as f32 / 500.0 - 1.0).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

/// The fastest of many runs, s.
fn time<R>(mut f: impl FnMut() -> R) -> f64 {
    let (start, mut best) = (Instant::now(), f64::MAX);
    while start.elapsed().as_secs_f64() < 0.5 {
        let run = Instant::now();
        std::hint::black_box(f());
        best = best.min(run.elapsed().as_secs_f64());
    }
    best
}

fn main() {
    let argument = |n: usize| std::env::args().nth(n).map(|text| text.parse::<usize>().unwrap());
    gan_ops::set_threads(argument(1).unwrap_or(2)).unwrap();
    // image side, image channels, map channels, batch
    let layers = [
        (64, 3, 64, 64),
        (32, 64, 128, 64),
        (16, 128, 256, 64),
        (8, 256, 512, 64),
        (32, 1, 64, 64),
        (32, 3, 16, 100),
        (16, 16, 32, 100),
        (8, 32, 64, 100),
    ];
    for (i, (side, c, o, batch)) in layers.into_iter().enumerate() {
        if argument(2).is_some_and(|only| only != i) {
            continue;
        }
        let w = var(&[o, c, 4, 4]);
        let gradient = Gradient::of(&w).unwrap();
        let fixed = Parameter::from(&w.as_tensor().detach());
        let tracked = Parameter { gradient: Some(gradient.clone()), ..w.as_tensor().into() };
        let enter = |shape: &[usize]| Flow::enter(&var(shape).as_tensor().detach()).unwrap();
        let (image, maps) = (enter(&[batch, c, side, side]), enter(&[batch, o, side / 2, side / 2]));
        let flop = 2.0 * (batch * c * o * 16 * side * side / 4) as f64 / 1e9;
        let forward = time(|| image.clone().conv2d(&fixed, 2, 1, Activation::Identity).unwrap());
        let transposed =
            time(|| maps.clone().conv_transpose2d(&fixed, 2, 1, 0, Activation::Identity).unwrap());
        let y = image
            .clone()
            .conv2d(&tracked, 2, 1, Activation::Identity)
            .unwrap()
            .leave()
            .unwrap()
            .sum_all()
            .unwrap();
        let weight = time(|| {
            gradient.clear();
            y.backward().unwrap()
        });
        println!(
            "{side:3} px {c:3} -> {o:3} x{batch}: forward {:5.0}  transposed {:5.0}  weight {:5.0} GFLOP/s   ({:.2} {:.2} {:.2} ms)",
            flop / forward,
            flop / transposed,
            flop / weight,
            forward * 1e3,
            transposed * 1e3,
            weight * 1e3
        );
    }
}
