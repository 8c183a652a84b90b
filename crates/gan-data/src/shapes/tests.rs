use std::collections::HashMap;

use super::paint::{BRIGHT, DARK_GROUNDS, DEEP, PALE_GROUNDS, Paint, Rgb};
use super::scene::{ASIDE, SIZES};
use super::*;

fn image(index: usize, size: usize) -> Vec<u8> {
    Shapes::train(0, size).unwrap().get(index).unwrap().image.pixels
}

/// FNV-1a.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// How well two colours can be told apart, 1 (not at all) to 21, as WCAG 2 defines it. 3 is what it asks of pictures.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f32 {
    let linear = |value: f32| {
        let value = value / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = |[r, g, b]: Rgb| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// A picture beside the words of its caption.
struct Seen {
    side: usize,
    label: u32,
    pixels: Vec<Rgb>,
    size: String,
    paint: Paint,
    shape: String,
    ground: Paint,
    place: String,
}

impl Seen {
    fn new(index: usize, side: usize) -> Self {
        let shapes = Shapes::train(0, side).unwrap();
        let caption = shapes.caption(index).unwrap().unwrap();
        let sample = shapes.get(index).unwrap();
        let (thing, rest) = caption.strip_prefix("a ").unwrap().split_once(" on a ").unwrap();
        let (ground, place) = rest.split_once(" background, ").unwrap();
        let [size, paint, shape] = thing.split(' ').collect::<Vec<_>>()[..] else { panic!("{caption}") };
        let named = |paints: &[Paint], name| paints.iter().copied().find(|paint| paint.name == name);
        let dark = named(&DARK_GROUNDS, ground);
        let paints = if dark.is_some() { &BRIGHT[..] } else { &DEEP };
        Self {
            side,
            label: sample.label.unwrap(),
            pixels: sample.image.pixels.chunks_exact(3).map(|p| [0, 1, 2].map(|i| p[i].into())).collect(),
            size: size.to_owned(),
            paint: named(paints, paint).unwrap(),
            shape: shape.to_owned(),
            ground: dark.or(named(&PALE_GROUNDS, ground)).unwrap(),
            place: place.to_owned(),
        }
    }

    /// How far pixel `i` is from the ground's colour towards the shape's: about 1 inside the shape, 0 or less outside.
    fn inside(&self, i: usize) -> f32 {
        let along = |color: Rgb| -> f32 {
            (0..3).map(|c| (color[c] - self.ground.rgb[c]) * (self.paint.rgb[c] - self.ground.rgb[c])).sum()
        };
        along(self.pixels[i]) / along(self.paint.rgb)
    }

    /// The mean colour of the pixels that pass.
    fn mean(&self, pass: impl Fn(usize) -> bool) -> Rgb {
        let passed: Vec<_> = (0..self.pixels.len()).filter(|&i| pass(i)).collect();
        [0, 1, 2].map(|c| passed.iter().map(|&i| self.pixels[i][c]).sum::<f32>() / passed.len() as f32)
    }

    /// How much of pixel `i` the shape covers.
    fn covered(&self, i: usize) -> f32 {
        self.inside(i).clamp(0.0, 1.0)
    }

    /// The shape's area, as a part of the picture's, and its centroid, in parts of the side.
    fn measure(&self) -> (f32, (f32, f32)) {
        let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
        for i in 0..self.pixels.len() {
            sum += self.covered(i);
            x += self.covered(i) * ((i % self.side) as f32 + 0.5);
            y += self.covered(i) * ((i / self.side) as f32 + 0.5);
        }
        let side = self.side as f32;
        (sum / (side * side), (x / sum / side, y / sum / side))
    }
}

/// The name of the paint most like a colour.
fn nearest(color: Rgb, paints: &[Paint]) -> &'static str {
    let apart = |paint: &&Paint| (0..3).map(|c| (paint.rgb[c] - color[c]).powi(2)).sum::<f32>();
    paints.iter().min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap().name
}

/// A change here changes the data of every run on the shapes.
#[test]
fn the_shapes_never_change() {
    let hashes = [16, 32, 64].map(|size| hash((0..100).flat_map(|index| image(index, size))));
    assert_eq!(hashes, [1108209518584224277, 3021851719176622766, 3726076702773463804]);
    let shapes = Shapes::train(0, 32).unwrap();
    let captions = hash((0..100).flat_map(|index| shapes.caption(index).unwrap().unwrap().into_bytes()));
    assert_eq!(captions, 12469411086408759899);
}

#[test]
fn an_image_follows_from_seed_split_and_index() {
    let drawn = |shapes: Result<Shapes>, index| {
        let shapes = shapes.unwrap();
        (shapes.get(index).unwrap(), shapes.caption(index).unwrap())
    };
    let reference = drawn(Shapes::train(0, 32), 5);
    assert_eq!(reference, drawn(Shapes::train(0, 32), 5));
    for other in
        [drawn(Shapes::train(1, 32), 5), drawn(Shapes::train(0, 32), 6), drawn(Shapes::test(0, 32), 5)]
    {
        assert_ne!(reference.0.image, other.0.image);
    }
}

#[test]
fn the_size_changes_the_pixels_and_not_what_they_show() {
    for index in 0..20 {
        // Averaged over blocks of 2x2, the picture at 64 pixels is nearly the picture at 32.
        let (large, small) = (image(index, 64), image(index, 32));
        let mut difference = 0;
        for (i, &value) in small.iter().enumerate() {
            let (pixel, channel) = (i / 3, i % 3);
            let corner = (pixel / 32 * 128 + pixel % 32 * 2) * 3 + channel;
            let block = [0, 3, 192, 195].map(|offset| i32::from(large[corner + offset]));
            difference += (block.iter().sum::<i32>() / 4 - i32::from(value)).abs();
        }
        let mean = f64::from(difference) / small.len() as f64;
        assert!(mean < 1.5, "image {index}: the mean difference is {mean} levels");
        let caption = |size| Shapes::train(0, size).unwrap().caption(index).unwrap();
        assert_eq!(caption(16), caption(300));
    }
}

#[test]
fn every_word_is_as_frequent_as_those_in_its_place() {
    let shapes = Shapes::test(0, 16).unwrap();
    assert_eq!(shapes.class_names(), ["circle", "square", "triangle", "star"]);
    let mut labels = [0; 4];
    let mut words = HashMap::<String, usize>::new();
    for index in 0..4_000 {
        labels[shapes.get(index).unwrap().label.unwrap() as usize] += 1;
        let caption = shapes.caption(index).unwrap().unwrap();
        let (thing, place) = caption.split_once(" background, ").unwrap();
        let (thing, ground) = thing.split_once(" on a ").unwrap();
        let words_of_thing = thing.split(' ').skip(1).map(str::to_owned);
        for word in words_of_thing.chain([format!("on {ground}"), format!("at {place}")]) {
            *words.entry(word).or_default() += 1;
        }
    }
    assert!(labels.iter().all(|count| (900..1_100).contains(count)), "{labels:?}");
    for size in SIZES.map(|(word, ..)| word) {
        assert!((1_230..1_440).contains(&words[size]), "{size}: {}", words[size]);
    }
    for ground in DARK_GROUNDS.iter().chain(&PALE_GROUNDS) {
        assert!((270..400).contains(&words[&format!("on {}", ground.name)]), "{}", ground.name);
    }
    let places: Vec<_> = words.iter().filter(|(word, _)| word.starts_with("at ")).collect();
    assert!(places.len() == 9 && places.iter().all(|&(_, &count)| count > 250), "{places:?}");
}

#[test]
fn the_caption_is_true_of_the_picture() {
    for index in 0..600 {
        let seen = Seen::new(index, 64);
        assert_eq!(seen.shape, Shape::ALL[seen.label as usize].name());

        let (area, center) = seen.measure();
        let (_, least, most) = SIZES.into_iter().find(|(word, ..)| *word == seen.size).unwrap();
        let size = area.sqrt();
        assert!((least - 0.01..most + 0.01).contains(&size), "image {index}: {size} is not {}", seen.size);

        let word = |at: f32, low: &'static str, high: &'static str| match at - 0.5 {
            away if away < -ASIDE => low,
            away if away > ASIDE => high,
            _ => "",
        };
        let words = [word(center.1, "top", "bottom"), word(center.0, "left", "right")].concat();
        let place = if words.is_empty() { "middle".to_owned() } else { words };
        // At the limit a part of a pixel decides.
        let at_limit = [center.0, center.1].iter().any(|at| ((at - 0.5).abs() - ASIDE).abs() < 0.01);
        assert!(
            at_limit || place == seen.place.replace(' ', ""),
            "image {index} at {center:?}: {}",
            seen.place
        );

        let color = seen.mean(|i| seen.inside(i) > 0.9);
        let paints = if DARK_GROUNDS.contains(&seen.ground) { &BRIGHT[..] } else { &DEEP };
        assert_eq!(nearest(color, paints), seen.paint.name, "image {index}: {color:?}");
        let ground = seen.mean(|i| seen.inside(i) < 0.05);
        let grounds = [DARK_GROUNDS, PALE_GROUNDS].concat();
        assert_eq!(nearest(ground, &grounds), seen.ground.name, "image {index}: {ground:?}");
    }
}

#[test]
fn shapes_stand_inside_the_frame_and_out_from_the_ground() {
    for (index, side) in (0..300).map(|index| (index, [28, 32, 45][index % 3])) {
        let seen = Seen::new(index, side);
        let border = (0..side).flat_map(|i| [i, side * (side - 1) + i, side * i, side * i + side - 1]);
        for i in border {
            assert!(seen.inside(i) < 0.25, "image {index} at {side} is cut off");
        }
        let color = seen.mean(|i| seen.inside(i) > 0.9);
        let ground = (0..side * side).filter(|&i| seen.inside(i) < 0.01);
        let least = ground.map(|i| contrast(color, seen.pixels[i])).fold(f32::MAX, f32::min);
        assert!(least >= 3.0, "image {index} at {side}: the contrast is {least}");
    }
}

/// Lays every shape at every turn over what is seen: a stand-in for a person who looks at it.
#[test]
fn shapes_can_be_told_apart() {
    let misfit = |seen: &Seen, shape: Shape, turn: usize| {
        let (area, center) = seen.measure();
        let (size, side) = (area.sqrt(), seen.side as f32);
        let (sin, cos) = (turn as f32 * 5.0).to_radians().sin_cos();
        let wrong = |i: usize| {
            let x = ((i % seen.side) as f32 + 0.5) / side - center.0;
            let y = ((i / seen.side) as f32 + 0.5) / side - center.1;
            let distance = shape.distance(((cos * x + sin * y) / size, (cos * y - sin * x) / size));
            ((0.5 - distance * size * side).clamp(0.0, 1.0) - seen.covered(i)).abs()
        };
        (0..seen.pixels.len()).map(wrong).sum::<f32>()
    };
    for (side, least) in [(16, 190), (32, 200)] {
        let mut right = 0;
        for seen in (0..200).map(|index| Seen::new(index, side)) {
            // A whole turn of the triangle, and more than one of the square and the star.
            let tries = Shape::ALL.into_iter().flat_map(|shape| (0..24).map(move |turn| (shape, turn)));
            let found = tries.map(|(shape, turn)| (misfit(&seen, shape, turn), shape));
            let (_, shape) = found.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            right += usize::from(shape as u32 == seen.label);
        }
        assert!(right >= least, "{right} of 200 at {side} pixels");
    }
}

#[test]
fn a_size_too_small_to_see_or_too_large_to_hold_is_an_error() {
    for size in [0, 15, MAX_SIDE + 1, usize::MAX] {
        assert!(matches!(Shapes::train(0, size), Err(Error::ImageSize { .. })));
    }
    let shapes = Shapes::test(0, 16).unwrap();
    assert!(matches!(shapes.get(10_000), Err(Error::OutOfRange { .. })));
    assert!(matches!(shapes.caption(10_000), Err(Error::OutOfRange { .. })));
}
