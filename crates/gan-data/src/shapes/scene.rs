//! What a picture shows: the choices that the pixels and the caption both follow from.

use std::f32::consts::TAU;

use gan_rng::Stream;

use super::distance::{Point, Shape};
use super::paint::{self, Paint, Rgb};

/// The words for size, with the square root of the shape's area as a part of the picture's side. Between two words is
/// a gap, so that no picture is half one and half the other.
pub(super) const SIZES: [(&str, f32, f32); 3] =
    [("small", 0.20, 0.23), ("medium", 0.285, 0.32), ("large", 0.385, 0.43)];

/// What a shape keeps free between itself and the frame.
pub(super) const MARGIN: f32 = 0.03;

/// How far from the middle of the picture a shape has to stand to be called left, right, top or bottom.
pub(super) const ASIDE: f32 = 0.08;

/// A picture, in parts of its side: (0, 0) is the upper left corner, (1, 1) the lower right one.
pub(super) struct Scene {
    pub shape: Shape,
    pub paint: Paint,
    pub ground: Paint,
    /// The colour of the shape: its paint, a little lighter or darker.
    pub color: Rgb,
    pub size_word: &'static str,
    /// The square root of the shape's area.
    pub size: f32,
    /// Where the middle of the shape is.
    pub center: Point,
    /// The cosine and sine of the angle by which the shape is turned.
    pub turn: Point,
    /// Towards where the ground changes, and what it is there. A plain ground does not change.
    pub towards: Point,
    pub far_ground: Rgb,
}

impl Scene {
    pub(super) fn choose(stream: &mut Stream) -> Self {
        let shape = Shape::ALL[stream.below(Shape::ALL.len() as u64) as usize];
        let (size_word, least, most) = SIZES[stream.below(SIZES.len() as u64) as usize];
        let size = between(stream, least, most);
        let (paint, ground) = paint::choose(stream);
        let freedom = 0.5 - MARGIN - size * shape.reach();
        let center = (0.5 + between(stream, -freedom, freedom), 0.5 + between(stream, -freedom, freedom));
        let turn = direction(stream);

        // Away from the shape's colour, so that the contrast only grows.
        let [away, near]: [Rgb; 2] = if paint::DARK_GROUNDS.contains(&ground) {
            [[0.0; 3], [255.0; 3]]
        } else {
            [[255.0; 3], [0.0; 3]]
        };
        let towards = direction(stream);
        let change = if stream.chance(0.5) { between(stream, 0.2, 0.5) } else { 0.0 };
        let far_ground = paint::mix(ground.rgb, away, change);
        let color = paint::mix(paint.rgb, near, between(stream, 0.0, 0.12));
        Self { shape, paint, ground, color, size_word, size, center, turn, towards, far_ground }
    }

    /// The picture in words.
    pub(super) fn caption(&self) -> String {
        let Self { size_word, paint, shape, ground, .. } = self;
        let (shape, place) = (shape.name(), self.place_words());
        format!("a {size_word} {} {shape} on a {} background, {place}", paint.name, ground.name)
    }

    fn place_words(&self) -> &'static str {
        let third = |at: f32| usize::from(at > 0.5 - ASIDE) + usize::from(at > 0.5 + ASIDE);
        let words = [
            ["top left", "top", "top right"],
            ["left", "middle", "right"],
            ["bottom left", "bottom", "bottom right"],
        ];
        words[third(self.center.1)][third(self.center.0)]
    }
}

fn between(stream: &mut Stream, low: f32, high: f32) -> f32 {
    stream.uniform_in(low.into(), high.into()) as f32
}

fn direction(stream: &mut Stream) -> Point {
    let angle = between(stream, 0.0, TAU);
    (libm::cosf(angle), libm::sinf(angle))
}
