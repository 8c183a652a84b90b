//! AMX against the kernels for all CPUs, in f64, over odd shapes. Where there is no AMX, those kernels in f32.

use super::{F32_PARTS, correlation, weight_gradient};
use crate::amx::{available, numbers};
use crate::conv::geometry::Geometry;
use crate::conv::plan::Plan;
use crate::conv::{self, Epilogue, Finish};
use crate::packed::Weight;
use crate::simd::arch;
use proptest::prelude::*;
use pulp::Arch;
use std::sync::Once;

/// Sums of up to 130 x 25 products, added up in f32.
const NOISE: f64 = 4e-6;

/// What is multiplied in `PARTS` parts, in f64.
fn factors<const PARTS: usize>(x: &[f32]) -> Vec<f64> {
    let round = |x: f32| match PARTS {
        1 => f32::from_bits((x.to_bits() + 0x7fff + (x.to_bits() >> 16 & 1)) & 0xffff_0000),
        _ => x,
    };
    x.iter().map(|&x| f64::from(round(x))).collect()
}

fn expect_near(what: &str, ours: &[f32], exact: &[f64]) {
    let largest = exact.iter().fold(0.1, |largest: f64, x| largest.max(x.abs()));
    assert_eq!(ours.len(), exact.len());
    for (i, (&ours, &exact)) in ours.iter().zip(exact).enumerate() {
        let difference = (f64::from(ours) - exact).abs() / largest;
        assert!(difference < NOISE, "{what}: {i} is {ours}, not {exact}");
    }
}

fn check_plan<const PARTS: usize>(plan: &Plan, source: &[f32], weight: &[f32]) {
    let Arch::V4(simd) = arch() else { return };
    let images = source.len() / (plan.source_channels * plan.source.height * plan.source.width);
    let (exact, _) = conv::correlation::run(
        plan,
        &factors::<PARTS>(source),
        Weight::passing(&factors::<PARTS>(weight)),
        Finish::NONE,
    );
    let mut out = vec![f32::NAN; images * plan.out_len()];
    let mut moments = vec![(f64::NAN, f64::NAN); images * plan.out_channels];
    correlation::run::<PARTS>(simd, plan, source, weight, Epilogue::Moments, &mut out, &mut moments);
    expect_near("sums", &out, &exact);
    let plane = plan.out_h * plan.out_w;
    for ((mean, var), plane) in moments.iter().zip(out.chunks(plane)) {
        let wide = || plane.iter().map(|&x| f64::from(x));
        let count = plane.len() as f64;
        let expected = wide().sum::<f64>() / count;
        assert!((mean - expected).abs() < 1e-5 * (1.0 + expected.abs()));
        let expected = wide().map(|x| (x - expected).powi(2)).sum::<f64>() / count;
        assert!((var - expected).abs() < 1e-5 * (1.0 + expected));
    }
}

/// Whether AMX can be tested; says once if not.
fn has_amx() -> bool {
    static SAID: Once = Once::new();
    if !available() {
        SAID.call_once(|| {
            eprintln!("skipped: this CPU has no AMX. Tested in its place: the kernels for all CPUs, in f32.");
        });
    }
    available()
}

/// AMX, in f32 and in bf16; or else the kernels for all CPUs.
fn check_all(g: &Geometry, amx: bool) {
    if amx {
        check::<F32_PARTS>(g);
        check::<1>(g);
    } else {
        check_others(g);
    }
}

fn check_others(g: &Geometry) {
    let (image, maps) = (numbers(g.batch * g.image_len(), 1), numbers(g.batch * g.map_len(), 2));
    let weight = numbers(g.map_channels * g.taps(), 3);
    let wide = factors::<F32_PARTS>;
    for (plan, source) in [(Plan::correlate(g), &image), (Plan::scatter(g), &maps)] {
        let (exact, _) =
            conv::correlation::run(&plan, &wide(source), Weight::passing(&wide(&weight)), Finish::NONE);
        let (ours, _) = conv::correlation::run(&plan, source, Weight::passing(&weight), Finish::NONE);
        expect_near("sums", &ours, &exact);
    }
    let mut exact = vec![0.0; weight.len()];
    conv::weight_gradient::run(g, &wide(&image), &wide(&maps), &mut exact, false);
    let mut gradient = vec![f32::NAN; weight.len()];
    conv::weight_gradient::run(g, &image, &maps, &mut gradient, false);
    expect_near("gradient", &gradient, &exact);
}

fn check<const PARTS: usize>(g: &Geometry) {
    let Arch::V4(simd) = arch() else { return };
    let (image, maps) = (numbers(g.batch * g.image_len(), 1), numbers(g.batch * g.map_len(), 2));
    let weight = numbers(g.map_channels * g.taps(), 3);
    check_plan::<PARTS>(&Plan::correlate(g), &image, &weight);
    check_plan::<PARTS>(&Plan::scatter(g), &maps, &weight);

    let mut exact = vec![0.0; weight.len()];
    conv::weight_gradient::run(g, &factors::<PARTS>(&image), &factors::<PARTS>(&maps), &mut exact, false);
    let mut gradient = vec![f32::NAN; weight.len()];
    weight_gradient::run::<PARTS>(simd, g, &image, &maps, &mut gradient, false);
    expect_near("gradient", &gradient, &exact);
    weight_gradient::run::<PARTS>(simd, g, &image, &maps, &mut gradient, true);
    let twice: Vec<f64> = exact.iter().map(|x| 2.0 * x).collect();
    expect_near("gradient, added", &gradient, &twice);
}

fn channels() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![
        4 => (1usize..40, 1usize..40),
        1 => (1usize..=130, 1usize..8),
        1 => (1usize..8, 1usize..=130),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn amx_is_the_same_in_f64(
        batch in 1usize..40, (c, o) in channels(), h in 1usize..=17, w in 1usize..=31,
        kh in 1usize..=5, kw in 1usize..=5, stride in 1usize..=3, padding in 0usize..=3,
    ) {
        prop_assume!(kh <= h + 2 * padding && kw <= w + 2 * padding);
        let g = Geometry::of_conv((batch, c, h, w), (o, c, kh, kw), stride, padding).unwrap();
        check_all(&g, has_amx());
    }
}

#[test]
fn layers_of_a_dcgan_are_the_same_in_f64() {
    let amx = has_amx();
    for (side, c, o, batch) in [(32, 40, 70, 3), (16, 64, 32, 5), (8, 70, 64, 9), (4, 32, 33, 33)] {
        let g = Geometry::of_conv((batch, c, side, side), (o, c, 4, 4), 2, 1).unwrap();
        check_all(&g, amx);
    }
}
