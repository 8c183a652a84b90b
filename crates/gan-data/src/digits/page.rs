//! From a glyph to the page: the writer's slant, tremor and pressure, and where on the page the digit stands.

use std::f32::consts::TAU;

use super::glyphs::{Point, Stroke};
use super::hand::Hand;

/// Where the pen is on the page, in pixels, and how wide it writes there.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    pub x: f32,
    pub y: f32,
    /// Half the width of the line, in pixels.
    pub radius: f32,
}

/// Brings a glyph onto a page of `size` x `size` pixels.
pub(super) fn place(mut glyph: Vec<Stroke>, size: f32, hand: &mut Hand) -> Vec<Vec<Dot>> {
    let tremor = [Wave::new(hand), Wave::new(hand)];
    let lean = Lean::new(hand);
    for point in glyph.iter_mut().flatten() {
        let (x, y) = *point;
        let shift =
            |way: fn(&Wave, f32) -> f32| tremor.iter().map(|wave| way(wave, wave.at(x, y))).sum::<f32>();
        *point = lean
            .apply((x + shift(|wave, height| wave.dx * height), y + shift(|wave, height| wave.dy * height)));
    }

    let (left, right) = range(glyph.iter().flatten().map(|point| point.0));
    let (top, bottom) = range(glyph.iter().flatten().map(|point| point.1));
    let radius = size * hand.normal(0.047, 0.009);
    // Like MNIST: the digit takes about 70% of the height, however wide it is; the pen's width is part of it.
    let height = size * hand.between(0.66, 0.78) - 2.0 * radius;
    let width = size * 0.76 - 2.0 * radius;
    let scale = (height / (bottom - top)).min(width / (right - left).max(0.01));
    let center = (size * hand.around(0.5, 0.04), size * hand.around(0.5, 0.04));

    let pressure = Wave::new(hand);
    let dot = |(x, y): Point| Dot {
        x: center.0 + (x - (left + right) / 2.0) * scale,
        y: center.1 + (y - (top + bottom) / 2.0) * scale,
        radius: radius * (1.0 + 0.2 * pressure.at(x, y)),
    };
    glyph.into_iter().map(|stroke| stroke.into_iter().map(dot).collect()).collect()
}

/// A slow wave over the glyph: what lies together moves together, so that strokes stay joined.
struct Wave {
    across: f32,
    down: f32,
    phase: f32,
    dx: f32,
    dy: f32,
}

impl Wave {
    fn new(hand: &mut Hand) -> Self {
        Self {
            across: TAU * hand.around(0.0, 1.2),
            down: TAU * hand.around(0.0, 1.2),
            phase: hand.between(0.0, TAU),
            dx: hand.around(0.0, 0.05),
            dy: hand.around(0.0, 0.05),
        }
    }

    /// Its height at a point, from -1 to 1.
    fn at(&self, x: f32, y: f32) -> f32 {
        libm::sinf(self.across * x + self.down * y + self.phase)
    }
}

/// Slant, turn and proportion as one matrix.
struct Lean {
    x: Point,
    y: Point,
}

impl Lean {
    fn new(hand: &mut Hand) -> Self {
        let slant = hand.normal(0.14, 0.17); // most people lean to the right
        let turn = hand.normal(0.0, 0.07);
        let proportion = hand.between(0.82, 1.2);
        let (sin, cos) = (libm::sinf(turn), libm::cosf(turn));
        // First widen and slant, x' = proportion * x - slant * y, then turn.
        Self { x: (cos * proportion, -cos * slant - sin), y: (sin * proportion, cos - sin * slant) }
    }

    fn apply(&self, (x, y): Point) -> Point {
        (self.x.0 * x + self.x.1 * y, self.y.0 * x + self.y.1 * y)
    }
}

fn range(values: impl Iterator<Item = f32>) -> (f32, f32) {
    values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)))
}
