//! Colours with names, and which of them go together.

use gan_rng::Stream;

/// Red, green and blue in sRGB, 0 to 255.
pub(super) type Rgb = [f32; 3];

/// A colour and what people call it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paint {
    pub name: &'static str,
    pub rgb: Rgb,
}

const fn paint(name: &'static str, rgb: Rgb) -> Paint {
    Paint { name, rgb }
}

/// What shines on a dark ground.
pub(super) const BRIGHT: [Paint; 7] = [
    paint("red", [238.0, 72.0, 62.0]),
    paint("orange", [247.0, 146.0, 44.0]),
    paint("yellow", [250.0, 216.0, 62.0]),
    paint("green", [92.0, 202.0, 92.0]),
    paint("blue", [84.0, 148.0, 246.0]),
    paint("pink", [246.0, 142.0, 190.0]),
    paint("white", [246.0, 245.0, 240.0]),
];

/// What stands out from a pale ground.
pub(super) const DEEP: [Paint; 6] = [
    paint("red", [206.0, 36.0, 44.0]),
    paint("green", [28.0, 126.0, 62.0]),
    paint("blue", [38.0, 82.0, 196.0]),
    paint("purple", [122.0, 50.0, 158.0]),
    paint("brown", [120.0, 70.0, 34.0]),
    paint("black", [30.0, 30.0, 36.0]),
];

pub(super) const DARK_GROUNDS: [Paint; 6] = [
    paint("black", [16.0, 16.0, 20.0]),
    paint("dark gray", [48.0, 50.0, 56.0]),
    paint("dark blue", [22.0, 34.0, 92.0]),
    paint("dark green", [12.0, 62.0, 42.0]),
    paint("dark purple", [60.0, 26.0, 88.0]),
    paint("dark red", [88.0, 18.0, 30.0]),
];

pub(super) const PALE_GROUNDS: [Paint; 6] = [
    paint("white", [246.0, 246.0, 244.0]),
    paint("light gray", [206.0, 208.0, 213.0]),
    paint("light blue", [178.0, 214.0, 244.0]),
    paint("light green", [190.0, 230.0, 184.0]),
    paint("light yellow", [250.0, 236.0, 178.0]),
    paint("light pink", [250.0, 204.0, 218.0]),
];

/// A colour for the shape and one for the ground that go together.
pub(super) fn choose(stream: &mut Stream) -> (Paint, Paint) {
    let mut one_of = |paints: &[Paint]| paints[stream.below(paints.len() as u64) as usize];
    // A ground first: as many dark pictures as pale ones.
    let ground = one_of(&[DARK_GROUNDS, PALE_GROUNDS].concat());
    let shape = if DARK_GROUNDS.contains(&ground) { one_of(&BRIGHT) } else { one_of(&DEEP) };
    (shape, ground)
}

/// A colour some way, 0 to 1, towards another.
pub(super) fn mix(from: Rgb, to: Rgb, way: f32) -> Rgb {
    [0, 1, 2].map(|i| from[i] + (to[i] - from[i]) * way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::tests::contrast;

    #[test]
    fn every_shape_stands_out_from_every_ground_it_may_get() {
        for (shapes, grounds) in [(&BRIGHT[..], &DARK_GROUNDS), (&DEEP[..], &PALE_GROUNDS)] {
            for (shape, ground) in shapes.iter().flat_map(|shape| grounds.iter().map(move |g| (shape, g))) {
                let ratio = contrast(shape.rgb, ground.rgb);
                assert!(ratio >= 3.0, "{} on {}: {ratio:.2}", shape.name, ground.name);
            }
        }
    }
}
