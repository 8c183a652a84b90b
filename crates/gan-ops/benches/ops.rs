//! Each op against its reference in plain Candle, at shapes of a GAN of 64x64 images with batches of 64:
//! `cargo bench -p gan-ops`, or `cargo bench -p gan-ops -- batch_norm` for one op.

#![allow(clippy::unwrap_used, missing_docs)] // a bench fails by panicking; criterion's macros make items

use candle_core::{Device, Result, Tensor, Var};
use criterion::{Criterion, criterion_group, criterion_main};
use gan_ops::{Activation, AdamStep, Flow, reference};
use std::hint::black_box;
use std::time::Duration;

/// As in the program: with the system's allocator large buffers cost more in page faults than in work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 64;

fn normal(shape: &[usize]) -> Var {
    let values = gan_rng::Stream::new(0, "bench", 0).normals(shape.iter().product(), 0.0, 1.0);
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Times both implementations forward, and forward and backward together.
fn compare(
    c: &mut Criterion,
    name: &str,
    ours: impl Fn() -> Result<Tensor>,
    reference: impl Fn() -> Result<Tensor>,
) {
    let mut group = c.benchmark_group(name);
    for (who, op) in [("ours", &ours as &dyn Fn() -> Result<Tensor>), ("reference", &reference)] {
        group.bench_function(format!("{who}/forward"), |b| b.iter(|| black_box(op().unwrap())));
        // From a gradient of ones, so that no op of a loss is timed with it.
        group.bench_function(format!("{who}/both"), |b| {
            b.iter(|| black_box(op().unwrap().backward().unwrap()))
        });
    }
}

fn convolutions(c: &mut Criterion) {
    for (channels, maps, side) in [(3, 64, 64), (64, 128, 32), (256, 512, 8)] {
        let (image, weight) = (normal(&[BATCH, channels, side, side]), normal(&[maps, channels, 4, 4]));
        compare(
            c,
            &format!("conv2d {channels}x{side}x{side} to {maps}"),
            || gan_ops::conv2d(&image, &weight, 2, 1),
            || reference::conv2d(&image, &weight, 2, 1),
        );
        let input = normal(&[BATCH, maps, side / 2, side / 2]);
        compare(
            c,
            &format!("conv_transpose2d {maps}x{0}x{0} to {channels}", side / 2),
            || gan_ops::conv_transpose2d(&input, &weight, 2, 1, 0),
            || reference::conv_transpose2d(&input, &weight, 2, 1, 0),
        );
    }
}

fn batch_norm(c: &mut Criterion) {
    for (channels, side) in [(64, 32), (512, 4)] {
        let x = normal(&[BATCH, channels, side, side]);
        let (weight, bias, activation) =
            (normal(&[channels]), normal(&[channels]), Activation::LeakyRelu(0.2));
        compare(
            c,
            &format!("batch_norm2d and leaky_relu {channels}x{side}x{side}"),
            || Ok(gan_ops::batch_norm2d_train(&x, &weight, &bias, 1e-5, activation)?.output),
            || Ok(reference::batch_norm2d_train(&x, &weight, &bias, 1e-5, activation)?.output),
        );
    }
}

fn elementwise(c: &mut Criterion) {
    let x = normal(&[BATCH, 64, 32, 32]);
    compare(c, "leaky_relu", || gan_ops::leaky_relu(&x, 0.2), || reference::leaky_relu(&x, 0.2));
    compare(c, "tanh", || gan_ops::tanh(&x), || x.tanh());
    compare(c, "softplus", || gan_ops::softplus(&x), || reference::softplus(&x));
}

/// With what it costs to enter a flow and to leave it.
fn residual_blocks(c: &mut Criterion) {
    let (x, activation) = (normal(&[BATCH, 64, 32, 32]), Activation::LeakyRelu(0.2));
    let (bias, gamma, beta) = (normal(&[64]), normal(&[BATCH, 64]), normal(&[BATCH, 64]));
    let parameter = bias.as_tensor().into();
    compare(
        c,
        "bias and leaky_relu",
        || Flow::enter(&x)?.add_bias(&parameter, activation)?.leave(),
        || reference::add_bias(&x, &bias, activation),
    );
    compare(
        c,
        "modulation and leaky_relu",
        || Flow::enter(&x)?.modulate(&gamma, &beta, activation)?.leave(),
        || reference::modulate(&x, &gamma, &beta, activation),
    );
    compare(
        c,
        "upsample_nearest2d",
        || gan_ops::upsample_nearest2d(&x, 2),
        || reference::upsample_nearest2d(&x, 2),
    );
    compare(c, "avg_pool2d", || gan_ops::avg_pool2d(&x, 2), || reference::avg_pool2d(&x, 2));
    compare(c, "pixel_shuffle", || gan_ops::pixel_shuffle(&x, 2), || reference::pixel_shuffle(&x, 2));
}

fn adam(c: &mut Criterion) {
    let shape = [512, 256, 4, 4];
    let (parameter, gradient) = (normal(&shape), normal(&shape).as_tensor().detach());
    let (m, v) = (normal(&shape), Var::from_tensor(&gradient.sqr().unwrap()).unwrap());
    let step = AdamStep { lr: 2e-4, beta1: 0.5, beta2: 0.999, eps: 1e-8, step: 10 };
    let mut group = c.benchmark_group("adam");
    group.bench_function("ours", |b| {
        b.iter(|| gan_ops::adam_step(&parameter, &gradient, &m, &v, step).unwrap());
    });
    group.bench_function("reference", |b| {
        b.iter(|| reference::adam_step(&parameter, &gradient, &m, &v, step).unwrap());
    });
}

criterion_group! {
    name = ops;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = convolutions, batch_norm, elementwise, residual_blocks, adam
}
criterion_main!(ops);
