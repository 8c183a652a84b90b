//! How numbers and words of a run are written on a page.

/// The most characters of a word of a run: a page stays readable whatever is in the files.
const LONGEST: usize = 300;

/// A word of a run, cut where it is too long.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A number in a few digits: `0.4963`, `21.57`, `1.2e-9`.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{:e}", rounded(value, 3));
    }
    // Four digits that count, and no zeros after them.
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 8) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A value with so many digits that count.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// A count with commas: `12,500`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_what_counts() {
        for (value, text) in [
            (0.496_274_71, "0.4963"),
            (21.568_36, "21.57"),
            (12_500.0, "12500"),
            (0.0004, "0.0004"),
            (1.234e-9, "1.23e-9"),
            (-3e12, "-3e12"),
            (0.0, "0"),
            (99.996, "100"),
        ] {
            assert_eq!(short(value), text);
        }
        assert_eq!(
            (count(999), count(12_500), count(1_234_567)),
            ("999".into(), "12,500".into(), "1,234,567".into())
        );
    }

    #[test]
    fn a_long_word_is_cut_between_characters() {
        assert_eq!(clip("größer"), "größer");
        assert_eq!(clip(&"ö".repeat(1000)).chars().count(), LONGEST + 1);
    }
}
