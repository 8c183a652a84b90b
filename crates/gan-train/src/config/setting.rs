//! What is declared of a setting, once: its key, type, default, range and help. Config files, flags, checks,
//! the comparison at a resume and docs/settings.md follow from it.

use super::value::{Value, shown};
use crate::error::{Error, Result};
use std::ops::{Bound, RangeBounds};

/// One setting of a run: a key of a section of the config file, and a flag of `gan train`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The section it stands in: `[section]`.
    pub section: &'static str,
    /// Its key in the config file.
    pub key: &'static str,
    /// What stands for the value in the help.
    pub value_name: &'static str,
    /// What it comes to where nothing is given and no value can be named: "one a core".
    pub unset: &'static str,
    /// The values that make sense.
    pub range: Range,
    /// What follows the range where a value is refused: "0.6 is usual".
    pub hint: &'static str,
    /// Whether a run that is resumed may have another value than before.
    pub may_change: bool,
    /// Whether the short help shows it.
    pub is_common: bool,
    /// Whether it is on or off.
    pub is_switch: bool,
    /// Other names of the key.
    pub aliases: &'static [&'static str],
    /// Other names of values, and what they mean.
    pub synonyms: &'static [(&'static str, &'static str)],
    /// Values that stand for several settings, each as on a command line.
    pub presets: &'static [(&'static str, Preset)],
    /// The name that a text in another spelling means.
    pub spelled: fn(&str) -> Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) names: fn() -> &'static [&'static str],
    pub(super) default: fn() -> Option<toml::Value>,
    pub(super) parse: fn(&str) -> std::result::Result<toml::Value, String>,
    pub(super) read: fn(&toml::Value) -> ReadValue,
}

/// A value as the config spells it and the numbers in it, or what to write instead.
type ReadValue = std::result::Result<(toml::Value, Vec<f64>), String>;

/// Keys and values, as on a command line.
pub type Preset = &'static [(&'static str, &'static str)];

impl Setting {
    /// A setting of this type of which nothing else is declared.
    pub(crate) const fn new<T: Value>(
        section: &'static str,
        key: &'static str,
        help: &'static str,
        default: fn() -> Option<toml::Value>,
    ) -> Self {
        Self {
            section,
            key,
            value_name: T::NAME,
            unset: "",
            range: Range::Any,
            hint: "",
            may_change: false,
            is_common: false,
            is_switch: T::IS_SWITCH,
            aliases: &[],
            synonyms: &[],
            presets: &[],
            spelled: |_| None,
            help,
            names: T::names,
            default,
            parse: T::parse,
            read: |value| {
                let read = T::read(value)?;
                Ok((read.write().unwrap_or_else(|| value.clone()), read.numbers()))
            },
        }
    }

    /// Its flag, without the dashes in front.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// What it is, in a sentence.
    pub fn help(&self) -> &'static str {
        self.help.trim()
    }

    /// What it comes to where nothing is given, as text; nothing where it is then simply not there.
    pub fn default_text(&self) -> String {
        match (self.default)() {
            Some(toml::Value::String(text)) if text.is_empty() => "none".into(),
            Some(toml::Value::String(text)) => text,
            Some(value) => shown(&value),
            None => self.unset.into(),
        }
    }

    /// The names to choose from, where it is a choice.
    pub fn names(&self) -> &'static [&'static str] {
        (self.names)()
    }

    /// The value of a text on a command line.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(&self, text: &str) -> std::result::Result<toml::Value, String> {
        (self.parse)(text)
    }

    /// A value of a file or flag, as the config spells it.
    pub(crate) fn read(&self, value: &toml::Value) -> Result<toml::Value> {
        let meant = value.as_str().and_then(|text| {
            let synonym = self.synonyms.iter().find(|(name, _)| *name == text).map(|(_, meant)| *meant);
            synonym.or_else(|| (self.spelled)(text))
        });
        let value = meant.map_or_else(|| value.clone(), toml::Value::from);
        match (self.read)(&value) {
            Ok((value, _)) => Ok(value),
            Err(hint) => Err(self.refused(&value, &hint)),
        }
    }

    /// Refuses a value that no run can mean.
    pub(crate) fn check(&self, value: &toml::Value) -> Result<()> {
        let numbers = (self.read)(value).map_err(|hint| self.refused(value, &hint))?.1;
        if numbers.iter().all(|&number| self.range.contains(number)) {
            return Ok(());
        }
        let hint = format!("use {}{}{}", self.range, if self.hint.is_empty() { "" } else { "; " }, self.hint);
        Err(self.refused(value, &hint))
    }

    fn refused(&self, value: &toml::Value, hint: &str) -> Error {
        Error::config(format!("`{}` is {}", self.key, shown(value)), hint)
    }
}

/// Which numbers make sense.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// All, or there are none.
    Any,
    /// From one bound to the other.
    Between(Bound<f64>, Bound<f64>),
    /// These.
    OneOf(&'static [u64]),
}

impl Range {
    /// Whole numbers from `least` to `most`.
    pub const fn whole(least: u64, most: u64) -> Self {
        Self::Between(Bound::Included(least as f64), Bound::Included(most as f64))
    }

    /// Finite numbers that are `least` or more.
    pub const fn at_least(least: f64) -> Self {
        Self::Between(Bound::Included(least), Bound::Excluded(f64::INFINITY))
    }

    /// Finite numbers above a limit.
    pub const fn above(limit: f64) -> Self {
        Self::Between(Bound::Excluded(limit), Bound::Excluded(f64::INFINITY))
    }

    /// From `least` to `most`, both included.
    pub const fn to(least: f64, most: f64) -> Self {
        Self::Between(Bound::Included(least), Bound::Included(most))
    }

    /// From `least` up to a limit.
    pub const fn below(least: f64, limit: f64) -> Self {
        Self::Between(Bound::Included(least), Bound::Excluded(limit))
    }

    /// Whether a number is one of them; NaN is none.
    pub fn contains(&self, number: f64) -> bool {
        match self {
            Self::Any => true,
            Self::Between(least, most) => (*least, *most).contains(&number),
            Self::OneOf(numbers) => numbers.iter().any(|&known| known as f64 == number),
        }
    }
}

/// "0 or more, and less than 1", after "use".
impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use Bound::{Excluded, Included, Unbounded};
        match *self {
            Self::Any => f.write_str("any"),
            Self::Between(Included(least), Included(most)) => write!(f, "{least} to {most}"),
            Self::Between(Included(least), Excluded(f64::INFINITY)) => write!(f, "{least} or more"),
            Self::Between(Excluded(limit), Excluded(f64::INFINITY)) => write!(f, "a number above {limit}"),
            Self::Between(Included(least), Excluded(most)) => write!(f, "{least} or more, less than {most}"),
            Self::Between(Excluded(_) | Unbounded, _) | Self::Between(_, Unbounded) => {
                f.write_str("a number")
            }
            Self::OneOf(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                f.write_str(&numbers.join(" or "))
            }
        }
    }
}

/// The settings of one section, as the table sees them.
pub(crate) trait Section {
    /// What is declared.
    fn settings(&self) -> &'static [Setting];
    /// Gives the setting of this key a value.
    fn set(&mut self, key: &str, value: &toml::Value) -> std::result::Result<(), String>;
    /// Keys and values of all that have one.
    fn values(&self) -> Vec<(&'static str, toml::Value)>;
}

/// Declares a section: the struct with its defaults, and the table that all else follows from. Of a setting
/// stand there its help, key, type and default, and those of [`Setting`]'s fields that are not as usual.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $Section:ident = $name:literal {
            $(
                $(#[doc = $help:literal])+
                $key:ident: $Type:ty = $default:expr $(, $field:ident = $value:expr)*;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Section {
            $($(#[doc = $help])+ pub $key: $Type,)+
        }

        impl Default for $Section {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $Section {
            /// What is declared.
            pub(crate) const SETTINGS: &'static [$crate::config::Setting] = &[$(
                $crate::config::Setting {
                    $($field: $value,)*
                    ..$crate::config::Setting::new::<$Type>(
                        $name,
                        stringify!($key),
                        concat!($($help),+),
                        || {
                            let default: $Type = $default;
                            $crate::config::value::Value::write(&default)
                        },
                    )
                },
            )+];
        }

        impl $crate::config::setting::Section for $Section {
            fn settings(&self) -> &'static [$crate::config::Setting] {
                Self::SETTINGS
            }

            fn set(&mut self, key: &str, value: &toml::Value) -> Result<(), String> {
                match key {
                    $(stringify!($key) => self.$key = $crate::config::value::Value::read(value)?,)+
                    _ => return Err(format!("[{}] has no `{key}`", $name)),
                }
                Ok(())
            }

            fn values(&self) -> Vec<(&'static str, toml::Value)> {
                let all = [$((stringify!($key), $crate::config::value::Value::write(&self.$key)),)+];
                all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
            }
        }

        impl serde::Serialize for $Section {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map($crate::config::setting::Section::values(self))
            }
        }
    };
}
pub(crate) use section;
