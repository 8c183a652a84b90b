//! The same colours as torchvision's.

use super::*;
use crate::transforms::jitter::Adjustment;
use crate::transforms::tests::{difference, fixture};

fn adjusted(input: &str, adjustments: &[Adjustment]) -> Image {
    let mut image = fixture(input);
    adjustments.iter().for_each(|adjustment| adjustment.apply(&mut image));
    image
}

/// Without `assert_eq`'s thousands of numbers.
fn assert_same(found: &Image, expected: &str) {
    let difference = difference(found, &fixture(expected));
    assert_eq!(difference, 0, "{expected} differs");
}

#[test]
fn each_adjustment_agrees_exactly() {
    for (name, adjustment) in [
        ("brightness", Adjustment::Brightness as fn(f32) -> Adjustment),
        ("contrast", Adjustment::Contrast),
        ("saturation", Adjustment::Saturation),
    ] {
        for factor in [0.0, 0.5, 1.7] {
            assert_same(&adjusted("input", &[adjustment(factor)]), &format!("{name}_{factor:.1}"));
        }
        assert_same(&adjusted("gray", &[adjustment(1.7)]), &format!("{name}_gray_1.7"));
    }
    for turns in [-0.5, -0.1, 0.0, 0.1, 0.5] {
        assert_same(&adjusted("input", &[Adjustment::Hue(turns)]), &format!("hue_{turns:.1}"));
    }
}

#[test]
fn adjustments_in_an_order_agree_exactly() {
    use Adjustment::{Brightness, Contrast, Hue, Saturation};
    let first = [Saturation(1.4), Brightness(0.7), Hue(0.07), Contrast(1.3)];
    assert_same(&adjusted("input", &first), "jitter_0");
    let second = [Hue(-0.21), Contrast(0.6), Saturation(0.3), Brightness(1.5)];
    assert_same(&adjusted("input", &second), "jitter_1");
}

#[test]
fn gray_has_neither_saturation_nor_hue() {
    let changed = adjusted("gray", &[Adjustment::Saturation(0.3), Adjustment::Hue(0.4)]);
    assert_eq!(changed, fixture("gray"));
}

#[test]
fn alpha_stays_and_does_not_weigh() {
    let adjustments = [
        Adjustment::Brightness(1.4),
        Adjustment::Contrast(0.6),
        Adjustment::Saturation(2.0),
        Adjustment::Hue(0.2),
    ];
    let transparent = fixture("input_alpha");
    let alpha = |image: &Image| image.pixels.chunks_exact(4).map(|pixel| pixel[3]).collect::<Vec<u8>>();
    let changed = adjusted("input_alpha", &adjustments);
    assert_eq!(alpha(&changed), alpha(&transparent));

    let mut opaque = crate::transforms::channels::convert(transparent, 3);
    adjustments.iter().for_each(|adjustment| adjustment.apply(&mut opaque));
    assert_eq!(crate::transforms::channels::convert(changed, 3), opaque);
}
