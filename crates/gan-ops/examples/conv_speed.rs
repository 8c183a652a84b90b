//! GFLOP/s of convolutions.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
use candle_core::{DType, Device, Tensor, Var};
use std::time::Instant;

fn var(shape: &[usize]) -> Var {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap())
        .unwrap()
}

fn time<R>(mut f: impl FnMut() -> R) -> f64 {
    let mut best = f64::MAX;
    let start = Instant::now();
    let mut n = 0;
    while n < 3 || start.elapsed().as_secs_f64() < 0.4 {
        let t = Instant::now();
        std::hint::black_box(f());
        best = best.min(t.elapsed().as_secs_f64());
        n += 1;
    }
    best
}

fn main() {
    let threads: usize = std::env::args().nth(1).map_or(2, |t| t.parse().unwrap());
    gan_ops::set_threads(threads);
    let only: Option<usize> = std::env::args().nth(2).map(|t| t.parse().unwrap());
    // image side, image channels, map channels, batch
    for (i, (side, c, o, batch)) in [
        (64, 3, 64, 64),
        (32, 64, 128, 64),
        (16, 128, 256, 64),
        (8, 256, 512, 64),
        (32, 1, 64, 64),
        (16, 64, 128, 64),
        (32, 3, 16, 100),
        (16, 16, 32, 100),
        (8, 32, 64, 100),
    ]
    .into_iter()
    .enumerate()
    {
        if only.is_some_and(|only| only != i) {
            continue;
        }
        let (image, maps, w) =
            (var(&[batch, c, side, side]), var(&[batch, o, side / 2, side / 2]), var(&[o, c, 4, 4]));
        let flop = 2.0 * (batch * c * o * 16 * side * side / 4) as f64 / 1e9;
        let forward = time(|| gan_ops::conv2d(&image, &w, 2, 1).unwrap());
        let transposed = time(|| gan_ops::conv_transpose2d(&maps, &w, 2, 1, 0).unwrap());
        let y = gan_ops::conv2d(&image.as_tensor().detach(), &w, 2, 1).unwrap().sum_all().unwrap();
        let weight = time(|| y.backward().unwrap());
        println!(
            "{side:3} {c:3} -> {o:3} x{batch}: forward {:6.1}  dX {:6.1}  dW {:6.1} GFLOP/s   ({:.2} {:.2} {:.2} ms)",
            flop / forward,
            flop / transposed,
            flop / weight,
            forward * 1e3,
            transposed * 1e3,
            weight * 1e3
        );
    }
}
