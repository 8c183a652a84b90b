//! What a `ColorJitter` draws for an image.

use gan_rng::Stream;

use super::{Image, color};

/// One change of an image's colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Adjustment {
    /// A factor.
    Brightness(f32),
    /// A factor.
    Contrast(f32),
    /// A factor.
    Saturation(f32),
    /// Turns of the colour circle, from -0.5 to 0.5.
    Hue(f64),
}

impl Adjustment {
    pub(super) fn apply(self, image: &mut Image) {
        match self {
            Self::Brightness(factor) => color::brightness(image, factor),
            Self::Contrast(factor) => color::contrast(image, factor),
            Self::Saturation(factor) => color::saturation(image, factor),
            Self::Hue(turns) => color::hue(image, turns),
        }
    }
}

/// The adjustments in the order in which they are made. All are drawn, also those that are left out because their
/// range is 0: what the others draw does not depend on it.
pub(super) fn draw(
    brightness: f64,
    contrast: f64,
    saturation: f64,
    hue: f64,
    rng: &mut Stream,
) -> Vec<Adjustment> {
    let order = rng.permutation(4);
    let mut factor = |range: f64| rng.uniform_in((1.0 - range).max(0.0), 1.0 + range) as f32;
    let drawn = [
        (brightness, Adjustment::Brightness(factor(brightness))),
        (contrast, Adjustment::Contrast(factor(contrast))),
        (saturation, Adjustment::Saturation(factor(saturation))),
        (hue, Adjustment::Hue(rng.uniform_in(-hue, hue))),
    ];
    let wanted = |place: usize| (drawn[place].0 > 0.0).then_some(drawn[place].1);
    order.into_iter().filter_map(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 20_000;

    fn draws(brightness: f64, contrast: f64, saturation: f64, hue: f64) -> Vec<Vec<Adjustment>> {
        let mut rng = Stream::new(0, "jitter", 0);
        (0..DRAWS).map(|_| draw(brightness, contrast, saturation, hue, &mut rng)).collect()
    }

    /// The least, the mean and the largest.
    fn summary(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
        let values: Vec<f64> = values.collect();
        assert_eq!(values.len(), DRAWS);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (least, values.iter().sum::<f64>() / DRAWS as f64, largest)
    }

    #[test]
    fn what_is_drawn_fills_its_range_evenly() {
        use Adjustment::{Brightness, Contrast, Hue, Saturation};
        let drawn = draws(0.4, 1.5, 0.2, 0.1);
        let all = || drawn.iter().flatten();
        let brightness = all().filter_map(|a| if let Brightness(x) = a { Some(f64::from(*x)) } else { None });
        let contrast = all().filter_map(|a| if let Contrast(x) = a { Some(f64::from(*x)) } else { None });
        let saturation = all().filter_map(|a| if let Saturation(x) = a { Some(f64::from(*x)) } else { None });
        let hue = all().filter_map(|a| if let Hue(x) = a { Some(*x) } else { None });
        // 1 - 1.5 is below 0: contrast starts there.
        for ((least, mean, largest), (low, high)) in [
            (summary(brightness), (0.6, 1.4)),
            (summary(contrast), (0.0, 2.5)),
            (summary(saturation), (0.8, 1.2)),
            (summary(hue), (-0.1, 0.1)),
        ] {
            let width = high - low;
            assert!(least >= low - 1e-6 && least < low + width / 1000.0, "{least} of {low}");
            assert!(largest <= high + 1e-6 && largest > high - width / 1000.0, "{largest} of {high}");
            // Five standard errors of the mean of a uniform distribution: 1/sqrt(12) of its width over sqrt(20,000).
            assert!((mean - (low + high) / 2.0).abs() < width * 0.0103, "{mean} of {low}..{high}");
        }
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut counts = std::collections::HashMap::new();
        for adjustments in draws(0.1, 0.1, 0.1, 0.1) {
            let order: Vec<_> = adjustments.iter().map(std::mem::discriminant).collect();
            *counts.entry(order).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        // 833 each, with a standard deviation of 28.
        assert!(counts.values().all(|count| (690..980).contains(count)), "{:?}", counts.values());
    }

    #[test]
    fn what_is_0_is_left_out_and_changes_nothing_else() {
        assert!(draws(0.0, 0.0, 0.0, 0.0).iter().all(Vec::is_empty));
        let without_hue = draws(0.4, 0.4, 0.4, 0.0);
        let mut with_hue = draws(0.4, 0.4, 0.4, 0.1);
        with_hue.iter_mut().for_each(|drawn| drawn.retain(|a| !matches!(a, Adjustment::Hue(_))));
        assert_eq!(with_hue, without_hue);
    }
}
