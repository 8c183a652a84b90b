//! Which transforms, and in which order.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// A kind of change, in the order of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Augmentation {
    /// Brightness, saturation and contrast.
    Color,
    /// A move.
    Translation,
    /// A rectangle set to 0.
    Cutout,
}

/// Transforms in the order in which they are applied: written `color,translation,cutout`, or nothing for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Policy(Vec<Augmentation>);

impl Policy {
    /// All transforms, in the order of the paper.
    pub fn all() -> Self {
        use Augmentation::{Color, Cutout, Translation};
        Self(vec![Color, Translation, Cutout])
    }

    /// The transforms, the first one first.
    pub fn transforms(&self) -> &[Augmentation] {
        &self.0
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::str::FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut transforms = Vec::new();
        if text.trim().is_empty() {
            return Ok(Self(transforms));
        }
        for name in text.split(',').map(str::trim) {
            let Ok(transform) = name.parse::<Augmentation>() else {
                let known = Augmentation::VARIANTS.join(",");
                return Err(format!("there is no augmentation {name:?}: use {known}, or some of them"));
            };
            if transforms.contains(&transform) {
                return Err(format!("the augmentation {name} is there twice"));
            }
            transforms.push(transform);
        }
        Ok(Self(transforms))
    }
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }
}

impl TryFrom<String> for Policy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Policy> for String {
    fn from(policy: Policy) -> Self {
        policy.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_back_as_it_was_written() {
        for text in ["", "color", "cutout,translation", "color,translation,cutout"] {
            let policy: Policy = text.parse().unwrap();
            assert_eq!(policy.to_string(), text);
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        }
        assert_eq!(" color , cutout ".parse::<Policy>().unwrap().to_string(), "color,cutout");
        assert_eq!(Policy::all().to_string(), "color,translation,cutout");
        assert!(Policy::default().is_empty());
    }

    #[test]
    fn names_nobody_knows_are_refused() {
        for (text, named) in [
            ("colour", "\"colour\""),
            ("color,flip", "\"flip\""),
            ("color,", "\"\""),
            ("Color", "\"Color\""),
            ("color,cutout,color", "color is there twice"),
        ] {
            let error = text.parse::<Policy>().unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
            assert!(serde_json::from_str::<Policy>(&format!("{text:?}")).is_err());
        }
    }
}
