//! The size of an image in a config.

/// Height and width of an image, px: written `32`, or `48x64` (height x width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// Height, px.
    pub height: usize,
    /// Width, px.
    pub width: usize,
}

impl std::str::FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let side =
            |side: &str| side.parse().map_err(|_| format!("{text} is no image size: write 64, or 48x64"));
        let (height, width) = text.split_once('x').unwrap_or((text, text));
        Ok(Self { height: side(height)?, width: side(width)? })
    }
}

impl std::fmt::Display for ImageSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl TryFrom<toml::Value> for ImageSize {
    type Error = String;

    fn try_from(value: toml::Value) -> std::result::Result<Self, String> {
        match value {
            toml::Value::String(text) => text.parse(),
            other => other.to_string().parse(),
        }
    }
}

impl From<ImageSize> for toml::Value {
    fn from(size: ImageSize) -> Self {
        match (size.height == size.width, i64::try_from(size.height)) {
            (true, Ok(side)) => toml::Value::Integer(side),
            _ => toml::Value::String(size.to_string()),
        }
    }
}
