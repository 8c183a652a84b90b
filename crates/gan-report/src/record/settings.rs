//! `config.toml`, flat: section, key and value.

use super::RunRecord;
use crate::files;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use toml::{Table, Value};

/// The most settings that are read.
const MOST: usize = 5000;

/// A setting of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its section, such as `data`; empty outside of sections.
    pub section: String,
    /// Its key.
    pub key: String,
    /// Its value as TOML has it; text without quotes.
    pub value: String,
}

impl Setting {
    /// Section and key, such as `data.batch_size`.
    pub fn full_name(&self) -> String {
        if self.section.is_empty() { self.key.clone() } else { format!("{}.{}", self.section, self.key) }
    }
}

/// Reads `config.toml`.
pub(super) fn read(folder: &Path, damage: &mut Vec<String>) -> Vec<Setting> {
    let read = files::read_if_there(&folder.join("config.toml"), files::MOST_OF_FACTS);
    let parsed = read.map_err(|error| error.to_string()).and_then(|bytes| {
        let text = String::from_utf8(bytes.unwrap_or_default()).map_err(|error| error.to_string())?;
        text.parse::<Table>().map_err(|error| error.message().to_owned())
    });
    let mut settings = Vec::new();
    match parsed {
        Ok(table) => flatten("", &table, &mut settings),
        Err(what) => damage.push(format!("config.toml: {what}")),
    }
    if settings.len() > MOST {
        settings.truncate(MOST);
        damage.push(format!("config.toml: more than {MOST} settings; the others are left out"));
    }
    settings
}

/// The settings of a section, and then those of the sections in it.
fn flatten(section: &str, table: &Table, settings: &mut Vec<Setting>) {
    for (key, value) in table {
        let value = match value {
            Value::Table(_) => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        settings.push(Setting { section: section.to_owned(), key: key.clone(), value });
    }
    for (key, value) in table {
        if let Value::Table(inner) = value {
            let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
            flatten(&name, inner, settings);
        }
    }
}

/// The settings in which runs differ, each with its value in every run. A setting that a run lacks is a dash
/// there.
///
/// A setting is known by its key, whatever section it stands in, so that runs of different versions can be
/// compared; where a run has a key in two sections, by both.
pub(crate) fn differing(runs: &[&RunRecord]) -> Vec<(String, Vec<String>)> {
    let repeated = repeated_keys(runs);
    let mut rows: Vec<(String, Vec<Option<&str>>)> = Vec::new();
    let mut places = HashMap::new();
    for (column, run) in runs.iter().enumerate() {
        for setting in &run.settings {
            let section = if repeated.contains(setting.key.as_str()) { setting.section.as_str() } else { "" };
            let place = *places.entry((section, &setting.key)).or_insert(rows.len());
            let name = setting.full_name();
            if place == rows.len() {
                rows.push((name, vec![None; runs.len()]));
            } else if rows[place].0.len() < name.len() {
                rows[place].0 = name;
            }
            rows[place].1[column] = Some(&setting.value);
        }
    }
    rows.retain(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]));
    let or_dash = |value: Option<&str>| value.unwrap_or("–").to_owned();
    rows.into_iter().map(|(name, values)| (name, values.into_iter().map(or_dash).collect())).collect()
}

/// The keys that a run has in more than one section.
fn repeated_keys<'a>(runs: &[&'a RunRecord]) -> HashSet<&'a str> {
    let mut repeated = HashSet::new();
    for run in runs {
        let mut seen = HashSet::new();
        let keys = run.settings.iter().map(|setting| setting.key.as_str());
        repeated.extend(keys.filter(|key| !seen.insert(*key)));
    }
    repeated
}
