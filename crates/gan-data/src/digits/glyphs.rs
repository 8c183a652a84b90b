//! The shapes: each digit in the ways people write it.
//!
//! Coordinates are x to the right and y down, a digit about 0.6 wide and 1 high. A stroke is a list of points that the
//! pen passes smoothly; where a stroke begins at the end of another there is a corner.

use super::hand::Hand;

/// A point of a glyph.
pub(super) type Point = (f32, f32);

/// The points of one stroke, at least two.
pub(super) type Stroke = Vec<Point>;

/// The strokes of a digit, in a style and with proportions of the hand's choice.
pub(super) fn write(digit: u64, hand: &mut Hand) -> Vec<Stroke> {
    match digit {
        0 => zero(hand),
        1 => one(hand),
        2 => two(hand),
        3 => three(hand),
        4 => four(hand),
        5 => five(hand),
        6 => six(hand),
        7 => seven(hand),
        8 => eight(hand),
        _ => nine(hand),
    }
}

/// A straight stroke, with a point in the middle that can be bent.
fn line(from: Point, to: Point) -> Stroke {
    vec![from, ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0), to]
}

/// Points on an ellipse from one angle to another, in degrees: 0 is right, 90 down, -90 up. The radius shrinks on the
/// way by the factor `shrink`, as when a pen closes a ring inside its beginning.
fn arc(center: Point, radii: Point, from: f32, to: f32, shrink: f32) -> Stroke {
    let pieces = ((to - from).abs() / 45.0).ceil();
    (0..=pieces as usize)
        .map(|i| {
            let way = i as f32 / pieces;
            let angle = (from + (to - from) * way).to_radians();
            let scale = 1.0 + (shrink - 1.0) * way;
            (center.0 + radii.0 * scale * libm::cosf(angle), center.1 + radii.1 * scale * libm::sinf(angle))
        })
        .collect()
}

/// A ring that closes, is left open, or runs over its beginning.
fn zero(hand: &mut Hand) -> Vec<Stroke> {
    let radii = (hand.between(0.22, 0.42), 0.5);
    let start = hand.between(-125.0, -50.0);
    let (sweep, shrink) = match hand.style(&[5, 2, 3]) {
        0 => (hand.between(355.0, 370.0), 1.0),
        1 => (hand.between(312.0, 338.0), hand.between(0.85, 1.1)),
        _ => (hand.between(385.0, 430.0), hand.between(0.7, 0.85)),
    };
    vec![arc((0.4, 0.5), radii, start, start - sweep, shrink)]
}

/// A bare stem, one with a flag, or one with flag and base.
fn one(hand: &mut Hand) -> Vec<Stroke> {
    let top = (hand.around(0.3, 0.05), 0.0);
    let foot = (hand.around(0.3, 0.05), 1.0);
    let mut strokes = vec![line(top, foot)];
    let style = hand.style(&[5, 3, 2]);
    if style >= 1 {
        let flag = (top.0 - hand.between(0.14, 0.28), hand.between(0.14, 0.27));
        strokes.push(vec![flag, (top.0 - 0.09, 0.11), top]);
    }
    if style == 2 {
        let tilt = hand.around(0.0, 0.03);
        let (left, right) = (hand.between(0.15, 0.28), hand.between(0.15, 0.28));
        strokes.push(line((foot.0 - left, 1.0 + tilt), (foot.0 + right, 1.0 - tilt)));
    }
    strokes
}

/// With a corner at the foot, a loop there, or a curve.
fn two(hand: &mut Hand) -> Vec<Stroke> {
    let right = hand.between(0.54, 0.66);
    let belly = hand.between(0.2, 0.32);
    let mut pen = vec![
        (hand.around(0.07, 0.05), hand.between(0.16, 0.3)),
        (0.17, hand.around(0.05, 0.02)),
        (0.36, 0.0),
        (right - 0.06, 0.09),
        (right, belly),
        (right - 0.12, belly + 0.22),
    ];
    let end = (hand.between(0.6, 0.76), hand.between(0.88, 1.0));
    match hand.style(&[5, 3, 2]) {
        0 => {
            let foot = (hand.around(0.04, 0.03), hand.between(0.95, 1.0));
            pen.extend([((right + foot.0) / 2.0 - 0.06, 0.72), foot]);
            vec![pen, vec![foot, (0.35, hand.around(0.97, 0.02)), end]]
        }
        1 => {
            let low = hand.around(0.95, 0.02);
            pen.extend([
                (0.27, 0.8),
                (0.12, low),
                (-0.01, low - 0.07),
                (0.08, low - 0.19),
                (0.27, low - 0.1),
            ]);
            pen.extend([(0.46, 1.0), (end.0 + 0.03, end.1 - 0.02)]);
            vec![pen]
        }
        _ => {
            pen.extend([(0.25, 0.78), (0.1, 0.93), (0.2, 0.98), (0.42, 0.96), end]);
            vec![pen]
        }
    }
}

/// Round with a notch, round with a small loop in the middle, or with a flat top.
fn three(hand: &mut Hand) -> Vec<Stroke> {
    let upper = hand.between(0.5, 0.62);
    let lower = hand.between(0.58, 0.72);
    let start = (hand.around(0.07, 0.05), hand.between(0.08, 0.2));
    let waist = (hand.between(0.2, 0.34), hand.around(0.46, 0.03));
    let crown = [start, (0.28, 0.0), (upper - 0.04, 0.07), (upper, 0.22), (upper - 0.12, 0.39)];
    let bowl = [
        (lower - 0.1, 0.53),
        (lower, 0.7),
        (lower - 0.1, 0.91),
        (0.32, 1.0),
        (hand.around(0.05, 0.05), hand.between(0.82, 0.94)),
    ];
    match hand.style(&[5, 2, 3]) {
        0 => vec![[&crown[..], &[waist]].concat(), [&[waist, (waist.0 + 0.1, waist.1)], &bowl[..]].concat()],
        1 => {
            let knot = [(waist.0, 0.5), (waist.0 - 0.06, 0.46), (waist.0 + 0.03, 0.43)];
            vec![[&crown[..], &knot, &bowl[..]].concat()]
        }
        _ => {
            let corner = (upper + 0.02, hand.between(0.0, 0.05));
            let inner = (waist.0 + 0.02, 0.38);
            let top = line((start.0, hand.around(0.03, 0.03)), corner);
            vec![top, line(corner, inner), [&[inner, (inner.0 + 0.12, 0.4)], &bowl[..]].concat()]
        }
    }
}

/// Open at the top, closed, or with a rounded cup.
fn four(hand: &mut Hand) -> Vec<Stroke> {
    let bar = hand.between(0.52, 0.66);
    let stem = hand.around(0.5, 0.05);
    let corner = (hand.between(0.0, 0.06), bar);
    let across = line(corner, (stem + hand.between(0.12, 0.28), bar - hand.between(0.0, 0.06)));
    match hand.style(&[5, 3, 2]) {
        0 => {
            let top = (hand.between(0.1, 0.24), hand.around(0.03, 0.03));
            let down = vec![
                (stem + hand.between(0.0, 0.06), hand.between(0.0, 0.2)),
                (stem, bar),
                (stem - 0.03, 1.0),
            ];
            vec![line(top, corner), across, down]
        }
        1 => {
            let top = (stem + 0.01, 0.0);
            vec![line(top, corner), across, line(top, (stem - hand.between(0.0, 0.04), 1.0))]
        }
        _ => {
            let (left, low) = (hand.between(0.0, 0.08), bar - 0.06);
            let cup = vec![
                (left + 0.06, 0.02),
                (left, 0.26),
                (left + 0.08, low - 0.02),
                (0.32, low),
                (stem, low - 0.1),
            ];
            vec![cup, vec![(stem + 0.04, hand.around(0.04, 0.04)), (stem, low), (stem - 0.06, 1.0)]]
        }
    }
}

/// With a neck and a bar, the bar apart, or in one curve.
fn five(hand: &mut Hand) -> Vec<Stroke> {
    let shoulder = (hand.between(0.12, 0.2), hand.around(0.03, 0.03));
    let neck = (shoulder.0 - hand.between(0.02, 0.08), hand.between(0.38, 0.48));
    let belly = hand.between(0.56, 0.68);
    let end = (hand.around(0.03, 0.05), hand.between(0.85, 0.95));
    let bowl =
        [neck, (0.3, 0.38), (belly - 0.08, 0.46), (belly, 0.67), (belly - 0.12, 0.91), (0.3, 1.0), end];
    let tip = (hand.between(0.52, 0.7), hand.around(0.01, 0.04));
    match hand.style(&[5, 3, 2]) {
        0 => vec![line(shoulder, tip), line(shoulder, neck), bowl.to_vec()],
        1 => {
            let gap = (shoulder.0 + hand.between(0.06, 0.14), shoulder.1 - hand.between(0.04, 0.1));
            vec![line(gap, (tip.0 + 0.08, tip.1 - 0.06)), line(shoulder, neck), bowl.to_vec()]
        }
        _ => {
            let curve = [tip, (0.34, 0.04), (0.17, 0.08), (0.11, 0.26), (0.16, 0.41)];
            vec![[&curve, &bowl[2..]].concat()]
        }
    }
}

/// With a straight or a curled stem, its ring large or small, closed or open.
fn six(hand: &mut Hand) -> Vec<Stroke> {
    let radii = (hand.between(0.22, 0.31), hand.between(0.2, 0.28));
    let center = (0.05 + radii.0, 1.0 - radii.1);
    let mut pen = match hand.style(&[3, 3]) {
        0 => vec![(hand.between(0.3, 0.55), 0.0), (hand.between(0.16, 0.24), 0.32)],
        _ => vec![(hand.between(0.5, 0.62), hand.between(0.06, 0.14)), (0.42, 0.0), (0.2, 0.14), (0.08, 0.4)],
    };
    let sweep = hand.between(320.0, 385.0);
    pen.extend(arc(center, radii, 185.0, 185.0 - sweep, hand.between(0.85, 1.0)));
    vec![pen]
}

/// Plain, with a bar, with a serif, or with both.
fn seven(hand: &mut Hand) -> Vec<Stroke> {
    let start = (hand.around(0.03, 0.03), hand.around(0.05, 0.04));
    let corner = (hand.between(0.54, 0.66), hand.around(0.03, 0.03));
    let foot = (hand.between(0.12, 0.34), 1.0);
    let bend = hand.around(0.0, 0.06);
    let top = vec![start, ((start.0 + corner.0) / 2.0, hand.around(0.04, 0.03)), corner];
    let stem = vec![corner, ((corner.0 + foot.0) / 2.0 + bend, 0.46), foot];
    let mut strokes = vec![top, stem];
    let style = hand.style(&[5, 3, 2, 1]);
    if style == 1 || style == 3 {
        let (height, middle) = (hand.between(0.46, 0.58), (corner.0 + foot.0) / 2.0);
        let half = hand.between(0.13, 0.22);
        strokes.push(line((middle - half, height + 0.02), (middle + half, height - 0.03)));
    }
    if style >= 2 {
        strokes.push(line((start.0 - 0.01, start.1 + hand.between(0.12, 0.22)), start));
    }
    strokes
}

/// In one S-shaped stroke, or as two rings.
fn eight(hand: &mut Hand) -> Vec<Stroke> {
    let (upper, lower) = (hand.between(0.17, 0.25), hand.between(0.22, 0.31));
    let waist = hand.between(0.43, 0.5);
    let middle = 0.32;
    match hand.style(&[4, 3]) {
        0 => {
            let end = (middle + upper * hand.between(0.6, 1.0), hand.between(0.05, 0.16));
            vec![vec![
                (middle + upper * 0.85, hand.between(0.06, 0.14)),
                (middle, 0.0),
                (middle - upper, waist * 0.45),
                (middle, waist),
                (middle + lower, (1.0 + waist) / 2.0),
                (middle, 1.0),
                (middle - lower, (1.0 + waist) / 2.0 + 0.02),
                (middle - 0.02, waist + 0.02),
                (middle + upper, waist * 0.5),
                end,
            ]]
        }
        _ => {
            let (top, bottom) = (waist / 2.0, (1.0 - waist) / 2.0);
            let shift = hand.around(0.0, 0.05);
            let start = hand.between(60.0, 120.0);
            vec![
                arc((middle + shift, top), (upper, top), start, start - hand.between(350.0, 375.0), 1.0),
                arc(
                    (middle, 1.0 - bottom),
                    (lower, bottom + 0.02),
                    -90.0,
                    -90.0 - hand.between(350.0, 375.0),
                    1.0,
                ),
            ]
        }
    }
}

/// A ring with a straight tail, a curved one, or a hook.
fn nine(hand: &mut Hand) -> Vec<Stroke> {
    let radii = (hand.between(0.2, 0.29), hand.between(0.2, 0.28));
    let center = (radii.0 + 0.04, radii.1);
    let start = hand.between(-50.0, -15.0);
    let ring = arc(center, radii, start, start - hand.between(345.0, 370.0), hand.between(0.92, 1.0));
    let right = center.0 + radii.0;
    let neck = (right + 0.01, hand.between(0.08, 0.2));
    let tail = match hand.style(&[4, 3, 2]) {
        0 => line(neck, (right - hand.between(0.0, 0.14), 1.0)),
        1 => vec![neck, (right, 0.5), (right - 0.12, 0.86), (hand.between(0.14, 0.26), 1.0)],
        _ => vec![
            neck,
            (right + 0.01, 0.55),
            (right - 0.06, 0.88),
            (0.26, 1.0),
            (0.04, hand.between(0.84, 0.94)),
        ],
    };
    vec![ring, tail]
}
