//! The same parts as torchvision takes, and every one as likely as it should be.

use std::collections::HashMap;

use super::*;
use crate::Filter;
use crate::resize::resize;
use crate::transforms::tests::{difference, fixture, fixture_text};

/// Every pixel has its own value, none is 0.
fn numbered(width: usize, height: usize) -> Image {
    Image { width, height, channels: 1, pixels: (1..=(width * height) as u8).collect() }
}

#[test]
fn a_part_takes_the_middle_and_pads_what_is_missing() {
    let middle = |height, width| centered(numbered(5, 3), height, width).pixels;
    assert_eq!(middle(1, 3), [7, 8, 9]);
    // 5 - 2 = 3 spare columns: 1.5 rounds to the even 2.
    assert_eq!(middle(3, 2), [3, 4, 8, 9, 13, 14]);
    // 5 - 4 = 1 spare column: 0.5 rounds to the even 0.
    assert_eq!(middle(1, 4), [6, 7, 8, 9]);
    // One row missing: it goes below.
    assert_eq!(middle(4, 1), [3, 8, 13, 0]);
}

#[test]
fn padded_parts_agree_exactly() {
    for (top, left, height, width, padding) in [
        (0, 0, 20, 21, 4),
        (41, 24, 20, 21, 4),
        (3, 17, 20, 21, 4),
        (20, 11, 20, 21, 0),
        (2, 3, 60, 45, 8),
        (0, 60, 9, 10, 40), // nothing of the image is in it
    ] {
        let name = format!("random_crop_{height}x{width}_padding_{padding}_at_{top}_{left}");
        let part = Part { top: top - padding, left: left - padding, height, width };
        assert_eq!(crop(fixture("input"), part), fixture(&name), "{name}");
    }
}

#[test]
fn resized_parts_agree_to_one_level() {
    for (filter, word) in [(Filter::Bilinear, "bilinear"), (Filter::Bicubic, "bicubic")] {
        for (top, left, height, width) in
            [(0, 0, 53, 37), (5, 7, 20, 13), (30, 2, 3, 35), (50, 34, 3, 3), (12, 36, 41, 1)]
        {
            let name = format!("resized_crop_{word}_{height}x{width}_at_{top}_{left}");
            let part = crop(fixture("input"), Part { top, left, height, width });
            let difference = difference(&resize(part, 24, 19, filter).unwrap(), &fixture(&name));
            assert!(difference <= 1, "{name} differs by {difference}");
        }
    }
}

#[test]
fn every_position_of_a_padded_crop_is_as_likely() {
    const DRAWS: usize = 24_000;
    let mut rng = Stream::new(0, "crop", 0);
    let mut counts = HashMap::new();
    for _ in 0..DRAWS {
        *counts.entry(random(numbered(5, 3), 2, 2, 1, &mut rng).pixels).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 24); // 4 rows of 6 columns
    // 1000 each, with a standard deviation of 31.
    assert!(counts.values().all(|count| (845..1155).contains(count)), "{:?}", counts.values());
}

#[test]
fn where_no_random_part_fits_the_middle_is_torchvisions() {
    for line in fixture_text("central_parts.txt").lines() {
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let [height, width, low, high, top, left, rows, columns] = numbers[..] else { panic!("{line}") };
        let mut rng = Stream::new(0, "crop", 0);
        let part = random_part(height as usize, width as usize, (100.0, 100.0), (low, high), &mut rng);
        let expected =
            Part { top: top as isize, left: left as isize, height: rows as usize, width: columns as usize };
        assert_eq!(part, expected, "{line}");
    }
}

#[test]
fn random_parts_have_the_areas_shapes_and_places_asked_for() {
    const DRAWS: usize = 20_000;
    let (side, scale, ratio) = (400, (0.2, 0.5), (0.5, 2.0)); // every part fits
    let mut rng = Stream::new(0, "crop", 0);
    let parts: Vec<Part> = (0..DRAWS).map(|_| random_part(side, side, scale, ratio, &mut rng)).collect();
    let mean = |value: &dyn Fn(&Part) -> f64| parts.iter().map(value).sum::<f64>() / DRAWS as f64;

    let area = |part: &Part| (part.height * part.width) as f64 / (side * side) as f64;
    let shape = |part: &Part| (part.width as f64 / part.height as f64).log2();
    // Sides are rounded to pixels: up to half of one of some 130.
    assert!(parts.iter().all(|part| area(part) > 0.198 && area(part) < 0.505));
    assert!(parts.iter().all(|part| shape(part).abs() < 1.01));
    // Five standard errors of uniform distributions of widths 0.3 and 2, as areas and log2 of shapes are.
    assert!((mean(&area) - 0.35).abs() < 0.0031, "{}", mean(&area));
    assert!(mean(&shape).abs() < 0.021, "{}", mean(&shape));

    // Where they lie between the edges, from 0 to 1.
    let place = |part: &Part| part.top as f64 / (side - part.height) as f64;
    assert!((mean(&place) - 0.5).abs() < 0.0103, "{}", mean(&place));
    assert!(parts.iter().any(|part| part.top == 0) && parts.iter().any(|part| part.left == 0));
    assert!(parts.iter().any(|part| part.top as usize + part.height == side));
    assert!(parts.iter().all(|part| part.left as usize + part.width <= side));
}

#[test]
fn a_flip_keeps_the_channels_of_a_pixel_together() {
    let mut image = Image { width: 3, height: 1, channels: 3, pixels: vec![1, 2, 3, 4, 5, 6, 7, 8, 9] };
    flip(&mut image);
    assert_eq!(image.pixels, [7, 8, 9, 4, 5, 6, 1, 2, 3]);
}
