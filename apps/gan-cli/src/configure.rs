//! From flags, recipes and config files to the settings of a run.

use crate::args::{ImageSettings, Settings, TrainFlags};
use crate::failure::Failure;
use crate::recipes;
use gan_train::TrainConfig;
use serde::Serialize;
use std::path::Path;

/// The recipe or config file, overridden by the flags, with all that was left open filled in.
pub fn for_training(flags: &TrainFlags) -> Result<TrainConfig, Failure> {
    let mut settings = match (&flags.recipe, &flags.config) {
        (Some(name), _) => parse(recipes::find(name)?, name)?,
        (None, Some(path)) => parse(&read(path)?, &path.display().to_string())?,
        (None, None) => match flags.settings.default_recipe() {
            Some((name, text)) => parse(text, name)?,
            None => toml::Table::new(),
        },
    };
    // What a recipe says of labels is not meant for a loss that has none.
    if flags.config.is_none() && flags.settings.names_a_loss_without_targets() {
        for key in ["label_smoothing", "label_smoothing_fake", "label_noise"] {
            settings.remove(key);
        }
    }
    override_with(&mut settings, &flags.settings)?;
    resolve(settings)
}

/// The config file of a run, overridden by the flags.
pub fn for_resuming(config: &Path, flags: &Settings) -> Result<TrainConfig, Failure> {
    let mut settings = parse(&read(config)?, &config.display().to_string())?;
    override_with(&mut settings, flags)?;
    resolve(settings)
}

fn override_with(settings: &mut toml::Table, flags: &Settings) -> Result<(), Failure> {
    let overrides = as_table(flags)?;
    // Whichever of the two lengths a flag gives replaces both.
    if overrides.contains_key("steps") || overrides.contains_key("epochs") {
        settings.remove("steps");
        settings.remove("epochs");
    }
    settings.extend(overrides);
    Ok(())
}

/// What looking at a data set takes of a config.
pub fn for_data(source: &str, images: &ImageSettings) -> Result<TrainConfig, Failure> {
    let mut settings = as_table(images)?;
    settings.insert("dataset".into(), source.into());
    resolve(settings)
}

/// The flags of `gan train` for these images.
pub fn as_flags(source: &str, images: &ImageSettings) -> String {
    let mut flags = format!("--dataset {}", quoted(source));
    for (key, value) in as_table(images).unwrap_or_default() {
        let value = value.as_str().map_or_else(|| value.to_string(), quoted);
        flags += &format!(" --{} {value}", key.replace('_', "-"));
    }
    flags
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,@+=".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn resolve(settings: toml::Table) -> Result<TrainConfig, Failure> {
    let config: TrainConfig = settings.try_into().map_err(|error: toml::de::Error| {
        Failure::usage(error.message(), "see `gan train --help` for the settings")
    })?;
    Ok(config.resolve()?)
}

fn parse(text: &str, name: &str) -> Result<toml::Table, Failure> {
    let complain = |error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        Failure::usage(
            format!("{name}, line {line}: {message}"),
            "correct the config; each setting is a flag of `gan train --help`",
        )
    };
    TrainConfig::from_toml(text).map_err(complain)?; // here a wrong key or value still has its line
    text.parse().map_err(complain)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("cannot read the config {}: {error}", path.display()),
            "give a TOML file, such as the config.toml of a run folder",
        )
    })
}

fn as_table(settings: &impl Serialize) -> Result<toml::Table, Failure> {
    toml::Table::try_from(settings).map_err(|error| Failure::usage(error, "see `gan train --help`"))
}
