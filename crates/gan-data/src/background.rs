//! What stands behind transparent images.

use std::fmt;
use std::str::FromStr;

use crate::Image;

/// Names of colours, as in CSS.
const NAMES: [(&str, [u8; 3]); 20] = [
    ("white", [255, 255, 255]),
    ("black", [0, 0, 0]),
    ("gray", [128, 128, 128]),
    ("grey", [128, 128, 128]),
    ("silver", [192, 192, 192]),
    ("red", [255, 0, 0]),
    ("maroon", [128, 0, 0]),
    ("orange", [255, 165, 0]),
    ("yellow", [255, 255, 0]),
    ("olive", [128, 128, 0]),
    ("lime", [0, 255, 0]),
    ("green", [0, 128, 0]),
    ("cyan", [0, 255, 255]),
    ("aqua", [0, 255, 255]),
    ("teal", [0, 128, 128]),
    ("blue", [0, 0, 255]),
    ("navy", [0, 0, 128]),
    ("magenta", [255, 0, 255]),
    ("fuchsia", [255, 0, 255]),
    ("purple", [128, 0, 128]),
];
/// Leaves alpha out.
const NONE: &str = "none";

/// What stands behind an image that is transparent in part, where files are read.
///
/// `FromStr` takes a name of CSS, `#rrggbb` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// A colour: red, green, blue. The image becomes RGB.
    Color([u8; 3]),
    /// Nothing: alpha is left out, and the colours that it hides show. The image becomes RGB.
    None,
    /// Nothing yet: alpha is kept. Every image becomes RGBA, also those that are opaque.
    Transparent,
}

/// White.
impl Default for Background {
    fn default() -> Self {
        Self::Color([255; 3])
    }
}

impl Background {
    /// Channels of the images that are read.
    pub fn channels(self) -> usize {
        if self == Self::Transparent { 4 } else { 3 }
    }

    /// An RGB or RGBA image put on this background. The second value says whether any of it was transparent.
    ///
    /// A value c with alpha a on a background b becomes (c a + b (255 - a)) / 255, rounded to the nearest, as Pillow's
    /// `paste` with a mask has it. Where a is 255 it stays as it is.
    pub(crate) fn put_behind(self, mut image: Image) -> (Image, bool) {
        let is_opaque = image.channels < 4 || image.pixels.chunks_exact(4).all(|pixel| pixel[3] == 255);
        match (self, image.channels) {
            (Self::Transparent, 4) | (Self::Color(_) | Self::None, 3) => {}
            (Self::Transparent, _) => {
                let pixels = image.pixels.chunks_exact(3);
                image.pixels = pixels.flat_map(|p| [p[0], p[1], p[2], 255]).collect();
                image.channels = 4;
            }
            (Self::Color(color), _) => {
                let color = color.map(u32::from);
                to_rgb(&mut image, |value, channel, alpha| {
                    ((u32::from(value) * alpha + color[channel] * (255 - alpha) + 127) / 255) as u8
                });
            }
            (Self::None, _) => to_rgb(&mut image, |value, _, _| value),
        }
        (image, !is_opaque)
    }
}

/// Makes RGB of RGBA, in place: an image can take a gigabyte.
fn to_rgb(image: &mut Image, value: impl Fn(u8, usize, u32) -> u8) {
    let count = image.pixels.len() / 4;
    for pixel in 0..count {
        let alpha = u32::from(image.pixels[pixel * 4 + 3]);
        for channel in 0..3 {
            image.pixels[pixel * 3 + channel] = value(image.pixels[pixel * 4 + channel], channel, alpha);
        }
    }
    image.pixels.truncate(count * 3);
    image.channels = 3;
}

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        if lower == NONE {
            return Ok(Self::None);
        }
        if let Some((_, color)) = NAMES.iter().find(|(name, _)| *name == lower) {
            return Ok(Self::Color(*color));
        }
        let digits = lower.strip_prefix('#').filter(|digits| digits.len() == 6 && !digits.starts_with('+'));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(number) => {
                let [_, red, green, blue] = number.to_be_bytes();
                Ok(Self::Color([red, green, blue]))
            }
            None => {
                Err(format!("{text} is no colour: write white, black, #rrggbb, or none to leave alpha out"))
            }
        }
    }
}

/// As `FromStr` takes it.
impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::None => f.write_str(NONE),
            Self::Transparent => f.write_str("transparent"),
            Self::Color(color) => match NAMES.iter().find(|(_, known)| *known == color) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "#{:02x}{:02x}{:02x}", color[0], color[1], color[2]),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_and_written_by_its_name_or_number() {
        for (text, color) in [
            ("white", [255, 255, 255]),
            ("black", [0, 0, 0]),
            ("magenta", [255, 0, 255]),
            ("#0a1bff", [10, 27, 255]),
        ] {
            let background: Background = text.parse().unwrap();
            assert_eq!(background, Background::Color(color));
            assert_eq!(background.to_string(), text);
        }
        assert_eq!("WHITE".parse(), Ok(Background::default()));
        assert_eq!("#FFFFFF".parse::<Background>().unwrap().to_string(), "white");
        assert_eq!("none".parse(), Ok(Background::None));
        for wrong in ["", "whit", "#12345", "#12345g", "#+12345", "transparent", "255,0,0"] {
            assert!(wrong.parse::<Background>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_value_is_rounded_to_the_nearest() {
        for alpha in [0, 1, 100, 127, 128, 254, 255] {
            for value in 0..=255u8 {
                let image = Image { width: 1, height: 1, channels: 4, pixels: vec![value, value, 7, alpha] };
                let (flat, transparent) = Background::Color([255, 10, 7]).put_behind(image);
                assert_eq!((flat.channels, transparent), (3, alpha < 255));
                let a = f64::from(alpha) / 255.0;
                let exact = |behind: f64| (f64::from(value) * a + behind * (1.0 - a)).round() as u8;
                assert_eq!(flat.pixels, [exact(255.0), exact(10.0), 7]);
            }
        }
    }
}
