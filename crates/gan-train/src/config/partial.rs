//! Some settings, as a file or a command line gives them.

use super::nearest::nearest;
use super::setting::Setting;
use super::value::shown;
use super::{NO_RECIPE, TrainConfig, sections, settings};
use crate::error::{Error, Result};
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use toml::de::{DeString, DeTable, DeValue};
use toml::{Spanned, Value};

/// The key of the recipe, which stands in no section.
const RECIPE: &str = "recipe";
/// Settings that the config of every run has said, since the first there were: nobody writes all of them by
/// hand.
const OF_A_RUN: [&str; 5] = ["device", "seed", "log_every", "latent_dim", "beta2"];

/// Some settings by key: what it does not name is as another says, or as usual.
///
/// A file has them in sections, `[optimizers]`, or all at the top, as files had them before there were
/// sections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartialConfig {
    recipe: Option<String>,
    values: BTreeMap<&'static str, Value>,
    /// What follows from a preset, unless it is given.
    implied: BTreeMap<&'static str, Value>,
    /// Whether some stand at the top of the file.
    is_flat: bool,
}

impl PartialConfig {
    /// Reads a config file's text.
    ///
    /// # Errors
    /// For an unknown key, a value that cannot be or one out of range; with the line.
    pub fn from_toml(text: &str) -> Result<Self> {
        let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
        let broken = |error: toml::de::Error| {
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            let at = error.span().map_or(0, |span| span.start);
            Error::config(message, "write KEY = VALUE, with texts in quotes").at_line(line(at))
        };
        let mut partial = Self::default();
        for (name, value) in in_order(DeTable::parse(text).map_err(broken)?.into_inner()) {
            let at = name.span().start;
            let name = name.into_inner();
            if !value.get_ref().is_table()
                || settings().any(|setting| setting.key == name && !is_section(&name))
            {
                let value = plain(value).map_err(broken)?;
                partial.enter(None, &name, value).map_err(|error| error.at_line(line(at)))?;
                continue;
            }
            expect_section(&name).map_err(|error| error.at_line(line(at)))?;
            let DeValue::Table(entries) = value.into_inner() else { continue };
            for (key, value) in in_order(entries) {
                let at = key.span().start;
                let value = plain(value).map_err(broken)?;
                let entered = partial.enter(Some(&name), &key.into_inner(), value);
                entered.map_err(|error| error.at_line(line(at)))?;
            }
        }
        Ok(partial)
    }

    /// All settings of a config that have a value.
    pub fn of(config: &TrainConfig) -> Self {
        let values = config.values().map(|(setting, value)| (setting.key, value)).collect();
        Self { recipe: Some(config.recipe.clone()), values, ..Self::default() }
    }

    /// Takes in one entry of a file, and refuses it where it cannot be.
    fn enter(&mut self, section: Option<&str>, key: &str, value: Value) -> Result<()> {
        if section.is_none() && key == RECIPE {
            let name = value.as_str().ok_or_else(|| {
                Error::config(format!("`recipe` is {}", shown(&value)), "name one, in quotes, or \"none\"")
            })?;
            self.recipe = Some(name.to_owned());
            return Ok(());
        }
        let setting = find(key)?;
        if let Some(section) = section.filter(|section| *section != setting.section) {
            let what = format!("`{key}` stands in [{section}]");
            return Err(Error::config(what, format!("write it below [{}]", setting.section)));
        }
        if self.contains(setting.key) {
            let what = format!("`{key}` is given twice");
            return Err(Error::config(what, format!("leave one of them out; its name is `{}`", setting.key)));
        }
        self.is_flat |= section.is_none();
        let within = |error: Error| match error {
            Error::Config { what, hint } => {
                let name = format!("`{}`", setting.key);
                let what = what.replacen(&name, &format!("{name} in [{}]", setting.section), 1);
                Error::Config { what, hint }
            }
            other => other,
        };
        self.insert(setting, value).map_err(within)?;
        self.values.get(setting.key).map_or(Ok(()), |value| setting.check(value)).map_err(within)
    }

    fn insert(&mut self, setting: &'static Setting, value: Value) -> Result<()> {
        let named = value.as_str().and_then(|text| setting.presets.iter().find(|(name, _)| *name == text));
        let Some((_, preset)) = named else {
            self.values.insert(setting.key, setting.read(&value)?);
            return Ok(());
        };
        for (key, text) in *preset {
            let of = find(key)?;
            let value = of.parse(text).and_then(|value| of.read(&value).map_err(|error| error.to_string()));
            let value = value.map_err(|hint| Error::config(format!("`{key}` is {text}"), hint))?;
            if of.key == setting.key {
                self.values.insert(of.key, value);
            } else {
                self.implied.insert(of.key, value);
            }
        }
        Ok(())
    }

    /// Gives a setting a value.
    ///
    /// # Errors
    /// If there is no such key, or it cannot have this value.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        self.insert(find(key)?, value.into())
    }

    /// Whether this setting is given.
    pub fn contains(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The value of this setting, if it is given.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The same of a text or a name.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Leaves a setting to what is usual.
    pub fn remove(&mut self, key: &str) {
        self.values.remove(key);
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(key, value)| (*key, value))
    }

    /// The recipe that it begins from, `none` for the defaults; nothing if it does not say.
    pub fn recipe(&self) -> Option<&str> {
        self.recipe.as_deref()
    }

    /// The same, whatever recipe it is to begin from: that has been put below it.
    pub fn without_recipe(self) -> Self {
        Self { recipe: None, ..self }
    }

    /// Whether it is the config of a run from before there were sections, which says all that the run was to
    /// do.
    pub fn is_of_an_old_run(&self) -> bool {
        self.is_flat && OF_A_RUN.iter().all(|key| self.contains(key))
    }

    /// Takes over all that another gives. Of two lengths of a run one replaces the other, and the decays of
    /// another optimizer do not count.
    pub fn override_with(&mut self, other: Self) {
        if other.contains("steps") || other.contains("epochs") {
            self.remove("steps");
            self.remove("epochs");
        }
        let before = self.text("optimizer").unwrap_or("adam");
        if other.text("optimizer").is_some_and(|optimizer| optimizer != before) {
            self.remove("beta1");
            self.remove("beta2");
        }
        if other.contains("loss") {
            self.implied.clear();
        }
        self.values.extend(other.values);
        self.implied.extend(other.implied);
        self.recipe = other.recipe.or(self.recipe.take());
    }

    /// Gives all that a preset stands for and nobody has given; says what that is.
    pub fn settle(&mut self) -> Vec<(&'static str, Value)> {
        let mut set = Vec::new();
        for (key, value) in std::mem::take(&mut self.implied) {
            if !self.contains(key) {
                self.values.insert(key, value.clone());
                set.push((key, value));
            }
        }
        set
    }

    /// Refuses values that no run can mean.
    ///
    /// # Errors
    /// With the key and what to write instead.
    pub fn check(&self) -> Result<()> {
        self.values.iter().try_for_each(|(key, value)| find(key)?.check(value))
    }

    /// The config that it comes to on the defaults.
    ///
    /// # Errors
    /// If a value cannot be.
    pub fn into_config(mut self) -> Result<TrainConfig> {
        self.settle();
        let mut config = TrainConfig::default();
        for (key, value) in &self.values {
            config.set(find(key)?, value)?;
        }
        config.recipe = self.recipe.unwrap_or_else(|| NO_RECIPE.into());
        Ok(config)
    }
}

/// The setting of this key, or of another name of it.
fn find(key: &str) -> Result<&'static Setting> {
    known(key).ok_or_else(|| {
        let names = settings().flat_map(|setting| setting.aliases.iter().copied().chain([setting.key]));
        let hint = match nearest(key, names.chain([RECIPE])) {
            Some(name) => format!("did you mean `{}`?", known(name).map_or(name, |setting| setting.key)),
            None => "docs/settings.md has the settings, and `gan train --help` has each as a flag".into(),
        };
        Error::config(format!("there is no setting `{key}`"), hint)
    })
}

fn known(key: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.key == key || setting.aliases.contains(&key))
}

fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

fn expect_section(name: &str) -> Result<()> {
    if is_section(name) {
        return Ok(());
    }
    let hint = match nearest(name, sections()) {
        Some(meant) => format!("did you mean [{meant}]?"),
        None => format!("the sections are {}", sections().collect::<Vec<_>>().join(", ")),
    };
    Err(Error::config(format!("there is no section [{name}]"), hint))
}

/// The entries of a table, the first one in the file first.
fn in_order<'a>(table: DeTable<'a>) -> Vec<(Spanned<DeString<'a>>, Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// A value without its place.
fn plain(value: Spanned<DeValue<'_>>) -> std::result::Result<Value, toml::de::Error> {
    Value::deserialize(value.into_deserializer())
}

/// What stands at the top of a config in any form.
#[derive(Deserialize)]
#[serde(untagged)]
enum Node {
    Section(BTreeMap<String, Option<Value>>),
    Plain(Option<Value>),
}

/// From either form, as files and the records of checkpoints have them; what is null is not given.
impl<'de> Deserialize<'de> for PartialConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error as _;
        let mut partial = Self::default();
        for (name, node) in BTreeMap::<String, Node>::deserialize(deserializer)? {
            let (section, entries) = match node {
                Node::Section(entries) => {
                    expect_section(&name).map_err(D::Error::custom)?;
                    (Some(name.as_str()), entries)
                }
                Node::Plain(value) => (None, BTreeMap::from([(name.clone(), value)])),
            };
            for (key, value) in entries {
                match value {
                    Some(value) => partial.enter(section, &key, value).map_err(D::Error::custom)?,
                    None => {
                        find(&key).map_err(D::Error::custom)?;
                    }
                }
            }
        }
        Ok(partial)
    }
}
