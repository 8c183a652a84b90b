//! How far a point is from the edge of a shape.
//!
//! Each shape stands around the origin and has an area of 1. The distance is negative inside (a signed distance
//! function). Triangle and star fold the plane onto one of their edges, after Inigo Quilez,
//! <https://iquilezles.org/articles/distfunctions2d/>.

/// x to the right, y down.
pub(super) type Point = (f32, f32);

/// The classes, in the order of their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Star,
}

impl Shape {
    pub(super) const ALL: [Self; 4] = [Self::Circle, Self::Square, Self::Triangle, Self::Star];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Star => "star",
        }
    }

    /// How far the shape reaches from the origin.
    pub(super) fn reach(self) -> f32 {
        match self {
            Self::Circle => CIRCLE_RADIUS,
            Self::Square => 0.5 * std::f32::consts::SQRT_2,
            Self::Triangle => TRIANGLE_SIDE / SQRT_3,
            Self::Star => STAR_RADIUS,
        }
    }

    /// The distance of a point from the edge, negative inside.
    pub(super) fn distance(self, point: Point) -> f32 {
        match self {
            Self::Circle => length(point) - CIRCLE_RADIUS,
            Self::Square => square(point),
            Self::Triangle => triangle(point),
            Self::Star => star(point),
        }
    }
}

const SQRT_3: f32 = 1.732_050_8;
const CIRCLE_RADIUS: f32 = 0.564_189_6; // sqrt(1 / pi)
const TRIANGLE_SIDE: f32 = 1.519_671_4; // sqrt(4 / sqrt(3))

/// How far the inner corners of the star lie from its middle, as a part of what the tips do.
const STAR_WAIST: f32 = 0.45;
const STAR_RADIUS: f32 = 0.869_579_3; // sqrt(1 / (5 * STAR_WAIST * sin(36 degrees)))
const SIN_36: f32 = 0.587_785_3;
const COS_36: f32 = 0.809_017;

fn square((x, y): Point) -> f32 {
    let (x, y) = (x.abs() - 0.5, y.abs() - 0.5);
    length((x.max(0.0), y.max(0.0))) + x.max(y).min(0.0)
}

/// All sides equal, a tip at the top.
fn triangle((x, y): Point) -> f32 {
    let half = TRIANGLE_SIDE / 2.0;
    let (mut x, mut y) = (x.abs() - half, half / SQRT_3 - y);
    if x + SQRT_3 * y > 0.0 {
        (x, y) = ((x - SQRT_3 * y) / 2.0, (-SQRT_3 * x - y) / 2.0);
    }
    x -= x.clamp(-TRIANGLE_SIDE, 0.0);
    if y < 0.0 { length((x, y)) } else { -length((x, y)) }
}

/// Five tips, one at the top.
fn star((x, y): Point) -> f32 {
    // Mirrored until the point lies beside the edge that runs from the upper tip to the right.
    let (mut x, mut y) = (x.abs(), -y);
    for side in [1.0, -1.0] {
        let beyond = 2.0 * (side * COS_36 * x - SIN_36 * y).max(0.0);
        (x, y) = (x - beyond * side * COS_36, y + beyond * SIN_36);
    }
    (x, y) = (x.abs(), y - STAR_RADIUS);
    let edge = (STAR_WAIST * SIN_36 * STAR_RADIUS, (STAR_WAIST * COS_36 - 1.0) * STAR_RADIUS);
    let way = ((x * edge.0 + y * edge.1) / (edge.0 * edge.0 + edge.1 * edge.1)).clamp(0.0, 1.0);
    let away = length((x - edge.0 * way, y - edge.1 * way));
    if y * edge.0 > x * edge.1 { away } else { -away }
}

fn length((x, y): Point) -> f32 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid over the square from -1 to 1.
    fn grid(steps: usize) -> impl Iterator<Item = Point> {
        let at = move |i: usize| (i as f32 + 0.5) / steps as f32 * 2.0 - 1.0;
        (0..steps * steps).map(move |i| (at(i % steps), at(i / steps)))
    }

    #[test]
    fn every_shape_has_an_area_of_one_around_the_origin_and_ends_at_its_reach() {
        for shape in Shape::ALL {
            let inside: Vec<_> = grid(500).filter(|&point| shape.distance(point) < 0.0).collect();
            let area = inside.len() as f32 * (2.0 / 500.0) * (2.0 / 500.0);
            assert!((area - 1.0).abs() < 0.01, "{shape:?} has an area of {area}");
            let mean = |value: fn(&Point) -> f32| inside.iter().map(value).sum::<f32>() / inside.len() as f32;
            let center = (mean(|point| point.0), mean(|point| point.1));
            assert!(length(center) < 0.005, "{shape:?} stands around {center:?}");
            let furthest = inside.iter().map(|&point| length(point)).fold(0.0, f32::max);
            assert!((furthest - shape.reach()).abs() < 0.01, "{shape:?} reaches {furthest}");
        }
    }

    /// What makes the drawn edges equally soft everywhere: a step away from the edge is a step in the distance.
    #[test]
    fn the_distance_is_a_distance() {
        for shape in Shape::ALL {
            for (x, y) in grid(60) {
                let here = shape.distance((x, y));
                for (dx, dy) in [(0.01, 0.0), (0.0, 0.01), (-0.007, 0.007)] {
                    let change = (shape.distance((x + dx, y + dy)) - here).abs();
                    assert!(change <= length((dx, dy)) * 1.001 + 1e-6, "{shape:?} at {x}, {y}");
                }
            }
        }
    }
}
