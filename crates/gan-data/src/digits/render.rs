//! From the pen's path to pixels.

use super::page::Dot;

/// How far the edge of a line fades, in pixels.
const EDGE: f32 = 1.2;

/// Draws strokes white on black; `size * size` values, row by row.
pub(super) fn render(strokes: &[Vec<Dot>], size: usize) -> Vec<u8> {
    // How deep inside the nearest line each pixel's centre lies, in pixels; negative outside.
    let mut depth = vec![-EDGE; size * size];
    let step = size as f32 * 0.05; // short enough that a chord is not seen
    for stroke in strokes {
        for i in 1..stroke.len() {
            let (from, to) = (stroke[i - 1], stroke[i]);
            let before = if i >= 2 { stroke[i - 2] } else { mirrored(to, from) };
            let after = if i + 1 < stroke.len() { stroke[i + 1] } else { mirrored(from, to) };
            let pieces = (distance(from, to) / step).ceil().max(1.0);
            let mut last = from;
            for piece in 1..=pieces as usize {
                let next = between(before, from, to, after, piece as f32 / pieces);
                draw(&mut depth, size, last, next);
                last = next;
            }
        }
    }
    depth.iter().map(|&depth| ((depth / EDGE + 0.5).clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect()
}

/// The point beyond the end of a stroke that makes it end straight.
fn mirrored(inner: Dot, end: Dot) -> Dot {
    Dot { x: 2.0 * end.x - inner.x, y: 2.0 * end.y - inner.y, radius: end.radius }
}

fn distance(a: Dot, b: Dot) -> f32 {
    ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).sqrt()
}

/// A point on the smooth curve through four points, between the second (`way` 0) and the third (`way` 1).
///
/// Catmull-Rom with centripetal knots, which does not loop or overshoot where points lie unevenly
/// (Yuksel, Schaefer & Keyser 2011).
fn between(before: Dot, from: Dot, to: Dot, after: Dot, way: f32) -> Dot {
    // Two points in one place would divide by zero.
    let knot = |a, b| distance(a, b).sqrt().max(1e-3);
    let (first, middle, last) = (knot(before, from), knot(from, to), knot(to, after));
    let curve = |p0: f32, p1: f32, p2: f32, p3: f32| {
        let leaving = ((p1 - p0) / first - (p2 - p0) / (first + middle)) * middle + (p2 - p1);
        let arriving = ((p3 - p2) / last - (p3 - p1) / (middle + last)) * middle + (p2 - p1);
        let (square, cube) = (way * way, way * way * way);
        (2.0 * cube - 3.0 * square + 1.0) * p1
            + (cube - 2.0 * square + way) * leaving
            + (3.0 * square - 2.0 * cube) * p2
            + (cube - square) * arriving
    };
    Dot {
        x: curve(before.x, from.x, to.x, after.x),
        y: curve(before.y, from.y, to.y, after.y),
        radius: from.radius + (to.radius - from.radius) * way,
    }
}

/// Adds a short straight piece of line with round ends.
fn draw(depth: &mut [f32], size: usize, from: Dot, to: Dot) {
    // Only pixels whose centre can be touched; a cast from below 0 gives 0.
    let reach = from.radius.max(to.radius) + EDGE;
    let first = |low: f32| (low - reach).max(0.0) as usize;
    let end = |high: f32| ((high + reach).max(0.0) as usize + 1).min(size);
    let (left, right) = (first(from.x.min(to.x)), end(from.x.max(to.x)));
    let (top, bottom) = (first(from.y.min(to.y)), end(from.y.max(to.y)));
    if left >= right {
        return;
    }
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let inverse = 1.0 / (dx * dx + dy * dy).max(1e-6);
    let widening = to.radius - from.radius;
    for row in top..bottom {
        let y = row as f32 + 0.5 - from.y;
        for (column, depth) in depth[row * size..][left..right].iter_mut().enumerate() {
            let x = (left + column) as f32 + 0.5 - from.x;
            let way = ((x * dx + y * dy) * inverse).clamp(0.0, 1.0);
            let (away_x, away_y) = (x - way * dx, y - way * dy);
            let inside = from.radius + widening * way - (away_x * away_x + away_y * away_y).sqrt();
            *depth = depth.max(inside);
        }
    }
}
