//! The types that settings have: how a value is read from a file or a flag, and written.

use super::nearest::did_you_mean;
use super::{Crop, Fit, ImageSize, OnDivergence};
use crate::augment::Policy;
use crate::gan::Loss;
use gan_data::{Background, CacheMode, Filter, OnBadImage};
use gan_eval::{FeatureKind, Measures};
use gan_models::{Architecture, Conditional, Latent, Norm, Upsample};
use gan_nn::OptimizerKind;
use gan_nn::Schedule;
use gan_ops::Precision;
use std::path::PathBuf;
use strum::VariantNames;

/// A type that a setting can have. Errors say what to write instead.
pub(crate) trait Value: Sized {
    /// What stands for a value in the help.
    const NAME: &'static str;
    /// Whether it is on or off.
    const IS_SWITCH: bool = false;

    /// The names to choose from, where it is a choice.
    fn names() -> &'static [&'static str] {
        &[]
    }

    /// From a config file.
    fn read(value: &toml::Value) -> Result<Self, String>;

    /// For a config file; nothing where it is not set.
    fn write(&self) -> Option<toml::Value>;

    /// From a command line.
    fn parse(text: &str) -> Result<toml::Value, String> {
        Ok(text.into())
    }

    /// The numbers in it, which its range is for.
    fn numbers(&self) -> Vec<f64> {
        Vec::new()
    }
}

/// A value as messages show it: numbers as people write them.
pub(crate) fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

impl<T: Value> Value for Option<T> {
    const NAME: &'static str = T::NAME;
    const IS_SWITCH: bool = T::IS_SWITCH;

    fn names() -> &'static [&'static str] {
        T::names()
    }

    fn read(value: &toml::Value) -> Result<Self, String> {
        T::read(value).map(Some)
    }

    fn write(&self) -> Option<toml::Value> {
        self.as_ref().and_then(T::write)
    }

    fn parse(text: &str) -> Result<toml::Value, String> {
        T::parse(text)
    }

    fn numbers(&self) -> Vec<f64> {
        self.as_ref().map(T::numbers).unwrap_or_default()
    }
}

impl Value for bool {
    const NAME: &'static str = "BOOL";
    const IS_SWITCH: bool = true;

    fn read(value: &toml::Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "use true or false".into())
    }

    fn write(&self) -> Option<toml::Value> {
        Some((*self).into())
    }

    fn parse(text: &str) -> Result<toml::Value, String> {
        let value: bool = text.parse().map_err(|_| "write true or false")?;
        Ok(value.into())
    }
}

impl Value for f64 {
    const NAME: &'static str = "NUMBER";

    fn read(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Float(number) => Ok(*number),
            toml::Value::Integer(number) => Ok(*number as f64),
            _ => Err("use a number".into()),
        }
    }

    fn write(&self) -> Option<toml::Value> {
        Some((*self).into())
    }

    fn parse(text: &str) -> Result<toml::Value, String> {
        let number: f64 = text.parse().map_err(|_| "write a number, such as 0.5 or 2e-4")?;
        Ok(number.into())
    }

    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }
}

/// Whole numbers, as far as those of a config file go.
macro_rules! whole {
    ($($Type:ty),*) => {$(
        impl Value for $Type {
            const NAME: &'static str = "N";

            fn read(value: &toml::Value) -> Result<Self, String> {
                let number = value.as_integer().and_then(|number| number.try_into().ok());
                number.ok_or_else(|| "use a whole number, 0 or more".into())
            }

            fn write(&self) -> Option<toml::Value> {
                Some(i64::try_from(*self).unwrap_or(i64::MAX).into())
            }

            fn parse(text: &str) -> Result<toml::Value, String> {
                let number = text.parse().ok().filter(|number: &i64| <$Type>::try_from(*number).is_ok());
                number.map(Into::into).ok_or_else(|| format!("write a whole number, 0 to {}", i64::MAX))
            }

            fn numbers(&self) -> Vec<f64> {
                vec![*self as f64]
            }
        }
    )*};
}

whole!(u64, usize);

fn text(value: &toml::Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "use a text, in quotes".into())
}

impl Value for String {
    const NAME: &'static str = "NAME";

    fn read(value: &toml::Value) -> Result<Self, String> {
        Ok(text(value)?.to_owned())
    }

    fn write(&self) -> Option<toml::Value> {
        Some(self.as_str().into())
    }
}

impl Value for PathBuf {
    const NAME: &'static str = "PATH";

    fn read(value: &toml::Value) -> Result<Self, String> {
        Ok(text(value)?.into())
    }

    fn write(&self) -> Option<toml::Value> {
        // A path that is no text comes from no config, and from no flag.
        self.to_str().map(Into::into)
    }
}

impl Value for ImageSize {
    const NAME: &'static str = "SIZE";

    fn read(value: &toml::Value) -> Result<Self, String> {
        Self::try_from(value.clone())
    }

    fn write(&self) -> Option<toml::Value> {
        Some((*self).into())
    }

    fn parse(text: &str) -> Result<toml::Value, String> {
        text.parse::<Self>().map(Into::into)
    }

    fn numbers(&self) -> Vec<f64> {
        vec![self.height as f64, self.width as f64]
    }
}

/// What is written as text, and has rules of its own.
macro_rules! written {
    ($($Type:ty: $name:literal),*) => {$(
        impl Value for $Type {
            const NAME: &'static str = $name;

            fn read(value: &toml::Value) -> Result<Self, String> {
                text(value)?.parse().map_err(|error| format!("{error}"))
            }

            fn write(&self) -> Option<toml::Value> {
                Some(self.to_string().into())
            }

            fn parse(text: &str) -> Result<toml::Value, String> {
                text.parse::<Self>().map(|value| value.to_string().into())
            }
        }
    )*};
}

written!(Policy: "CHANGES", Background: "COLOUR", Measures: "MEASURES");

/// Choices, by their names.
macro_rules! choices {
    ($($Type:ty),*) => {$(
        impl Value for $Type {
            const NAME: &'static str = "NAME";

            fn names() -> &'static [&'static str] {
                <$Type as VariantNames>::VARIANTS
            }

            fn read(value: &toml::Value) -> Result<Self, String> {
                text(value)?.parse().map_err(|_| {
                    let names = Self::names();
                    let meant = did_you_mean(value.as_str().unwrap_or_default(), names.iter().copied());
                    format!("{meant}choose between {}", names.join(", "))
                })
            }

            fn write(&self) -> Option<toml::Value> {
                Some(<&'static str>::from(*self).into())
            }
        }
    )*};
}

choices!(
    Architecture,
    CacheMode,
    Conditional,
    Crop,
    FeatureKind,
    Filter,
    Fit,
    Latent,
    Loss,
    Norm,
    OnBadImage,
    OnDivergence,
    OptimizerKind,
    Precision,
    Schedule,
    Upsample
);
