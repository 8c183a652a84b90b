//! From a scene to pixels.

use super::paint::mix;
use super::scene::Scene;

/// Draws a scene; `size * size * 3` values, row by row, red, green and blue side by side.
pub(super) fn render(scene: &Scene, size: usize) -> Vec<u8> {
    let side = size as f32;
    let mut pixels = Vec::with_capacity(size * size * 3);
    for row in 0..size {
        for column in 0..size {
            let (x, y) = ((column as f32 + 0.5) / side, (row as f32 + 0.5) / side);
            // From one corner of the picture, at most, to the opposite one.
            let along = (x - 0.5) * scene.towards.0 + (y - 0.5) * scene.towards.1;
            let way = along * std::f32::consts::FRAC_1_SQRT_2 + 0.5;
            let ground = mix(scene.ground.rgb, scene.far_ground, way);

            // Into the shape's own space: moved, turned back, scaled.
            let (x, y) = ((x - scene.center.0) / scene.size, (y - scene.center.1) / scene.size);
            let (cos, sin) = scene.turn;
            let distance = scene.shape.distance((cos * x + sin * y, cos * y - sin * x));
            // The part of the pixel that the shape covers, as if the edge passed it straight.
            let covered = (0.5 - distance * scene.size * side).clamp(0.0, 1.0);
            pixels.extend(mix(ground, scene.color, covered).map(|value| (value + 0.5) as u8));
        }
    }
    pixels
}
