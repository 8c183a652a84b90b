//! The vertical axis of a chart: linear or logarithmic, from where to where.

use crate::record::Kind;

/// The vertical axis. Values are placed on it in powers of ten, or as so many units of a size that plotters
/// can count in.
pub(super) struct Axis {
    scale: Scale,
    /// The places at its ends.
    pub low: f64,
    pub high: f64,
}

enum Scale {
    Linear { unit: f64 },
    Log,
}

impl Axis {
    /// The axis for values of a kind; none for none.
    pub(super) fn of(kind: Kind, values: &[f64]) -> Option<Axis> {
        let (mut low, mut high) = values.iter().copied().fold(None, widen)?;
        if low > 0.0 && spans_decades(kind, low, high, values) {
            let room = 0.04 * (high.log10() - low.log10());
            return Some(Axis { scale: Scale::Log, low: low.log10() - room, high: high.log10() + room });
        }
        match kind {
            Kind::Probability | Kind::Share => (low, high) = (low.min(0.0), high.max(1.0)),
            // A curve that is low is seen to be low.
            _ if low > 0.0 && low < 0.5 * high => low = 0.0,
            _ => {}
        }
        let largest = low.abs().max(high.abs());
        let unit = if largest > 0.0 { 10f64.powf(largest.log10().floor()).max(1e-300) } else { 1.0 };
        (low, high) = (low / unit, high / unit);
        // A constant has no extent of its own.
        let room = if high - low > 1e-4 { 0.04 * (high - low) } else { 0.5 };
        let is_whole = matches!(kind, Kind::Probability | Kind::Share);
        let below = if low == 0.0 || is_whole { 0.0 } else { room };
        let above = if is_whole && high - low > 1e-4 { 0.0 } else { room };
        Some(Axis { scale: Scale::Linear { unit }, low: low - below, high: high + above })
    }

    pub(super) fn is_log(&self) -> bool {
        matches!(self.scale, Scale::Log)
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear { unit } => value / unit,
            Scale::Log => value.log10(),
        }
    }

    pub(super) fn value(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear { unit } => place * unit,
            Scale::Log => 10f64.powf(place),
        }
    }

    pub(super) fn holds(&self, place: f64) -> bool {
        (self.low..=self.high).contains(&place)
    }

    /// How many labels it has at most: on a logarithmic scale one for each power of ten.
    pub(super) fn labels(&self) -> usize {
        if self.is_log() { ((self.high - self.low).floor() as usize + 1).clamp(2, 5) } else { 5 }
    }
}

/// Whether positive values are better seen on a logarithmic scale: norms across decades, and what a spike
/// would flatten.
fn spans_decades(kind: Kind, low: f64, high: f64, values: &[f64]) -> bool {
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    let median = *sorted.select_nth_unstable_by(middle, f64::total_cmp).1;
    match kind {
        Kind::Probability | Kind::Share | Kind::Count => false,
        Kind::Norm => high >= 100.0 * low,
        _ => high >= 100.0 * median,
    }
}

/// A range with a value in it.
pub(super) fn widen(range: Option<(f64, f64)>, value: f64) -> Option<(f64, f64)> {
    range.map_or(Some((value, value)), |(low, high)| Some((low.min(value), high.max(value))))
}
