//! The settings of a run as flags, made from the table of all settings: one flag a key of the config file.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use gan_train::PartialConfig;
use gan_train::config::{Setting, settings};

/// The settings that flags give: they override those of the recipe or config.
#[derive(Clone, Debug, Default)]
pub struct Settings(PartialConfig);

/// Which images, and what is done to them: the settings that training has in common with looking at data.
#[derive(Clone, Debug, Default)]
pub struct ImageSettings(PartialConfig);

impl Settings {
    /// What they give.
    pub fn given(&self) -> &PartialConfig {
        &self.0
    }
}

impl ImageSettings {
    /// What they give.
    pub fn given(&self) -> &PartialConfig {
        &self.0
    }
}

/// Settings of `[data]` that are the command's own there.
const NOT_OF_IMAGES: [&str; 3] = ["dataset", "batch_size", "drop_last"];

fn is_of_images(setting: &Setting) -> bool {
    match setting.section {
        "data" => !NOT_OF_IMAGES.contains(&setting.key),
        _ => ["workers", "cache"].contains(&setting.key),
    }
}

/// The flags of these settings.
fn add(command: Command, which: fn(&Setting) -> bool) -> Command {
    settings().filter(|setting| which(setting)).fold(command, |command, setting| command.arg(flag(setting)))
}

/// What flags give of these settings.
fn read(matches: &ArgMatches, which: fn(&Setting) -> bool) -> Result<PartialConfig, Error> {
    let mut given = PartialConfig::default();
    for setting in settings().filter(|setting| which(setting)) {
        if let Some(value) = matches.get_one::<toml::Value>(setting.key) {
            let refused = |error: gan_train::Error| {
                Error::raw(clap::error::ErrorKind::InvalidValue, format!("{error}: {}\n", error.hint()))
            };
            given.set(setting.key, value.clone()).map_err(refused)?;
        }
    }
    Ok(given)
}

/// The flag of a setting.
fn flag(setting: &'static Setting) -> Arg {
    let default = match setting.default_text() {
        default if default.is_empty() => String::new(),
        default => format!(" [default: {default}]"),
    };
    let arg = Arg::new(setting.key)
        .long(setting.flag())
        .aliases(setting.aliases.iter().map(|alias| alias.replace('_', "-")))
        .value_name(setting.value_name)
        .value_parser(parser(setting))
        .help(format!("{}{default}", setting.help()))
        .help_heading(heading(setting.section))
        .hide_short_help(!setting.is_common)
        .action(ArgAction::Set);
    if setting.is_switch { arg.num_args(0..=1).default_missing_value("true") } else { arg }
}

/// A name to choose, or whatever the type of the setting takes.
fn parser(setting: &'static Setting) -> ValueParser {
    if setting.names().is_empty() {
        return ValueParser::new(|text: &str| setting.parse(text));
    }
    let names = setting.names().iter().map(|name| {
        let synonyms = setting.synonyms.iter().filter(|(_, meant)| meant == name);
        PossibleValue::new(*name).aliases(synonyms.map(|(synonym, _)| *synonym))
    });
    let presets = setting.presets.iter().map(|(name, _)| PossibleValue::new(*name));
    PossibleValuesParser::new(names.chain(presets)).map(toml::Value::String).into()
}

/// `discriminator_input` as a title.
fn heading(section: &str) -> String {
    let words = section.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        add(command, |_| true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        read(matches, |_| true).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for ImageSettings {
    fn augment_args(command: Command) -> Command {
        add(command, is_of_images)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ImageSettings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        read(matches, is_of_images).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Gan;
    use clap::CommandFactory;

    /// The help of a command, as a terminal of 100 columns shows it.
    fn help(command: &str, long: bool) -> String {
        let gan = Gan::command().term_width(100);
        let mut gan = gan;
        gan.build();
        let command = gan.find_subcommand_mut(command).unwrap();
        if long { command.render_long_help() } else { command.render_help() }.to_string()
    }

    #[test]
    fn every_setting_has_one_flag_that_is_called_as_its_key_and_shows_its_default() {
        let gan = Gan::command();
        let train = gan.find_subcommand("train").unwrap();
        for setting in settings() {
            let flags: Vec<_> =
                train.get_arguments().filter(|arg| arg.get_long() == Some(setting.flag().as_str())).collect();
            assert_eq!(flags.len(), 1, "--{}", setting.flag());
            let shown = flags[0].get_help().unwrap().to_string();
            let default = setting.default_text();
            assert_eq!(shown.contains("[default: "), !default.is_empty(), "{shown}");
            assert!(shown.contains(&default), "{shown}");
        }
    }

    #[test]
    fn the_help_is_in_groups_and_fits_the_terminal() {
        let help = help("train", true);
        for title in [
            "Data:",
            "Model:",
            "Objective:",
            "Optimizers:",
            "Discriminator input:",
            "Evaluation:",
            "Run:",
            "Machine:",
        ] {
            assert!(help.lines().any(|line| line == title), "{title} in\n{help}");
        }
        let long: Vec<&str> = help.lines().filter(|line| line.chars().count() > 100).collect();
        assert_eq!(long, [""; 0]);
        assert!(help.contains("--discriminator") || help.contains("--instance-noise"));
    }

    #[test]
    fn the_short_help_shows_what_is_used_most() {
        for command in ["train", "resume"] {
            let help = help(command, false);
            let flags = help.lines().filter(|line| {
                let flag = line.trim_start();
                flag.starts_with("--") || flag.starts_with("-h") || flag.starts_with("-V")
            });
            let count = flags.count();
            assert!((10..=20).contains(&count), "{count} in\n{help}");
            for flag in ["--dataset", "--image-size", "--steps", "--lr ", "--seed", "--device"] {
                assert!(help.contains(flag), "{flag} in\n{help}");
            }
        }
    }

    #[test]
    fn other_names_of_flags_and_values_mean_the_same() {
        let given = |flags: &str| {
            let words = ["gan", "train"].into_iter().chain(flags.split_whitespace());
            let matches = Gan::command().try_get_matches_from(words).unwrap();
            read(matches.subcommand_matches("train").unwrap(), |_| true).unwrap()
        };
        for (one, other) in [
            ("--ngf 8", "--base-width 8"),
            ("--ndf 8", "--base-width 8"),
            ("--nz 8", "--latent-dim 8"),
            ("--learning-rate 0.1", "--lr 0.1"),
            ("--d-lr 0.1", "--lr-d 0.1"),
            ("--save-every 7", "--checkpoint-every 7"),
            ("--loss bce", "--loss non-saturating"),
            ("--dataset CIFAR10", "--dataset cifar10"),
            ("--dataset cifar-10", "--dataset cifar10"),
            ("--dataset MNIST", "--dataset mnist"),
            ("--flip", "--flip true"),
        ] {
            assert_eq!(given(one), given(other), "{one}");
        }
    }

    #[test]
    fn a_misspelt_flag_or_name_gets_the_nearest() {
        let said = |flags: &[&str]| {
            let words = ["gan", "train"].iter().chain(flags);
            Gan::command().try_get_matches_from(words).unwrap_err().to_string()
        };
        assert!(said(&["--base-widht", "8"]).contains("--base-width"));
        assert!(said(&["--loss", "wasserstien"]).contains("'wasserstein'"));
    }
}
