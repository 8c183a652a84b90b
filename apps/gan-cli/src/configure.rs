//! From flags, recipes and config files to the settings of a run.

use crate::args::{ImageSettings, Settings, TrainFlags};
use crate::failure::Failure;
use crate::recipes;
use gan_models::files::{Links, read_regular};
use gan_train::TrainConfig;
use serde::Serialize;
use std::path::Path;

/// The longest config file.
const MOST_BYTES: u64 = 1 << 20;

/// The recipe or config file, overridden by the flags, with all that was left open filled in; and what is to
/// be said of the recipe.
pub fn for_training(flags: &TrainFlags) -> Result<(TrainConfig, Option<String>), Failure> {
    let recipe = match (&flags.recipe, &flags.config) {
        (Some(name), _) => Some((name.as_str(), recipes::find(name)?)),
        (None, Some(_)) => None,
        (None, None) => flags.settings.default_recipe(),
    };
    let mut settings = match (recipe, &flags.config) {
        (Some((name, text)), _) => parse(text, name)?,
        (None, Some(path)) => {
            let mut settings = parse(&read(path)?, &path.display().to_string())?;
            if path.with_file_name("checkpoints").is_dir() {
                complete(&mut settings)?; // that of a run
            }
            settings
        }
        (None, None) => toml::Table::new(),
    };
    let of_recipe = settings.clone();
    // What a recipe says of labels is not meant for a loss that has none.
    if flags.config.is_none() && flags.settings.names_a_loss_without_targets() {
        for key in ["label_smoothing", "label_smoothing_fake", "label_noise"] {
            settings.remove(key);
        }
    }
    let left_out: Vec<&str> =
        of_recipe.keys().filter(|key| !settings.contains_key(*key)).map(String::as_str).collect();
    let said = match (recipe, &flags.config) {
        (Some((name, _)), _) => Some(about_recipe(name, &of_recipe, &left_out, &as_table(&flags.settings)?)?),
        (None, None) => flags.settings.recipe_of_other_networks().map(|name| {
            format!("none: {name} is not for these networks, so all that no flag names is the default")
        }),
        (None, Some(_)) => None,
    };
    override_with(&mut settings, &flags.settings)?;
    Ok((resolve(settings)?.with_absolute_paths(), said))
}

/// What a recipe sets that is not the default anyway, and what of it does not count.
fn about_recipe(
    name: &str,
    recipe: &toml::Table,
    left_out: &[&str],
    flags: &toml::Table,
) -> Result<String, Failure> {
    let defaults = as_table(&TrainConfig::default())?;
    let list = |settings: Vec<String>, before: &str| match settings.is_empty() {
        true => String::new(),
        false => format!("{before}{}", settings.join(", ")),
    };
    let sets = recipe.iter().filter(|(key, value)| *key != "dataset" && defaults.get(*key) != Some(value));
    let sets = sets.map(|(key, value)| format!("{key} = {value}")).collect();
    let instead = |key: &str| match key {
        // Either length replaces the other.
        "steps" | "epochs" => flags.get_key_value("steps").or_else(|| flags.get_key_value("epochs")),
        _ => flags.get_key_value(key),
    };
    let overridden = recipe.iter().filter_map(|(key, value)| {
        let (flag, new) = instead(key)?;
        (flag != key || new != value).then(|| format!("{flag} = {new} in place of {key} = {value}"))
    });
    let left_out = left_out.iter().map(|key| format!("{key} = {}", recipe[*key])).collect();
    Ok(format!(
        "{name}{}{}{}",
        list(sets, ", which sets "),
        list(overridden.collect(), "\n         but by flags "),
        list(left_out, "\n         without its labels, which this loss has no use for: "),
    ))
}

/// The config file of a run, overridden by the flags.
pub fn for_resuming(config: &Path, flags: &Settings) -> Result<TrainConfig, Failure> {
    let mut settings = parse(&read(config)?, &config.display().to_string())?;
    complete(&mut settings)?;
    override_with(&mut settings, flags)?;
    Ok(resolve(settings)?.with_absolute_paths())
}

/// Fills in what the config of an old run does not say.
fn complete(settings: &mut toml::Table) -> Result<(), Failure> {
    let config: TrainConfig = settings.clone().try_into().map_err(|error: toml::de::Error| {
        Failure::usage(error.message(), "see `gan train --help` for the settings")
    })?;
    *settings = as_table(&config.of_run())?;
    Ok(())
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
pub fn quoted(text: &str) -> String {
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
    let bytes = read_regular(path, MOST_BYTES, Links::Follow);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
    text.map_err(|error| {
        Failure::usage(
            format!("cannot read the config {}: {error}", path.display()),
            "give a TOML file, such as the config.toml of a run folder",
        )
    })
}

fn as_table(settings: &impl Serialize) -> Result<toml::Table, Failure> {
    toml::Table::try_from(settings).map_err(|error| Failure::usage(error, "see `gan train --help`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, Gan};
    use clap::Parser;

    /// What is said of the recipe that these flags of `gan train` start from.
    fn said(flags: &str) -> Option<String> {
        let arguments = ["gan", "train"].into_iter().chain(flags.split_whitespace());
        match Gan::try_parse_from(arguments).unwrap().command {
            Command::Train(flags) => for_training(&flags).unwrap().1,
            _ => panic!("another command"),
        }
    }

    #[test]
    fn the_recipe_and_what_it_changes_are_said() {
        let digits = "digits, which sets ema = 0.995, label_smoothing = 0.1, lr = 0.0004, steps = 2500";
        assert_eq!(said("").as_deref(), Some(digits));
        assert_eq!(said("--recipe digits --steps 2500"), said(""), "a flag that changes nothing");
        let shorter = format!("{digits}\n         but by flags steps = 5 in place of steps = 2500");
        assert_eq!(said("--steps 5"), Some(shorter));
        let by_epochs = format!(
            "{digits}\n         but by flags lr = 0.1 in place of lr = 0.0004, \
             epochs = 2 in place of steps = 2500"
        );
        assert_eq!(said("--epochs 2 --lr 0.1"), Some(by_epochs));
        let hinge = said("--loss hinge").unwrap();
        assert!(hinge.contains("loss = \"hinge\" in place of loss = \"non-saturating\""), "{hinge}");
        assert!(hinge.ends_with("has no use for: label_smoothing = 0.1"), "{hinge}");
    }

    #[test]
    fn that_no_recipe_is_for_these_networks_is_said() {
        let none = "none: digits is not for these networks, so all that no flag names is the default";
        assert_eq!(said("--model sngan").as_deref(), Some(none));
        assert_eq!(said("--dataset cifar10"), None, "it has none anyway");
    }

    #[test]
    fn a_config_starts_from_no_recipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.toml");
        std::fs::write(&path, "lr = 1e-3").unwrap();
        assert_eq!(said(&format!("--config {}", path.display())), None);
    }
}
